package store

import (
	"testing"

	"github.com/gantrymq/gantry/store/vfs"
)

// TestRecordsAreResident: a record that was just written is in memory, in the mapped segment and in those before it; one that is gone is not.
func TestRecordsAreResident(t *testing.T) {
	s := mustOpen(t, smallOptions(vfs.OS{}, t.TempDir()))
	running(t, s)
	var first, last AppendResult
	for i := range 1000 {
		if last = mustAppend(t, s, message("t", 0, i)); i == 0 {
			first = last
		}
	}
	s.coolSegments()
	for _, r := range []AppendResult{first, last} {
		if yes, err := s.Resident(r.PhysicalOffset, int32(r.Size)); !yes || err != nil {
			t.Errorf("the record at %d is resident: %t, %v", r.PhysicalOffset, yes, err)
		}
	}
	if yes, err := s.Resident(last.PhysicalOffset+1<<40, 10); yes || err != nil {
		t.Errorf("a record beyond the log is resident: %t, %v", yes, err)
	}
}
