package main

import (
	"strings"
	"testing"

	"github.com/gantrymq/gantry/conformance"
)

func TestPage(t *testing.T) {
	got := page([]conformance.Difference{{Number: 7, Title: "time to start", Official: "slow", Gantry: "quick", Why: "why not"}})
	if want := "\n## 7. Time to start\n\n- Official: slow.\n- Gantry: quick.\n- Why: why not.\n"; !strings.HasSuffix(got, want) {
		t.Errorf("the page ends with %q, want %q", got[len(got)-len(want):], want)
	}
}

// Numbers are given once and in order, and nothing is left unsaid.
func TestDifferencesAreComplete(t *testing.T) {
	last := 0
	for _, d := range conformance.Differences {
		if d.Number <= last {
			t.Errorf("number %d follows %d", d.Number, last)
		}
		last = d.Number
		for _, s := range []string{d.Title, d.Official, d.Gantry, d.Why} {
			if s == "" || strings.HasSuffix(s, ".") {
				t.Errorf("difference %d: %q is empty or ends with a full stop of its own", d.Number, s)
			}
		}
	}
}
