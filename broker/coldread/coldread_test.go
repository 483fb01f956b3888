package coldread

import (
	"fmt"
	"testing"
)

type world struct {
	*Control
	time int64
	set  Settings
}

func newWorld(pid bool) *world {
	w := &world{set: Settings{Group: 100, Total: 1000}}
	w.Control = New(func() int64 { return w.time }, func() Settings { return w.set }, pid)
	return w
}

func (w *world) wants(t *testing.T, group string, exceeded bool) {
	t.Helper()
	if got := w.Exceeded(group); got != exceeded {
		t.Errorf("Exceeded(%s) = %t", group, got)
	}
}

func TestLimits(t *testing.T) {
	w := newWorld(true)
	w.wants(t, "a", false)
	w.Count("a", 99)
	w.Count("a", 0)
	w.wants(t, "a", false)
	w.Count("a", 1)
	w.wants(t, "a", true)
	w.wants(t, "b", false)
	w.Set("a", 101)
	w.wants(t, "a", false)
	w.Remove("a")
	w.wants(t, "a", true)
	w.Turn()
	w.wants(t, "a", false)
	w.Count("b", 5)
	w.Count("c", 995)
	w.wants(t, "b", true) // all together have read too much
	w.wants(t, "unknown", false)
}

// A group whose limit is 0 is held back as soon as it has read once, until it is forgotten.
func TestResidence(t *testing.T) {
	w := newWorld(true)
	w.set.Group = 0
	w.wants(t, "a", false)
	w.Count("a", 1)
	for ; w.time < residence; w.time += 5000 {
		w.Turn()
		w.wants(t, "a", true)
	}
	w.Turn()
	w.wants(t, "a", false)
	if groups, _, _ := w.Snapshot(); len(groups) > 0 {
		t.Errorf("still known: %v", groups)
	}
}

func TestSimpleSteering(t *testing.T) {
	w := newWorld(false)
	w.set.Adaptive = true
	w.Count("a", 100)
	w.Set("own", 1)
	w.Count("own", 100)
	w.Turn()
	_, limits, total := w.Snapshot()
	if limits["a"+adaptive] != 150 || len(limits) != 2 || total != 0 {
		t.Errorf("limits %v after a turn, %d bytes", limits, total)
	}
	w.Count("a", 120)
	w.wants(t, "a", false)
	w.Count("b", 1000)
	w.Turn()
	if _, limits, _ = w.Snapshot(); limits["a"+adaptive] != 120 {
		t.Errorf("limits %v after too much was read", limits)
	}
	w.set.Adaptive = false
	w.Turn()
	if _, limits, _ = w.Snapshot(); len(limits) != 1 {
		t.Errorf("limits %v without adaptive ones", limits)
	}
}

func TestPIDSteering(t *testing.T) {
	w := newWorld(true)
	w.set.Adaptive = true
	for range courseLength - 1 {
		w.Count("a", 100)
		w.Turn()
	}
	if _, limits, _ := w.Snapshot(); len(limits) != 0 {
		t.Errorf("limits %v before the course is long enough", limits)
	}
	w.Count("a", 100)
	w.Turn()
	if _, limits, _ := w.Snapshot(); limits["a"+adaptive] != 150 {
		t.Errorf("limits %v while little is read", limits)
	}
	for range courseLength {
		w.Count("a", 1)
		w.Count("b", 5000)
		w.Turn()
	}
	if _, limits, _ := w.Snapshot(); limits["a"+adaptive] != w.set.Group {
		t.Errorf("limits %v while too much is read", limits)
	}
}

// Names come from outside: the tables end somewhere.
func TestBounds(t *testing.T) {
	w := newWorld(true)
	for i := range maxGroups + 10 {
		name := fmt.Sprint(i)
		w.Set(name, 1)
		w.Count(name, 1)
	}
	if groups, limits, _ := w.Snapshot(); len(groups) != maxGroups || len(limits) != maxLimits {
		t.Errorf("%d groups, %d limits", len(groups), len(limits))
	}
}
