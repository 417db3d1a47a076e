package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// keptByAPIServer is how long the API server keeps an idle connection to a webhook (SetTransportDefaults of
// k8s.io/apimachinery); after it, the next review opens a new one.
const keptByAPIServer = 90 * time.Second

// idle asks before and after each gap, with the client that the API server uses.
func idle(target *target, plan plan) result {
	type pause struct {
		tally tally
		gap   time.Duration
	}
	done := make(chan pause, len(plan.gaps))
	began := time.Now()
	for _, gap := range plan.gaps {
		go func() {
			found := pause{gap: gap}
			client := client(target, &found.tally.dialled)
			for _, wait := range []time.Duration{0, gap} {
				time.Sleep(wait)
				began := time.Now()
				found.tally.add(target.post(client), began)
			}
			done <- found
		}()
	}
	var all []tally
	var reopened []float64
	for range plan.gaps {
		found := <-done
		all = append(all, found.tally)
		if found.gap < keptByAPIServer && found.tally.dialled > 1 {
			reopened = append(reopened, found.gap.Seconds())
		}
	}
	total := summary(all, time.Since(began))
	total.Reopened = reopened
	return total
}

func client(target *target, dialled *int) *http.Client {
	dialer := &net.Dialer{Timeout: 30 * time.Second, KeepAlive: 30 * time.Second}
	return &http.Client{Transport: &http.Transport{
		TLSClientConfig: target.config.Clone(),
		IdleConnTimeout: keptByAPIServer,
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			*dialled++
			return dialer.DialContext(ctx, network, address)
		},
	}}
}

func (t *target) post(client *http.Client) error {
	request := bytes.Clone(t.request)
	t.stamp(request)
	answer, err := client.Post("https://"+t.address+t.path, "application/json", bytes.NewReader(request[t.body:]))
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if _, err := io.Copy(io.Discard, answer.Body); err != nil {
		return err
	}
	if answer.StatusCode != t.expected {
		return fmt.Errorf("%s", answer.Status)
	}
	return nil
}
