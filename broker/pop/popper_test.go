package pop

import "testing"

// filled is a world with a message in each of some queues of T.
func filled(t *testing.T, queues int32) *world {
	w := newWorld(t, 1)
	for q := range queues {
		w.queues[queueName{"T", q}] = []stored{{id: int(q)}}
	}
	return w
}

func TestPriority(t *testing.T) {
	w := filled(t, 4)
	var r Result
	req := &Request{Topic: "T", Group: "G", Queue: -1, Max: 3, Invisible: 60_000, FromStart: true, Priority: 100}
	w.popper.Pop(req, &r)
	if got := r.Info.StartOffsets(); got != "0 3 0;0 2 0;0 1 0" || r.Rest != 1 || r.Count != 3 {
		t.Errorf("popped %q, %d are left", got, r.Rest)
	}
	w.popper.Pop(req, &r)
	if got := r.Info.MessageOffsets(); got != "0 0 0" {
		t.Errorf("then %q", got)
	}
	r.Release()
}

func TestFilteredPop(t *testing.T) {
	w := newWorld(t, 1)
	w.queues[queueName{"T", 0}] = []stored{{id: 1}, {id: 2}, {id: 1}, {id: 2}}
	var r Result
	w.popper.Pop(&Request{Topic: "T", Group: "G", Max: 32, Invisible: 60_000, FromStart: true, Filter: wantsTag(2)}, &r)
	if got := r.Info.MessageOffsets(); got != "0 0 1,3" || r.Info.StartOffsets() != "0 0 0" {
		t.Errorf("popped %q from %q", got, r.Info.StartOffsets())
	}
	w.popper.Pop(&Request{Topic: "T", Group: "H", Max: 32, Invisible: 60_000, FromStart: true, Filter: wantsTag(7)}, &r)
	if off, ok := w.offsets.Query("H", "T", 0); r.Count != 0 || !ok || off != 4 {
		t.Errorf("a group that wants none of it stands at %d", off)
	}
}

func TestHasMessages(t *testing.T) {
	w := filled(t, 2)
	for _, c := range []struct {
		name string
		q    Question
		want bool
	}{
		{"any queue", Question{Queue: -1}, true},
		{"one queue", Question{Queue: 1}, true},
		{"no such queue", Question{Queue: 5}, false},
		{"what matches", Question{Queue: -1, Filter: wantsTag(1), Filtered: 64}, true},
		{"what does not match", Question{Queue: 0, Filter: wantsTag(1), Filtered: 64}, false},
		{"too many to look at", Question{Queue: 0, Filter: wantsTag(1), Filtered: 1}, true},
	} {
		c.q.Topic, c.q.Group = "T", "G"
		if got := w.popper.HasMessages(&c.q); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

// TestResetWhilePopping: an offset that an administrator sets counts from the next pop
// on, whatever is in consumers' hands, and no acknowledgement undoes it.
func TestResetWhilePopping(t *testing.T) {
	for _, ordered := range []bool{false, true} {
		w := newWorld(t, 1)
		w.queues[queueName{"T", 0}] = []stored{{id: 0}, {id: 1}, {id: 2}}
		k := queueKey{"T", "G", 0}
		var r Result
		req := &Request{Topic: "T", Group: "G", Queue: 0, Max: 2, Invisible: 60_000, FromStart: true, Ordered: ordered}
		wantPop := func(want string) {
			t.Helper()
			w.popper.Pop(req, &r)
			if got := r.Info.MessageOffsets(); got != want {
				t.Errorf("ordered %v: popped %q, want %q", ordered, got, want)
			}
		}
		wantPop("0 0 0,1")
		first := &Receipt{PopTime: w.now, Invisible: 60_000, ReviveQueue: OrderedQueue, Queue: 0, Offset: 0, Broker: testBroker}
		w.now++
		w.offsets.resets[k] = 1
		if ordered {
			w.popper.AckOrdered("T", "G", 0, first, 0)
			w.popper.AckOrdered("T", "G", 0, first, 1)
			if w.offsets.at[k] != 0 {
				t.Errorf("acknowledgements moved the offset to %d", w.offsets.at[k])
			}
		}
		wantPop("0 0 1,2")
		w.now++
		w.offsets.resets[k] = 0
		wantPop("0 0 0,1")
		if ordered {
			if wantPop(""); w.popper.AckOrdered("T", "G", 0, first, 1).Next > 0 {
				t.Error("a receipt of a pop before the reset counted")
			}
		}
		r.Release()
	}
}

func TestPeek(t *testing.T) {
	w := filled(t, 3)
	var r Result
	for range 2 {
		w.popper.Peek("T", "G", -1, 2, &r)
		if r.Count != 2 || r.Rest != 3 {
			t.Errorf("peeked at %d messages, %d are there", r.Count, r.Rest)
		}
	}
	r.Release()
	if len(w.offsets.at) != 0 || len(w.timer) != 0 {
		t.Error("a look has left a trace")
	}
}

// TestFailedCheckPoint: what has no check point is not given out.
func TestFailedCheckPoint(t *testing.T) {
	w := filled(t, 1)
	w.failing = true
	var r Result
	req := &Request{Topic: "T", Group: "G", Queue: 0, Max: 8, Invisible: 60_000, FromStart: true}
	w.popper.Pop(req, &r)
	if off, _ := w.offsets.Query("G", "T", 0); r.Count != 0 || r.Rest != 1 || off != 0 {
		t.Errorf("given %d, left %d, offset %d", r.Count, r.Rest, off)
	}
	w.failing = false
	if w.popper.Pop(req, &r); r.Count != 1 {
		t.Errorf("given %d when the log works again", r.Count)
	}
	r.Release()
}
