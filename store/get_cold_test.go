package store

import (
	"testing"

	"github.com/gantrymq/gantry/store/vfs"
)

// everyRecord is a filter that has to look at each record.
type everyRecord struct{}

func (everyRecord) MatchUnit(int64) bool    { return true }
func (everyRecord) MatchRecord([]byte) bool { return true }

// TestGetWithoutWaiting: a query that must not wait for the disk is told so where the messages lie in a segment that is not
// mapped any more, and gets them where they lie in one that is.
func TestGetWithoutWaiting(t *testing.T) {
	s := mustOpen(t, smallOptions(vfs.NewMemory(), "/s"))
	running(t, s)
	const messages = 2000 // several segments
	for i := range messages {
		mustAppend(t, s, message("t", 0, i))
	}
	if err := s.flush(); err != nil {
		t.Fatal(err)
	}
	if err := s.dispatchConfirmed(); err != nil {
		t.Fatal(err)
	}
	s.coolSegments()
	var r GetResult
	defer r.Release()
	for _, filter := range []Filter{nil, everyRecord{}} {
		q := Query{Topic: "t", Offset: 3, MaxCount: 8, Filter: filter, NoWait: true}
		s.Get(&q, &r)
		if !r.Cold || r.Count != 0 || len(r.Buffers) != 0 || r.Status != NoMatchedMessage || r.NextOffset != 3 || r.MaxOffset != messages {
			t.Errorf("filter %v: a cold read without waiting = %+v", filter, r)
		}
		q.NoWait = false
		s.Get(&q, &r)
		if r.Cold || r.Count != 8 || r.Status != Found || r.NextOffset != 11 {
			t.Errorf("filter %v: a cold read = %+v", filter, r)
		}
		q.Offset, q.NoWait = messages-8, true
		s.Get(&q, &r)
		if r.Cold || r.Count != 8 || r.Status != Found || r.NextOffset != messages {
			t.Errorf("filter %v: a warm read without waiting = %+v", filter, r)
		}
	}
}

// TestColdBytes: what a read looks at behind Tuning.HotBytes is counted, whether or not its filter takes it.
func TestColdBytes(t *testing.T) {
	s := mustOpen(t, smallOptions(vfs.NewMemory(), "/s"))
	running(t, s)
	var size, second int64
	for i := range 2 {
		r := mustAppend(t, s, message("t", 0, i))
		size, second = int64(r.Size), r.PhysicalOffset
	}
	if err := s.dispatchConfirmed(); err != nil {
		t.Fatal(err)
	}
	var r GetResult
	defer r.Release()
	for hot, want := range map[int64]int64{-1: 0, 0: second + size, size: second, second + size: 0} {
		if err := s.Tune(func(t *Tuning) { t.HotBytes = hot }); err != nil {
			t.Fatal(err)
		}
		for _, filter := range []Filter{nil, everyRecord{}} {
			if s.Get(&Query{Topic: "t", MaxCount: 8, Filter: filter}, &r); r.Count != 2 || r.ColdBytes != want {
				t.Errorf("with %d hot bytes, filter %v: %d messages, %d bytes cold, want %d", hot, filter, r.Count, r.ColdBytes, want)
			}
		}
		if s.BehindHot(0) != (want > 0) {
			t.Errorf("with %d hot bytes: BehindHot(0) = %t", hot, s.BehindHot(0))
		}
	}
}
