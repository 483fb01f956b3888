package store

// batchByTime searches a queue of batches for the batch at a store time, in ms, and returns its first offset, or -1 where
// upstream finds none (BatchConsumeQueue.getOffsetInQueueByTime). Without upper that is the first batch stored at that time or
// later, and the last one of all after its time. With upper it is the last one stored at that very time; where there is none,
// upstream's search ends beside it, on either side, and so does this one.
//
// The search takes place in one file: the last one whose first batch is not younger than the time, else the first one.
func (s *queueSet) batchByTime(q *queue, ms int64, upper bool) (int64, error) {
	lo, hi, err := s.searchedFile(q, ms)
	if err != nil || lo >= hi {
		return -1, err
	}
	newest, _, err := s.unit(q, hi-1)
	if err != nil || newest.time <= ms {
		return newest.base, err
	}
	for left, right := lo, hi-1; left <= right; {
		middle := (left + right) / 2
		u, ok, err := s.unit(q, middle)
		if err != nil || !ok {
			return -1, err
		}
		switch {
		case middle == right && u.time < ms:
			return -1, nil
		case (middle == right || middle == left) && u.time >= ms:
			return u.base, nil
		case middle == left, !upper && u.time < ms:
			left = middle + 1
		case !upper:
			right = middle
		case u.time <= ms:
			left = middle
		default:
			right = middle - 1
		}
	}
	return -1, nil
}

// searchedFile returns the numbers of the first entry of the file that is searched for a time, and of the one behind its last.
func (s *queueSet) searchedFile(q *queue, ms int64) (lo, hi int64, err error) {
	l := q.topic.layout
	q.mu.Lock()
	first, end := q.begin(), q.max
	q.mu.Unlock()
	per := l.fileSize / l.unit
	for lo = max(first, (end-1)/per*per); lo > first; lo -= per {
		u, ok, err := s.unit(q, lo)
		if err != nil {
			return 0, 0, err
		}
		if ok && u.time <= ms {
			break
		}
	}
	return lo, min(lo+per, end), nil
}
