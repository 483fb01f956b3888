package main

import (
	"strings"
	"testing"
	"time"

	"github.com/gantrymq/gantry/bench"
)

// Every budget's row exists, and each can be kept and missed.
func TestBudgets(t *testing.T) {
	for _, slow := range []bool{false, true} {
		c := sample("")
		c.rows = rows
		factor := 1.0
		if slow {
			factor = 1000
		}
		for _, r := range rows {
			ours := made(1e6/factor, 1*factor, nil)
			ours.load.Latency.P99, ours.load.Latency.P999 = 100*factor, 100*factor
			theirs := made(1000, 100, nil)
			theirs.load.Latency.P99, theirs.load.Latency.P999 = 5000, 5000
			c.figures[r.name] = [][2]figure{{theirs, ours}}
		}
		c.limits.SyncsPerSecond, c.limits.WriteCPU = 10_000, 2
		c.slowLimits = bench.Limits{Exchanges: 1000, ServerCPU: 23 * time.Millisecond}
		c.halfLimits = bench.Limits{Latency: &bench.Latency{P50: 70, P99: 3000, P999: 9000}}
		c.lives[1] = []life{{firstAck: time.Duration(factor) * time.Millisecond, stop: 2 * time.Duration(factor) * time.Millisecond, atRest: int64(1e6 * factor), underLoad: int64(1e6 * factor)}}
		var b strings.Builder
		c.writeBudgets(&b)
		want, never := "| kept |", "| missed |"
		if slow {
			want, never = never, want
		}
		if n := strings.Count(b.String(), want); n != len(budgets) || strings.Contains(b.String(), never) {
			t.Errorf("%d of %d budgets are %s:\n%s", n, len(budgets), want, b.String())
		}
		for _, obstacle := range []string{"cost 2.00 µs of", "with nothing done to its bytes, cost 23.0 µs", "fifth of the official 100.0 µs is 20.0 µs", "\ntook 70 µs / 3.0 ms / 9.0 ms"} {
			if !strings.Contains(b.String(), obstacle) {
				t.Errorf("what is in the way is not said, %q:\n%s", obstacle, b.String())
			}
		}
	}
}

// A run of a few rows says nothing of the rest.
func TestBudgetsThatWereNotMeasured(t *testing.T) {
	var b strings.Builder
	(&comparison{}).writeBudgets(&b)
	if strings.Contains(b.String(), "missed") || strings.Contains(b.String(), "kept") {
		t.Errorf("nothing was measured:\n%s", b.String())
	}
}
