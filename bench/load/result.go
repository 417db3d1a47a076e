package main

import (
	"slices"
	"time"
)

// tally is what one connection saw.
type tally struct {
	latencies []time.Duration
	failed    int
	dialled   int
	failure   string // the last one
}

func (t *tally) add(err error, began time.Time) {
	if err != nil {
		t.failed++
		t.failure = err.Error()
		return
	}
	t.latencies = append(t.latencies, time.Since(began))
}

// result is what is printed; latencies are in microseconds.
type result struct {
	Requests int       `json:"requests"`
	Failed   int       `json:"failed"`
	Failure  string    `json:"failure,omitempty"`
	Dialled  int       `json:"dialled"`
	Seconds  float64   `json:"seconds"`
	Rate     float64   `json:"rate"`
	P50      float64   `json:"p50"`
	P90      float64   `json:"p90"`
	P99      float64   `json:"p99"`
	P999     float64   `json:"p999"`
	Max      float64   `json:"max"`
	Mean     float64   `json:"mean"`
	Reopened []float64 `json:"reopened,omitempty"` // idle: gaps, in seconds, in which the server closed the connection
	tally    tally
}

func summary(tallies []tally, took time.Duration) result {
	var all tally
	for _, one := range tallies {
		all.latencies = append(all.latencies, one.latencies...)
		all.failed += one.failed
		all.dialled += one.dialled
		if one.failure != "" {
			all.failure = one.failure
		}
	}
	slices.Sort(all.latencies)
	at := func(share float64) float64 {
		if len(all.latencies) == 0 {
			return 0
		}
		index := min(int(share*float64(len(all.latencies))), len(all.latencies)-1)
		return float64(all.latencies[index].Nanoseconds()) / 1e3
	}
	var sum time.Duration
	for _, one := range all.latencies {
		sum += one
	}
	seconds := took.Seconds()
	return result{
		Requests: len(all.latencies), Failed: all.failed, Failure: all.failure, Dialled: all.dialled,
		Seconds: seconds, Rate: float64(len(all.latencies)) / seconds,
		P50: at(0.5), P90: at(0.9), P99: at(0.99), P999: at(0.999), Max: at(1),
		Mean:  float64(sum.Nanoseconds()) / 1e3 / float64(max(len(all.latencies), 1)),
		tally: all,
	}
}
