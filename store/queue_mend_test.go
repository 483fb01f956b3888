package store

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/store/vfs"
)

// wrongEntries is every way in which entries are made wrong. entries are those of the queue's file, to be changed in place; other are
// those of another topic's queue with the same number.
var wrongEntries = []struct {
	name      string
	plausible bool // only the record tells
	spoil     func(entries [][]byte, other [][]byte)
}{
	{"zeros in one", false, func(e, _ [][]byte) { clear(e[20]) }},
	{"zeros in the first", false, func(e, _ [][]byte) { clear(e[0]) }},
	{"zeros in the last", false, func(e, _ [][]byte) { clear(e[len(e)-1]) }},
	{"zeros over files", false, func(e, _ [][]byte) {
		for _, b := range e[7:35] {
			clear(b)
		}
	}},
	{"ones", false, func(e, _ [][]byte) {
		for _, b := range e[7:9] {
			copy(b, bytes.Repeat([]byte{0xFF}, len(b)))
		}
	}},
	{"a size", true, func(e, _ [][]byte) { e[20][11] ^= 1 }},
	{"a position a little off", true, func(e, _ [][]byte) { e[20][7] ^= 1 }},
	{"a position far ahead", false, func(e, _ [][]byte) { e[20][5] ^= 1 }},
	{"a position behind the log", false, func(e, _ [][]byte) { e[20][2] = 1 }},
	{"another message of the queue", true, func(e, _ [][]byte) { copy(e[20][:12], e[23]) }},
	{"two that changed places", true, func(e, _ [][]byte) {
		b := bytes.Clone(e[20])
		copy(e[20], e[21])
		copy(e[21], b)
	}},
	{"the entries of another topic", true, func(e, other [][]byte) {
		for i := range e[10:20] {
			copy(e[10+i][:12], other[10+i])
		}
	}},
	{"the entry of another topic", true, func(e, other [][]byte) { copy(e[20][:12], other[20]) }},
}

// TestWrongEntriesAreMended: entries of a queue that were spoiled behind the store's back are written again by whoever reads them, from
// mapped and from cold files, with and without a filter, and by searches; one line says so, and nobody misses a message.
func TestWrongEntriesAreMended(t *testing.T) {
	for _, tt := range wrongEntries {
		for _, how := range []string{"mapped", "cold", "filtered", "cold and filtered", "no waiting", "by time", "just written"} {
			switch {
			case how == "by time" && strings.Contains(tt.name, "another topic"):
				continue // a search does not look at topics
			case how == "just written" && tt.plausible:
				continue // what the process has written itself is not looked up
			}
			t.Run(tt.name+" "+how, func(t *testing.T) {
				disk, x := vfs.NewMemory(), sent{}
				o := damageOptions(disk)
				o.QueueFileSize = 200
				said := ""
				o.Event = func(e Event) { said += e.Text + "\n" }
				if strings.HasPrefix(how, "cold") {
					o.SegmentSize = 4 << 10
				}
				now := time.UnixMilli(1750000000000)
				o.Now = func() time.Time { now = now.Add(time.Millisecond); return now }
				s := mustOpen(t, o)
				defer func() { s.Close() }()
				x.fill(t, s, 0, 300)
				dispatchAll(t, s)
				if err := s.queues.writeOut(); err != nil {
					t.Fatal(err)
				}
				if how != "just written" {
					if err := s.Close(); err != nil {
						t.Fatal(err)
					}
					s = mustOpen(t, o)
					if _, _, err := s.Bounds("topic1", 1); err != nil { // it is loaded
						t.Fatal(err)
					}
				}
				good := entriesOf(t, disk, "topic1/1")
				bad := slices.Clone(good)
				for i := range bad {
					bad[i] = bytes.Clone(bad[i])
				}
				tt.spoil(bad, entriesOf(t, disk, "topic0/1"))
				putEntries(t, disk, "topic1/1", bad)
				said = ""
				switch {
				case strings.HasSuffix(how, "filtered"):
					readFiltered(t, s, x["topic1 1"])
				case how == "by time":
					for _, m := range x["topic1 1"] {
						if off, err := s.OffsetByTime(m.Topic, m.QueueID, m.StoreTimestamp, false); err != nil || off != m.QueueOffset {
							t.Fatalf("at %d is offset %d, want %d: %v", m.StoreTimestamp, off, m.QueueOffset, err)
						}
					}
				case how == "no waiting":
					var r GetResult
					s.Get(&Query{Topic: "topic1", QueueID: 1, Offset: 35, MaxCount: 1, NoWait: true}, &r)
					if r.Count == 0 && !r.Cold {
						t.Errorf("a read that must not wait ends with %v", r.Status)
					}
					r.Release()
				}
				x.check(t, s)
				if n := strings.Count(said, "written again"); n == 0 || n > 2 || strings.Contains(said, "pass over") {
					t.Errorf("the events are %q", said)
				}
				if now := entriesOf(t, disk, "topic1/1"); !slices.EqualFunc(now, good, bytes.Equal) {
					t.Error("the entries are not what they were")
				}
			})
		}
	}
}

// entriesOf returns the written entries of a queue with files of ten.
func entriesOf(t *testing.T, disk vfs.FS, queue string) (list [][]byte) {
	t.Helper()
	files := memoryFiles(t, disk, "/store/consumequeue/"+queue)
	for _, name := range slices.Sorted(func(yield func(string) bool) {
		for name := range files {
			if !yield(name) {
				return
			}
		}
	}) {
		for at := 0; at < len(files[name]); at += queueUnit {
			list = append(list, files[name][at:at+queueUnit])
		}
	}
	for len(list) > 0 && len(bytes.Trim(list[len(list)-1], "\x00")) == 0 {
		list = list[:len(list)-1]
	}
	return list
}

func putEntries(t *testing.T, disk vfs.FS, queue string, list [][]byte) {
	t.Helper()
	for i, b := range list {
		base := int64(i) / 10 * 200
		f, err := disk.Open("/store/consumequeue/"+queue+"/"+segmentName(base), true)
		if err == nil {
			_, err = f.WriteAt(b, int64(i)*queueUnit-base)
		}
		if err != nil {
			t.Fatal(err)
		}
		f.Close()
	}
}

// allRecords is a filter that looks at every record and takes it.
type allRecords struct{ t *testing.T }

func (allRecords) MatchUnit(int64) bool { return true }

func (f allRecords) MatchRecord(record []byte) bool {
	var m codec.Message
	if _, err := codec.DecodeRecord(record, &m, true); err != nil || m.Topic != "topic1" || m.QueueID != 1 {
		f.t.Errorf("the filter is shown %s/%d: %v", m.Topic, m.QueueID, err)
	}
	return true
}

func readFiltered(t *testing.T, s *Store, want []*codec.Message) {
	t.Helper()
	var r GetResult
	got := 0
	for q := (Query{Topic: "topic1", QueueID: 1, MaxCount: 32, Filter: allRecords{t}}); ; q.Offset = r.NextOffset {
		s.Get(&q, &r)
		if r.Status != Found {
			break
		}
		got += r.Count
	}
	r.Release()
	if got != len(want) {
		t.Errorf("a filter took %d messages of %d: %s", got, len(want), fmt.Sprint(r.Status))
	}
}

// TestWrongEntryWithoutMessage: where the log is damaged too, readers pass over what cannot be written again, say so once, and get
// everything else; nobody is stuck and nobody is given bytes that are no message.
func TestWrongEntryWithoutMessage(t *testing.T) {
	for _, tt := range []struct {
		name    string
		entries bool // they are zeros besides
	}{{"a damaged record", false}, {"a damaged record and wrong entries", true}} {
		for _, cold := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s cold %t", tt.name, cold), func(t *testing.T) {
				disk, x := vfs.NewMemory(), sent{}
				o := damageOptions(disk)
				o.QueueFileSize = 200
				if cold {
					o.SegmentSize = 4 << 10
				}
				said := ""
				o.Event = func(e Event) { said += e.Text + "\n" }
				s := mustOpen(t, o)
				x.fill(t, s, 0, 300)
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
				lost := x["topic1 1"][20]
				spoil(t, disk, o, lost.PhysicalOffset, bytes.Repeat([]byte{7}, 60))
				s = mustOpen(t, o)
				defer func() { s.Close() }()
				if _, _, err := s.Bounds("topic1", 1); err != nil {
					t.Fatal(err)
				}
				if tt.entries {
					list := entriesOf(t, disk, "topic1/1")
					clear(list[20])
					clear(list[21])
					putEntries(t, disk, "topic1/1", list)
				}
				x["topic1 1"] = slices.Delete(x["topic1 1"], 20, 21)
				said = ""
				x.checkAround(t, s)
				x.checkAround(t, s)
				if n := strings.Count(said, "gantry store repair"); n != 1 || strings.Count(said, "\n") != 1 {
					t.Errorf("the events are %q", said)
				}
			})
		}
	}
}

// TestWrongEntryAmongExpired: zeros among the entries that the search for the first readable message meets do not lead it astray.
func TestWrongEntryAmongExpired(t *testing.T) {
	disk, x := vfs.NewMemory(), sent{}
	o := damageOptions(disk)
	o.SegmentSize, o.QueueFileSize = 4<<10, 2000
	s := mustOpen(t, o)
	defer s.Close()
	x.fill(t, s, 0, 300)
	dispatchAll(t, s)
	if err := s.takeCheckpoint(); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if err := s.dropFirst(); err != nil {
			t.Fatal(err)
		}
	}
	f, err := disk.Open("/store/consumequeue/topic1/1/"+segmentName(0), true)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt(make([]byte, 20*queueUnit), 20*queueUnit); err != nil {
		t.Fatal(err)
	}
	f.Close()
	list := x["topic1 1"]
	first := slices.IndexFunc(list, func(m *codec.Message) bool { return m.PhysicalOffset >= s.log.min() })
	lo, _, err := s.Bounds("topic1", 1)
	if err != nil || lo != int64(first) {
		t.Errorf("the queue begins at %d, want %d: %v", lo, first, err)
	}
	checkQueue(t, s, "topic1", 1, list[first:])
}
