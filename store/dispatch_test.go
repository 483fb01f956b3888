package store

import (
	"testing"
	"time"
)

// TestAppenderDispatches: with nobody else at it, an appender makes its message
// visible itself; otherwise it wakes the loop, which nobody does for nothing.
func TestAppenderDispatches(t *testing.T) {
	o := NewOptions(t.TempDir())
	o.Now = func() time.Time { return time.UnixMilli(1_750_000_000_000) } // nothing takes long
	s := mustOpen(t, o)
	defer s.Close()
	woken := func() bool {
		select {
		case <-s.dispatch.wake:
			return true
		default:
			return false
		}
	}
	m := benchMessage()
	visible := func() int64 {
		_, end, err := s.Bounds(m.Topic, m.QueueID)
		if err != nil {
			t.Fatal(err)
		}
		return end
	}
	put := func() {
		t.Helper()
		if _, err := s.Append(m); err != nil {
			t.Fatal(err)
		}
	}
	put()
	if visible() != 0 || woken() {
		t.Error("dispatched before Run")
	}
	s.dispatch.looped.Store(true) // as Run's loop does
	put()
	if visible() != 2 || woken() {
		t.Errorf("%d messages are visible after the second append", visible())
	}
	s.dispatch.running.Lock()
	put()
	s.dispatch.running.Unlock()
	if visible() != 2 || !woken() {
		t.Errorf("%d messages are visible although somebody else was dispatching, or the loop was not woken", visible())
	}
	s.dispatch.running.Lock()
	for range 2 * dispatchInline {
		put()
	}
	s.dispatch.running.Unlock()
	woken()
	put()
	if n := visible(); n != 2+dispatchInline || !woken() {
		t.Errorf("an appender with a backlog made %d messages visible, or did not leave the rest to the loop", n-2)
	}
}

// TestSlowArrivalsAreTheLoops: an appender that was held up by those who wait for its message is held up once.
func TestSlowArrivalsAreTheLoops(t *testing.T) {
	now := time.UnixMilli(1_750_000_000_000)
	o := NewOptions(t.TempDir())
	o.Now = func() time.Time { return now }
	arrivals := 0
	o.OnArrive = func([]Arrival) {
		arrivals++
		now = now.Add(5 * time.Millisecond)
	}
	s := mustOpen(t, o)
	defer s.Close()
	s.dispatch.looped.Store(true)
	for range 10 {
		if _, err := s.Append(benchMessage()); err != nil {
			t.Fatal(err)
		}
	}
	if arrivals != 1 {
		t.Errorf("%d appenders told of arrivals", arrivals)
	}
	now = now.Add(inlinePause * time.Millisecond)
	if _, err := s.Append(benchMessage()); err != nil || arrivals != 2 {
		t.Errorf("after the pause %d appenders told of arrivals, %v", arrivals, err)
	}
}
