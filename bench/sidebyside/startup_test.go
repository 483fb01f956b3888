package main

import (
	"strings"
	"testing"
	"time"
)

// TestStartupPage: each situation has its medians and its figures.
func TestStartupPage(t *testing.T) {
	r := &startupRun{
		settings: settings{messages: 10_000_000, heap: 2048}, systems: []system{{name: "official"}, {name: "Gantry"}}, load: "0.10",
		figures: make([][2][]time.Duration, len(situations)), size: 13e9, verify: "0 damages",
	}
	for i := range situations {
		r.figures[i] = [2][]time.Duration{{9 * time.Second, 11 * time.Second}, {40 * time.Millisecond, 60 * time.Millisecond}}
	}
	page := r.page()
	for _, want := range []string{
		"| after its own clean stop | 50.0 ms | 10.00 s | 1/200.0 |\n",
		"- after its own clean stop, official: 9.00 s, 11.00 s\n",
		"Medians of 2 rounds.", "10000000 messages", "13.0 GB", "`make bench-startup`", "queue entry and index entry: 0 damages.",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q:\n%s", want, page)
		}
	}
	if strings.Contains(page, "%!") {
		t.Errorf("the page lacks a value:\n%s", page)
	}
}

// TestStartupSteps: a step that is none, and two steps without a place for what lies between them, are refused.
func TestStartupSteps(t *testing.T) {
	binary := t.TempDir()
	for _, s := range []settings{{startup: "some", dir: binary}, {startup: startupFill}, {startup: startupMeasure}} {
		s.gantry = binary
		if err := s.complete(); err == nil || !strings.Contains(err.Error(), "-startup") {
			t.Errorf("%q in %q: %v", s.startup, s.dir, err)
		}
	}
}
