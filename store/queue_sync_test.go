package store

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/gantrymq/gantry/store/vfs"
)

// TestSyncEach: everything in the list is synced, few or many, what is gone is
// passed over, and a failure is reported and ends the work.
func TestSyncEach(t *testing.T) {
	broken := errors.New("broken")
	for _, n := range []int{0, 1, syncTogether - 1, syncTogether, 1000} {
		list := make([]int, n)
		for i := range list {
			list[i] = i
		}
		synced := make([]atomic.Bool, n)
		if err := syncEach(list, func(i int) error {
			synced[i].Store(true)
			if i%3 == 0 {
				return fmt.Errorf("file %d: %w", i, fs.ErrNotExist)
			}
			return nil
		}); err != nil {
			t.Errorf("%d things: %v", n, err)
		}
		for i := range synced {
			if !synced[i].Load() {
				t.Errorf("of %d things %d was not synced", n, i)
			}
		}
		if n == 0 {
			continue
		}
		var calls atomic.Int64
		if err := syncEach(list, func(int) error { calls.Add(1); return broken }); !errors.Is(err, broken) || calls.Load() > syncAtOnce {
			t.Errorf("%d things on a broken disk: %v after %d calls", n, err, calls.Load())
		}
	}
}

// TestSyncWritesNothing: entries that came after the others were written stay in memory when those are synced. On a full disk
// writing them would fail, which space cures, and a failed sync stops writes for good.
func TestSyncWritesNothing(t *testing.T) {
	disk := vfs.NewMemory()
	s := mustOpen(t, smallOptions(disk, "/store"))
	mustAppend(t, s, message("t", 0, 0))
	if err := errors.Join(s.dispatchConfirmed(), s.queues.writeOut()); err != nil {
		t.Fatal(err)
	}
	mustAppend(t, s, message("t", 0, 1))
	mustAppend(t, s, message("u", 0, 2))
	if err := s.dispatchConfirmed(); err != nil {
		t.Fatal(err)
	}
	disk.Inject(func(op vfs.Op) error {
		if op.Changes() && op.Kind != vfs.OpSync && op.Kind != vfs.OpSyncDir && strings.Contains(op.Name, "/consumequeue/") {
			return syscall.ENOSPC
		}
		return nil
	})
	if err := s.queues.sync(); err != nil {
		t.Errorf("synced with %v", err)
	}
	if err := s.takeCheckpoint(); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("a checkpoint on a full disk: %v", err)
	}
	if err := s.failure(); err != nil {
		t.Errorf("a full disk has stopped the store: %v", err)
	}
	disk.Inject(nil)
	mustAppend(t, s, message("t", 0, 3))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = mustOpen(t, smallOptions(disk, "/store"))
	if got := readAll(t, s, "t", 0); len(got) != 3 {
		t.Errorf("%d messages after all", len(got))
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}
