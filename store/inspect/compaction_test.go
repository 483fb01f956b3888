package inspect

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/store"
	"github.com/gantrymq/gantry/store/compaction"
	"github.com/gantrymq/gantry/store/vfs"
)

const (
	compactedLog   = "/store/compaction/compactionLog/Compacted/0/00000000000000000000"
	compactedUnits = "/store/compaction/compactionCq/Compacted/0/00000000000000000000"
)

// compactedStore is a cleanly stopped store with 20 messages of a compacted topic, nine in a file.
func compactedStore(t *testing.T) *vfs.Memory {
	t.Helper()
	disk := vfs.NewMemory()
	o := store.NewOptions("/store")
	o.FS, o.SegmentSize, o.QueueFileSize, o.IndexSlots, o.IndexEntries, o.Compaction = disk, 64<<10, 2000, 50, 120, true
	s, err := store.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	sizes, err := compaction.NewSizes(3000, 460)
	if err != nil {
		t.Fatal(err)
	}
	err = s.OpenCompaction(store.Compaction{
		Compacted: func(string) bool { return true }, Options: compaction.Options{Sizes: sizes, Interval: 1 << 40},
	})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 20 {
		m := &codec.Message{
			Topic: "Compacted", Body: fmt.Append(nil, "body ", i), Properties: fmt.Sprintf("KEYS\x01k%d\x02", i),
			BornHost: netip.MustParseAddrPort("127.0.0.1:1"), BornTimestamp: 1,
		}
		if r, err := s.Append(m); err != nil || r.Status != store.PutOK {
			t.Fatal(r.Status, err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return disk
}

func compactedShape(disk vfs.FS) Options { return Options{FS: disk, IndexSlots: 50, IndexEntries: 120} }

func TestCompactedQueues(t *testing.T) {
	disk := compactedStore(t)
	d, err := Open("/store", compactedShape(disk))
	if err != nil {
		t.Fatal(err)
	}
	l, err := d.List()
	if err != nil {
		t.Fatal(err)
	}
	want := CompactedInfo{Topic: "Compacted", Files: 3, Messages: 20, Max: 20}
	if len(l.Compacted) == 1 {
		want.Bytes = l.Compacted[0].Bytes
	}
	if len(l.Compacted) != 1 || l.Compacted[0] != want || want.Bytes < 2000 {
		t.Errorf("listed %+v", l.Compacted)
	}
	if r := mustVerify(t, compactedShape(disk)); r.Damaged+r.Noted != 0 || r.Compacted != 20 {
		t.Errorf("%d compacted messages, findings %v", r.Compacted, r.List)
	}
}

// Each kind of damage is found, and is a note where the next start looks at everything again.
func TestCompactedDamage(t *testing.T) {
	for _, c := range []struct {
		name   string
		harm   func(t *testing.T, disk *vfs.Memory)
		damage string
	}{
		{"record", func(t *testing.T, disk *vfs.Memory) { overwrite(t, disk, compactedLog, 90, []byte("x")) }, "checksum"},
		{"position", func(t *testing.T, disk *vfs.Memory) { overwrite(t, disk, compactedLog, 28, []byte("\x01")) }, "lies at"},
		{"unit", func(t *testing.T, disk *vfs.Memory) { overwrite(t, disk, compactedUnits, 28+7, []byte("\x05")) }, "follows message 5"},
		{"beyond", func(t *testing.T, disk *vfs.Memory) { overwrite(t, disk, compactedUnits, 1, []byte("\x05")) }, "not in the file"},
		{"names", func(t *testing.T, disk *vfs.Memory) {
			if err := disk.Remove(compactedUnits); err != nil {
				t.Fatal(err)
			}
		}, "the same names"},
	} {
		t.Run(c.name, func(t *testing.T) {
			disk := compactedStore(t)
			c.harm(t, disk)
			if r := mustVerify(t, compactedShape(disk)); r.Damaged == 0 || !strings.Contains(fmt.Sprint(r.List), c.damage) {
				t.Errorf("found %v, want %q", r.List, c.damage)
			}
			if err := writeFile(disk, "/store/abort", nil); err != nil {
				t.Fatal(err)
			}
			if r := mustVerify(t, compactedShape(disk)); r.Damaged != 0 || !strings.Contains(fmt.Sprint(r.List), c.damage) {
				t.Errorf("with an abort file found %v, want %q", r.List, c.damage)
			}
		})
	}
}

func TestCompactionLeftovers(t *testing.T) {
	disk := compactedStore(t)
	if err := writeFile(disk, compactedLog+".delete", nil); err != nil {
		t.Fatal(err)
	}
	if err := disk.MkdirAll("/store/compaction/compactionCq/Compacted/0/compacting"); err != nil {
		t.Fatal(err)
	}
	if r := mustVerify(t, compactedShape(disk)); r.Noted != 2 || r.Damaged != 0 {
		t.Errorf("found %v", r.List)
	}
}
