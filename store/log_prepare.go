package store

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"path"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/store/vfs"
)

// How far the preparer runs ahead of the writer.
const (
	allocateStep = 32 << 20  // blocks are allocated in steps of this
	allocateLow  = 16 << 20  // the next step is due when less than this is left
	segmentAhead = 128 << 20 // the next segment is made when less than this is left of the active one
	populateMin  = 64 << 10  // pages are prepared in steps of this at leisure
	populateMax  = 1 << 20   // and of this when the writer is fast
	populateFast = 250       // ms within which a fast writer uses up a step
	roomRetry    = 100       // ms between two attempts to allocate on a full disk
)

// makeRoom does what place asked for: allocates blocks for n more bytes, or makes the next segment. mu is not held.
func (l *commitLog) makeRoom(n int64, now int64) error {
	if at := l.roomAgain.Load(); now < at {
		return fmt.Errorf("the disk had no room for the commit log, it is tried again in %d ms: %w", at-now, errDiskFull)
	}
	l.prepare.Lock()
	defer l.prepare.Unlock()
	err := l.prepareNext(n)
	if err == nil {
		err = l.allocate(n)
	}
	if err != nil {
		l.roomAgain.Store(now + roomRetry)
		return err
	}
	l.roomAgain.Store(0)
	return nil
}

// errDiskFull marks errors that space would cure.
var errDiskFull = errors.New("disk is full")

// writer is a snapshot of the writer's place.
type writer struct {
	active    *hotSegment
	pos       int64
	allocated int64
	hasNext   bool
}

func (l *commitLog) writer() writer {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.writerLocked()
}

func (l *commitLog) writerLocked() writer {
	return writer{active: l.active, pos: l.pos, allocated: l.allocated, hasNext: l.next != nil}
}

// allocate takes blocks for n bytes after the writer, and a step more. prepare is held. Where a segment ends, it ends too:
// the next segment comes with blocks of its own.
func (l *commitLog) allocate(n int64) error {
	w := l.writer()
	segEnd := w.active.base + l.size
	want := min(w.pos+n+codec.FillerSize, segEnd)
	if w.allocated >= want {
		return nil
	}
	from := max(w.allocated, w.active.base)
	to := min(max(want, from+allocateStep), segEnd)
	if err := l.allocateFile(w.active.file, from-w.active.base, to-from); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.active == w.active { // prepare is held, but the writer may have rolled on to a segment made before
		l.allocated = to
	}
	return nil
}

// pageAhead prepares pages of the active segment for writing, so that the appender, who holds the log's lock, takes no page
// fault. Measured on ext4, a fault for each page costs 1 to 2 µs per KiB written; preparing 1 MiB at a time makes that 0.2.
// Prepared pages count as dirty and are written out once for nothing by the next sync, so a slow writer gets small steps and
// SyncFlush none.
type pageAhead struct {
	enabled bool
	seg     *hotSegment
	done    int64 // pages of seg below this physical offset are prepared
	step    int64
	at      int64 // when the last step was made, in ms
}

// advance prepares the next pages when less than half a step is left. The caller holds a pin of w.active.
func (a *pageAhead) advance(w writer, segEnd, now int64) error {
	if !a.enabled {
		return nil
	}
	if a.seg != w.active {
		a.seg, a.done = w.active, w.pos
	}
	a.done = max(a.done, w.pos)
	if a.done-w.pos >= a.step/2 && a.step > 0 {
		return nil
	}
	if now-a.at < populateFast {
		a.step = min(max(2*a.step, populateMin), populateMax)
	} else {
		a.step = populateMin
	}
	a.at = now
	const page = 4096
	from := (a.done - w.active.base) / page * page
	to := min(a.done+a.step, w.allocated, segEnd) - w.active.base
	if to <= from {
		return nil
	}
	if err := w.active.mapp.Populate(from, to-from); err != nil {
		a.enabled = false // the writer takes its page faults itself
		if !errors.Is(err, vfs.ErrUnsupported) {
			return err
		}
		return nil
	}
	a.done = w.active.base + to
	return nil
}

// prepareAhead does whatever is due before the writer needs it, and tells the writer when to wake the preparer again.
func (l *commitLog) prepareAhead(now int64) error {
	l.prepare.Lock()
	defer l.prepare.Unlock()
	l.mu.Lock()
	w := l.writerLocked()
	pinned := w.active.pin()
	l.mu.Unlock()
	if !pinned {
		return nil
	}
	defer w.active.unpin()
	segEnd := w.active.base + l.size
	var errs []error
	if !w.hasNext && segEnd-w.pos <= min(segmentAhead, l.size/2) {
		errs = append(errs, l.makeNext(segEnd))
	}
	if w.allocated < segEnd && w.allocated-w.pos <= allocateLow {
		errs = append(errs, l.allocate(w.allocated-w.pos+1))
	}
	errs = append(errs, l.ahead.advance(w, segEnd, now))
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.active != w.active {
		l.wake() // the writer went on to the next segment meanwhile
		return errors.Join(errs...)
	}
	at := int64(math.MaxInt64)
	if l.next == nil {
		at = min(at, segEnd-min(segmentAhead, l.size/2))
	}
	if l.allocated < segEnd {
		at = min(at, l.allocated-allocateLow)
	}
	if l.ahead.enabled {
		at = min(at, l.ahead.done-l.ahead.step/2)
	}
	l.wakeAt = max(at, l.pos+1) // never at once: a full disk must not keep the preparer spinning
	return errors.Join(errs...)
}

// allocateFile takes blocks for a range of a segment that holds nothing yet.
func (l *commitLog) allocateFile(f vfs.File, off, n int64) error {
	if err := vfs.Reserve(f, off, n); err != nil {
		return fmt.Errorf("no room for the commit log: %w: %w", errDiskFull, err)
	}
	return nil
}

// prepareNext makes the next segment when n more bytes do not fit into the active one. prepare is held.
func (l *commitLog) prepareNext(n int64) error {
	w := l.writer()
	segEnd := w.active.base + l.size
	if w.hasNext || w.pos+n+codec.FillerSize <= segEnd {
		return nil
	}
	return l.makeNext(segEnd)
}

// makeNext makes the segment at base and keeps it for the writer. prepare is held.
func (l *commitLog) makeNext(base int64) error {
	g := l.newSegment(base)
	h, allocated, err := l.createSegment(g)
	if err != nil {
		return err
	}
	g.hot.Store(h)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.next, l.nextAllocated = g, allocated
	return nil
}

// createSegment makes the file of a segment: full size, first blocks allocated, durable as a name. prepare is held.
func (l *commitLog) createSegment(g *segment) (h *hotSegment, allocated int64, err error) {
	f, err := l.fs.Create(g.path)
	if errors.Is(err, fs.ErrExist) {
		// Left by a start that was cut short, or made ahead by a broker that did not stop cleanly. Recovery has seen that it
		// holds nothing after the end of the log.
		if f, err = l.fs.Open(g.path, true); err == nil {
			if err = f.Zero(0, l.size); err != nil {
				f.Close()
			}
		}
	}
	if err != nil {
		return nil, 0, fmt.Errorf("make commit log file: %w", err)
	}
	first := min(allocateStep, l.size)
	err = f.Truncate(l.size)
	if err == nil {
		err = l.allocateFile(f, 0, first)
	}
	if err == nil {
		err = f.Sync()
	}
	if err == nil {
		err = l.fs.SyncDir(path.Dir(g.path))
	}
	if err != nil {
		f.Close()
		l.fs.Remove(g.path) // the next attempt may choose another directory; if this fails too, it is found there
		return nil, 0, fmt.Errorf("make commit log file %s: %w", g.path, err)
	}
	if h, err = mapHot(f, g); err == nil && l.scattered.Load() {
		l.adviseHot(h)
	}
	return h, g.base + first, err
}
