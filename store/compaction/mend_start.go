package compaction

import (
	"encoding/binary"
	"fmt"

	"github.com/gantrymq/gantry/codec"
)

// checkedEnd is how many units a segment has, given that a search has found n of count. Where the last of them does not lead to a whole record, or
// something else than an end follows, units are damaged: then the last one counts that does, and units are made of the records behind that.
func (q *queue) checkedEnd(h *handle, n, count int) (int, error) {
	end, whole := h.seg.base, true
	if n > 0 {
		var u unit
		var err error
		if u, whole, err = q.wholeAt(h, n-1); err != nil {
			return 0, err
		}
		end = u.pos + int64(u.size)
	}
	if whole {
		if ends, err := h.endsAt(end, q.s.o.Sizes); ends || err != nil {
			return n, err
		}
	}
	before := unit{pos: h.seg.base, offset: -1}
	for n = count; n > 0; n-- {
		u, whole, err := q.wholeAt(h, n-1)
		if err != nil {
			return 0, err
		}
		if whole {
			before = u
			break
		}
	}
	for ; n < count-1; n++ {
		u, ok, err := q.unitOfRecord(h, before.pos+int64(before.size), before.offset)
		if err != nil || !ok {
			return n, err
		}
		if err := q.putUnit(h, n, u); err != nil {
			return 0, err
		}
		before = u
	}
	return n, nil
}

// endsAt reports whether the records of a segment can end at a position: nothing was written there, or the filler.
func (h *handle) endsAt(pos int64, sizes Sizes) (bool, error) {
	var head [codec.FillerSize]byte
	if pos+int64(len(head)) > h.seg.base+sizes.Log {
		return true, nil
	}
	if err := h.readRecords(pos, head[:]); err != nil {
		return false, err
	}
	_, magic, _ := codec.RecordHead(head[:])
	return magic == codec.MagicFiller || head == [codec.FillerSize]byte{}, nil
}

// firstWhole is the first of n units that leads to a whole record.
func (q *queue) firstWhole(h *handle, n int) (u unit, err error) {
	for i := range n {
		var whole bool
		if u, whole, err = q.wholeAt(h, i); whole || err != nil {
			return u, err
		}
	}
	return u, fmt.Errorf("%s leads to no record that is whole: %w", h.seg.queuePath(), errUnits)
}

// resync finds the first whole record of the queue behind a position of a segment where damage begins, and tells of it. Where a record lies is
// a part of it, so there are few places to look at.
func (q *queue) resync(h *handle, from, newer int64) (pos int64, ok bool, err error) {
	const head = physicalAt + 8
	buf := make([]byte, windowSize)
	for at, end := from+1, h.seg.base+q.s.o.Sizes.Log; end-at >= head; at += int64(len(buf)) - head + 1 {
		buf = buf[:min(int64(len(buf)), end-at)]
		if err := h.readRecords(at, buf); err != nil {
			return 0, false, err
		}
		for i := range len(buf) - head + 1 {
			if pos = at + int64(i); int64(binary.BigEndian.Uint64(buf[i+physicalAt:])) != pos {
				continue
			}
			if _, ok, err := q.unitOfRecord(h, pos, newer); ok || err != nil {
				q.report(h.seg, from, fmt.Sprintf("%s is damaged from %d to %d: what %s had there is passed over", h.seg.logPath(), from-h.seg.base, pos-h.seg.base, q), errDamaged)
				return pos, ok, err
			}
		}
	}
	return 0, false, nil
}
