package compaction

import (
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"sort"
	"strconv"
	"sync/atomic"

	"github.com/gantrymq/gantry/store/vfs"
)

// segment is a pair of files of one name: records, and the units that lead to them. Only the last one of a queue, and one that is
// being made, is written.
type segment struct {
	base     int64  // position of its first byte in the queue's compaction log, and its files' name
	logDir   string // where its files are; changed by a compaction before anybody else knows the segment
	queueDir string

	units atomic.Int32 // how many units may be read; stored after everything that belongs to them
	end   atomic.Int64 // bytes of records
	first atomic.Int64 // queue offset of the first unit; good when there are units
	last  atomic.Int64 // and of the last
	full  bool         // its end marks are written; the writer's

	dirty    atomic.Bool // written since the last Sync took note
	reported []int64     // positions whose damage was told; guarded by Store.mu

	open *handle // guarded by handles.mu
	dead bool    // guarded by handles.mu: it has left its queue's list
}

// fileName is the name of files that begin at base.
func fileName(base int64) string { return fmt.Sprintf("%020d", base) }

// parseName reads it back.
func parseName(name string) (base int64, ok bool) {
	base, err := strconv.ParseInt(name, 10, 64)
	return base, err == nil && len(name) == 20 && base >= 0
}

func (g *segment) logPath() string   { return path.Join(g.logDir, fileName(g.base)) }
func (g *segment) queuePath() string { return path.Join(g.queueDir, fileName(g.base)) }

// makeFile makes a file of a size, all zeros. One of that name that is there already is begun anew: nobody knows it.
func makeFile(fsys vfs.FS, name string, size int64) (vfs.File, error) {
	f, err := fsys.Create(name)
	if err != nil {
		if f, err = fsys.Open(name, true); err != nil {
			return nil, err
		}
		if err := f.Truncate(0); err != nil {
			return nil, errors.Join(err, f.Close())
		}
	}
	if err := f.Truncate(size); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// readUnits fills buf with units from the i-th on and returns how many: no more than count from the start of the segment.
func (h *handle) readUnits(i, count int, buf []byte) (n int, err error) {
	n = min(len(buf)/unitSize, count-i)
	if n <= 0 {
		return 0, nil
	}
	_, err = h.queue.ReadAt(buf[:n*unitSize], int64(i)*unitSize)
	if err != nil && err != io.EOF {
		return 0, fmt.Errorf("read %s: %w", h.seg.queuePath(), err)
	}
	return n, err
}

// unitAt reads one unit.
func (h *handle) unitAt(i int) (u unit, ok bool, err error) {
	var b [unitSize]byte
	if _, err := h.queue.ReadAt(b[:], int64(i)*unitSize); err != nil {
		return u, false, fmt.Errorf("read %s: %w", h.seg.queuePath(), err)
	}
	u, ok = decodeUnit(b[:])
	return u, ok && u.pos >= h.seg.base, nil
}

// seek finds the first of the segment's first count units whose queue offset is at least off.
func (h *handle) seek(off int64, count int) (int, error) {
	return h.search(count, func(u unit) bool { return u.offset >= off })
}

// search finds the first of the segment's first count units that is so, given that all behind it are.
func (h *handle) search(count int, so func(u unit) bool) (int, error) {
	var failed error
	i := sort.Search(count, func(i int) bool {
		u, _, err := h.unitAt(i)
		if err != nil {
			failed = err
		}
		return so(u)
	})
	return i, failed
}

// readRecords fills buf with records from a position of the queue's compaction log on.
func (h *handle) readRecords(pos int64, buf []byte) error {
	if _, err := h.log.ReadAt(buf, pos-h.seg.base); err != nil {
		return fmt.Errorf("read %s: %w", h.seg.logPath(), err)
	}
	return nil
}

// errUnits says that units contradict each other or lead out of their segment.
var errUnits = errors.New("the units are damaged")

// measure finds out how much of a segment that was just loaded is used. In doubt it looks at every unit: some may be missing in the middle.
func (h *handle) measure(q *queue, doubt bool) error {
	g, sizes := h.seg, q.s.o.Sizes
	count := int(sizes.Queue / unitSize)
	n, err := 0, error(nil)
	if doubt {
		n, err = h.countUnits(count, sizes)
	} else if n, err = h.searchEnd(count, sizes); err == nil {
		n, err = q.checkedEnd(h, n, count)
	}
	if err != nil || n == 0 {
		return err
	}
	var first unit
	if doubt {
		first, _, err = h.unitAt(0)
	} else {
		first, err = q.firstWhole(h, n)
	}
	if err != nil {
		return err
	}
	last, _, err := h.unitAt(n - 1)
	if err != nil {
		return err
	}
	if doubt && last.offset-first.offset < int64(n-1) {
		return fmt.Errorf("%s has %d units from queue offset %d to %d: %w", g.queuePath(), n, first.offset, last.offset, errUnits)
	}
	g.first.Store(first.offset)
	g.last.Store(last.offset)
	g.end.Store(last.pos + int64(last.size) - g.base)
	g.units.Store(int32(n))
	return nil
}

// inside reports whether a unit's record lies in the segment.
func (g *segment) inside(u unit, sizes Sizes) bool {
	return u.pos >= g.base && u.pos+int64(u.size) <= g.base+sizes.Log
}

// searchEnd finds the first unit that is none, given that all before it are.
func (h *handle) searchEnd(count int, sizes Sizes) (int, error) {
	var failed error
	n := sort.Search(count, func(i int) bool {
		u, ok, err := h.unitAt(i)
		if err != nil {
			failed = err
		}
		return !ok || !h.seg.inside(u, sizes)
	})
	return n, failed
}

// eachUnit shows the first count units to see, until that says that it has seen enough. ok is false for what is none.
func (h *handle) eachUnit(count int, see func(i int, u unit, ok bool) (more bool, err error)) error {
	buf := make([]byte, 1024*unitSize)
	for i := 0; i < count; {
		got, err := h.readUnits(i, count, buf)
		if err != nil {
			return err
		}
		for b := range slices.Chunk(buf[:got*unitSize], unitSize) {
			u, ok := decodeUnit(b)
			if more, err := see(i, u, ok); !more || err != nil {
				return err
			}
			i++
		}
	}
	return nil
}

// countUnits counts the units before the first that is none, or does not follow the one before.
func (h *handle) countUnits(count int, sizes Sizes) (n int, err error) {
	before := unit{pos: h.seg.base, offset: -1}
	err = h.eachUnit(count, func(_ int, u unit, ok bool) (bool, error) {
		if !ok || !h.seg.inside(u, sizes) || u.offset <= before.offset || u.pos != before.pos+int64(before.size) {
			return false, nil
		}
		before = u
		n++
		return true, nil
	})
	return n, err
}
