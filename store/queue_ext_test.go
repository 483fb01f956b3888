package store

import (
	"encoding/binary"
	"math"
	"net/netip"
	"strings"
	"testing"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/compat"
	"github.com/gantrymq/gantry/store/vfs"
)

// oneTag takes messages of one tag.
type oneTag string

func (f oneTag) MatchUnit(tags int64) bool { return tags == int64(compat.HashCode(string(f))) }
func (oneTag) MatchRecord([]byte) bool     { return true }

// TestExtEntries: entries that point into consumequeue_ext are filtered by the tag hash that lies there; without the file they are
// taken.
func TestExtEntries(t *testing.T) {
	disk := vfs.NewMemory()
	o := smallOptions(disk, "/store")
	s := mustOpen(t, o)
	for i := range 9 {
		mustAppend(t, s, message("topic", 0, i)) // tags T0, T1, T2 in turn
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	const bitMap = 14
	var ext []byte
	queue, err := disk.Open("/store/consumequeue/topic/0/"+segmentName(0), true)
	if err != nil {
		t.Fatal(err)
	}
	for i := range int64(9) {
		u, err := readUnitAt(queue, i)
		if err != nil {
			t.Fatal(err)
		}
		at := int64(len(ext))
		ext = binary.BigEndian.AppendUint16(ext, 20+bitMap)
		ext = binary.BigEndian.AppendUint64(ext, uint64(u.tags))
		ext = append(ext, make([]byte, 8+2+bitMap)...)
		u.tags = math.MinInt64 + at
		if _, err := queue.WriteAt(appendUnit(nil, u), i*queueUnit); err != nil {
			t.Fatal(err)
		}
	}
	queue.Close()
	const dir = "/store/consumequeue_ext/topic/0"
	if err := disk.MkdirAll(dir); err != nil {
		t.Fatal(err)
	}
	f, err := disk.Create(dir + "/" + segmentName(0))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt(ext, 0); err != nil {
		t.Fatal(err)
	}
	f.Close()
	s = mustOpen(t, o)
	mustAppend(t, s, message("topic", 0, 10)) // T1, and a plain entry
	dispatchAll(t, s)
	get := func() []int64 {
		var r GetResult
		s.Get(&Query{Topic: "topic", MaxCount: 32, Filter: oneTag("T1")}, &r)
		defer r.Release()
		return append([]int64(nil), r.QueueOffsets...)
	}
	if got := get(); len(got) != 4 || got[0] != 1 || got[3] != 9 {
		t.Errorf("tag T1 is found at %v", got)
	}
	units, err := s.Units("topic", 0, 0, 9)
	if err != nil || len(units) != 9 || units[4].TagsCode != int64(compat.HashCode("T1")) {
		t.Errorf("%d entries, %v", len(units), err)
	}
	s.cache.forget(pathKey(dir + "/" + segmentName(0)))
	if err := disk.RemoveAll("/store/consumequeue_ext"); err != nil {
		t.Fatal(err)
	}
	if got := get(); len(got) != 10 {
		t.Errorf("without the file %v are taken", got)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestOddRecords: records with IPv6 hosts and of topics that are too long for a V1 record are stored, found and recovered.
func TestOddRecords(t *testing.T) {
	disk := vfs.NewMemory()
	o := smallOptions(disk, "/store")
	s := mustOpen(t, o)
	long := "%RETRY%" + strings.Repeat("g", 200)
	v6 := netip.MustParseAddrPort("[2001:db8::7]:10911")
	var all []*codec.Message
	for i := range 40 {
		m := message([]string{"topic", long}[i%2], 0, i)
		if i%3 == 0 {
			m.BornHost = v6
		}
		if i%5 == 0 {
			m.StoreHost = v6
		}
		mustAppend(t, s, m)
		all = append(all, m)
	}
	disk.Inject(func(vfs.Op) error { return errCut })
	s.Close()
	o.FS = disk.Reboot()
	s = mustOpen(t, o)
	dispatchAll(t, s)
	for i, topic := range []string{"topic", long} {
		got := readAll(t, s, topic, 0)
		if len(got) != 20 {
			t.Fatalf("%d messages of %s", len(got), topic)
		}
		for k, m := range got {
			if want := all[2*k+i]; m.BornHost != want.BornHost || m.StoreHost != want.StoreHost || m.Topic != want.Topic {
				t.Errorf("message %d: %v, %v, %s", k, m.BornHost, m.StoreHost, m.Topic)
			}
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}
