package store

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/store/compaction"
	"github.com/gantrymq/gantry/store/vfs"
)

const compactedTopic = "Compacted"

// openCompacted opens a store with a compacted topic, whose segments take nine messages.
func openCompacted(t *testing.T, fs vfs.FS) *Store {
	t.Helper()
	o := smallOptions(fs, "/store")
	o.Compaction = true
	s := mustOpen(t, o)
	sizes, err := compaction.NewSizes(3000, 460)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.OpenCompaction(Compaction{
		Compacted: func(topic string) bool { return topic == compactedTopic },
		Topics:    []string{compactedTopic},
		Options:   compaction.Options{Sizes: sizes, Workers: 1, Interval: 1 << 40},
	}); err != nil {
		t.Fatal(err)
	}
	return s
}

// keyed is the n-th message of a topic with seven keys; every tenth has none.
func keyed(n int) *codec.Message {
	m := message(compactedTopic, 0, n)
	m.Properties = "TAGS\x01T\x02"
	if n%10 != 9 {
		m.Properties += fmt.Sprintf("KEYS\x01k%d\x02", n%7)
	}
	return m
}

// checkCompacted reads the queue and compares: in order, nothing that was not sent, the newest of n messages for each key.
func checkCompacted(t *testing.T, s *Store, n int) (read []int64) {
	t.Helper()
	var r GetResult
	defer r.Release()
	for off := int64(0); ; off = r.NextOffset {
		s.Get(&Query{Topic: compactedTopic, Offset: off, MaxCount: 32}, &r)
		if r.Status != Found {
			break
		}
		for _, b := range r.Buffers {
			for len(b) > 0 {
				var m codec.Message
				var err error
				if b, err = codec.DecodeRecord(b, &m, true); err != nil {
					t.Fatal(err)
				}
				want := keyed(int(m.QueueOffset))
				if string(m.Body) != string(want.Body) || m.QueueOffset < off {
					t.Fatalf("%q at %d, read from %d", m.Body, m.QueueOffset, off)
				}
				read = append(read, m.QueueOffset)
			}
		}
	}
	if r.Err != nil || r.Status != OffsetOverflowOne && n > 0 {
		t.Fatalf("reading ended with %v: %v", r.Status, r.Err)
	}
	newest := map[int]int64{}
	for i := range n {
		if i%10 != 9 {
			newest[i%7] = int64(i)
		}
	}
	for _, off := range newest {
		if !slices.Contains(read, off) {
			t.Fatalf("message %d is the newest of its key and missing in %v", off, read)
		}
	}
	return read
}

func TestCompactedTopic(t *testing.T) {
	fs := vfs.NewMemory()
	s := openCompacted(t, fs)
	stop := running(t, s)
	for n := range 300 {
		mustAppend(t, s, keyed(n))
	}
	dispatchAll(t, s)
	if got := checkCompacted(t, s, 300); len(got) != 270 {
		t.Errorf("%d messages with keys before a compaction, want 270", len(got))
	}
	if err := s.compacted.files.Compact(context.Background(), compactedTopic, 0); err != nil {
		t.Fatal(err)
	}
	merged := checkCompacted(t, s, 300)
	if len(merged) > 20 {
		t.Errorf("%d messages of seven keys after it", len(merged))
	}
	stop()
	s = openCompacted(t, fs)
	stop = running(t, s)
	if got := checkCompacted(t, s, 300); !slices.Equal(got, merged) {
		t.Errorf("after a restart %v, before %v", got, merged)
	}
	if err := s.DeleteTopics([]string{compactedTopic}); err != nil {
		t.Fatal(err)
	}
	if got := checkCompacted(t, s, 0); got != nil {
		t.Errorf("a deleted topic has %v", got)
	}
	mustAppend(t, s, keyed(0))
	dispatchAll(t, s)
	if got := checkCompacted(t, s, 1); len(got) != 1 {
		t.Errorf("a topic that was made again has %v", got)
	}
	stop()
	if open := fs.OpenFiles(); len(open) > 0 {
		t.Errorf("still open: %v", open)
	}
}

// A folder that is lost comes back from the log, as far as that reaches.
func TestCompactedTopicFromTheLog(t *testing.T) {
	fs := vfs.NewMemory()
	s := openCompacted(t, fs)
	stop := running(t, s)
	for n := range 50 {
		mustAppend(t, s, keyed(n))
	}
	stop()
	if err := fs.RemoveAll("/store/compaction"); err != nil {
		t.Fatal(err)
	}
	s = openCompacted(t, fs)
	defer running(t, s)()
	if got := checkCompacted(t, s, 50); len(got) != 45 {
		t.Errorf("%d messages", len(got))
	}
}

// A message that is damaged in the compacted queue comes from the log, and is mended.
func TestDamagedCompactedMessage(t *testing.T) {
	fs := vfs.NewMemory()
	s := openCompacted(t, fs)
	stop := running(t, s)
	for n := range 50 {
		mustAppend(t, s, keyed(n))
	}
	dispatchAll(t, s)
	if got := checkCompacted(t, s, 50); len(got) != 45 {
		t.Fatalf("%d messages", len(got))
	}
	folder := "/store/compaction/compactionLog/" + compactedTopic + "/0/"
	f, err := fs.Open(folder+segmentName(0), true)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt([]byte("damage"), 90); err != nil { // in the body of the first
		t.Fatal(err)
	}
	if got := checkCompacted(t, s, 50); len(got) != 45 {
		t.Errorf("%d messages with a damaged one", len(got))
	}
	var b [6]byte
	if _, err := f.ReadAt(b[:], 90); err != nil || string(b[:]) == "damage" {
		t.Errorf("the file was not mended: %q, %v", b, err)
	}
	stop()
}

// A start that ends before the queues of compacted topics are complete does not count as one.
func TestStartCutShortBeforeCompaction(t *testing.T) {
	fs := vfs.NewMemory()
	s := openCompacted(t, fs)
	cancel := runOnly(t, s)
	mustAppend(t, s, keyed(0))
	cancel()
	fs = fs.Kill()
	o := smallOptions(fs, "/store")
	o.Compaction = true
	s = mustOpen(t, o)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := fs.Stat("/store/abort"); err != nil {
		t.Errorf("the mark of an unclean stop: %v", err)
	}
}

// openBulk opens a store whose topic Bulk has queues of batches and is compacted.
func openBulk(t *testing.T, fs vfs.FS) *Store {
	t.Helper()
	o := batchOptions(fs)
	o.Compaction = true
	s := mustOpen(t, o)
	sizes, err := compaction.NewSizes(3000, 460)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.OpenCompaction(Compaction{
		Compacted: o.BatchQueues, Topics: []string{"Bulk"}, Options: compaction.Options{Sizes: sizes, Workers: 1, Interval: 1 << 40},
	}); err != nil {
		t.Fatal(err)
	}
	return s
}

// readBulk lists the offsets that a reader of the queue of batches finds.
func readBulk(t *testing.T, s *Store) (read []int64) {
	t.Helper()
	var r GetResult
	defer r.Release()
	for off := int64(0); ; off = r.NextOffset {
		if s.Get(&Query{Topic: "Bulk", Offset: off, MaxCount: 32}, &r); r.Status != Found {
			if r.Err != nil {
				t.Fatal(r.Err)
			}
			return read
		}
		read = append(read, r.QueueOffsets...)
	}
}

// Batches that stay whole are kept by their own key. Queue offsets and entries count differently there, also when what was
// lost is made again.
func TestCompactedQueueOfBatches(t *testing.T) {
	for seed := range uint64(20) {
		rng := rand.New(rand.NewPCG(seed, 8))
		fs := vfs.NewMemory()
		var want []int64 // offsets of records with a key
		for range 4 {
			s := openBulk(t, fs)
			_, end, err := s.Bounds("Bulk", 0)
			if err != nil {
				t.Fatal(err)
			}
			want = slices.DeleteFunc(want, func(off int64) bool { return off >= end }) // a crash has taken them
			if got := readBulk(t, s); !slices.Equal(got, want) {
				t.Fatalf("seed %d: offsets %v after a restart, want %v", seed, got, want)
			}
			cancel := runOnly(t, s)
			for i := range 20 + rng.IntN(20) {
				m := message("Bulk", 0, i)
				m.Properties = "TAGS\x01T\x02"
				if rng.IntN(2) == 0 {
					markWhole(m, 1+rng.IntN(5))
				}
				keyed := rng.IntN(4) > 0
				if keyed {
					m.Properties += fmt.Sprintf("KEYS\x01k%d\x02", len(want))
				}
				r := mustAppend(t, s, m)
				if keyed {
					want = append(want, r.QueueOffset)
				}
			}
			dispatchAll(t, s)
			if got := readBulk(t, s); !slices.Equal(got, want) {
				t.Fatalf("seed %d: offsets %v, want %v", seed, got, want)
			}
			cancel()
			switch rng.IntN(4) {
			case 0:
				fs = fs.Kill()
			case 1:
				fs = fs.Kill()
				if err := fs.RemoveAll("/store/compaction"); err != nil {
					t.Fatal(err)
				}
			default:
				fs = fs.Crash(rng)
			}
		}
	}
}

// After a crash at any moment the queue has the newest message of every key that the log has.
func TestCompactedTopicAfterCrashes(t *testing.T) {
	for seed := range uint64(20) {
		rng := rand.New(rand.NewPCG(seed, 4))
		fs := vfs.NewMemory()
		n := 0
		for range 4 {
			s := openCompacted(t, fs)
			_, end, err := s.Bounds(compactedTopic, 0)
			if err != nil {
				t.Fatal(err)
			}
			n = int(end)
			checkCompacted(t, s, n)
			cancel := runOnly(t, s)
			for range 20 + rng.IntN(60) {
				mustAppend(t, s, keyed(n))
				n++
				if rng.IntN(25) == 0 {
					dispatchAll(t, s)
					if err := s.compacted.files.Compact(context.Background(), compactedTopic, 0); err != nil {
						t.Fatal(err)
					}
				}
			}
			dispatchAll(t, s)
			checkCompacted(t, s, n)
			cancel()
			if rng.IntN(3) == 0 {
				fs = fs.Kill()
			} else {
				fs = fs.Crash(rng)
			}
		}
		s := openCompacted(t, fs)
		_, end, err := s.Bounds(compactedTopic, 0)
		if err != nil {
			t.Fatal(err)
		}
		checkCompacted(t, s, int(end))
		running(t, s)()
	}
}
