package store

import "testing"

// TestAppenderDispatches: with nobody else at it, an appender makes its message
// visible itself; otherwise it wakes the loop, which nobody does for nothing.
func TestAppenderDispatches(t *testing.T) {
	s := mustOpen(t, NewOptions(t.TempDir()))
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
