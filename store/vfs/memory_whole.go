package vfs

import (
	"errors"
	"slices"
	"strings"
	"syscall"
)

// memWhole is a directory of a Memory with all below.
type memWhole struct {
	m   *Memory
	dir string
}

// below reports whether a name lies in the directory, or is the directory.
func (w *memWhole) below(name string) bool {
	return name == w.dir || strings.HasPrefix(name, strings.TrimSuffix(w.dir, "/")+"/")
}

// Sync implements Whole. When it fails for want of a working disk, everything that was not synced counts as written and is
// lost, as far as it lies below the directory.
func (w *memWhole) Sync() error {
	err := w.m.op(OpSync, w.dir, 0, 0)
	w.m.mu.Lock()
	defer w.m.mu.Unlock()
	for name, n := range w.m.names {
		switch {
		case n.dir || !w.below(name):
		case err == nil:
			n.sync()
		case errors.Is(err, syscall.EIO):
			n.losePages()
		}
	}
	if err != nil {
		return err
	}
	w.m.pending = slices.DeleteFunc(w.m.pending, func(op dirOp) bool {
		if !w.below(op.dir) {
			return false
		}
		op.apply(w.m.durable)
		return true
	})
	return nil
}

// Close implements Whole.
func (w *memWhole) Close() error {
	w.m.mu.Lock()
	defer w.m.mu.Unlock()
	w.m.openings[w.dir]--
	return nil
}
