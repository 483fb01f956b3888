package timer

import (
	"errors"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/protocol"
	"github.com/gantrymq/gantry/store/timerwheel"
)

// resume sets the offset and the time that the timer goes on from.
func (s *Service) resume(found *timerwheel.Found) {
	next, read := found.Progress.QueueOffset, s.floor(found.Progress.ReadTime)
	first, end := s.opts.Store.Range()
	if found.Damaged {
		logged := first
		if found.Last != nil {
			logged = s.behind(found.Last.Physical, first, end)
		}
		s.again = rescan{to: min(next, end), read: read}
		next = logged
		s.report(errors.New("the timer log has lost units: their messages are read again from the commit log"))
	}
	next = min(max(next, first), end)
	s.next.Store(next)
	s.again.entered = found.Entered
	if s.entries = s.opts.Store.Entries(s.entries[:0], next, 1); len(s.entries) > 0 {
		s.again.skip(s.entries[0].Physical)
	} else {
		s.again.entered = nil
	}
	switch floor := s.floor(s.opts.Now()); {
	case found.Fresh || s.files.Latest() < read && read < floor:
		read = floor // nothing waits
	case read <= 0:
		// Nobody knows what was delivered. As upstream, begin half a wheel ago.
		read = floor - (s.opts.Slots/2-blankSlots)*s.opts.Precision
	}
	s.slot.done = found.Progress.Delivered
	s.read.Store(read)
}

// behind is the offset of the first entry of the timer topic whose record lies behind
// a position.
func (s *Service) behind(physical, first, end int64) int64 {
	for first < end {
		mid := first + (end-first)/2
		s.entries = s.opts.Store.Entries(s.entries[:0], mid, 1)
		if len(s.entries) == 0 || s.entries[0].Physical > physical {
			end = mid
		} else {
			first = mid + 1
		}
	}
	return first
}

// sound tells whether the commit log has the message that a unit is about. Of a record
// that has expired nothing can be said.
func (s *Service) sound(u timerwheel.Unit) bool {
	first, end := s.opts.Store.LogRange()
	if u.Physical < first {
		return true
	}
	var m codec.Message
	return u.Physical+int64(u.Size) <= end && s.opts.Store.Message(u.Physical, &m) == nil &&
		m.Topic == protocol.TopicWheelTimer && topicHash(&m) == u.TopicHash
}

// rescan tells which messages of the timer topic are passed over when they are read
// again after a crash.
type rescan struct {
	// entered are the physical offsets, ascending, of messages that have a unit although
	// the queue offset does not count them. Between them may be others, which were due when
	// they arrived: those have none, and their delivery may be lost.
	entered []int64
	// Units were lost: messages before the offset to were dealt with, and those of them
	// whose slot is before read were delivered.
	to, read int64
}

// skip forgets the messages before a position.
func (r *rescan) skip(physical int64) {
	for len(r.entered) > 0 && r.entered[0] < physical {
		r.entered = r.entered[1:]
	}
}

// passes tells whether a message is passed over.
func (r *rescan) passes(e Entry, slot int64) bool {
	r.skip(e.Physical)
	return len(r.entered) > 0 && r.entered[0] == e.Physical || e.Offset < r.to && slot < r.read
}
