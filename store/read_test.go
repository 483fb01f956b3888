package store

import (
	"fmt"
	"testing"
	"time"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/protocol"
	"github.com/gantrymq/gantry/store/vfs"
)

// TestOffsetByTime has the answers that 5.5.0's ConsumeQueue gives for times between, at and beyond its messages.
func TestOffsetByTime(t *testing.T) {
	disk := vfs.NewMemory()
	o := smallOptions(disk, "/store")
	now := int64(0)
	o.Now = func() time.Time { return time.UnixMilli(now) }
	s := mustOpen(t, o)
	defer s.Close()
	base := int64(1750000000000)
	for i, at := range []int64{10, 20, 20, 20, 30, 50, 50} {
		now = base + at
		mustAppend(t, s, message("t", 0, i))
	}
	dispatchAll(t, s)
	tests := []struct{ at, lower, upper int64 }{
		{0, 0, 0}, {10, 0, 0}, {15, 1, 0}, {20, 1, 3}, {25, 4, 3}, {30, 4, 4}, {40, 5, 4}, {50, 5, 6}, {60, 7, 6},
	}
	for _, tt := range tests {
		for upper, want := range map[bool]int64{false: tt.lower, true: tt.upper} {
			if got, err := s.OffsetByTime("t", 0, base+tt.at, upper); got != want || err != nil {
				t.Errorf("time %d, upper %v: %d, %v; want %d", tt.at, upper, got, err, want)
			}
		}
	}
	if got, err := s.OffsetByTime("unknown", 0, base, false); got != 0 || err != nil {
		t.Errorf("unknown topic: %d, %v", got, err)
	}
	if got, err := s.StoreTime("t", 0, 4); got != base+30 || err != nil {
		t.Errorf("store time of 4: %d, %v", got, err)
	}
	for _, off := range []int64{-1, 7} {
		if got, err := s.StoreTime("t", 0, off); got != -1 || err != nil {
			t.Errorf("store time of %d: %d, %v", off, got, err)
		}
	}
	if got, err := s.EarliestStoreTime("t", 0); got != base+10 || err != nil {
		t.Errorf("earliest: %d, %v", got, err)
	}
	if got := s.EarliestLogTime(); got != base+10 {
		t.Errorf("earliest of the log: %d", got)
	}
	now = base // a clock that is set back does not lead the log's times back
	if r := mustAppend(t, s, message("t", 0, 9)); r.StoreTimestamp != base+50 {
		t.Errorf("stored at %d after the clock was set back", r.StoreTimestamp-base)
	}
}

func TestUnitsAndRecords(t *testing.T) {
	s := mustOpen(t, smallOptions(vfs.NewMemory(), "/store"))
	defer s.Close()
	var want []AppendResult
	for i := range 250 {
		want = append(want, mustAppend(t, s, message("t", 0, i)))
	}
	dispatchAll(t, s)
	if err := s.queues.writeOut(); err != nil {
		t.Fatal(err)
	}
	for i := 250; i < 300; i++ { // these stay in memory
		want = append(want, mustAppend(t, s, message("t", 0, i)))
	}
	dispatchAll(t, s)
	units, err := s.Units("t", 0, 0, 1000)
	if err != nil || len(units) != len(want) {
		t.Fatalf("%d units, %v", len(units), err)
	}
	for i, u := range units {
		if u.QueueOffset != int64(i) || u.Physical != want[i].PhysicalOffset || int(u.Size) != want[i].Size {
			t.Fatalf("unit %d is %+v, want %+v", i, u, want[i])
		}
		b, err := s.ReadRecord(u.Physical)
		if err != nil || len(b) != want[i].Size {
			t.Fatalf("record at %d: %d bytes, %v", u.Physical, len(b), err)
		}
		if _, err := s.ReadRecord(u.Physical + 1); err == nil {
			t.Fatalf("a record was read at %d, where none begins", u.Physical+1)
		}
	}
	_, end := s.LogRange()
	for _, phy := range []int64{-1, end, end + 1<<40} {
		if _, err := s.ReadRecord(phy); err == nil {
			t.Errorf("a record was read at %d", phy)
		}
	}
}

// tagFilter takes messages by the hash of a tag and then by their flag.
type tagFilter struct {
	code  int64
	times *int
}

func (f tagFilter) MatchUnit(code int64) bool { return code == f.code }
func (f tagFilter) MatchRecord(record []byte) bool {
	*f.times++
	var m codec.Message
	_, err := codec.DecodeRecord(record, &m, true)
	return err == nil && m.QueueOffset%2 == 0
}

func TestFilter(t *testing.T) {
	s := mustOpen(t, smallOptions(vfs.NewMemory(), "/store"))
	defer s.Close()
	for i := range 90 {
		mustAppend(t, s, message("t", 0, i))
	}
	dispatchAll(t, s)
	units, err := s.Units("t", 0, 0, 3)
	if err != nil {
		t.Fatal(err)
	}
	for _, cold := range []bool{false, true} {
		if cold {
			for _, g := range s.log.view.Load().segs {
				g.cool()
			}
		}
		asked := 0
		var r GetResult
		s.Get(&Query{Topic: "t", MaxCount: 8, Filter: tagFilter{units[1].TagsCode, &asked}}, &r)
		if fmt.Sprint(r.QueueOffsets) != "[4 10 16 22 28 34 40 46]" || r.NextOffset != 47 {
			t.Errorf("cold %v: offsets %v, next %d", cold, r.QueueOffsets, r.NextOffset)
		}
		if asked != 16 || r.Skipped != 8 {
			t.Errorf("cold %v: %d records looked at, %d skipped", cold, asked, r.Skipped)
		}
		r.Release()
	}
}

// TestTransactionsHaveNoEntry: what is prepared or rolled back takes no place in its queue.
func TestTransactionsHaveNoEntry(t *testing.T) {
	s := mustOpen(t, smallOptions(vfs.NewMemory(), "/store"))
	defer s.Close()
	var want []*codec.Message
	for i, flag := range []int32{0, protocol.SysFlagTransactionPrepared, protocol.SysFlagTransactionRollback, protocol.SysFlagTransactionCommit, 0} {
		m := message("t", 0, i)
		m.SysFlag = flag
		r := mustAppend(t, s, m)
		if queueStep(flag) > 0 {
			want = append(want, m)
		} else if r.QueueOffset != 0 {
			t.Errorf("flag %#x gets queue offset %d", flag, r.QueueOffset)
		}
	}
	dispatchAll(t, s)
	checkQueue(t, s, "t", 0, want)
}

// TestScheduleTagsCode: in the schedule topic an entry carries the due time.
func TestScheduleTagsCode(t *testing.T) {
	s := mustOpen(t, smallOptions(vfs.NewMemory(), "/store"))
	defer s.Close()
	tests := []struct {
		properties string
		delay      time.Duration
	}{
		{"DELAY\x011\x02", time.Second}, {"DELAY\x0118\x02", 2 * time.Hour}, {"DELAY\x0199\x02", 2 * time.Hour},
	}
	for i, tt := range tests {
		m := message(protocol.TopicSchedule, 0, i)
		m.Properties = tt.properties
		r := mustAppend(t, s, m)
		dispatchAll(t, s)
		units, err := s.Units(protocol.TopicSchedule, 0, int64(i), 1)
		if err != nil || len(units) != 1 || units[0].TagsCode != r.StoreTimestamp+tt.delay.Milliseconds() {
			t.Errorf("%q: %+v, %v", tt.properties, units, err)
		}
	}
	m := message(protocol.TopicSchedule, 1, 0)
	m.Properties = "TAGS\x01TagA\x02DELAY\x01x\x02"
	mustAppend(t, s, m)
	dispatchAll(t, s)
	if units, err := s.Units(protocol.TopicSchedule, 1, 0, 1); err != nil || units[0].TagsCode != 2598919 {
		t.Errorf("a level that is no number: %+v, %v", units, err)
	}
}

func TestQueryIndex(t *testing.T) {
	s := mustOpen(t, smallOptions(vfs.NewMemory(), "/store"))
	defer s.Close()
	const n = 400 // 4 entries each fill several index files
	for i := range n {
		mustAppend(t, s, message("t", int32(i%2), i))
	}
	dispatchAll(t, s)
	count := func(kind, key string, limit int) int {
		t.Helper()
		r, err := s.QueryIndex("t", kind, key, limit, 0, 1<<60)
		if err != nil {
			t.Fatal(err)
		}
		return len(r.Records)
	}
	for i := range n {
		if got := count(protocol.IndexTypeKey, fmt.Sprintf("k%d", i), 64); got != 1 {
			t.Fatalf("key k%d finds %d messages", i, got)
		}
		if got := count(protocol.IndexTypeUnique, fmt.Sprintf("Ut%d.%d", i%2, i), 64); got != 1 {
			t.Fatalf("unique key of %d finds %d messages", i, got)
		}
	}
	for _, tt := range []struct {
		kind, key   string
		limit, want int
	}{
		{protocol.IndexTypeKey, "all", 1000, 64}, {protocol.IndexTypeKey, "all", 5, 5}, {protocol.IndexTypeTag, "T1", 64, 64},
		{protocol.IndexTypeTag, "all", 64, 0}, {protocol.IndexTypeKey, "T1", 64, 0}, {protocol.IndexTypeKey, "", 64, 0}, {protocol.IndexTypeKey, "all", 0, 0},
	} {
		if got := count(tt.kind, tt.key, tt.limit); got != tt.want {
			t.Errorf("%s %q, at most %d: %d messages, want %d", tt.kind, tt.key, tt.limit, got, tt.want)
		}
	}
	for _, tt := range []struct {
		key   string
		end   int64
		known bool // then it is told how far the index reaches
	}{{"k5", 1, false}, {"absent", 1 << 60, false}, {"k5", 1 << 60, true}} {
		r, err := s.QueryIndex("t", protocol.IndexTypeKey, tt.key, 64, 0, tt.end)
		if err != nil || len(r.Records) > 0 != tt.known || r.LastUpdateTime > 0 != tt.known || r.LastUpdatePhy > 0 != tt.known {
			t.Errorf("key %s until %d: %d messages, the index reaches %d at %d, %v", tt.key, tt.end, len(r.Records), r.LastUpdatePhy, r.LastUpdateTime, err)
		}
	}
}

// TestIndexMayBeSwitched: keys of messages that came while the index was off are not found, those of others are, after a
// restart too.
func TestIndexMayBeSwitched(t *testing.T) {
	o := smallOptions(vfs.NewMemory(), "/store")
	o.Tuning.Index = false
	s := mustOpen(t, o)
	for i := range 30 {
		if err := s.Tune(func(t *Tuning) { t.Index = i%3 > 0 }); err != nil {
			t.Fatal(err)
		}
		mustAppend(t, s, message("t", 0, i))
		dispatchAll(t, s)
	}
	for range 2 {
		for i := range 30 {
			r, err := s.QueryIndex("t", protocol.IndexTypeKey, fmt.Sprintf("k%d", i), 64, 0, 1<<60)
			if found := len(r.Records) == 1; err != nil || found != (i%3 > 0) {
				t.Errorf("key k%d: found %t, %v", i, found, err)
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		s = mustOpen(t, o)
	}
	s.Close()
}

func TestAppendGroup(t *testing.T) {
	s := mustOpen(t, smallOptions(vfs.NewMemory(), "/store"))
	defer s.Close()
	var want []*codec.Message
	for round := range 40 {
		var group []GroupEntry
		for i := range 10 {
			m := message("t", 0, round*10+i)
			if i == 5 {
				m.Body = nil
			} else {
				want = append(want, m)
			}
			group = append(group, GroupEntry{Message: m})
		}
		s.AppendGroup(group)
		for i := range group {
			if (group[i].Err != nil) != (i == 5) || (group[i].Result.Status != PutOK) != (i == 5) {
				t.Fatalf("round %d, entry %d: %v, %v", round, i, group[i].Result.Status, group[i].Err)
			}
		}
	}
	dispatchAll(t, s)
	checkQueue(t, s, "t", 0, want)
}
