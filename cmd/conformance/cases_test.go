package main

import (
	"testing"

	"github.com/gantrymq/gantry/conformance"
	"github.com/gantrymq/gantry/conformance/javadriver"
	"github.com/gantrymq/gantry/conformance/mqadmin"
)

// Every intended difference is shown by a case, and no case shows one that is not listed.
func TestDifferencesAreShown(t *testing.T) {
	all, err := cases(options{}, &javadriver.Pool{}, &mqadmin.Tool{})
	if err != nil {
		t.Fatal(err)
	}
	shown := map[int]bool{}
	for _, c := range all {
		shown[c.Difference] = true
	}
	delete(shown, 0)
	last := 0
	for _, d := range conformance.Differences {
		if d.Number <= last { // what is no difference any more leaves a gap: numbers are never used again
			t.Errorf("difference %d follows difference %d", d.Number, last)
		}
		last = d.Number
		if !shown[d.Number] {
			t.Errorf("no case shows difference %d, %s", d.Number, d.Title)
		}
		delete(shown, d.Number)
	}
	for n := range shown {
		t.Errorf("a case shows difference %d, which is not listed", n)
	}
}
