package main

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
)

func TestMemoryIsReturnedWhenThingsAreQuiet(t *testing.T) {
	const much = memoryRest + 1
	steps := []struct {
		name string
		use  memoryUse
		want bool
	}{
		{"the runtime has collected", memoryUse{7, much}, false},
		{"and again", memoryUse{9, much}, false},
		{"quiet", memoryUse{9, much}, true},
		{"still quiet", memoryUse{9, much}, true},
		{"what is held now is in use", memoryUse{9, much}, false},
		{"the runtime has collected", memoryUse{10, much}, false},
		{"quiet, with little memory", memoryUse{10, memoryRest}, false},
		{"quiet, with much", memoryUse{10, much}, true},
	}
	var k memoryKeeper
	for _, s := range steps {
		if got := k.due(s.use); got != s.want {
			t.Errorf("%s: %v, want %v", s.name, got, s.want)
		}
	}
}

func TestReadMemory(t *testing.T) {
	if m := readMemory(); m.held < 1<<20 || m.held > 16<<30 {
		t.Errorf("%d bytes are held", m.held)
	}
}

// TestMemoryWatchEndsWithTheServer: the watch ends when serve returns, also
// while the context goes on.
func TestMemoryWatchEndsWithTheServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		want := errors.New("done")
		if err := withMemoryReturned(context.Background(), func(context.Context) error { return want }); err != want {
			t.Errorf("withMemoryReturned = %v, want %v", err, want)
		}
	})
}
