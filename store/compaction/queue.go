package compaction

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gantrymq/gantry/store/vfs"
)

// queue is one queue of a compacted topic.
type queue struct {
	s        *Store
	topic    string
	id       int32
	key      string // its name in the file of positions
	logDir   string
	queueDir string

	view atomic.Pointer[view]
	max  atomic.Int64 // queue offset after the newest message; 0 before the first
	// coming is max, or what it becomes with the message that is being appended, which may be
	// found before max says so.
	coming atomic.Int64

	compacting sync.Mutex // serialises compactions, cuts and the deletion; held over I/O
	mu         sync.Mutex // guards changes of view
	gone       atomic.Bool
	due        time.Time // of the next compaction; guarded by Store.mu
	busy       bool      // a worker has it, or is about to; guarded by Store.mu
	stuck      []*handle // files of the list that a failed replacement has left without a name; guarded by compacting
	buf        []byte    // of whoever appends
}

// view is a queue's segments, ascending. It is never changed.
type view struct{ segs []*segment }

func (s *Store) newQueue(topic string, id int32) *queue {
	n := strconv.Itoa(int(id))
	q := &queue{
		s: s, topic: topic, id: id, key: topic + "_" + n,
		logDir: path.Join(s.o.Root, logFolder, topic, n), queueDir: path.Join(s.o.Root, queueFolder, topic, n),
	}
	q.view.Store(&view{})
	q.schedule()
	return q
}

// setEnd says where the queue ends when nothing is being appended.
func (q *queue) setEnd(off int64) {
	q.max.Store(off)
	q.coming.Store(off)
}

func (q *queue) String() string { return fmt.Sprintf("queue %d of topic %s", q.id, q.topic) }

// min is the first readable offset, -1 without a message, as upstream answers.
func (v *view) min() int64 {
	for _, g := range v.segs {
		if g.units.Load() > 0 {
			return g.first.Load()
		}
	}
	return -1
}

// end is the offset after the newest message.
func (v *view) end() int64 {
	for _, g := range slices.Backward(v.segs) {
		if g.units.Load() > 0 {
			return g.last.Load() + 1
		}
	}
	return 0
}

// find returns the index of the segment that holds the first message at or behind off, or how many segments there are. It
// looks from the end, where nearly everybody reads.
func (v *view) find(off int64) int {
	found := len(v.segs)
	for i, g := range slices.Backward(v.segs) {
		if g.units.Load() == 0 {
			continue
		}
		if g.last.Load() < off {
			break
		}
		found = i
	}
	return found
}

// put appends a message. A message that is there already is passed over; one with a smaller offset says that the queue has begun
// anew.
func (q *queue) put(r *Record) error {
	if end := q.max.Load(); r.QueueOffset < end {
		same, err := q.holds(r)
		if same || err != nil {
			return err
		}
		if err := q.cut(r.QueueOffset); err != nil {
			return err
		}
	}
	g, err := q.tail(len(r.Bytes))
	if err != nil {
		return err
	}
	h, err := q.s.handles.acquire(g)
	if err != nil {
		return err
	}
	if !g.dirty.Swap(true) {
		q.s.note(g)
	}
	q.coming.Store(r.QueueOffset + 1)
	q.buf, err = h.put(r, q.buf)
	if err == nil {
		q.max.Store(r.QueueOffset + 1)
	} else {
		q.coming.Store(q.max.Load())
	}
	return errors.Join(err, q.s.handles.release(h))
}

// holds reports whether the message at an offset is this one: the dispatcher tries again what failed further on.
func (q *queue) holds(r *Record) (bool, error) {
	v := q.view.Load()
	i := v.find(r.QueueOffset)
	if i == len(v.segs) {
		return false, nil
	}
	h, err := q.s.handles.acquire(v.segs[i])
	if err != nil {
		return false, err
	}
	n, err := h.seek(r.QueueOffset, int(v.segs[i].units.Load()))
	var u unit
	if err == nil {
		u, _, err = h.unitAt(n)
	}
	err = errors.Join(err, q.s.handles.release(h))
	return err == nil && u.offset == r.QueueOffset && u.time == r.StoreTime && int(u.size) == len(r.Bytes), err
}

// tail is the segment that a record goes to, a new one if it does not fit into the last.
func (q *queue) tail(record int) (*segment, error) {
	sizes := q.s.o.Sizes
	if int64(record)+endRoom > sizes.Log {
		return nil, fmt.Errorf("%s: a message of %d bytes does not fit into a file of %d (compactionMappedFileSize)", q, record, sizes.Log)
	}
	segs := q.view.Load().segs
	if len(segs) == 0 {
		return q.roll(0)
	}
	last := segs[len(segs)-1]
	if last.fits(record, sizes) {
		return last, nil
	}
	if !last.full {
		h, err := q.s.handles.acquire(last)
		if err != nil {
			return nil, err
		}
		if !last.dirty.Swap(true) {
			q.s.note(last)
		}
		if err := errors.Join(h.seal(sizes), q.s.handles.release(h)); err != nil {
			return nil, err
		}
	}
	return q.roll(last.base + sizes.Log)
}

// roll begins a segment at a position.
func (q *queue) roll(base int64) (*segment, error) {
	for _, dir := range []string{q.logDir, q.queueDir} {
		if err := vfs.MakeDir(q.s.o.FS, dir); err != nil {
			return nil, fmt.Errorf("make a directory for %s: %w", q, err)
		}
	}
	g := &segment{base: base, logDir: q.logDir, queueDir: q.queueDir}
	if err := q.s.make(g); err != nil {
		return nil, err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.view.Store(&view{append(slices.Clone(q.view.Load().segs), g)})
	return g, nil
}

// make makes a segment's files.
func (s *Store) make(g *segment) error {
	log, err := makeFile(s.o.FS, g.logPath(), s.o.Sizes.Log)
	if err != nil {
		return fmt.Errorf("make a compaction log file: %w", err)
	}
	queue, err := makeFile(s.o.FS, g.queuePath(), s.o.Sizes.Queue)
	if err != nil {
		return errors.Join(fmt.Errorf("make the units of a compaction log file: %w", err), log.Close())
	}
	h, err := s.handles.enter(&handle{seg: g, log: log, queue: queue})
	if err != nil {
		return err
	}
	return s.handles.release(h)
}

// cut takes out every message from an offset on.
func (q *queue) cut(off int64) error {
	q.compacting.Lock()
	defer q.compacting.Unlock()
	return q.cutLocked(off)
}

// cutLocked is cut with compacting held. Whole segments go newest first, so that what stays is a beginning.
func (q *queue) cutLocked(off int64) error {
	if off <= q.s.mergedTo(q.key) { // what is appended in their place is not merged
		if err := q.s.setPosition(q.key, -1); err != nil {
			return err
		}
	}
	v := q.view.Load()
	keep := v.find(off)
	short := -1 // of the segment keep
	if keep < len(v.segs) {
		g := v.segs[keep]
		h, err := q.s.handles.acquire(g)
		if err != nil {
			return err
		}
		n, err := h.seek(off, int(g.units.Load()))
		if err := errors.Join(err, q.s.handles.release(h)); err != nil {
			return err
		}
		if n > 0 {
			short = n
			keep++
		}
	}
	return q.shorten(keep, short)
}

// shorten keeps the first segments, and of the last of them n units if n is not negative. compacting is held.
func (q *queue) shorten(keep, n int) error {
	segs := q.view.Load().segs
	q.mu.Lock()
	q.view.Store(&view{segs[:keep:keep]})
	q.mu.Unlock()
	errs := []error{q.s.handles.kill(segs[keep:]...)}
	for _, g := range slices.Backward(segs[keep:]) {
		q.s.forget(g)
		errs = append(errs, q.s.removePair(g.logPath(), g.queuePath()))
	}
	if n >= 0 {
		g := segs[keep-1]
		h, err := q.s.handles.acquire(g)
		if err != nil {
			return errors.Join(append(errs, err)...)
		}
		if !g.dirty.Swap(true) {
			q.s.note(g)
		}
		errs = append(errs, h.shorten(n, q.s.o.Sizes), q.s.handles.release(h))
	}
	q.setEnd(q.view.Load().end())
	return errors.Join(errs...)
}

// removePair removes a segment's files, the units first: records without units are found again, units without records are not.
func (s *Store) removePair(log, queue string) error {
	for _, name := range []string{queue, log} {
		if err := s.o.FS.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove a file of a compacted queue: %w", err)
		}
	}
	return nil
}
