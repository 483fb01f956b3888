package registration

import "testing"

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// TestRoundsServeWhoCameBefore: a registration that was under way when somebody
// joined may have looked at the table too early to serve him.
func TestRoundsServeWhoCameBefore(t *testing.T) {
	var r Rounds
	first, also := r.Join(), r.Join()
	done := r.Begin()
	late := r.Join()
	if isClosed(first) || isClosed(also) {
		t.Fatal("a registration that has begun counts as made")
	}
	done()
	if !isClosed(first) || !isClosed(also) || isClosed(late) {
		t.Errorf("after the first: %t %t, and %t who came later", isClosed(first), isClosed(also), isClosed(late))
	}
	r.Begin()()
	if !isClosed(late) {
		t.Error("the second registration did not serve who came during the first")
	}
}

func TestRoundsEnd(t *testing.T) {
	var r Rounds
	waits := r.Join()
	r.End()
	r.End()
	if !isClosed(waits) || !isClosed(r.Join()) {
		t.Error("somebody waits for a registration that is never made")
	}
}
