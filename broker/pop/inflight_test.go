package pop

import "testing"

// limited is a world with messages in the first queue of T, of which a group may have
// so many in hand. The queues that are freed are listed.
func limited(t *testing.T, messages int, most int64) (*world, *[]queueKey) {
	w := newWorld(t, 1)
	for i := range messages {
		q := queueName{"T", 0}
		w.queues[q] = append(w.queues[q], stored{id: i})
	}
	freed := new([]queueKey)
	w.popper.opts.Freed = func(topic, group string, queue int32) { *freed = append(*freed, queueKey{topic, group, queue}) }
	w.popper.LimitInFlight(true, most)
	return w, freed
}

// popOne pops a message of group G and returns its receipt, nil when there is none.
func popOne(w *world, r *Result) *Receipt {
	w.popper.Pop(&Request{Topic: "T", Group: "G", Queue: 0, Max: 1, Invisible: 60_000, FromStart: true}, r)
	if r.Count == 0 {
		return nil
	}
	return &Receipt{Start: r.Parts[0].Start, PopTime: r.PopTime, Invisible: 60_000, ReviveQueue: r.ReviveQueue, Broker: testBroker, Offset: r.Parts[0].Got.QueueOffsets[0]}
}

func TestLimitInFlight(t *testing.T) {
	w, freed := limited(t, 5, 1)
	var r Result
	first, second := popOne(w, &r), popOne(w, &r)
	if first == nil || second == nil {
		t.Fatal("as many as the limit kept the next from being popped")
	}
	if popOne(w, &r) != nil || r.Rest != 3 || r.Held != 3 {
		t.Errorf("a full queue: popped %d, %d are left, %d of them held back", r.Count, r.Rest, r.Held)
	}
	if _, _, err := w.popper.ChangeInvisible("T", "G", 0, first, first.Offset, 60_000, false); err != nil || len(*freed) > 0 {
		t.Errorf("another invisible time freed %v: %v", *freed, err)
	}
	before := w.popper.Freed()
	for range 2 { // the second of them frees nothing any more
		if err := w.popper.Ack("T", "G", 0, first, first.Offset); err != nil {
			t.Fatal(err)
		}
	}
	if want := (queueKey{"T", "G", 0}); len(*freed) != 1 || (*freed)[0] != want || w.popper.Freed() != before+1 {
		t.Errorf("freed %v, counted %d, want %v once", *freed, w.popper.Freed()-before, want)
	}
	if popOne(w, &r) == nil || r.Held != 0 {
		t.Errorf("nothing was popped from a queue that is free again, %d are held back", r.Held)
	}
	r.Release()
}

// TestLimitInFlightBegins: what was given out before the limit is not in its count, and
// the end of that does not lower it.
func TestLimitInFlightBegins(t *testing.T) {
	w, freed := limited(t, 5, 1)
	w.popper.LimitInFlight(false, 1)
	var r Result
	early := popOne(w, &r)
	w.now++
	w.popper.LimitInFlight(true, 1)
	popOne(w, &r)
	popOne(w, &r)
	if err := w.popper.AckBatch("T", "G", 0, early, []int64{0, 0, 0}); err != nil || popOne(w, &r) != nil || len(*freed) > 0 {
		t.Errorf("an early pop was counted: freed %v, %v", *freed, err)
	}
	w.popper.Revived(&CheckPoint{Topic: "T", Group: "G", PopTime: w.now})
	if popOne(w, &r) == nil {
		t.Error("what is given again stayed in hand")
	}
	r.Release()
}

// TestLimitInFlightEnds: whoever may wait because of the limit is told of its end.
func TestLimitInFlightEnds(t *testing.T) {
	for name, end := range map[string]func(*Popper){
		"raised":         func(p *Popper) { p.LimitInFlight(true, 2) },
		"taken away":     func(p *Popper) { p.LimitInFlight(false, 1) },
		"group deleted":  func(p *Popper) { p.ForgetGroup("G") },
		"topic deleted":  func(p *Popper) { p.ForgetTopic("T") },
		"offset was set": func(p *Popper) { p.ForgetQueue("T", "G", 0) },
	} {
		w, freed := limited(t, 5, 1)
		var r Result
		popOne(w, &r)
		popOne(w, &r)
		for _, other := range []func(){
			func() { w.popper.LimitInFlight(true, 1) }, func() { w.popper.ForgetGroup("H") }, func() { w.popper.ForgetTopic("U") },
			func() { w.popper.ForgetQueue("T", "G", 1) },
		} {
			if other(); len(*freed) > 0 {
				t.Fatalf("%s: freed %v too early", name, *freed)
			}
		}
		end(w.popper)
		if len(*freed) != 1 || popOne(w, &r) == nil {
			t.Errorf("%s: freed %v, popped %d", name, *freed, r.Count)
		}
		r.Release()
	}
}

// TestLimitInFlightOrdered: an ordered group's messages are in hand until they are
// acknowledged, and what is popped again is counted once.
func TestLimitInFlightOrdered(t *testing.T) {
	w, _ := limited(t, 5, 2)
	var r Result
	req := &Request{Topic: "T", Group: "G", Queue: 0, Max: 2, Invisible: 1000, FromStart: true, Ordered: true}
	receipt := &Receipt{Invisible: 1000, ReviveQueue: OrderedQueue, Broker: testBroker}
	for range 3 {
		w.popper.Pop(req, &r)
		if r.Count != 2 || r.Info.MessageOffsets() != "0 0 0,1" {
			t.Fatalf("popped %q", r.Info.MessageOffsets())
		}
		receipt.PopTime = r.PopTime
		w.now += 2000
	}
	w.popper.LimitInFlight(true, 1)
	if w.popper.Pop(req, &r); r.Count != 0 || r.Held != 5 {
		t.Errorf("a full queue gave %d, held %d back", r.Count, r.Held)
	}
	w.popper.AckOrdered("T", "G", 0, receipt, 0)
	if w.popper.Pop(req, &r); r.Info.MessageOffsets() != "0 0 1,2" {
		t.Errorf("after an acknowledgement popped %q", r.Info.MessageOffsets())
	}
	r.Release()
}
