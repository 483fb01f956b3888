package compaction

import (
	"encoding/binary"
	"fmt"

	"github.com/gantrymq/gantry/codec"
)

// Record is a message to be kept.
type Record struct {
	Bytes       []byte // as in the commit log; lent
	QueueOffset int64
	TagsCode    int64
	StoreTime   int64
}

// physicalAt is where a record says where it lies (store-format §2). The copy's own place is put there.
const physicalAt = 28

// place makes a record say that it lies at a position.
func place(record []byte, pos int64) { binary.BigEndian.PutUint64(record[physicalAt:], uint64(pos)) }

// endRoom is what a segment's records leave free for the end mark.
const endRoom = codec.FillerSize

// fits reports whether a record still goes into a segment.
func (g *segment) fits(record int, sizes Sizes) bool {
	return !g.full && int(g.units.Load()) < sizes.perSegment() && g.end.Load()+int64(record)+endRoom <= sizes.Log
}

// put appends a record to a segment that it fits into: first the record, then its unit, then readers may see it. A failure leaves
// what was there. buf is lent for the work.
func (h *handle) put(r *Record, buf []byte) ([]byte, error) {
	g := h.seg
	end := g.end.Load()
	u := unit{pos: g.base + end, size: int32(len(r.Bytes)), tags: r.TagsCode, time: r.StoreTime, offset: r.QueueOffset}
	buf = append(buf[:0], r.Bytes...)
	place(buf, u.pos)
	if _, err := h.log.WriteAt(buf, end); err != nil {
		return buf, fmt.Errorf("write %s: %w", g.logPath(), err)
	}
	n := g.units.Load()
	buf = u.append(buf[:0])
	if _, err := h.queue.WriteAt(buf, int64(n)*unitSize); err != nil {
		return buf, fmt.Errorf("write %s: %w", g.queuePath(), err)
	}
	g.end.Store(end + int64(u.size))
	if n == 0 {
		g.first.Store(u.offset)
	}
	g.last.Store(u.offset)
	g.units.Store(n + 1)
	return buf, nil
}

// seal writes the end marks of a segment that takes no more.
func (h *handle) seal(sizes Sizes) error {
	g := h.seg
	end := g.end.Load()
	if _, err := h.queue.WriteAt(appendEnd(nil), int64(g.units.Load())*unitSize); err != nil {
		return fmt.Errorf("write %s: %w", g.queuePath(), err)
	}
	if _, err := h.log.WriteAt(codec.AppendFiller(nil, int32(sizes.Log-end)), end); err != nil {
		return fmt.Errorf("write %s: %w", g.logPath(), err)
	}
	g.full = true
	return nil
}

// shorten makes n the number of a segment's units and clears what follows, so that no later start, ours or the official broker's,
// takes it for messages.
func (h *handle) shorten(n int, sizes Sizes) error {
	g := h.seg
	end, last := int64(0), int64(0)
	if n > 0 {
		u, ok, err := h.unitAt(n - 1)
		if err != nil {
			return err
		}
		if !ok {
			return fmt.Errorf("%s has no message number %d", g.queuePath(), n-1)
		}
		end, last = u.pos+int64(u.size)-g.base, u.offset
	}
	g.units.Store(int32(n))
	g.last.Store(last)
	g.full = false
	g.end.Store(end)
	if err := h.queue.Zero(int64(n)*unitSize, sizes.Queue-int64(n)*unitSize); err != nil {
		return fmt.Errorf("clear the end of %s: %w", g.queuePath(), err)
	}
	if err := h.log.Zero(end, sizes.Log-end); err != nil {
		return fmt.Errorf("clear the end of %s: %w", g.logPath(), err)
	}
	return nil
}
