package timer

import (
	"errors"
	"fmt"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/protocol"
	"github.com/gantrymq/gantry/store/timerwheel"
)

// openSlot is the slot that is being delivered.
type openSlot struct {
	active  bool
	chain   timerwheel.Chain
	done    int64               // units of the chain that have been dealt with
	deleted map[string]struct{} // what its deletions name
}

// close gives the slot up; done stays, so that it is taken up again where it was.
func (o *openSlot) close() { o.active = false }

// deliver delivers a batch of what is due and returns how much it was.
func (s *Service) deliver() (n int, err error) {
	for n < atOnce {
		if !s.slot.active {
			if open, err := s.openNext(); err != nil || !open {
				return n, err
			}
		}
		for n < atOnce && s.slot.done < int64(len(s.slot.chain.Units)) {
			if err := s.deliverUnit(s.slot.chain.Units[s.slot.done]); err != nil {
				return n, err
			}
			s.slot.done++
			n++
		}
		if s.slot.done < int64(len(s.slot.chain.Units)) {
			return n, nil
		}
		read := s.read.Load()
		if err := s.files.Passed(read); err != nil {
			return n, err
		}
		s.slot.close()
		s.slot.done = 0
		s.read.Store(read + s.opts.Precision)
		n++
	}
	return n, nil
}

// openNext opens the first slot that is over and has units.
func (s *Service) openNext() (open bool, err error) {
	read, floor := s.read.Load(), s.floor(s.opts.Now())
	if read >= floor {
		return false, nil
	}
	time, busy, err := s.files.NextBusy(read, floor)
	if err != nil {
		return false, err
	}
	if !busy {
		time = floor
	}
	if time != read {
		s.slot.done = 0
		s.read.Store(time)
	}
	if !busy {
		return false, nil
	}
	if err := s.files.Chain(&s.slot.chain, time); err != nil {
		return false, err
	}
	if err := s.readDeletions(); err != nil {
		return false, err
	}
	s.slot.active = true
	return true, nil
}

// readDeletions learns what the deletions of the open slot name.
func (s *Service) readDeletions() error {
	s.slot.deleted = map[string]struct{}{}
	for _, pos := range s.slot.chain.Deletes {
		m, _, err := s.messageOf(pos)
		if errors.Is(err, ErrSkip) {
			continue
		}
		if err != nil {
			return err
		}
		if key, ok := codec.Property(m.Properties, protocol.PropertyTimerDeleteUniqueKey); ok {
			s.slot.deleted[key] = struct{}{}
			s.count(m, 1)
		}
	}
	return nil
}

// messageOf reads the message of a unit.
func (s *Service) messageOf(pos int64) (*codec.Message, timerwheel.Unit, error) {
	u, err := s.files.Unit(pos)
	if err != nil {
		return nil, u, err
	}
	var m codec.Message
	if err := s.opts.Store.Message(u.Physical, &m); err != nil {
		return nil, u, err
	}
	if m.Topic != protocol.TopicWheelTimer {
		return nil, u, fmt.Errorf("%w: the record at %d is a message of topic %s", ErrSkip, u.Physical, m.Topic)
	}
	return &m, u, nil
}

// deliverUnit delivers one message, unless it was deleted.
func (s *Service) deliverUnit(pos int64) error {
	m, u, err := s.messageOf(pos)
	if err == nil {
		if s.isDeleted(m) {
			s.count(m, -1)
			return nil
		}
		err = s.put(m, u.Written, u.Has(timerwheel.Rolled))
	}
	if errors.Is(err, ErrSkip) {
		if first, _ := s.opts.Store.LogRange(); u.Physical >= first {
			s.report(fmt.Errorf("timer message at %d of the commit log: %w", u.Physical, err))
		}
		return nil
	}
	return err
}

func (s *Service) isDeleted(m *codec.Message) bool {
	if len(s.slot.deleted) == 0 {
		return false
	}
	key, ok := codec.Property(m.Properties, protocol.PropertyUniqueKey)
	if !ok {
		return false
	}
	topic, _ := codec.Property(m.Properties, protocol.PropertyRealTopic)
	_, deleted := s.slot.deleted[deleteKey(topic, key, s.opts.Settings().DeleteKeyWithTopic)]
	return deleted
}

// put appends a message to its own topic, or to the timer topic when it rolls. One that
// deletes is not delivered.
func (s *Service) put(m *codec.Message, entered int64, roll bool) error {
	if _, deletes := codec.Property(m.Properties, protocol.PropertyTimerDeleteUniqueKey); deletes && !roll {
		return nil
	}
	topic, _ := codec.Property(m.Properties, protocol.PropertyRealTopic)
	if err := restore(m, entered, s.opts.Now(), roll); err != nil {
		return err
	}
	if err := s.opts.Store.Append(m); err != nil {
		return err
	}
	s.released.add(1)
	if entered != neverEnqueued {
		s.metrics.add(topic, -1)
	}
	return nil
}
