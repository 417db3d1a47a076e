// load sends one request over and over, as the API server sends reviews: HTTP/1.1 over TLS with connections kept alive.
//
// Rule: every answer is read to its end and must have the expected status; what fails is counted and said.
// Strategy: four modes. closed: each connection asks again as soon as it has its answer. open: requests are due at a fixed
// rate, and a latency begins when the request was due, so that a stalled server cannot hide who had to wait. burst: all
// connections are opened at once for one request each. idle: a request, a gap, a request on the same connection.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"time"
)

func main() {
	debug.SetGCPercent(800) // a collection here would be a latency there
	var plan plan
	mode := flag.String("mode", "closed", "closed, open, burst or idle")
	gaps := flag.String("gaps", "0", "idle: seconds, by comma; each has a connection of its own")
	target := targetFlags()
	flag.IntVar(&plan.connections, "connections", 8, "at once")
	flag.IntVar(&plan.requests, "requests", 0, "closed: how many, in place of -seconds; burst: how many bursts")
	flag.Float64Var(&plan.seconds, "seconds", 2, "how long")
	flag.Float64Var(&plan.rate, "rate", 300, "open: requests a second")
	flag.Parse()

	if err := target.read(); err != nil {
		fail(err)
	}
	var found result
	switch *mode {
	case "closed":
		found = closed(target, plan)
	case "open":
		found = open(target, plan)
	case "burst":
		found = burst(target, plan)
	case "idle":
		for gap := range strings.SplitSeq(*gaps, ",") {
			seconds, err := strconv.ParseFloat(gap, 64)
			if err != nil {
				fail(err)
			}
			plan.gaps = append(plan.gaps, time.Duration(seconds*float64(time.Second)))
		}
		found = idle(target, plan)
	default:
		fail(fmt.Errorf("-mode %s: accepted: closed, open, burst, idle", *mode))
	}
	if err := json.NewEncoder(os.Stdout).Encode(found); err != nil {
		fail(err)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "load:", err)
	os.Exit(2)
}
