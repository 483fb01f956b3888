package compaction

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/protocol"
	"github.com/gantrymq/gantry/store/vfs"
)

// errStopped says that a compaction was given up: its queue is being deleted. The store's end is ctx's.
var errStopped = errors.New("the queue is being deleted")

// compact merges a queue's segments, all but the one that is appended to, unless nothing has come since the last time. more says that the
// memory did not suffice for all keys, and that there is more to merge.
func (q *queue) compact(ctx context.Context) (more bool, err error) {
	merged := q.s.mergedTo(q.key)
	ready := q.ready(merged)
	if len(ready) == 0 {
		return false, nil
	}
	// What is merged must be safe: the older message of a key is about to go. No lock is held, because the dispatcher takes part in it.
	if err := q.s.o.Checkpoint(); err != nil {
		return false, fmt.Errorf("make durable what shall be merged: %w", err)
	}
	q.compacting.Lock()
	defer q.compacting.Unlock()
	if q.stuck != nil {
		return false, fmt.Errorf("%s waits for the next start, which finishes its last compaction", q)
	}
	if q.s.mergedTo(q.key) != merged { // somebody else was faster, or it was cut
		return true, nil
	}
	through := ready[len(ready)-1].base
	old := slices.DeleteFunc(q.ready(merged), func(g *segment) bool { return g.base > through })
	if len(old) == 0 || q.gone.Load() {
		return false, nil
	}
	c := &compactor{q: q, ctx: ctx, merged: merged, keys: newKeyMap(q.s.o.MapBytes)}
	if more, err = c.collect(old); err != nil {
		return false, err
	}
	if old, err = c.affected(old); err != nil {
		return false, err
	}
	if len(old) > 0 {
		if err := q.dropWork(); err != nil {
			return false, err
		}
		made, err := c.rewrite(old)
		if err != nil {
			return false, errors.Join(err, q.s.handles.kill(made...), q.dropWork())
		}
		if err := q.replace(old, made); err != nil {
			return false, err
		}
	}
	return more, q.s.setPosition(q.key, c.keys.through)
}

// ready lists the segments that are not appended to, if something in them is not merged yet.
func (q *queue) ready(merged int64) []*segment {
	segs := q.view.Load().segs
	if len(segs) < 2 {
		return nil
	}
	old := slices.Clone(segs[:len(segs)-1])
	if !slices.ContainsFunc(old, func(g *segment) bool { return g.units.Load() > 0 && g.last.Load() > merged }) {
		return nil
	}
	return old
}

// mergedTo is the newest offset that compactions of a queue have merged, or -1.
func (s *Store) mergedTo(key string) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if at, known := s.merged[key]; known {
		return at
	}
	return -1
}

// compactor is one compaction at work.
type compactor struct {
	q      *queue
	ctx    context.Context
	merged int64 // nothing up to here is noted: no two of these messages have one key
	keys   *keyMap
}

// collect notes the keys of what is not merged yet. more says that some did not fit: what comes after the last noted message is left
// for the next time.
func (c *compactor) collect(segs []*segment) (more bool, err error) {
	for _, g := range segs {
		if g.units.Load() == 0 || g.last.Load() <= c.merged {
			continue
		}
		err := c.each(g, func(m *codec.Message, _ []byte) error {
			if m.QueueOffset > c.merged && !c.keys.put(keyOf(m), m.QueueOffset) {
				more = true
				return errEnough
			}
			return nil
		})
		if errors.Is(err, errEnough) {
			return true, nil
		}
		if err != nil {
			return false, err
		}
	}
	return more, nil
}

// errForeign says that a record is of another queue.
var errForeign = errors.New("the record belongs to another queue")

// errEnough ends each.
var errEnough = errors.New("enough")

// keyOf is a message's keys: all of them together are one key here.
func keyOf(m *codec.Message) string {
	keys, _ := codec.Property(m.Properties, protocol.PropertyKeys)
	return keys
}

// HasKey reports whether a message's keys are ones that it is kept by. Others are not kept (CompactionLog.asyncPutMessage).
func HasKey(keys string) bool { return strings.TrimSpace(keys) != "" }

// wanted is upstream's shouldRetainMsg: the newest message of its key, unless its body is empty, and whatever is newer than
// what was noted.
func (c *compactor) wanted(m *codec.Message) bool {
	if m.QueueOffset > c.keys.through {
		return true
	}
	key := keyOf(m)
	return HasKey(key) && len(m.Body) > 0 && m.QueueOffset >= c.keys.newest(key)
}

// affected leaves out the segments at the beginning that stay as they are: well filled, and every message is wanted.
func (c *compactor) affected(segs []*segment) ([]*segment, error) {
	for i, g := range segs {
		if g.end.Load() < c.q.s.o.Sizes.Log/2 && int(g.units.Load()) < c.q.s.o.Sizes.perSegment()/2 && i < len(segs)-1 {
			return segs[i:], nil
		}
		err := c.each(g, func(m *codec.Message, _ []byte) error {
			if !c.wanted(m) {
				return errEnough
			}
			return nil
		})
		if errors.Is(err, errEnough) {
			return segs[i:], nil
		}
		if err != nil {
			return nil, err
		}
	}
	return nil, nil
}

// each shows the messages of a segment in order. Between two pieces it rests for as long as the last one took, so that a compaction never
// has more than half of a disk or a processor to itself.
func (c *compactor) each(g *segment, do func(m *codec.Message, record []byte) error) error {
	s := c.q.s
	h, err := s.handles.acquire(g)
	if err != nil {
		return err
	}
	began := s.o.Now()
	w := window{pos: g.base, end: g.base + g.end.Load(), read: func(pos int64, buf []byte) error {
		if err := c.rest(&began); err != nil {
			return err
		}
		return h.readRecords(pos, buf)
	}}
	var m codec.Message
	for err == nil && w.pos < w.end {
		err = w.next(&m)
		if err != nil && isEnd(err) && c.q.recallAt(h, w.pos) {
			w.buf = w.buf[:0]
			err = w.next(&m)
		}
		if err == nil && (m.Topic != c.q.topic || m.QueueID != c.q.id) {
			err = errForeign
		}
		if err != nil {
			err = fmt.Errorf("%s is damaged at %d: %w", g.logPath(), w.pos-g.base, err)
			break
		}
		err = do(&m, w.record(&m))
	}
	return errors.Join(err, s.handles.release(h))
}

// mostRest bounds a rest.
const mostRest = 50 * time.Millisecond

// rest lets others have the disk, and says whether to go on.
func (c *compactor) rest(began *time.Time) error {
	if c.q.gone.Load() {
		return errStopped
	}
	now := c.q.s.o.Now()
	if d := min(now.Sub(*began), mostRest); d > 0 {
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case <-c.ctx.Done():
		case <-timer.C:
		}
	}
	*began = c.q.s.o.Now()
	return context.Cause(c.ctx)
}

// rewrite copies what is wanted of some segments to new ones in the folders compacting, under names from the first old one's on, and syncs
// them. They are never more than the old ones: what was one segment fits into one.
func (c *compactor) rewrite(old []*segment) (made []*segment, err error) {
	q, s := c.q, c.q.s
	logDir, queueDir := path.Join(q.logDir, subFolder), path.Join(q.queueDir, subFolder)
	for _, dir := range []string{logDir, queueDir} {
		if err := vfs.MakeDir(s.o.FS, dir); err != nil {
			return nil, err
		}
	}
	var out *handle
	var buf []byte
	turn := func(last bool) error { // closes a segment
		if out == nil {
			return nil
		}
		h := out
		out = nil
		var sealed error
		if !last {
			sealed = h.seal(s.o.Sizes)
		}
		return errors.Join(sealed, h.log.Sync(), h.queue.Sync(), s.handles.release(h))
	}
	write := func(m *codec.Message, record []byte) error {
		if !c.wanted(m) {
			return nil
		}
		if out != nil && !out.seg.fits(len(record), s.o.Sizes) {
			if err := turn(false); err != nil {
				return err
			}
		}
		if out == nil {
			g := &segment{base: old[0].base + int64(len(made))*s.o.Sizes.Log, logDir: logDir, queueDir: queueDir}
			if err := s.make(g); err != nil {
				return err
			}
			made = append(made, g)
			h, err := s.handles.acquire(g)
			if err != nil {
				return err
			}
			out = h
		}
		var err error
		buf, err = out.put(&Record{Bytes: record, QueueOffset: m.QueueOffset, TagsCode: tagsOf(m), StoreTime: m.StoreTimestamp}, buf)
		return err
	}
	for _, g := range old {
		if err = c.each(g, write); err != nil {
			break
		}
	}
	if err = errors.Join(err, turn(true)); err != nil {
		return made, err
	}
	for _, g := range made {
		g.full = true
	}
	return made, errors.Join(s.o.FS.SyncDir(logDir), s.o.FS.SyncDir(queueDir))
}
