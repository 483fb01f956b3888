package store

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"syscall"

	"github.com/gantrymq/gantry/store/vfs"
)

// errFault marks what a faulty disk answers.
var errFault = errors.New("a fault of the test's disk")

// fault fails operations of some kinds, a number of times.
type fault struct {
	kinds []vfs.OpKind
	err   error
	left  int
	every int // of so many operations one
	count int
}

// faults are what disks do: they run full, and they cannot read or write something.
var faults = []struct {
	kinds []vfs.OpKind
	errno syscall.Errno
}{
	{[]vfs.OpKind{vfs.OpAllocate}, syscall.ENOSPC},
	{[]vfs.OpKind{vfs.OpAllocate, vfs.OpWrite, vfs.OpCreate, vfs.OpMkdir}, syscall.ENOSPC},
	{[]vfs.OpKind{vfs.OpWrite}, syscall.ENOSPC},
	{[]vfs.OpKind{vfs.OpSync}, syscall.EIO},
	{[]vfs.OpKind{vfs.OpSyncDir}, syscall.EIO},
	{[]vfs.OpKind{vfs.OpRead}, syscall.EIO},
	{[]vfs.OpKind{vfs.OpWrite}, syscall.EIO},
	{[]vfs.OpKind{vfs.OpOpen, vfs.OpStat, vfs.OpReadDir}, syscall.EMFILE},
	{[]vfs.OpKind{vfs.OpRename, vfs.OpRemove, vfs.OpTruncate, vfs.OpZero}, syscall.EIO},
	{[]vfs.OpKind{vfs.OpMap}, syscall.ENOMEM},
}

func randomFault(rng *rand.Rand) *fault {
	f := faults[rng.IntN(len(faults))]
	return &fault{kinds: f.kinds, err: fmt.Errorf("%w: %w", errFault, f.errno), left: 1 + rng.IntN(20), every: 1 + rng.IntN(4)}
}

// strike is the error of an operation, or nil.
func (f *fault) strike(op vfs.Op) error {
	if f == nil || f.left == 0 || !slices.Contains(f.kinds, op.Kind) {
		return nil
	}
	if f.count++; f.count%f.every != 0 {
		return nil
	}
	f.left--
	return f.err
}

// changeFault lets the disk begin or cease to fail.
func (h *history) changeFault() {
	if !h.faulty {
		return
	}
	switch {
	case h.fault == nil && h.rng.IntN(6) == 0:
		h.fault = randomFault(h.rng)
	case h.fault != nil && h.rng.IntN(4) == 0:
		h.fault = nil
	}
}

// refused reports whether an append was refused because of an earlier fault. The next success of the queue writer or of the
// dispatcher ends that; here they are called by hand.
func (h *history) refused(err error) bool {
	if !h.faulty {
		return false
	}
	for _, e := range []error{errDiskFull, errQueuesBroken, errNotDispatch} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}
