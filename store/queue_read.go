package store

import (
	"sort"
)

// read fills buf with entries from queue offset off on and returns how many there are: fewer than fit at the end of the
// queue, of a file, or where the files end and the tail begins. 0 without an error is the end of the queue.
func (s *queueSet) read(q *queue, off int64, buf []byte) (n int, err error) {
	q.mu.Lock()
	if off < 0 || off >= q.max {
		q.mu.Unlock()
		return 0, nil
	}
	if off >= q.written {
		n = copy(buf[:len(buf)/queueUnit*queueUnit], q.tail[(off-q.written)*queueUnit:])
		q.mu.Unlock()
		return n / queueUnit, nil
	}
	at := off * queueUnit
	want := min(int64(len(buf)/queueUnit*queueUnit), q.written*queueUnit-at)
	q.mu.Unlock()
	base := at / s.fileSize * s.fileSize
	want = min(want, base+s.fileSize-at)
	f, err := s.file(q, base)
	if err != nil {
		return 0, err
	}
	defer f.release()
	n, err = f.ReadAt(buf[:want], at-base)
	if err != nil {
		return 0, err
	}
	return n / queueUnit, nil
}

// unit reads one entry. ok is false beyond the ends.
func (s *queueSet) unit(q *queue, off int64) (u unit, ok bool, err error) {
	var b [queueUnit]byte
	n, err := s.read(q, off, b[:])
	if n == 0 || err != nil {
		return unit{}, false, err
	}
	return decodeUnit(b[:]), true, nil
}

// bounds returns a queue's first readable offset and its end. The first is looked up again when the log has lost segments
// since: entries whose records are gone do not count (store-format §4.4).
func (s *queueSet) bounds(q *queue) (lo, hi int64, err error) {
	logMin := s.log.min()
	q.mu.Lock()
	lo, hi = q.min, q.max
	known := q.minFor == logMin
	q.mu.Unlock()
	if known {
		return lo, hi, nil
	}
	var failed error
	n := sort.Search(int(hi-lo), func(i int) bool {
		off := lo + int64(i)
		u, ok, err := s.unit(q, off)
		for ; ok && u.filler() && off < hi; off++ { // what stands for no message counts like the next one that does
			u, ok, err = s.unit(q, off+1)
		}
		if err != nil {
			failed = err
		}
		return ok && u.phy >= logMin
	})
	if failed != nil {
		return lo, hi, failed
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if lo+int64(n) >= q.min {
		q.min, q.minFor = lo+int64(n), logMin
	}
	return q.min, q.max, nil
}
