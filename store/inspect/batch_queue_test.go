package inspect

import (
	"encoding/binary"
	"fmt"
	"io"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/protocol"
	"github.com/gantrymq/gantry/store"
	"github.com/gantrymq/gantry/store/vfs"
)

const batchTable = `{"topicConfigTable":{"Bulk":{"attributes":{"queue.type":"BatchCQ"}},"plain":{}}}`

func batchStore(disk vfs.FS) store.Options {
	o := ours(disk)
	o.BatchQueueFileSize = 5 * batchUnitSize
	o.BatchQueues = func(topic string) bool { return topic == "Bulk" }
	return o
}

// batches is a disk with a store that was stopped cleanly: 30 batches and 30 messages in a queue of batches, 30 in an ordinary one.
func batches(t *testing.T) *vfs.Memory {
	t.Helper()
	disk := vfs.NewMemory()
	s, err := store.Open(batchStore(disk))
	if err != nil {
		t.Fatal(err)
	}
	for i := range 90 {
		m := &codec.Message{
			Topic: "Bulk", BornTimestamp: 1750000000000, BornHost: netip.MustParseAddrPort("127.0.0.1:1"),
			Body: []byte(fmt.Sprintf("body %d %s", i, strings.Repeat("x", i*7))), Properties: fmt.Sprintf("UNIQ_KEY\x01U%d\x02TAGS\x01T%d\x02", i, i%3),
		}
		switch i % 3 {
		case 0:
			m.SysFlag = protocol.SysFlagInnerBatch | protocol.SysFlagNeedUnwrap
			m.Properties += fmt.Sprintf("INNER_NUM\x01%d\x02", 1+i%4)
		case 1:
			m.Topic = "plain"
		}
		if _, err := s.Append(m); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := writeFile(disk, "/store/config/topics.json", []byte(batchTable)); err != nil {
		t.Fatal(err)
	}
	return disk
}

const bulkDir = "/store/batchconsumequeue/Bulk/0/"

func TestBatchQueuesIntact(t *testing.T) {
	disk := batches(t)
	r := mustVerify(t, oursShape(disk))
	if r.Damaged > 0 || r.Units != 90 || r.Queues != 2 || r.Records != 90 {
		t.Errorf("%d entries, %d queues, %d records, damage %d:\n%s", r.Units, r.Queues, r.Records, r.Damaged, lines(r.List))
	}
	l, err := mustOpen(t, oursShape(disk)).List()
	if err != nil {
		t.Fatal(err)
	}
	var end int64 = 30
	for i := 0; i < 90; i += 3 {
		end += int64(1 + i%4)
	}
	if q := l.Queues[1]; q.Topic != "Bulk" || !q.Batch || q.Min != 0 || q.Max != end || q.Files != 12 || q.First == 0 || q.Last <= q.First {
		t.Errorf("%+v, want its end at %d", q, end)
	}
	n, err := mustOpen(t, oursShape(disk)).Dump(t.Context(), Filter{Topic: "Bulk", Queue: -1}, io.Discard, func(int64, int64, error) {})
	if n != 60 || err != nil {
		t.Errorf("dumped %d records, %v", n, err)
	}
}

// TestBatchQueuesDamaged spoils a queue of batches in several ways: each is found, and mended.
func TestBatchQueuesDamaged(t *testing.T) {
	change := func(file string, at int64, b []byte) func(*testing.T, *vfs.Memory) {
		return func(t *testing.T, disk *vfs.Memory) {
			f, err := disk.Open(bulkDir+file, true)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := f.WriteAt(b, at); err != nil {
				t.Fatal(err)
			}
			f.Close()
		}
	}
	second := fmt.Sprintf("%020d", 5*batchUnitSize)
	one := binary.BigEndian.AppendUint16(nil, 9)
	for _, tt := range []struct {
		name  string
		spoil func(*testing.T, *vfs.Memory)
		want  string
	}{
		{"another place", change(second, 2*batchUnitSize+7, []byte{1}), "where no message of this queue lies"},
		{"another tag", change(second, 2*batchUnitSize+15, []byte{1}), "tag hash"},
		{"another time", change(second, 2*batchUnitSize+27, []byte{1}), "stored at"},
		{"another base", change(second, 2*batchUnitSize+35, []byte{200}), "offset 200"},
		{"another count", change(second, 2*batchUnitSize+36, one), "9 messages"},
		{"the end gone", change(fmt.Sprintf("%020d", 55*batchUnitSize), 2*batchUnitSize, make([]byte, 3*batchUnitSize)), "3 messages have no entry"},
		{"a file of another size", func(t *testing.T, disk *vfs.Memory) {
			f, err := disk.Open(bulkDir+second, true)
			if err != nil {
				t.Fatal(err)
			}
			if err := f.Truncate(100); err != nil {
				t.Fatal(err)
			}
			f.Close()
		}, "has 100 bytes"},
		{"all files gone", func(t *testing.T, disk *vfs.Memory) {
			if err := disk.RemoveAll("/store/batchconsumequeue"); err != nil {
				t.Fatal(err)
			}
		}, "60 messages have no entry"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			disk := batches(t)
			tt.spoil(t, disk)
			if r := mustVerify(t, oursShape(disk)); r.Damaged == 0 || !strings.Contains(lines(r.List), tt.want) {
				t.Fatalf("found:\n%s", lines(r.List))
			}
			p, err := mustOpen(t, oursShape(disk)).PlanRepair(t.Context(), time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC))
			if err != nil {
				t.Fatal(err)
			}
			if len(p.Steps) == 0 || len(p.Manual) > 0 {
				t.Fatalf("planned %q, by hand %q", p.Steps, p.Manual)
			}
			if err := p.Apply(t.Context(), func(o *store.Options) { o.BatchQueueFileSize = 5 * batchUnitSize }); err != nil {
				t.Fatal(err)
			}
			if r := mustVerify(t, oursShape(disk)); r.Damaged > 0 || r.Units != 90 {
				t.Errorf("after %q:\n%s", p.Steps, lines(r.List))
			}
		})
	}
}

// TestBatchQueuesOfAnotherKind: what neither broker starts on is found.
func TestBatchQueuesOfAnotherKind(t *testing.T) {
	for _, tt := range []struct{ table, want string }{
		{`{"topicConfigTable":{"plain":{}}}`, "no topic Bulk with queue.type=BatchCQ"},
		{strings.Replace(batchTable, `"plain":{}`, `"plain":{"attributes":{"queue.type":"BatchCQ"}}`, 1), "is an ordinary queue"},
	} {
		disk := batches(t)
		if err := disk.Remove("/store/config/topics.json"); err != nil {
			t.Fatal(err)
		}
		if err := writeFile(disk, "/store/config/topics.json", []byte(tt.table)); err != nil {
			t.Fatal(err)
		}
		if r := mustVerify(t, oursShape(disk)); r.Damaged == 0 || !strings.Contains(lines(r.List), tt.want) {
			t.Errorf("found:\n%s", lines(r.List))
		}
	}
}

// TestBatchTopicDeleted: batches of a topic that was deleted, and made anew as an ordinary one, are no damage.
func TestBatchTopicDeleted(t *testing.T) {
	disk := batches(t)
	o := batchStore(disk)
	s, err := store.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.DeleteTopics([]string{"Bulk"}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := disk.Remove("/store/config/topics.json"); err != nil {
		t.Fatal(err)
	}
	if r := mustVerify(t, oursShape(disk)); r.Damaged > 0 {
		t.Errorf("deleted:\n%s", lines(r.List))
	}
	o.BatchQueues = nil
	if s, err = store.Open(o); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Append(&codec.Message{Topic: "Bulk", BornHost: o.StoreHost, Body: []byte("new")}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if r := mustVerify(t, oursShape(disk)); r.Damaged > 0 {
		t.Errorf("made anew:\n%s", lines(r.List))
	}
}
