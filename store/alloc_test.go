//go:build !race

// Without the race detector, under which pools forget on purpose.

package store

import "testing"

// TestAllocations: neither a send nor a read of what is mapped costs the collector anything.
func TestAllocations(t *testing.T) {
	o := NewOptions(t.TempDir())
	s := mustOpen(t, o)
	defer s.Close()
	m := benchMessage()
	step := func() {
		if _, err := s.Append(m); err != nil {
			t.Fatal(err)
		}
		if err := s.dispatchConfirmed(); err != nil {
			t.Fatal(err)
		}
	}
	for range 2000 {
		step()
	}
	if n := testing.AllocsPerRun(2000, step); n != 0 {
		t.Errorf("%v allocations for an append and its dispatch", n)
	}
	var r GetResult
	off := int64(0)
	read := func() {
		s.Get(&Query{Topic: m.Topic, Offset: off % 2000, MaxCount: 32}, &r)
		if r.Status != Found {
			t.Fatal(r.Status, r.Err)
		}
		off += 7
		r.Release()
	}
	read()
	if n := testing.AllocsPerRun(2000, read); n != 0 {
		t.Errorf("%v allocations for a read", n)
	}
}
