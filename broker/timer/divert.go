package timer

import (
	"errors"
	"math/rand/v2"
	"strconv"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/protocol"
)

// Reasons for which a message with a time cannot be stored (upstream's
// PutMessageStatus values WHEEL_TIMER_…).
var (
	ErrOff         = errors.New("the timer is switched off (timerWheelEnable)")
	ErrIllegal     = errors.New("the delivery time is no number, too far away, or over for a message that deletes another")
	ErrFlowControl = errors.New("too many messages have this delivery time")
)

// IsTimed tells whether a message asks for a delivery time. One that has been through
// the timer, or says so, does not. A delay level is stronger; the caller knows of it.
func IsTimed(properties string) bool {
	timed := false
	for name := range codec.Properties(properties) {
		switch name {
		case protocol.PropertyTimerOutMs:
			return false
		case protocol.PropertyTimerDelaySec, protocol.PropertyTimerDelayMs, protocol.PropertyTimerDeliverMs:
			timed = true
		}
	}
	return timed
}

// Divert makes a timed message wait: it notes when, and the topic and queue that the
// message is for, in its properties, and turns it to the timer topic. A message whose
// time is over is left as it is. s may be nil: the timer is off.
//
// It may be called by any goroutine.
func (s *Service) Divert(m *codec.Message) (waits bool, err error) {
	if s == nil {
		return false, ErrOff
	}
	now := s.opts.Now()
	deliver, err := deliverTime(m.Properties, now)
	if err != nil {
		return false, err
	}
	if deliver <= now {
		if _, ok := codec.Property(m.Properties, protocol.PropertyTimerDeleteUniqueKey); ok {
			return false, ErrIllegal
		}
		return false, nil
	}
	set := s.opts.Settings()
	if deliver-now > set.MaxDelay {
		return false, ErrIllegal
	}
	slot := deliver / s.opts.Precision * s.opts.Precision
	if slot == deliver {
		slot -= s.opts.Precision
	}
	if s.congested(slot, set.CongestPerSlot) {
		return false, ErrFlowControl
	}
	props := codec.SetProperty(m.Properties, protocol.PropertyTimerOutMs, strconv.FormatInt(slot, 10))
	props = codec.SetProperty(props, protocol.PropertyRealTopic, m.Topic)
	m.Properties = codec.SetProperty(props, protocol.PropertyRealQueueID, strconv.Itoa(int(m.QueueID)))
	m.Topic, m.QueueID = protocol.TopicWheelTimer, 0
	return true, nil
}

// deliverTime is the time that the properties ask for, ms. The numbers wrap as Java's
// do: a delay beyond all measure is one that is over.
func deliverTime(properties string, now int64) (int64, error) {
	for _, way := range [...]struct {
		name   string
		factor int64
		from   int64
	}{
		{protocol.PropertyTimerDelaySec, 1000, now},
		{protocol.PropertyTimerDelayMs, 1, now},
		{protocol.PropertyTimerDeliverMs, 1, 0},
	} {
		text, ok := codec.Property(properties, way.name)
		if !ok {
			continue
		}
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return 0, ErrIllegal
		}
		return way.from + n*way.factor, nil
	}
	return 0, ErrIllegal
}

// congested tells whether a slot is too full: beyond the limit more and more messages
// are turned away by lot, and all of them at twice the limit (upstream's isReject).
func (s *Service) congested(slot, limit int64) bool {
	if limit >= 1<<31-1 {
		return false // the default: no slot counts that far
	}
	num, err := s.files.Num(slot)
	if err != nil || num <= limit {
		return false // an unreadable wheel is found by its user
	}
	return num >= 2*limit || float64(rand.IntN(1000)) > float64(1000*(num-limit))/(float64(limit)+0.1)
}
