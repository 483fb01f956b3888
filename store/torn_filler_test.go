package store

import (
	"errors"
	"io/fs"
	"testing"

	"github.com/gantrymq/gantry/store/vfs"
)

// TestTornBehindFiller tears the first record of a file when everything before that file was synced, so that only the filler that
// closes the file before lies between what was synced and what was not. The record is dropped; nothing else counts as damaged.
func TestTornBehindFiller(t *testing.T) {
	disk := vfs.NewMemory()
	o := damageOptions(disk)
	second := o.SegmentSize
	s := mustOpen(t, o)
	x, n := sent{}, 0
	last := message("other", 0, 0)
	for ; s.log.end.Load()+1000 < second; n++ {
		x.fill(t, s, n, 1)
	}
	last.Body = make([]byte, 1000)
	tear := func(n int64) { // the last n bytes of it were not written
		t.Helper()
		r := mustAppend(t, s, last)
		if r.PhysicalOffset != second {
			t.Fatalf("the record is at %d, want the begin of the second file", r.PhysicalOffset)
		}
		disk.Inject(func(vfs.Op) error { return errCut })
		s.Close()
		disk = disk.Reboot()
		o.FS = disk
		spoil(t, disk, o, second+int64(r.Size)-n, make([]byte, n))
		if err := disk.RemoveAll("/store/consumequeue/topic0/0"); err != nil { // for a lost queue the whole log is walked
			t.Fatal(err)
		}
		s = mustOpen(t, o)
		if _, end := s.LogRange(); end != second {
			t.Fatalf("the log ends at %d, want %d", end, second)
		}
		x.check(t, s)
		if _, err := disk.Stat("/store/quarantine"); !errors.Is(err, fs.ErrNotExist) {
			t.Fatalf("the filler was taken for damage: %v", err)
		}
	}
	tear(600) // the body does not match its checksum
	if synced := s.checkpoint.synced; synced != second {
		t.Fatalf("synced up to %d, want %d", synced, second)
	}
	tear(20) // only its properties are zeros
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}
