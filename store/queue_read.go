package store

import (
	"sort"
)

// read fills buf with entries from a number on and returns how many there are: fewer than fit at the end of the queue, of a
// file, or where the files end and the tail begins. 0 without an error is the end of the queue.
func (s *queueSet) read(q *queue, number int64, buf []byte) (n int, err error) {
	l := q.topic.layout
	whole := int64(len(buf)) / l.unit * l.unit
	q.mu.Lock()
	if number < 0 || number >= q.max {
		q.mu.Unlock()
		return 0, nil
	}
	if number >= q.written {
		n = copy(buf[:whole], q.tail[(number-q.written)*l.unit:])
		q.mu.Unlock()
		return n / int(l.unit), nil
	}
	at := number * l.unit
	want := min(whole, q.written*l.unit-at)
	q.mu.Unlock()
	base := at / l.fileSize * l.fileSize
	want = min(want, base+l.fileSize-at)
	f, err := s.file(q, base)
	if err != nil {
		return 0, err
	}
	defer f.release()
	n, err = f.ReadAt(buf[:want], at-base)
	if err != nil {
		return 0, err
	}
	return n / int(l.unit), nil
}

// unit reads one entry. ok is false beyond the ends.
func (s *queueSet) unit(q *queue, number int64) (u unit, ok bool, err error) {
	var b [max(queueUnit, batchUnit)]byte
	return s.unitThrough(q, number, b[:])
}

// unitThrough is unit with room for an entry, which is on the heap. One that cannot be true is written again first.
func (s *queueSet) unitThrough(q *queue, number int64, room []byte) (u unit, ok bool, err error) {
	if u, ok, err = s.entry(q, number, room); !ok || !s.absurd(q, u) || q.passes(number) {
		return u, ok, err
	}
	if err := s.mend(q, number); err != nil {
		return unit{}, false, err
	}
	return s.entry(q, number, room)
}

// entry reads an entry as it stands. ok is false beyond the ends.
func (s *queueSet) entry(q *queue, number int64, room []byte) (u unit, ok bool, err error) {
	l := q.topic.layout
	n, err := s.read(q, number, room[:l.unit])
	if n == 0 || err != nil {
		return unit{}, false, err
	}
	return l.decode(room), true, nil
}

func (s *queueSet) absurd(q *queue, u unit) bool {
	return q.topic.layout.absurd(u, 0, s.log.end.Load())
}

// telling reads the first entry from a number on that a search can go by: one that could not be written again counts like the next,
// and with records so does one that stands for no message. ok is false where there is none before end.
func (s *queueSet) telling(q *queue, number, end int64, records bool, room []byte) (at int64, u unit, ok bool, err error) {
	for ; number < end; number++ {
		u, ok, err = s.unitThrough(q, number, room)
		if !ok || err != nil || !s.absurd(q, u) && !(records && u.filler()) {
			return number, u, ok, err
		}
	}
	return end, unit{}, false, nil
}

// behindGap is the queue offset to go on at where the file of an entry cannot be read: the first one of the next file, or,
// where that is not known, the first one that the queue has by now.
func (s *queueSet) behindGap(q *queue, number, off int64) int64 {
	l := q.topic.layout
	if !l.batch {
		per := l.fileSize / l.unit
		return number - number%per + per
	}
	lo, _, err := s.bounds(q)
	if err != nil {
		return off
	}
	return max(lo, off)
}

// bounds returns a queue's first readable offset and its end.
func (s *queueSet) bounds(q *queue) (lo, hi int64, err error) {
	lo, hi, err = s.entries(q)
	if q.topic.layout.batch {
		q.mu.Lock()
		defer q.mu.Unlock()
		return q.minOffset, q.maxOffset, err
	}
	return lo, hi, err
}

// entries returns the number of a queue's first readable entry and of the one behind the last. The first is looked up again
// when the log has lost segments since: entries whose records are gone do not count (store-format §4.4).
func (s *queueSet) entries(q *queue) (lo, hi int64, err error) {
	logMin := s.log.min()
	q.mu.Lock()
	lo, hi = q.min, q.max
	known := q.minFor == logMin
	q.mu.Unlock()
	if known {
		return lo, hi, nil
	}
	var failed error
	room := make([]byte, max(queueUnit, batchUnit))
	n := sort.Search(int(hi-lo), func(i int) bool {
		_, u, ok, err := s.telling(q, lo+int64(i), hi, true, room)
		if err != nil {
			failed = err
		}
		return ok && u.phy >= logMin
	})
	if failed != nil {
		return lo, hi, failed
	}
	minOffset, err := s.offsetOf(q, lo+int64(n))
	if err != nil {
		return lo, hi, err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if lo+int64(n) >= q.min {
		q.min, q.minOffset, q.minFor = lo+int64(n), minOffset, logMin
	}
	return q.min, q.max, nil
}
