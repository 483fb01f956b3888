package compaction

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
)

// Restore completes a queue with the messages of the commit log whose queue offsets are from on and below to. message returns one, nil for
// an offset whose message is gone or has no key; what it returns is lent until the next call. With check, what is there already is
// compared first, and cut where it differs: a crash may have left anything behind the last checkpoint. Then nothing before from may be
// in doubt.
func (s *Store) Restore(topic string, id int32, from, to int64, check bool, message func(offset int64) (*Record, error)) error {
	if err := s.Cut(topic, id, to); err != nil {
		return err
	}
	_, end, _ := s.Bounds(topic, id)
	if !check {
		from = max(from, end)
	}
	for off := from; off < to; off++ {
		r, err := message(off)
		if err != nil {
			return fmt.Errorf("complete queue %d of the compacted topic %s: %w", id, topic, err)
		}
		if r == nil {
			continue
		}
		if check && off < end {
			good, err := s.stands(topic, id, r)
			if err != nil {
				return err
			}
			if good {
				continue
			}
			if err := s.Cut(topic, id, off); err != nil {
				return err
			}
			check = false
		}
		if err := s.Append(topic, id, r); err != nil {
			return err
		}
	}
	return nil
}

// stands reports whether a message is kept as it is in the commit log, or was merged away.
func (s *Store) stands(topic string, id int32, r *Record) (bool, error) {
	q := s.find(topic, id)
	s.mu.Lock()
	merged, known := s.merged[q.key]
	s.mu.Unlock()
	v := q.view.Load()
	i := v.find(r.QueueOffset)
	if i == len(v.segs) {
		return known && r.QueueOffset <= merged, nil
	}
	h, err := q.s.handles.acquire(v.segs[i])
	if err != nil {
		return false, err
	}
	good, there, err := h.same(r)
	return good || !there && known && r.QueueOffset <= merged, errors.Join(err, q.s.handles.release(h))
}

// same compares a message with the one of its offset, if that is there.
func (h *handle) same(r *Record) (same, there bool, err error) {
	count := int(h.seg.units.Load())
	i, err := h.seek(r.QueueOffset, count)
	if err != nil || i == count {
		return false, false, err
	}
	u, ok, err := h.unitAt(i)
	if err != nil || !ok || u.offset != r.QueueOffset {
		return false, false, err
	}
	if int(u.size) != len(r.Bytes) || u.tags != r.TagsCode || u.time != r.StoreTime {
		return false, true, nil
	}
	kept := make([]byte, u.size)
	if err := h.readRecords(u.pos, kept); err != nil {
		return false, true, err
	}
	place := binary.BigEndian.Uint64(kept[physicalAt:])
	if place != uint64(u.pos) {
		return false, true, nil
	}
	binary.BigEndian.PutUint64(kept[physicalAt:], binary.BigEndian.Uint64(r.Bytes[physicalAt:]))
	return bytes.Equal(kept, r.Bytes), true, nil
}
