package store

import (
	"fmt"
	"sync/atomic"

	"github.com/gantrymq/gantry/store/vfs"
)

// segment is one file of the commit log. It is immutable but for its mapping, which comes when the segment becomes active,
// or at start for the last ones, and goes when it has become cold.
type segment struct {
	base int64 // physical offset of its first byte, and its name
	size int64
	path string
	hot  atomic.Pointer[hotSegment]
}

func (g *segment) end() int64 { return g.base + g.size }

// hotSegment is the open and mapped form of a segment. It is closed when the last pin is gone; the segment's own counts as
// one.
type hotSegment struct {
	file vfs.File
	mapp vfs.Mapping
	mem  []byte // the whole file
	base int64
	pins atomic.Int64
}

// openHot opens and maps a segment.
func openHot(fs vfs.FS, g *segment) (*hotSegment, error) {
	f, err := fs.Open(g.path, true)
	if err != nil {
		return nil, fmt.Errorf("open commit log file: %w", err)
	}
	return mapHot(f, g)
}

// mapHot takes over an open file.
func mapHot(f vfs.File, g *segment) (*hotSegment, error) {
	mapp, err := f.Map(0, g.size, true)
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("map commit log file %s: %w", g.path, err)
	}
	h := &hotSegment{file: f, mapp: mapp, mem: mapp.Bytes(), base: g.base}
	h.pins.Store(1)
	return h, nil
}

// pin keeps the mapping alive until unpin. ok is false when the segment is not mapped any more.
func (g *segment) pin() (h *hotSegment, ok bool) {
	h = g.hot.Load()
	return h, h != nil && h.pin()
}

func (h *hotSegment) pin() bool {
	for {
		n := h.pins.Load()
		if n == 0 {
			return false
		}
		if h.pins.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

// unpin gives a pin back. Whoever gives back the last one unmaps and closes: two system calls, after a segment has gone
// cold.
func (h *hotSegment) unpin() {
	if h.pins.Add(-1) > 0 {
		return
	}
	h.mapp.Close() // an error here has nobody left to care: the bytes were synced through the file before
	h.file.Close()
}

// cool drops the segment's own pin. Safe to repeat.
func (g *segment) cool() {
	if h := g.hot.Swap(nil); h != nil {
		h.unpin()
	}
}
