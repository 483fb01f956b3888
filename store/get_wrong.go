package store

import (
	"errors"
	"slices"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/store/vfs"
)

// How much of a consume queue a reader believes. Every entry has to be one that the log can have: that costs nothing. The entries that
// were in the files when the queue was loaded are compared with their records besides, and so are all whose records are read from a file
// or shown to a filter. What this process has written itself is not looked up in the mapped part of the log: a read of 32 messages there
// would take half as long again.

// errWrongEntry says that a consume queue entry points at something that is not its record.
var errWrongEntry = errors.New("a consume queue entry points at no record of its queue")

// absurd reports whether an entry cannot be one: it is no filler, and lies outside of what the log may have behind a position.
func (l *layout) absurd(u unit, after, logEnd int64) bool {
	return (!l.valid(u) || u.phy < after || u.phy > logEnd-int64(u.size)) && !u.filler()
}

// absurdNow is absurd for the log as it is by now: the entry may be newer than the read. With pass the order is not judged, as the
// entry before may be the wrong one.
func (s *Store) absurdNow(l *layout, u unit, after int64, pass bool) bool {
	if pass {
		after = 0
	}
	return l.absurd(u, after, s.log.end.Load())
}

// owns reports whether record is what an entry of the queue points to, as far as its lengths and its head tell. The offset in a light
// queue stands elsewhere.
func (q *queue) owns(record []byte, m readUnit) bool {
	topic := q.topic.name
	if q.topic.light {
		topic = ""
	}
	return codec.RecordBelongs(record, topic, q.id, m.off, m.u.phy)
}

// ownsMapped is owns for mapped memory.
func (q *queue) ownsMapped(record []byte, m readUnit) (owned bool, err error) {
	defer vfs.Catch("read a message", vfs.Arm(), &err)
	return q.owns(record, m), nil
}

// denies reports whether an error says that a unit has no record, and that it was not a matter of time.
func (l *commitLog) denies(u unit, err error) bool {
	return errors.Is(err, errWrongEntry) || errors.Is(err, errGone) && u.phy >= l.min()
}

// passes reports whether an entry is known to be wrong for good.
func (q *queue) passes(number int64) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return slices.ContainsFunc(q.beyond, func(s span) bool { return s.from <= number && number < s.to })
}

// stopAt ends a read before a wrong entry, unless it is to be passed over.
func (r *GetResult) stopAt(q *queue, m readUnit) bool {
	if m.number <= r.scan.passTo || q.passes(m.number) {
		if r.Count == 0 {
			r.Status = MessageWasRemoving
		}
		return false
	}
	r.scan.wrong, r.NextOffset = m.number, m.off
	return true
}

// collectMended is collect, and where that begins with a wrong entry, has it written again and goes on. Two entries that the log
// confirms can still contradict each other, by their order: such a one is given out as it is.
func (s *Store) collectMended(q *queue, query *Query, r *GetResult) {
	const unitsAtOnce = 64
	if r.units == nil {
		r.units = make([]byte, unitsAtOnce*queueUnit)
		r.scan = &readScan{}
	}
	lo, hi := r.MinOffset, r.MaxOffset
	r.scan.passTo = -1
	for mended := int64(-1); ; {
		r.scan.wrong = -1
		s.collect(q, query, r)
		if r.scan.wrong < 0 || r.Count > 0 || r.Cold {
			return
		}
		if query.NoWait {
			r.goneCold(query.Offset)
			return
		}
		r.Release()
		r.NextOffset, r.MinOffset, r.MaxOffset = query.Offset, lo, hi
		if r.scan.wrong == mended { // and it is wrong again
			r.scan.passTo = mended
			continue
		}
		mended = r.scan.wrong
		if err := s.mend(q, mended); err != nil {
			r.Status, r.Err = OffsetFoundNull, err
			return
		}
	}
}
