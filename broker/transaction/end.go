package transaction

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/protocol"
)

// End is what a producer says of a transaction: that it ends, and which it means.
type End struct {
	Group          string
	QueueOffset    int64 // of the half message in its queue
	PhysicalOffset int64 // of the half message in the log
	// FromCheck marks the answer to a question.
	FromCheck bool
}

// Why a transaction is not ended.
var (
	ErrNotFound       = errors.New("there is no half message at that place of the log")
	ErrOtherGroup     = errors.New("the half message is of another producer group")
	ErrQueueOffset    = errors.New("the half message has another queue offset")
	ErrPhysicalOffset = errors.New("the half message has another physical offset")
	// ErrTooLate: the half message asked for a time without questions, which is
	// over; now only the answer to a question counts.
	ErrTooLate = errors.New("the time in which the producer may end the transaction by itself is over")
	// ErrNoHalfMessage: the message says nothing of a transaction.
	ErrNoHalfMessage = errors.New("the message is no half message")
)

// Commit delivers the message of a transaction. When it returns nil the message is
// in the log. Nothing keeps a producer from committing twice, as upstream: the
// message is then delivered twice.
func (s *Service) Commit(e End) error {
	var m codec.Message
	if err := s.find(&m, e); err != nil {
		return err
	}
	half := m
	if err := restore(&m); err != nil {
		return err
	}
	m.PreparedTransactionOffset = e.PhysicalOffset
	if err := s.opts.Store.Deliver(&m); err != nil {
		return err
	}
	s.note(&half)
	return nil
}

// Rollback ends a transaction whose message is not to be delivered.
func (s *Service) Rollback(e End) error {
	var m codec.Message
	if err := s.find(&m, e); err != nil {
		return err
	}
	if _, ok := codec.Property(m.Properties, protocol.PropertyRealTopic); !ok {
		return fmt.Errorf("%w: it has no property %s", ErrNoHalfMessage, protocol.PropertyRealTopic)
	}
	s.note(&m)
	return nil
}

// note remembers that the transaction of a half message has ended. A half message
// that asked for a delay waits elsewhere than in the half topic, and nobody asks
// about it.
func (s *Service) note(half *codec.Message) {
	topic, _ := codec.Property(half.Properties, protocol.PropertyRealTopic)
	s.counts.add(topic, -1)
	if half.Topic == protocol.TopicTransHalf {
		s.report(s.ops.add(half.QueueOffset))
	}
}

// find reads the half message that an End means.
func (s *Service) find(m *codec.Message, e End) error {
	if e.PhysicalOffset < 0 {
		return ErrNotFound
	}
	if err := s.opts.Store.ReadAt(m, e.PhysicalOffset); err != nil {
		if errors.Is(err, ErrGone) {
			return fmt.Errorf("%w: %w", ErrNotFound, err)
		}
		return err
	}
	if !e.FromCheck && s.tooLate(m) {
		return ErrTooLate
	}
	group, ok := codec.Property(m.Properties, protocol.PropertyProducerGroup)
	switch {
	case !ok:
		return fmt.Errorf("%w: it has no property %s", ErrNoHalfMessage, protocol.PropertyProducerGroup)
	case group != e.Group:
		return ErrOtherGroup
	case m.QueueOffset != e.QueueOffset:
		return ErrQueueOffset
	case m.PhysicalOffset != e.PhysicalOffset:
		return ErrPhysicalOffset
	}
	return nil
}

// tooLate reports whether a half message asked for a time without questions, and
// that time is over. It is never shorter than the ordinary one.
func (s *Service) tooLate(m *codec.Message) bool {
	text, _ := codec.Property(m.Properties, protocol.PropertyCheckImmunityTimeInSeconds)
	if text == "" {
		return false
	}
	timeout := s.opts.Settings().Timeout.Milliseconds()
	seconds, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		seconds = 0
	}
	return s.opts.Now()-m.BornTimestamp > max(seconds*1000, timeout)
}

// restore turns a half message into the message that is delivered. The property
// that marks it as one of a transaction stays, as upstream leaves it.
func restore(m *codec.Message) error {
	if err := redirect(m); err != nil {
		return err
	}
	m.Properties = codec.DeleteProperty(m.Properties, protocol.PropertyRealTopic)
	m.Properties = codec.DeleteProperty(m.Properties, protocol.PropertyRealQueueID)
	m.SysFlag = m.SysFlag&^protocol.SysFlagTransactionMask | protocol.SysFlagTransactionCommit
	return nil
}

// redirect gives a half message the topic and queue that the application chose.
func redirect(m *codec.Message) error {
	if err := codec.TakeRealQueue(m); err != nil {
		return fmt.Errorf("%w: %w", ErrNoHalfMessage, err)
	}
	return nil
}

// Resume has a half message, or one that was put aside, asked about once more, as
// if nobody had been asked yet: it goes to the end of the half topic. physical is
// its position in the log.
func (s *Service) Resume(physical int64) error {
	var m codec.Message
	if err := s.opts.Store.ReadAt(&m, physical); err != nil {
		return err
	}
	m.Properties = codec.SetProperty(m.Properties, protocol.PropertyTransactionCheckTimes, "0")
	m.Topic, m.QueueID = protocol.TopicTransHalf, queue
	m.PreparedTransactionOffset = 0
	return s.opts.Store.Append(&m)
}
