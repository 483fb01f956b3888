package main

import (
	"maps"
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

func TestFeatures(t *testing.T) {
	java, tool := &javadriver.Pool{}, &mqadmin.Tool{}
	chosen, err := choose(options{features: "pop,Timer,transaction", clients: "raw,go"}, java, tool)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]bool{}
	for _, c := range chosen {
		got[c.Feature] = true
	}
	if want := map[string]bool{"POP consumption": true, "timer messages": true, "transactions": true}; !maps.Equal(got, want) {
		t.Errorf("chosen are cases of %v, want %v", got, want)
	}
	for _, words := range []string{"pop,popp", "pop,"} {
		if _, err := choose(options{features: words}, java, tool); err == nil {
			t.Errorf("-feature %s is taken", words)
		}
	}
}
