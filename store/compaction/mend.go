package compaction

import (
	"errors"
	"fmt"
	"slices"

	"github.com/gantrymq/gantry/codec"
)

// Files of compacted queues can be damaged like any others, and what is kept here is often the only copy. So a reader gets records that
// are what their units say, and whole, or none: the official broker hands out whatever stands there.
//
// A record that is not is taken from the commit log, while that has it, and written to its place once more. A unit that does
// not join its neighbours is made again from the record, which lies where the one before ends. What neither helps is passed over.

// isRecordOf reports whether b is the record that a unit leads to, and whole. The checksum is over the body.
func (q *queue) isRecordOf(b []byte, u unit, m *codec.Message) bool {
	_, err := codec.DecodeRecord(b, m, true)
	return err == nil && int(m.StoreSize) == len(b) && m.PhysicalOffset == u.pos && m.QueueOffset == u.offset && m.StoreTimestamp == u.time &&
		m.QueueID == q.id && m.Topic == q.topic
}

// keepWhole cuts what was read for r, from the i-th unit of a segment on, before the first record that is damaged, and passes over that
// record if it is the very first. errAgain says that a unit was put right.
func (q *queue) keepWhole(h *handle, i int, r *Result) error {
	var m codec.Message
	n := 0
	for k, u := range r.chosen {
		b := r.Data[n : n+int(u.size)]
		n += int(u.size)
		if q.isRecordOf(b, u, &m) {
			continue
		}
		count := int(h.seg.units.Load())
		if count < i+len(r.chosen) {
			return errReplaced // it was cut just now
		}
		if q.recall(h, u, b) {
			continue
		}
		mended, err := q.mendUnit(h, u, i+k, count)
		if err != nil {
			return err
		}
		if mended {
			return errAgain
		}
		r.Data, r.Offsets, r.Sizes = r.Data[:n-int(u.size)], r.Offsets[:k], r.Sizes[:k]
		if k > 0 {
			r.NextOffset = r.Offsets[k-1] + 1
			return nil
		}
		q.passOver(h.seg, u)
		r.Status = NoMatched
		r.NextOffset, err = q.behind(h, u, i, count)
		return err
	}
	return nil
}

// mendUnit makes the i-th unit again from the record that it leads to, which is whole and contradicts it, and reports whether it did. The record's head is under no
// checksum: about place and number a unit that joins the next is right.
func (q *queue) mendUnit(h *handle, u unit, i, count int) (bool, error) {
	before := unit{offset: -1}
	if i > 0 {
		var err error
		if before, _, err = h.unitAt(i - 1); err != nil {
			return false, err
		}
	}
	made, ok, err := q.unitOfRecord(h, u.pos, before.offset)
	if err != nil || !ok || made.offset > h.seg.last.Load() {
		return false, err
	}
	if made.offset != u.offset || made.size != u.size {
		if joins, err := h.joinsNext(u, i, count); joins || err != nil {
			return false, err
		}
	}
	return true, q.putUnit(h, i, made)
}

// joinsNext reports whether a unit ends where the one before the i-th has to.
func (h *handle) joinsNext(u unit, i, count int) (bool, error) {
	if i+1 >= count {
		return u.pos+int64(u.size) == h.seg.base+h.seg.end.Load() && u.offset == h.seg.last.Load(), nil
	}
	next, ok, err := h.unitAt(i + 1)
	return ok && next.pos == u.pos+int64(u.size) && next.offset > u.offset, err
}

// behind is where to read on behind the i-th message of a segment, which is passed over. If its unit may be wrong as well, as it does not join the next,
// that is the first message which is whole.
func (q *queue) behind(h *handle, passed unit, i, count int) (int64, error) {
	if joins, err := h.joinsNext(passed, i, count); joins || err != nil {
		return passed.offset + 1, err
	}
	for i++; i < count; i++ {
		u, whole, err := q.wholeAt(h, i)
		if whole || err != nil {
			return u.offset, err
		}
	}
	return h.seg.last.Load() + 1, nil
}

// wholeAt reports whether the i-th unit of a segment leads to a whole record.
func (q *queue) wholeAt(h *handle, i int) (unit, bool, error) {
	u, ok, err := h.unitAt(i)
	if err != nil || !ok || !h.seg.inside(u, q.s.o.Sizes) {
		return u, false, err
	}
	return q.leads(h, u)
}

func (q *queue) leads(h *handle, u unit) (unit, bool, error) {
	var m codec.Message
	b := make([]byte, u.size)
	if err := h.readRecords(u.pos, b); err != nil {
		return u, false, err
	}
	return u, q.isRecordOf(b, u, &m), nil
}

// recall takes a damaged record from the commit log, into b and into its place, and reports whether that has it.
func (q *queue) recall(h *handle, u unit, b []byte) bool {
	original, err := q.s.o.Original(q.topic, q.id, u.offset)
	var m codec.Message
	if err == nil && original != nil && len(original.Bytes) == len(b) {
		copy(b, original.Bytes)
		place(b, u.pos)
		if q.isRecordOf(b, u, &m) {
			q.noteDirty(h.seg)
			_, err := h.log.WriteAt(b, u.pos-h.seg.base)
			q.report(h.seg, u.pos, fmt.Sprintf("%s was damaged at %d: message %d of %s was taken from the commit log, and written there again", h.seg.logPath(), u.pos-h.seg.base, u.offset, q), err)
			return true
		}
	}
	return false
}

// passOver tells that a message is not read by anybody any more.
func (q *queue) passOver(g *segment, u unit) {
	q.report(g, u.pos, fmt.Sprintf("%s is damaged at %d: message %d of %s is passed over, as the commit log does not have it any more", g.logPath(), u.pos-g.base, u.offset, q), errDamaged)
}

// errAgain says that what was to be read has been mended: it is read once more.
var errAgain = errors.New("the segment was mended")

// errDamaged is the reason why a message is passed over.
var errDamaged = errors.New("the record is not what its unit leads to")

// recallAt is recall for the record at a position, where some unit leads.
func (q *queue) recallAt(h *handle, pos int64) bool {
	i, err := h.search(int(h.seg.units.Load()), func(u unit) bool { return u.pos >= pos })
	if err != nil {
		return false
	}
	u, ok, err := h.unitAt(i)
	if err != nil || !ok || u.pos != pos || !h.seg.inside(u, q.s.o.Sizes) {
		return false
	}
	return q.recall(h, u, make([]byte, u.size))
}

// mostReports bounds what is said of one segment: a reader that begins again would hear of the same damage.
const mostReports = 16

// report tells of damage, once for each place.
func (q *queue) report(g *segment, pos int64, text string, err error) {
	q.s.mu.Lock()
	again := len(g.reported) >= mostReports || slices.Contains(g.reported, pos)
	if !again {
		g.reported = append(g.reported, pos)
	}
	q.s.mu.Unlock()
	if !again {
		q.s.o.Event(text, err)
	}
}

// noteDirty makes the next Sync take a segment along.
func (q *queue) noteDirty(g *segment) {
	if !g.dirty.Swap(true) {
		q.s.note(g)
	}
}

// joined reports whether the i-th unit is the first at or behind an offset, as far as it and the one before tell: a search among damaged units
// can end anywhere.
func (h *handle) joined(i int, off int64, count int, sizes Sizes) (bool, error) {
	pos, exact := int64(-1), false
	if i < count {
		u, ok, err := h.unitAt(i)
		if err != nil || !ok || !h.seg.inside(u, sizes) || u.offset < off {
			return false, err
		}
		if pos, exact = u.pos, u.offset == off; !exact {
			if joins, err := h.joinsNext(u, i, count); !joins || u.offset > h.seg.last.Load() || err != nil {
				return false, err
			}
		}
	}
	if i == 0 {
		return pos == h.seg.base, nil
	}
	before, ok, err := h.unitAt(i - 1)
	if err != nil || !ok || !h.seg.inside(before, sizes) || before.offset >= off || pos >= 0 && before.pos+int64(before.size) != pos {
		return false, err
	}
	if exact {
		return true, nil // nothing is between
	}
	return h.says(before)
}

// says reports whether the record that a unit leads to has its place and its offset.
func (h *handle) says(u unit) (bool, error) {
	var head [codec.RecordHeadSize]byte
	if int(u.size) < len(head) {
		return false, nil
	}
	err := h.readRecords(u.pos, head[:])
	return err == nil && codec.RecordPhysicalOffset(head[:]) == u.pos && codec.RecordQueueOffset(head[:]) == u.offset, err
}

// walk goes through the first count units of a segment in which some are damaged, makes those again whose records are whole, and returns the first
// one at or behind an offset that is good; count if there is none.
func (q *queue) walk(h *handle, off int64, count int) (found int, err error) {
	found = count
	before := unit{pos: h.seg.base, offset: -1}
	err = h.eachUnit(count, func(i int, u unit, ok bool) (bool, error) {
		u, good, err := q.follow(h, before, u, ok, i, count)
		if err != nil || !good {
			return err == nil, err
		}
		if end := before.pos + int64(before.size); u.pos != end {
			q.report(h.seg, end, fmt.Sprintf("%s is damaged from %d to %d, and its units are: what %s had between the messages %d and %d is passed over",
				h.seg.logPath(), end-h.seg.base, u.pos-h.seg.base, q, before.offset, u.offset), errDamaged)
		}
		if u.offset >= off {
			found = i
			return false, nil
		}
		before = u
		return true, nil
	})
	if found == count && err == nil {
		end := before.pos + int64(before.size)
		q.report(h.seg, end, fmt.Sprintf("%s is damaged from %d on, and its units are: what %s had behind message %d is passed over", h.seg.logPath(), end-h.seg.base, q, before.offset), errDamaged)
	}
	return found, err
}

// follow judges the i-th of count units, given the last good one before it, and makes it again if the record there is whole. good is false when
// there is nothing to go by; ok is whether it is a unit at all.
func (q *queue) follow(h *handle, before, u unit, ok bool, i, count int) (_ unit, good bool, err error) {
	end := before.pos + int64(before.size)
	likely := ok && h.seg.inside(u, q.s.o.Sizes) && u.offset > before.offset && u.offset <= h.seg.last.Load()
	joins := likely && u.pos == end
	if joins {
		if said, err := h.says(u); said || err != nil {
			return u, said, err
		}
	}
	if int(h.seg.units.Load()) < count {
		return u, false, errReplaced // it was cut just now
	}
	made, whole, err := q.unitOfRecord(h, end, before.offset)
	switch {
	case err != nil:
		return u, false, err
	case whole && made.offset <= h.seg.last.Load():
		return made, true, q.putUnit(h, i, made)
	case joins: // the record alone is damaged, or both are
		good, err = h.joinsNext(u, i, count)
		return u, good, err
	case likely && u.pos > end:
		return q.leads(h, u)
	}
	return u, false, nil
}

// unitOfRecord makes the unit of the record at a position. ok is false where no whole record of the queue is that is newer than an offset.
func (q *queue) unitOfRecord(h *handle, pos, newer int64) (u unit, ok bool, err error) {
	w := window{read: h.readRecords, pos: pos, end: h.seg.base + q.s.o.Sizes.Log, once: 4 << 10}
	var m codec.Message
	if err := w.next(&m); err != nil {
		if isEnd(err) {
			return unit{}, false, nil
		}
		return unit{}, false, err
	}
	u = unitOf(&m)
	return u, m.Topic == q.topic && m.QueueID == q.id && u.offset > newer, nil
}

func (q *queue) putUnit(h *handle, i int, u unit) error {
	q.noteDirty(h.seg)
	if _, err := h.queue.WriteAt(u.append(nil), int64(i)*unitSize); err != nil {
		return fmt.Errorf("write %s: %w", h.seg.queuePath(), err)
	}
	q.report(h.seg, u.pos, fmt.Sprintf("%s is damaged at %d: the unit of message %d of %s was made again from its record", h.seg.queuePath(), i*unitSize, u.offset, q), nil)
	return nil
}
