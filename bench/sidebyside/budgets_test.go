package main

import (
	"strings"
	"testing"
	"time"
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
		if !strings.Contains(b.String(), "cost 2.00 µs of") {
			t.Errorf("what is in the way is not said:\n%s", b.String())
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
