package timer

import (
	"errors"
	"fmt"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/compat"
	"github.com/gantrymq/gantry/protocol"
	"github.com/gantrymq/gantry/store/timerwheel"
)

// enqueue enters messages of the timer topic into the wheel, and delivers those whose
// slot is over. It returns how many it has dealt with.
func (s *Service) enqueue() (taken int, err error) {
	floor, read := s.floor(s.opts.Now()), s.read.Load()
	switch {
	case s.opts.Settings().StopEnqueue:
		return 0, nil
	case floor < read || s.slot.active && floor <= read:
		return 0, nil // the slots from floor on have been delivered, or are just being
	case read < floor-s.opts.Slots/2*s.opts.Precision:
		return 0, nil // what is entered now could share a slot with what is still to be delivered
	}
	from := s.next.Load()
	if first, _ := s.opts.Store.Range(); from < first {
		from = first
	}
	s.entries = s.opts.Store.Entries(s.entries[:0], from, atOnce)
	next := from
	for _, e := range s.entries {
		if err = s.enter(e, floor); err != nil {
			if !errors.Is(err, ErrSkip) {
				break
			}
			s.report(fmt.Errorf("timer message at offset %d: %w", e.Offset, err))
			err = nil
		}
		next = e.Offset + 1
	}
	// What was entered before a fault stays entered.
	s.written = next
	if werr := s.finishWrite(); werr != nil {
		return 0, errors.Join(err, werr)
	}
	return int(next - from), err
}

// finishWrite writes what was entered. Until it has, nothing else may happen.
func (s *Service) finishWrite() error {
	if s.written == 0 {
		return nil
	}
	if err := s.files.Write(); err != nil {
		return err
	}
	s.next.Store(s.written)
	s.written = 0
	return nil
}

// enter deals with one message.
func (s *Service) enter(e Entry, floor int64) error {
	var m codec.Message
	if err := s.opts.Store.Message(e.Physical, &m); err != nil {
		if first, _ := s.opts.Store.LogRange(); errors.Is(err, ErrSkip) && e.Physical < first {
			return nil // expired: it is not worth a word
		}
		return err
	}
	out, err := outTime(&m)
	if err != nil {
		return err
	}
	slot := s.floor(out)
	if s.again.passes(e, slot) {
		return nil
	}
	if slot < floor {
		return s.put(&m, neverEnqueued, false)
	}
	if err := s.files.Add(s.unit(e, &m, slot, floor)); err != nil {
		return err
	}
	s.entered.add(1)
	if _, ok := codec.Property(m.Properties, protocol.PropertyTimerDeleteUniqueKey); ok {
		s.count(&m, -1)
	} else {
		s.count(&m, 1)
	}
	return nil
}

// unit is the entry of the timer log for a message. One that is due beyond the window
// rolls: it is entered for an earlier time, and is then put into the timer topic again
// (upstream's doEnqueue).
func (s *Service) unit(e Entry, m *codec.Message, due, now int64) timerwheel.Unit {
	u := timerwheel.Unit{Marks: timerwheel.Normal, Written: now, Physical: e.Physical, Size: e.Size, TopicHash: topicHash(m)}
	window := s.opts.RollWindow * s.opts.Precision
	if beyond := due - now - window; beyond >= 0 {
		u.Marks |= timerwheel.Rolled
		due = now + window
		if beyond < s.opts.RollWindow/3*s.opts.Precision {
			due = now + s.opts.RollWindow/2*s.opts.Precision // leave the next roll time enough
		}
	}
	if _, ok := codec.Property(m.Properties, protocol.PropertyTimerDeleteUniqueKey); ok {
		u.Marks |= timerwheel.Delete
	}
	u.Delay = int32(due - now)
	return u
}

// topicHash is the hash of the topic that a message is for, by which upstream counts
// units without reading their messages.
func topicHash(m *codec.Message) int32 {
	topic, _ := codec.Property(m.Properties, protocol.PropertyRealTopic)
	return compat.HashCode(topic)
}

// count changes the number of messages that wait for the topic of m.
func (s *Service) count(m *codec.Message, n int64) {
	topic, _ := codec.Property(m.Properties, protocol.PropertyRealTopic)
	s.metrics.add(topic, n)
}
