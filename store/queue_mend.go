package store

import (
	"errors"
	"fmt"
	"io"

	"github.com/gantrymq/gantry/codec"
)

// An entry in the middle of a queue that cannot be true is found by whoever reads it, see get_wrong.go. The good entries around it bound
// the part of the log that has its message, so the reader writes it again, with all that are wrong beside it, and then reads on.

// wrongSpan is a run of wrong entries and what bounds it.
type wrongSpan struct {
	from, to int64 // numbers
	log      span  // the part of the log that has their messages
	first    bool  // no entry before bounds it: messages of the first ones may have expired
}

// mend writes a wrong entry again from the log, with all that are wrong beside it. What it cannot write again is passed over by
// readers from then on, and said once.
func (s *Store) mend(q *queue, number int64) error {
	s.mending.Lock()
	defer s.mending.Unlock()
	w, err := s.boundWrong(q, number)
	if err != nil || w.from >= w.to {
		return err
	}
	units, whole, err := s.findAgain(q, w)
	if err != nil {
		return fmt.Errorf("mend consume queue %s/%d: %w", q.topic.name, q.id, err)
	}
	written, lost, err := s.writeAgain(q, w, units, whole)
	if err != nil {
		return fmt.Errorf("mend consume queue %s/%d: %w", q.topic.name, q.id, err)
	}
	text := fmt.Sprintf("consume queue %s/%d had wrong entries from number %d to %d: %d were written again from the commit log between %d and %d",
		q.topic.name, q.id, w.from, w.to-1, written, w.log.from, w.log.to)
	switch {
	case lost > 0 && !whole:
		text += fmt.Sprintf("; readers pass over %d, as the log is damaged there or has too few messages: mend the store with `gantry store repair`", lost)
	case lost > 0:
		text += fmt.Sprintf("; readers pass over %d, of which the log has no message", lost)
	}
	s.o.Event(Event{Level: Warning, Text: text})
	return nil
}

// verdict is what the log says of an entry.
type verdict int

const (
	wrong     verdict = iota
	confirmed         // its record is there
	expired           // its record may have been there
	blank             // it stands for no message
)

// judge reads an entry and has the log judge it.
func (s *Store) judge(q *queue, number int64) (unit, verdict, error) {
	var room [max(queueUnit, batchUnit)]byte
	l := q.topic.layout
	u, ok, err := s.queues.entry(q, number, room[:])
	switch {
	case err != nil, !ok, !l.valid(u):
		return u, wrong, err
	case u.filler():
		return u, blank, nil
	case u.phy < s.log.min():
		return u, expired, nil
	}
	own, err := s.log.isRecordOf(u, q.topic.name, q.id, l.offset(u, number))
	if own {
		return u, confirmed, nil
	}
	if errors.Is(err, errGone) {
		err = nil
	}
	return u, wrong, err
}

// boundWrong finds the entries around a wrong one that the log confirms. The span is empty when nothing is wrong there: somebody has mended
// it meanwhile. Who says that an entry does not follow the one before may have met the wrong one there.
func (s *Store) boundWrong(q *queue, number int64) (wrongSpan, error) {
	q.mu.Lock()
	lo, hi := q.begin(), q.written
	q.mu.Unlock()
	w := wrongSpan{log: span{s.log.min(), s.dispatch.pos.Load()}, first: true}
	last := unit{phy: -1} // the entry behind, if that seems expired
	for n := number; ; n-- {
		if n < lo || n >= hi || n < number-1 {
			return wrongSpan{}, nil
		}
		u, v, err := s.judge(q, n)
		if err != nil {
			return wrongSpan{}, err
		}
		if v == wrong {
			w.from, w.to = n, n+1
			break
		}
		if last.phy >= 0 && (v == confirmed || v == expired && u.phy > last.phy) { // what comes later expires later
			w.from, w.to = n+1, n+2
			break
		}
		if v == expired {
			last = u
		}
	}
	for ; w.from > lo; w.from-- {
		u, v, err := s.judge(q, w.from-1)
		if err != nil {
			return wrongSpan{}, err
		}
		if v == confirmed {
			w.log.from, w.first = u.phy+int64(u.size), false
		}
		if v == confirmed || v == expired { // what comes after one that has expired begins with the log at least
			break
		}
	}
	for ; w.to < hi; w.to++ {
		u, v, err := s.judge(q, w.to)
		if err != nil {
			return wrongSpan{}, err
		}
		if v == confirmed && u.phy >= w.log.from {
			w.log.to = u.phy
			break
		}
	}
	return w, nil
}

// againUnits are entries as they ought to be, by number from a first one on; the zero entry where there is no message.
type againUnits struct {
	first int64
	list  []unit
	count int64 // messages of a queue of batches, which are numbered by align
	next  int64 // the offset behind the newest message
}

// put takes in a message of the queue. One whose offset does not follow begins the queue anew from there: its topic was deleted before.
func (a *againUnits) put(off int64, u unit, batch bool) {
	number := off
	if batch {
		if off < a.next {
			a.count = 0
		}
		number = a.first + a.count
		a.count++
	}
	i := number - a.first
	if size := int64(len(a.list)); off < a.next && i < size {
		clear(a.list[max(i, 0):])
	}
	a.next = off + int64(u.messages())
	if i >= 0 && i < int64(len(a.list)) {
		a.list[i] = u
	}
}

// align gives the messages of a queue of batches their numbers, which only their count tells: the last ones that there are. It reports
// whether that is certain.
func (a *againUnits) align(expired bool) bool {
	missing := int64(len(a.list)) - a.count
	if missing < 0 || missing > 0 && !expired {
		clear(a.list)
		return false
	}
	copy(a.list[missing:], a.list[:a.count])
	clear(a.list[:missing])
	return true
}

// findAgain reads a part of the log for the messages of wrong entries. whole is false where the log is damaged there, or where it does
// not tell which entry a message belongs to.
func (s *Store) findAgain(q *queue, w wrongSpan) (units []unit, whole bool, err error) {
	a := againUnits{first: w.from, list: make([]unit, w.to-w.from)}
	batch := q.topic.layout.batch
	whole = true
	sc := s.log.scan(w.log.from, w.log.to)
	defer func() { sc.close() }()
	var m codec.Message
	for !s.closing.Load() {
		_, err := sc.next(&m, true)
		if errors.Is(err, io.EOF) {
			if batch {
				whole = whole && a.align(w.first)
			}
			return a.list, whole, nil
		}
		if err != nil {
			if !noRecord(err) {
				return nil, false, err
			}
			next, _, found, err := s.log.findAhead(sc.pos, w.log.to)
			if err != nil {
				return nil, false, err
			}
			if !found {
				next = w.log.to
			}
			whole = false
			sc.close()
			sc = s.log.scan(next, w.log.to)
			continue
		}
		if queueStep(m.SysFlag) == 0 || s.orphaned(&m) {
			continue
		}
		u := unit{phy: m.PhysicalOffset, size: m.StoreSize, tags: s.tagsCode(&m)}
		if batch {
			u.batched(&m)
		}
		if m.Topic == q.topic.name && m.QueueID == q.id {
			a.put(m.QueueOffset, u, batch)
		} else if q.topic.light && q.id == 0 {
			for name, off := range codec.MultiDispatch(m.Topic, m.Properties) {
				if name == q.topic.name {
					a.put(off, u, false)
				}
			}
		}
	}
	return nil, false, errClosed
}

// writeAgain writes entries again, and says how many had a message, and how many are lost: they are blanks from now on if the log was
// read whole, or passed over. What seems expired, or stood for no message before, stays.
func (s *Store) writeAgain(q *queue, w wrongSpan, units []unit, whole bool) (written, lost int64, err error) {
	next := w.log.to
	for number := w.to - 1; number >= w.from; number-- {
		u := units[number-w.from]
		if u.size > 0 {
			next = u.phy
			written++
		} else {
			_, v, err := s.judge(q, number)
			if err != nil {
				return written, lost, err
			}
			if v == blank || v == expired {
				continue
			}
			lost++
			if !whole || q.topic.layout.batch { // a blank there would have to say for which offsets it stands
				q.passOver(number)
				continue
			}
			u = lostUnit(next, s.log.size)
		}
		if err := s.queues.rewrite(q, number, u); err != nil {
			return written, lost, err
		}
	}
	return written, lost, nil
}

// rewrite replaces an entry in a file that exists.
func (s *queueSet) rewrite(q *queue, number int64, u unit) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	q.mu.Lock()
	removed := q.removed
	q.mu.Unlock()
	if removed {
		return nil
	}
	l := q.topic.layout
	at := number * l.unit
	base := at / l.fileSize * l.fileSize
	f, err := s.file(q, base)
	if err != nil {
		return err
	}
	defer f.release()
	s.noteWritten(fileKey{q: q, base: base})
	_, err = f.WriteAt(l.append(nil, u), at-base)
	return err
}

// passOver lets readers pass over an entry from now on.
func (q *queue) passOver(number int64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if n := len(q.beyond); n > 0 && q.beyond[n-1].from == number+1 {
		q.beyond[n-1].from = number
		return
	}
	q.beyond = append(q.beyond, span{number, number + 1})
}
