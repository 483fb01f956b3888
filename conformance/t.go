package conformance

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"time"
)

// T is what a running case holds: its servers, its context, and the means to fail. Errorf,
// Logf and the naming methods may be used from several goroutines; Fatalf and Skipf only from
// the one that runs the case.
type T struct {
	ctx     context.Context
	c       *Case
	target  *Target
	cluster *Cluster
	run     string  // distinguishes the names of this run from those of others
	factor  float64 // stretches limits, see Runner.TimeFactor
	linger  time.Duration

	mu       sync.Mutex // guards the fields below
	failed   bool
	skipped  string
	lines    []string
	names    int
	cleanups []func()
}

// Context ends when the case's time is over.
func (t *T) Context() context.Context { return t.ctx }

// Name of the case.
func (t *T) Name() string { return t.c.Name }

// Servers are the servers behind the case.
func (t *T) Servers() *Cluster { return t.cluster }

// StartServers starts the servers of a control case, which gets them laid out and stopped.
func (t *T) StartServers() { t.Check(t.cluster.start(t.ctx), "start the servers") }

// Official reports whether the target is the official implementation. Only cases that show
// an intended difference may ask.
func (t *T) Official() bool { return t.target.Implementation == Official }

// Target is the system under test, for cases that start another implementation by themselves.
func (t *T) Target() *Target { return t.target }

// Errorf marks the case as failed and goes on.
func (t *T) Errorf(format string, args ...any) {
	t.Logf(format, args...)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.failed = true
}

// Fatalf marks the case as failed and ends it.
func (t *T) Fatalf(format string, args ...any) {
	t.Errorf(format, args...)
	runtime.Goexit()
}

// Skipf ends the case as skipped: something that it needs is missing on this machine.
func (t *T) Skipf(format string, args ...any) {
	t.mu.Lock()
	t.skipped = fmt.Sprintf(format, args...)
	t.mu.Unlock()
	runtime.Goexit()
}

// Logf keeps a line that is shown when the case fails.
func (t *T) Logf(format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.lines = append(t.lines, fmt.Sprintf(format, args...))
}

// Failed reports whether Errorf or Fatalf was called.
func (t *T) Failed() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.failed
}

// Check ends the case when err is not nil; what says what was tried.
func (t *T) Check(err error, what string, args ...any) {
	if err != nil {
		t.Fatalf("%s: %v", fmt.Sprintf(what, args...), err)
	}
}

// Cleanup registers a function to be called when the case has ended, last registered first.
func (t *T) Cleanup(f func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.cleanups = append(t.cleanups, f)
}

// TempDir is a directory that is removed when the case has ended.
func (t *T) TempDir() string {
	dir, err := os.MkdirTemp("", "gantry-case-")
	t.Check(err, "make a directory")
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// Topic returns a topic name of its own for each call, on every run.
func (t *T) Topic() string { return t.unique("T") }

// Group returns a group name of its own for each call, on every run.
func (t *T) Group() string { return t.unique("G") }

func (t *T) unique(kind string) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.names++
	slug := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '_'
	}, strings.ToLower(t.c.Name))
	if len(slug) > 48 { // names are limited to 127 bytes, and retry topics put a prefix before them
		slug = slug[:48]
	}
	return fmt.Sprintf("%s_%s_%s_%d", kind, t.run, slug, t.names)
}

// Eventually polls f until it returns nil, and fails the case when the case's time or limit,
// stretched by the run's time factor, ends first. For effects that the official server brings
// about in the background.
func (t *T) Eventually(limit time.Duration, what string, f func(ctx context.Context) error) {
	limit = stretch(limit, t.factor)
	ctx, cancel := context.WithTimeout(t.ctx, limit)
	defer cancel()
	var why error // what was last found while there was time: f may only say that it ran out of it
	for {
		err := f(ctx)
		if err == nil {
			return
		}
		if why == nil || ctx.Err() == nil {
			why = err
		}
		if ctx.Err() != nil {
			t.Fatalf("%s: not within %v: %v", what, limit, why)
		}
		pause(ctx, 5*probePause)
	}
}

// Stretch is a limit made longer by the run's time factor: for limits that Eventually does not
// keep by itself.
func (t *T) Stretch(limit time.Duration) time.Duration { return stretch(limit, t.factor) }

// Linger waits as long as the run wants between two commands, see Runner.Linger.
func (t *T) Linger() { pause(t.ctx, t.linger) }

// Pause waits for d, or less when the case's time is over.
func (t *T) Pause(d time.Duration) { pause(t.ctx, d) }

// finish runs the cleanups.
func (t *T) finish() {
	for {
		t.mu.Lock()
		n := len(t.cleanups)
		if n == 0 {
			t.mu.Unlock()
			return
		}
		f := t.cleanups[n-1]
		t.cleanups = t.cleanups[:n-1]
		t.mu.Unlock()
		f()
	}
}
