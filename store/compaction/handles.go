package compaction

import (
	"container/list"
	"errors"
	"sync"

	"github.com/gantrymq/gantry/store/vfs"
)

// errReplaced says that a segment has left its queue's list: whoever has an old list takes the new one.
var errReplaced = errors.New("the segment was replaced")

// handles keeps the files of a bounded number of segments open, the least recently used closed first. Segments that are in use stay
// open beyond the bound.
type handles struct {
	fs     vfs.FS
	limit  int
	report func(text string, err error)

	mu  sync.Mutex // guards lru, and the fields of segments and handles that say so
	lru list.List  // of *handle, most recently used in front
}

// handle is a segment's pair of files, open.
type handle struct {
	seg   *segment
	log   vfs.File
	queue vfs.File
	users int           // guarded by handles.mu
	elem  *list.Element // guarded by handles.mu; nil once it has left the table
}

// acquire returns a segment's files; release gives them back.
func (t *handles) acquire(g *segment) (*handle, error) {
	t.mu.Lock()
	if h := g.open; h != nil {
		h.users++
		t.lru.MoveToFront(h.elem)
		t.mu.Unlock()
		return h, nil
	}
	dead := g.dead
	t.mu.Unlock()
	if dead {
		return nil, errReplaced
	}
	h, err := t.openPair(g)
	if err == nil {
		return t.enter(h)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case g.dead:
		return nil, errReplaced // just now, and its files are gone
	case g.open != nil: // just now, by whoever replaces it and has moved its files
		g.open.users++
		t.lru.MoveToFront(g.open.elem)
		return g.open, nil
	}
	return nil, err
}

// openPair opens the files of a segment by name.
func (t *handles) openPair(g *segment) (*handle, error) {
	log, err := t.fs.Open(g.logPath(), true)
	if err != nil {
		return nil, err
	}
	queue, err := t.fs.Open(g.queuePath(), true)
	if err != nil {
		return nil, errors.Join(err, log.Close())
	}
	return &handle{seg: g, log: log, queue: queue}, nil
}

// enter puts files that were just opened into the table, unless somebody else was faster, or the segment has been replaced: the
// names may then be another's.
func (t *handles) enter(h *handle) (*handle, error) {
	g := h.seg
	t.mu.Lock()
	if g.dead || g.open != nil {
		dead, other := g.dead, g.open
		if !dead {
			other.users++
		}
		t.mu.Unlock()
		err := h.close()
		if dead {
			return nil, errors.Join(errReplaced, err)
		}
		return other, err
	}
	h.users = 1
	h.elem = t.lru.PushFront(h)
	g.open = h
	surplus := t.evict()
	t.mu.Unlock()
	if err := closeAll(surplus); err != nil {
		t.report("files of compacted queues could not be closed", err)
	}
	return h, nil
}

// evict takes unused handles beyond the bound out of the table. mu is held.
func (t *handles) evict() (out []*handle) {
	for e := t.lru.Back(); e != nil && t.lru.Len() > t.limit; {
		h, before := e.Value.(*handle), e.Prev()
		if h.users == 0 {
			t.remove(h)
			out = append(out, h)
		}
		e = before
	}
	return out
}

// remove takes a handle out of the table. mu is held.
func (t *handles) remove(h *handle) {
	t.lru.Remove(h.elem)
	h.elem, h.seg.open = nil, nil
}

// release gives a handle back.
func (t *handles) release(h *handle) error {
	t.mu.Lock()
	h.users--
	last := h.users == 0 && h.elem == nil
	t.mu.Unlock()
	if last {
		return h.close()
	}
	return nil
}

// kill makes a segment unavailable to whoever does not have its files yet. They are closed with their last use.
func (t *handles) kill(segs ...*segment) error {
	var idle []*handle
	t.mu.Lock()
	for _, g := range segs {
		g.dead = true
		if h := g.open; h != nil {
			t.remove(h)
			if h.users == 0 {
				idle = append(idle, h)
			}
		}
	}
	t.mu.Unlock()
	return closeAll(idle)
}

// close closes everything that nobody uses.
func (t *handles) close() error {
	t.mu.Lock()
	limit := t.limit
	t.limit = 0
	idle := t.evict()
	t.limit = limit
	t.mu.Unlock()
	return closeAll(idle)
}

func (h *handle) close() error { return errors.Join(h.log.Close(), h.queue.Close()) }

func closeAll(list []*handle) error {
	var errs []error
	for _, h := range list {
		errs = append(errs, h.close())
	}
	return errors.Join(errs...)
}
