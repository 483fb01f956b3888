package compaction

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"path"
	"slices"
	"strings"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/store/vfs"
)

// subFolder holds what a compaction is making, in both folders of a queue.
const subFolder = "compacting"

// doomedSuffix is put behind the names of files that the official broker is about to remove.
const doomedSuffix = ".delete"

// listing is what a folder of a queue holds.
type listing struct {
	bases  []int64 // files, ascending
	doomed []int64 // files that the official broker was about to remove
}

// list looks into a folder, which may be missing. An empty file was just being made: it is removed. Foreign files stop the start, as
// they stop the official broker's.
func (s *Store) list(dir string, size int64) (l listing, err error) {
	entries, err := readDir(s.o.FS, dir)
	for _, e := range entries {
		if e.IsDir() || e.Name() == replacingFile || e.Name() == replacingFile+".tmp" {
			continue
		}
		name := path.Join(dir, e.Name())
		base, ok := parseName(strings.TrimSuffix(e.Name(), doomedSuffix))
		if !ok || base%s.o.Sizes.Log != 0 {
			return l, fmt.Errorf("%s is no file of a compacted queue: move it out of the store, or set the sizes that the store was made with", name)
		}
		info, err := s.o.FS.Stat(name)
		if err != nil {
			return l, err
		}
		switch {
		case strings.HasSuffix(e.Name(), doomedSuffix):
			l.doomed = append(l.doomed, base)
		case info.Size == size:
			l.bases = append(l.bases, base)
		case info.Size == 0 && s.checking:
		case info.Size != 0:
			return l, fmt.Errorf("%s has %d bytes where compactionMappedFileSize and compactionCqMappedFileSize make %d: set the sizes that the store was made with", name, info.Size, size)
		default:
			if err := s.o.FS.Remove(name); err != nil {
				return l, err
			}
		}
	}
	return l, err
}

func readDir(fsys vfs.FS, dir string) ([]fs.DirEntry, error) {
	entries, err := fsys.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return entries, err
}

// load brings a queue's folders into order and finds its segments.
func (q *queue) load() error {
	doubtful, err := q.mend()
	if err != nil {
		return err
	}
	logs, err := q.s.list(q.logDir, q.s.o.Sizes.Log)
	if err != nil {
		return err
	}
	units, err := q.s.list(q.queueDir, q.s.o.Sizes.Queue)
	if err != nil {
		return err
	}
	if doubtful || !slices.Equal(logs.bases, units.bases) {
		if err := q.remake(logs.bases); err != nil {
			return err
		}
	}
	segs, err := q.measure(logs.bases)
	if errors.Is(err, errUnits) {
		if err := q.remake(logs.bases); err != nil {
			return err
		}
		segs, err = q.measure(logs.bases)
	}
	if err != nil {
		return err
	}
	if err := q.trim(segs); err != nil {
		return err
	}
	v := &view{segs}
	q.view.Store(v)
	q.setEnd(v.end())
	if v.end() <= q.s.merged[q.key] {
		delete(q.s.merged, q.key) // of another life of the queue
	}
	return nil
}

// measure finds out how much of each segment is used, from the newest on, because only the newest can be in doubt.
func (q *queue) measure(bases []int64) ([]*segment, error) {
	segs := make([]*segment, len(bases))
	doubt := q.s.o.Doubt > 0
	for i, base := range slices.Backward(bases) {
		g := &segment{base: base, logDir: q.logDir, queueDir: q.queueDir}
		segs[i] = g
		h, err := q.s.handles.acquire(g)
		if err != nil {
			return nil, err
		}
		if doubt { // what the page cache shows may never reach the disk, or not have yet
			g.dirty.Store(true)
			q.s.dirty = append(q.s.dirty, g)
			err = errors.Join(h.log.Forget(), h.queue.Forget())
		}
		if err == nil {
			err = h.measure(q, doubt)
		}
		if err == nil && doubt {
			err = h.settleEnd(q.s.o.Sizes)
		}
		if err == nil && doubt {
			u, ok, failed := h.unitAt(0)
			doubt, err = !ok || u.time >= q.s.o.Doubt, failed
		}
		if err = errors.Join(err, q.s.handles.release(h)); err != nil {
			return nil, err
		}
		g.full = i < len(bases)-1
	}
	return segs, nil
}

// settleEnd clears what lies behind the last unit of a segment in doubt, unless that is an end mark, and one of the records too: parts of
// messages whose other parts a crash has taken, which units made from records would bring back.
func (h *handle) settleEnd(sizes Sizes) error {
	g := h.seg
	n := int(g.units.Load())
	var mark [unitSize]byte
	if n < int(sizes.Queue/unitSize) {
		if _, err := h.queue.ReadAt(mark[:], int64(n)*unitSize); err != nil {
			return err
		}
		var filler [endRoom]byte
		if end := g.end.Load(); end+endRoom <= sizes.Log {
			if _, err := h.log.ReadAt(filler[:], end); err != nil {
				return err
			}
		}
		if _, magic, _ := codec.RecordHead(filler[:]); magic == codec.MagicFiller && bytes.Equal(mark[:], appendEnd(nil)) {
			return nil
		}
	}
	return h.shorten(n, sizes)
}

// trim takes out of each segment what the segment behind it has as well. A crash in the middle of the official broker's renames can leave
// a merged segment before some that it was merged from, and messages that were cut can come back: what lies further behind is complete.
func (q *queue) trim(segs []*segment) error {
	next := int64(math.MaxInt64)
	for _, g := range slices.Backward(segs) {
		if g.units.Load() == 0 {
			continue
		}
		if g.last.Load() >= next {
			q.s.o.Event(fmt.Sprintf("%s of %s goes beyond the beginning of the file behind it: it ends there now", fileName(g.base), q), nil)
			if err := q.shortenTo(g, next); err != nil {
				return err
			}
		}
		if g.units.Load() > 0 {
			next = g.first.Load()
		}
	}
	return nil
}

// shortenTo takes everything from an offset on out of a segment.
func (q *queue) shortenTo(g *segment, off int64) error {
	h, err := q.s.handles.acquire(g)
	if err != nil {
		return err
	}
	n, err := h.seek(off, int(g.units.Load()))
	if err == nil {
		if !g.dirty.Swap(true) {
			q.s.dirty = append(q.s.dirty, g)
		}
		err = h.shorten(n, q.s.o.Sizes)
	}
	return errors.Join(err, q.s.handles.release(h))
}
