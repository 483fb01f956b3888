package store

import (
	"bytes"
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/store/vfs"
)

// TestEndBehindWrongEntries: a queue whose entries before the last one were spoiled while the store was stopped keeps its end. No offset
// is given out twice, nothing is missing, and the files are what they were.
func TestEndBehindWrongEntries(t *testing.T) {
	const n = 300
	spans := []struct{ from, to int }{{0, 1}, {0, n - 1}, {40, 60}, {51, 52}, {100, 299}, {149, 151}, {200, 201}, {200, 298}, {256, 257}, {298, 299}}
	for _, topic := range []string{"topic", "Bulk"} {
		for _, perFile := range []int64{1000, 100, n} {
			for _, clean := range []bool{true, false} {
				for _, garbage := range []string{"\x00", "\xFF"} {
					for _, span := range spans {
						name := fmt.Sprintf("%s %d in a file, clean %t, %q from %d to %d", topic, perFile, clean, garbage, span.from, span.to)
						t.Run(name, func(t *testing.T) { endBehind(t, topic, n, perFile, clean, garbage, span.from, span.to) })
					}
				}
			}
		}
	}
}

func endBehind(t *testing.T, topic string, n int, perFile int64, clean bool, garbage string, from, to int) {
	disk := vfs.NewMemory()
	o := batchOptions(disk)
	o.QueueFileSize, o.BatchQueueFileSize = perFile*queueUnit, perFile*batchUnit
	var said strings.Builder
	o.Event = func(e Event) { said.WriteString(e.Text) }
	s := mustOpen(t, o)
	var all []*codec.Message
	for i := range n {
		m := message(topic, 0, i)
		mustAppend(t, s, m)
		all = append(all, m)
	}
	dispatchAll(t, s)
	if clean {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	} else {
		if err := s.takeCheckpoint(); err != nil {
			t.Fatal(err)
		}
		disk.Inject(func(vfs.Op) error { return errCut })
		s.Close()
		disk = disk.Kill()
		o.FS = disk
	}
	l := s.queues.layoutOf(topic)
	dir := l.dir + "/" + topic + "/0"
	good := memoryFiles(t, disk, dir)
	for i := int64(from); i < int64(to); i++ {
		f, err := disk.Open(dir+"/"+segmentName(i/perFile*l.fileSize), true)
		if err == nil {
			_, err = f.WriteAt(bytes.Repeat([]byte(garbage), int(l.unit)), i%perFile*l.unit)
		}
		if err != nil {
			t.Fatal(err)
		}
		f.Close()
	}
	s = mustOpen(t, o)
	defer func() { s.Close() }()
	if _, hi, err := s.Bounds(topic, 0); err != nil || hi != int64(n) {
		t.Fatalf("the queue ends at %d, want %d: %v", hi, n, err)
	}
	checkQueue(t, s, topic, 0, all)
	if now := memoryFiles(t, disk, dir); !maps.EqualFunc(now, good, bytes.Equal) {
		t.Error("the files are not what they were")
	}
	if strings.Count(said.String(), "written again") != 1 {
		t.Errorf("the events are %q", said.String())
	}
	next := message(topic, 0, n)
	if r := mustAppend(t, s, next); r.QueueOffset != int64(n) {
		t.Errorf("the next message gets the offset %d, want %d", r.QueueOffset, n)
	}
}

// TestLoadReadsNoHole: of a queue's file, which mostly is a hole, a load reads the few entries and the page that they end in.
func TestLoadReadsNoHole(t *testing.T) {
	disk := vfs.NewMemory()
	o := smallOptions(disk, "/store")
	o.QueueFileSize = 300_000 * queueUnit
	s := mustOpen(t, o)
	x := sent{}
	x.fill(t, s, 0, 60)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = mustOpen(t, o)
	defer s.Close()
	read := int64(0)
	disk.Inject(func(op vfs.Op) error {
		if op.Kind == vfs.OpRead {
			read += op.Len
		}
		return nil
	})
	q, err := s.queues.find("topic1", 1)
	if err != nil || q.end() != 10 {
		t.Fatalf("the queue ends at %d, want 10: %v", q.end(), err)
	}
	if most := int64(searchRead + 4<<10); read > most {
		t.Errorf("%d bytes are read, want at most %d", read, most)
	}
}

// TestLitterIsCleared: what stands behind the end of a queue and is none of its entries does not stay, wherever it stands: upstream takes
// whatever looks like an entry for one.
func TestLitterIsCleared(t *testing.T) {
	for _, at := range []int64{10, 11, 204, 205, 999} { // the page ends within entry 204
		disk, x := vfs.NewMemory(), sent{}
		o := smallOptions(disk, "/store")
		o.QueueFileSize = 1000 * queueUnit
		s := mustOpen(t, o)
		x.fill(t, s, 0, 60)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		name := "/store/consumequeue/topic1/1/" + segmentName(0)
		f, err := disk.Open(name, true)
		if err == nil {
			_, err = f.WriteAt(appendUnit(nil, unit{phy: 1 << 40, size: 100}), at*queueUnit)
		}
		if err != nil {
			t.Fatal(err)
		}
		f.Close()
		s = mustOpen(t, o)
		x.check(t, s)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if b := memoryFiles(t, disk, "/store/consumequeue/topic1/1")["/"+segmentName(0)]; len(bytes.Trim(b[10*queueUnit:], "\x00")) > 0 {
			t.Errorf("what stood at %d stands there still", at)
		}
	}
}
