package store

import (
	"sort"

	"github.com/gantrymq/gantry/codec"
)

// OffsetByTime searches a queue for the offset at a store time, in ms. With upper false it is the first message stored at
// that time or later (upstream's LOWER boundary), with upper the last one stored at that time or earlier. Beyond the ends the
// answers are upstream's (ConsumeQueue.getOffsetInQueueByTime, moved into the queue's bounds): before the first message the
// first offset; after the last one the queue's end, or its last offset for upper. A queue without messages is 0. In a
// queue of batches the answer is the first offset of a batch, see batchByTime.
func (s *Store) OffsetByTime(topic string, queueID int32, ms int64, upper bool) (int64, error) {
	q, err := s.queues.find(topic, queueID)
	if q == nil || err != nil {
		return 0, err
	}
	lo, hi, err := s.queues.bounds(q)
	if err != nil || lo >= hi {
		return 0, err
	}
	if q.topic.layout.batch {
		off, err := s.queues.batchByTime(q, ms, upper)
		return min(max(off, lo), hi), err
	}
	last, err := s.unitTime(q, hi-1)
	if err != nil {
		return 0, err
	}
	if last < ms {
		if upper {
			return hi - 1, nil
		}
		return hi, nil
	}
	first, err := s.unitTime(q, lo)
	if err != nil {
		return 0, err
	}
	if first > ms {
		return lo, nil
	}
	// Store times do not go back along a queue, so what is searched for is a boundary.
	var failed error
	n := sort.Search(int(hi-lo), func(i int) bool {
		t, err := s.unitTime(q, lo+int64(i))
		if err != nil {
			failed = err
		}
		if upper {
			return t > ms
		}
		return t >= ms
	})
	if upper {
		n--
	}
	return lo + int64(n), failed
}

// unitTime is the store time of the message at a queue offset.
func (s *Store) unitTime(q *queue, off int64) (int64, error) {
	room := make([]byte, batchUnit)
	for again := false; ; again = true {
		number, err := s.queues.locate(q, off, room)
		if err != nil {
			return 0, err
		}
		u, ok, err := s.queues.unitThrough(q, number, room)
		if err != nil || !ok {
			return 0, err
		}
		t, own, err := s.recordTime(u, q.topic.layout.offset(u, number), q.topic.light)
		if own || again || u.filler() || q.passes(number) {
			return t, err
		}
		if err := s.mend(q, number); err != nil {
			return 0, err
		}
	}
}

// recordTime reads the store time of the record that an entry at an offset points to. own is false when that is another, as far as its
// head tells, or none.
func (s *Store) recordTime(u unit, off int64, light bool) (ms int64, own bool, err error) {
	var head [codec.RecordHeadSize]byte
	if err := s.log.readHead(u.phy, head[:]); err != nil {
		return 0, !s.log.denies(u, err), err
	}
	size, _, _ := codec.RecordHead(head[:])
	own = size == u.size && codec.RecordPhysicalOffset(head[:]) == u.phy && (light || codec.RecordQueueOffset(head[:]) == off)
	return codec.RecordStoreTimestamp(head[:]), own, nil
}

// storeTime reads the store time of the record at a position.
func (l *commitLog) storeTime(phy int64) (int64, error) {
	var head [codec.RecordHeadSize]byte
	if err := l.readHead(phy, head[:]); err != nil {
		return 0, err
	}
	return codec.RecordStoreTimestamp(head[:]), nil
}

// readHead reads the first bytes of a record.
func (l *commitLog) readHead(phy int64, head []byte) error {
	g, err := l.segmentOf(phy, len(head))
	if err != nil {
		return err
	}
	return l.readSegment(g, phy, head)
}

// StoreTime is the store time, in ms, of the message at a queue offset; -1 when there is none.
func (s *Store) StoreTime(topic string, queueID int32, off int64) (int64, error) {
	q, err := s.queues.find(topic, queueID)
	if q == nil || err != nil {
		return -1, err
	}
	lo, hi, err := s.queues.bounds(q)
	if err != nil || off < lo || off >= hi {
		return -1, err
	}
	t, err := s.unitTime(q, off)
	if err != nil {
		return -1, err
	}
	return t, nil
}

// EarliestStoreTime is the store time, in ms, of a queue's first message; -1 when it has none.
func (s *Store) EarliestStoreTime(topic string, queueID int32) (int64, error) {
	lo, _, err := s.Bounds(topic, queueID)
	if err != nil {
		return -1, err
	}
	return s.StoreTime(topic, queueID, lo)
}

// EarliestLogTime is the store time, in ms, of the oldest record of the log; -1 when there is none.
func (s *Store) EarliestLogTime() int64 {
	lo := s.log.min()
	if lo >= s.log.end.Load() {
		return -1
	}
	t, err := s.log.storeTime(lo)
	if err != nil {
		return -1
	}
	return t
}
