package store

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/protocol"
	"github.com/gantrymq/gantry/store/vfs"
)

// markWhole makes a message a batch of n that is to be stored whole.
func markWhole(m *codec.Message, n int) {
	m.SysFlag |= protocol.SysFlagInnerBatch | protocol.SysFlagNeedUnwrap
	m.Properties = codec.SetProperty(m.Properties, protocol.PropertyInnerNum, strconv.Itoa(n))
}

// noteBase gives a message that was appended the property that its record has besides.
func noteBase(m *codec.Message) {
	if m.SysFlag&protocol.SysFlagInnerBatch != 0 {
		m.Properties = codec.SetProperty(m.Properties, protocol.PropertyInnerBase, strconv.FormatInt(m.QueueOffset, 10))
	}
}

func innerCount(m *codec.Message) int64 {
	n, _ := InnerCount(m)
	return int64(n)
}

// batchOptions is a small store whose topic Bulk has queues of batches, of five entries a file.
func batchOptions(fs vfs.FS) Options {
	o := smallOptions(fs, "/store")
	o.BatchQueueFileSize = 5 * batchUnit
	o.BatchQueues = func(topic string) bool { return topic == "Bulk" }
	return o
}

func wholeBatch(n, serial int) *codec.Message {
	m := message("Bulk", 0, serial)
	markWhole(m, n)
	return m
}

// TestBatchUnit pins the bytes of an entry.
func TestBatchUnit(t *testing.T) {
	u := unit{phy: 0x0102030405060708, size: 0x11121314, tags: -2, time: 0x2122232425262728, base: 0x3132333435363738, count: 0x4142}
	want := []byte{
		1, 2, 3, 4, 5, 6, 7, 8, 0x11, 0x12, 0x13, 0x14, 255, 255, 255, 255, 255, 255, 255, 254,
		0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x27, 0x28, 0x31, 0x32, 0x33, 0x34, 0x35, 0x36, 0x37, 0x38, 0x41, 0x42,
		255, 255, 255, 255, 0, 0, 0, 0,
	}
	b := appendBatchUnit(nil, u)
	if !bytes.Equal(b, want) {
		t.Errorf("the entry is % x", b)
	}
	if got := decodeBatchUnit(b); got != u {
		t.Errorf("read back as %+v", got)
	}
}

// FuzzBatchUnit reads any bytes as an entry: what counts as written comes out again as it was.
func FuzzBatchUnit(f *testing.F) {
	f.Add(appendBatchUnit(nil, unit{phy: 1, size: 2, tags: 3, time: 4, base: 5, count: 6}))
	f.Add(make([]byte, batchUnit))
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) < batchUnit {
			return
		}
		u := decodeBatchUnit(b)
		l := layout{unit: batchUnit, batch: true}
		if l.valid(u) && (u.messages() < 1 || u.messages() > maxInnerCount || u.base < 0) {
			t.Errorf("%+v counts as written", u)
		}
		if again := appendBatchUnit(nil, u); !bytes.Equal(again[:38], b[:38]) {
			t.Errorf("% x became % x", b[:38], again[:38])
		}
	})
}

// TestBatchQueue walks through a queue of batches in every way, before and after its entries are in files, and after a restart.
func TestBatchQueue(t *testing.T) {
	disk := vfs.NewMemory()
	o := batchOptions(disk)
	now := time.UnixMilli(1750000000000)
	o.Now = func() time.Time { return now }
	s := mustOpen(t, o)
	rng := rand.New(rand.NewPCG(1, 2))
	var all []*codec.Message
	for i := range 40 {
		now = now.Add(time.Duration(rng.IntN(3)) * time.Millisecond)
		m := message("Bulk", 0, i)
		if rng.IntN(3) > 0 {
			markWhole(m, 1+rng.IntN(9))
		}
		r := mustAppend(t, s, m)
		if int64(r.Count) != innerCount(m) {
			t.Fatalf("counted as %d messages, they are %d", r.Count, innerCount(m))
		}
		noteBase(m)
		all = append(all, m)
	}
	dispatchAll(t, s)
	checkBatches(t, s, all)
	if err := s.queues.writeOut(); err != nil {
		t.Fatal(err)
	}
	checkBatches(t, s, all)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = mustOpen(t, o)
	checkBatches(t, s, all)
	next := wholeBatch(3, 99)
	if r := mustAppend(t, s, next); r.QueueOffset != endOf(all) {
		t.Errorf("the next batch goes to %d, the queue ends at %d", r.QueueOffset, endOf(all))
	}
	noteBase(next)
	dispatchAll(t, s)
	checkBatches(t, s, append(all, next))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func endOf(all []*codec.Message) int64 {
	last := all[len(all)-1]
	return last.QueueOffset + innerCount(last)
}

// checkBatches compares every look-up in queue 0 of Bulk with what a walk through the messages finds.
func checkBatches(t *testing.T, s *Store, all []*codec.Message) {
	t.Helper()
	checkQueue(t, s, "Bulk", 0, all)
	lo, hi, err := s.Bounds("Bulk", 0)
	if lo != all[0].QueueOffset || hi != endOf(all) || err != nil {
		t.Fatalf("the queue is %d to %d, want %d to %d: %v", lo, hi, all[0].QueueOffset, endOf(all), err)
	}
	var r GetResult
	defer r.Release()
	for off := lo; off < hi; off++ {
		i := slices.IndexFunc(all, func(m *codec.Message) bool { return m.QueueOffset+innerCount(m) > off })
		m := all[i]
		s.Get(&Query{Topic: "Bulk", Offset: off, MaxCount: 1}, &r)
		if r.Status != Found || r.Count != 1 || r.Messages != int(innerCount(m)) || r.QueueOffsets[0] != m.QueueOffset || r.NextOffset != m.QueueOffset+innerCount(m) {
			t.Fatalf("at %d: %v, %d records with %d messages, offsets %v, next %d; want the batch at %d of %d", off, r.Status, r.Count, r.Messages, r.QueueOffsets, r.NextOffset, m.QueueOffset, innerCount(m))
		}
		units, err := s.Units("Bulk", 0, off, 1)
		if err != nil || len(units) != 1 || units[0].QueueOffset != m.QueueOffset || units[0].Count != int(innerCount(m)) || units[0].Physical != m.PhysicalOffset {
			t.Fatalf("the entry of %d is %+v, %v", off, units, err)
		}
		if at, err := s.StoreTime("Bulk", 0, off); at != m.StoreTimestamp || err != nil {
			t.Fatalf("stored at %d, want %d: %v", at, m.StoreTimestamp, err)
		}
	}
	for ms := all[0].StoreTimestamp - 1; ms <= all[len(all)-1].StoreTimestamp+1; ms++ {
		want := max(byTimeInFiles(s, all, ms), lo)
		if got, err := s.OffsetByTime("Bulk", 0, ms, false); got != want || err != nil {
			t.Fatalf("at %d ms there is %d, want %d (%v)", ms, got, want, err)
		}
	}
}

// byTimeInFiles searches as upstream does, step by step: first for the file, then in it. Between two files that finds the end
// of the older one.
func byTimeInFiles(s *Store, all []*codec.Message, ms int64) int64 {
	q, _ := s.queues.find("Bulk", 0)
	per := int(s.queues.batch.fileSize / batchUnit)
	skipped := int(q.min) % per // entries of the first file whose records have expired
	file := all[:min(len(all), per-skipped)]
	for rest := all[len(file):]; len(rest) > 0 && rest[0].StoreTimestamp <= ms; rest = rest[len(file):] {
		file = rest[:min(len(rest), per)]
	}
	for _, m := range file[:len(file)-1] {
		if m.StoreTimestamp >= ms && file[len(file)-1].StoreTimestamp > ms {
			return m.QueueOffset
		}
	}
	return file[len(file)-1].QueueOffset
}

// TestBatchByTime compares searches in one file with what BatchConsumeQueue of 5.5.0 is known to answer.
func TestBatchByTime(t *testing.T) {
	for _, tt := range []struct {
		times        string // of batches of two messages each, in ms
		ms           int64
		lower, upper int64
	}{
		{"12223", 0, 0, 0},
		{"12223", 1, 0, 0},
		{"12223", 2, 2, 6},
		{"12223", 3, 8, 8},
		{"12223", 9, 8, 8},
		{"134", 2, 2, 0}, // nothing is that old, and the search ends before the first
		{"113", 2, 4, 4},
		{"5", 4, 0, 0},
		{"5", 5, 0, 0},
	} {
		o := batchOptions(vfs.NewMemory())
		var now time.Time
		o.Now = func() time.Time { return now }
		s := mustOpen(t, o)
		for i, c := range tt.times {
			now = time.UnixMilli(1000 + int64(c-'0'))
			mustAppend(t, s, wholeBatch(2, i))
		}
		dispatchAll(t, s)
		for _, upper := range []bool{false, true} {
			want := tt.lower
			if upper {
				want = tt.upper
			}
			if got, err := s.OffsetByTime("Bulk", 0, 1000+tt.ms, upper); got != want || err != nil {
				t.Errorf("times %s, at %d, upper %v: %d, want %d (%v)", tt.times, tt.ms, upper, got, want, err)
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestBatchLimits reads with limits: they count messages, and a batch is never taken apart.
func TestBatchLimits(t *testing.T) {
	s := mustOpen(t, batchOptions(vfs.NewMemory()))
	defer s.Close()
	for i, n := range []int{3, 3, 3} {
		mustAppend(t, s, wholeBatch(n, i))
	}
	dispatchAll(t, s)
	for _, tt := range []struct {
		from     int64
		most     int
		messages int
		next     int64
	}{{0, 1, 3, 3}, {0, 5, 3, 3}, {0, 6, 6, 6}, {1, 6, 6, 6}, {2, 100, 9, 9}, {8, 1, 3, 9}} {
		var r GetResult
		s.Get(&Query{Topic: "Bulk", Offset: tt.from, MaxCount: tt.most}, &r)
		if r.Messages != tt.messages || r.NextOffset != tt.next {
			t.Errorf("from %d at most %d: %d messages, next %d; want %d, %d", tt.from, tt.most, r.Messages, r.NextOffset, tt.messages, tt.next)
		}
		r.Release()
	}
}

// TestBatchRefused appends batches that cannot be kept whole.
func TestBatchRefused(t *testing.T) {
	s := mustOpen(t, batchOptions(vfs.NewMemory()))
	defer s.Close()
	for _, tt := range []struct{ topic, num string }{
		{"plain", "2"}, {"Bulk", "0"}, {"Bulk", "-1"}, {"Bulk", "32768"}, {"Bulk", "two"}, {"Bulk", "99999999999999999999"},
	} {
		m := message(tt.topic, 0, 0)
		m.SysFlag = protocol.SysFlagInnerBatch
		m.Properties = codec.SetProperty(m.Properties, protocol.PropertyInnerNum, tt.num)
		if r, err := s.Append(m); r.Status != MessageIllegal || err == nil {
			t.Errorf("%s of %s: %v, %v", tt.topic, tt.num, r.Status, err)
		}
	}
	group := []GroupEntry{{Message: wholeBatch(2, 0)}, {Message: message("Bulk", 0, 1)}}
	s.AppendGroup(group)
	if group[0].Result.Status != MessageIllegal || group[1].Err != nil {
		t.Errorf("in a group: %v, %v", group[0].Err, group[1].Err)
	}
	if _, hi := s.LogRange(); hi != group[1].Result.End() {
		t.Errorf("the log ends at %d", hi)
	}
}

// TestBatchPrepared stores the half of a transaction that is marked as a batch: it takes no offset.
func TestBatchPrepared(t *testing.T) {
	s := mustOpen(t, batchOptions(vfs.NewMemory()))
	defer s.Close()
	m := wholeBatch(4, 0)
	m.SysFlag |= protocol.SysFlagTransactionPrepared
	mustAppend(t, s, m)
	dispatchAll(t, s)
	if _, hi, _ := s.Bounds("Bulk", 0); hi != 0 {
		t.Errorf("the queue ends at %d", hi)
	}
	if r := mustAppend(t, s, wholeBatch(2, 1)); r.QueueOffset != 0 {
		t.Errorf("the first batch goes to %d", r.QueueOffset)
	}
}

// TestBatchWithPropertyCRC keeps the checksum of a record whose end is written under the lock.
func TestBatchWithPropertyCRC(t *testing.T) {
	o := batchOptions(vfs.NewMemory())
	o.PropertyCRC = true
	s := mustOpen(t, o)
	defer s.Close()
	for i := range 12 { // the offset grows by a digit meanwhile
		r := mustAppend(t, s, wholeBatch(1+i, i))
		b, err := s.ReadRecord(r.PhysicalOffset)
		if err != nil {
			t.Fatal(err)
		}
		sealed := bytes.Clone(b)
		if sealCRC(sealed); !bytes.Equal(sealed, b) {
			t.Fatalf("the checksum of batch %d is %q", i, b[len(b)-crcRoom:])
		}
		var m codec.Message
		if _, err := codec.DecodeRecord(b, &m, true); err != nil {
			t.Fatal(err)
		}
		if base, _ := codec.Property(m.Properties, protocol.PropertyInnerBase); base != fmt.Sprint(r.QueueOffset) {
			t.Fatalf("INNER_BASE is %s, the offset %d", base, r.QueueOffset)
		}
	}
}

// TestBatchRebuilt makes a queue of batches anew from the log: all of it, or what lies behind the begin of the log.
func TestBatchRebuilt(t *testing.T) {
	disk := vfs.NewMemory()
	o := batchOptions(disk)
	s := mustOpen(t, o)
	var all []*codec.Message
	for i := range 60 {
		m := wholeBatch(1+i%7, i)
		m.Body = append(m.Body, make([]byte, 4000)...)
		mustAppend(t, s, m)
		noteBase(m)
		all = append(all, m)
	}
	dispatchAll(t, s)
	tune := *s.tuning.Load()
	tune.DeleteFilesBatch = 1
	for range 2 {
		if _, err := s.deleteSegments(t.Context(), &tune, true); err != nil {
			t.Fatal(err)
		}
		if err := s.deleteDerived(); err != nil {
			t.Fatal(err)
		}
		first, _ := s.LogRange()
		all = slices.DeleteFunc(all, func(m *codec.Message) bool { return m.PhysicalOffset < first })
		checkBatches(t, s, all)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if entries, _ := disk.ReadDir("/store/batchconsumequeue/Bulk/0"); len(entries) == 0 || entries[0].Name() == segmentName(0) {
		t.Errorf("the first file is still there: %v", entries)
	}
	s = mustOpen(t, o)
	checkBatches(t, s, all)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := disk.RemoveAll("/store/batchconsumequeue"); err != nil {
		t.Fatal(err)
	}
	s = mustOpen(t, o)
	checkBatches(t, s, all)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestBatchGap fills the place of lost batches with entries that readers pass over.
func TestBatchGap(t *testing.T) {
	s := mustOpen(t, batchOptions(vfs.NewMemory()))
	defer s.Close()
	first := wholeBatch(3, 0)
	mustAppend(t, s, first)
	s.log.mu.Lock()
	q, err := s.queues.open("Bulk", 0)
	if err != nil {
		t.Fatal(err)
	}
	q.next += 2*maxInnerCount + 5
	s.log.mu.Unlock()
	after := wholeBatch(2, 1)
	mustAppend(t, s, after)
	dispatchAll(t, s)
	var r GetResult
	defer r.Release()
	for off, next := int64(3), after.QueueOffset+2; off < next; off = r.NextOffset {
		s.Get(&Query{Topic: "Bulk", Offset: off, MaxCount: 32}, &r)
		if r.NextOffset <= off {
			t.Fatalf("at %d: %v, next %d", off, r.Status, r.NextOffset)
		}
	}
	if r.Count != 1 || r.QueueOffsets[0] != after.QueueOffset {
		t.Errorf("behind the gap there is %v", r.QueueOffsets)
	}
	if units, err := s.Units("Bulk", 0, 0, 10); err != nil || len(units) != 5 {
		t.Errorf("%d entries, %v", len(units), err)
	}
}

// TestBatchTopicDeleted deletes a topic with queues of batches and makes it again, of the other kind.
func TestBatchTopicDeleted(t *testing.T) {
	disk := vfs.NewMemory()
	o := batchOptions(disk)
	batch := true
	o.BatchQueues = func(string) bool { return batch }
	s := mustOpen(t, o)
	mustAppend(t, s, wholeBatch(3, 0))
	dispatchAll(t, s)
	if err := s.DeleteTopics([]string{"Bulk"}); err != nil {
		t.Fatal(err)
	}
	batch = false
	if r := mustAppend(t, s, message("Bulk", 0, 1)); r.QueueOffset != 0 {
		t.Errorf("the topic goes on at %d", r.QueueOffset)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = mustOpen(t, o) // what was a batch once is not taken for a message of the new topic
	if _, hi, _ := s.Bounds("Bulk", 0); hi != 1 {
		t.Errorf("the queue ends at %d", hi)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	batch = true
	if _, err := Open(o); err == nil {
		t.Error("ordinary queues of a topic with queues of batches are taken")
	}
}

// TestBatchReadAllocations keeps the price of a read.
func TestBatchReadAllocations(t *testing.T) {
	s := mustOpen(t, batchOptions(vfs.NewMemory()))
	defer s.Close()
	for i := range 20 {
		mustAppend(t, s, wholeBatch(3, i))
	}
	dispatchAll(t, s)
	if err := s.queues.writeOut(); err != nil {
		t.Fatal(err)
	}
	var r GetResult
	defer r.Release()
	q := &Query{Topic: "Bulk", Offset: 31, MaxCount: 32}
	s.Get(q, &r)
	if n := testing.AllocsPerRun(100, func() { s.Get(q, &r) }); n > 0 {
		t.Errorf("%.1f allocations for each read", n)
	}
}
