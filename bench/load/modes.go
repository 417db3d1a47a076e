package main

import (
	"sync"
	"sync/atomic"
	"time"
)

type plan struct {
	connections int
	requests    int
	seconds     float64
	rate        float64
	gaps        []time.Duration
}

// each runs a function on every connection at once; each collects for itself, and then it is put together.
func each(target *target, connections int, run func(*connection, *tally)) result {
	tallies := make([]tally, connections)
	began := time.Now()
	var group sync.WaitGroup
	for index := range tallies {
		group.Go(func() {
			connection := target.connection()
			run(connection, &tallies[index])
			tallies[index].dialled = connection.dialled
			connection.close()
		})
	}
	group.Wait()
	return summary(tallies, time.Since(began))
}

func closed(target *target, plan plan) result {
	end := time.Now().Add(time.Duration(plan.seconds * float64(time.Second)))
	var asked atomic.Int64
	more := func() bool {
		if plan.requests > 0 {
			return asked.Add(1) <= int64(plan.requests)
		}
		return time.Now().Before(end)
	}
	return each(target, plan.connections, func(connection *connection, tally *tally) {
		for more() {
			began := time.Now()
			tally.add(connection.ask(), began)
		}
	})
}

// open asks once on each connection before the clock starts: the API server's connections are open as well.
func open(target *target, plan plan) result {
	due := make(chan time.Time, int(plan.rate*plan.seconds)+1)
	var warm sync.WaitGroup
	warm.Add(plan.connections)
	go func() {
		warm.Wait()
		began := time.Now().Add(50 * time.Millisecond)
		for number := range int(plan.rate * plan.seconds) {
			next := began.Add(time.Duration(float64(number) / plan.rate * float64(time.Second)))
			time.Sleep(time.Until(next))
			due <- next
		}
		close(due)
	}()
	return each(target, plan.connections, func(connection *connection, tally *tally) {
		if err := connection.ask(); err != nil {
			tally.add(err, time.Now())
		}
		warm.Done()
		for next := range due {
			tally.add(connection.ask(), next)
		}
	})
}

func burst(target *target, plan plan) result {
	var all []tally
	began := time.Now()
	for range max(plan.requests, 1) {
		found := each(target, plan.connections, func(connection *connection, tally *tally) {
			began := time.Now()
			tally.add(connection.ask(), began)
		})
		all = append(all, found.tally)
	}
	return summary(all, time.Since(began))
}
