package store

import (
	"errors"
	"fmt"
	"io/fs"
	"sync/atomic"
	"testing"
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
