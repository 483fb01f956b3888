package broker

import (
	"fmt"

	"github.com/gantrymq/gantry/broker/delay"
	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/compat"
	"github.com/gantrymq/gantry/protocol"
	"github.com/gantrymq/gantry/store"
)

// delayStore is the message store as the delivery of delayed messages sees it.
type delayStore struct{ b *Broker }

// Range is the first and last offset of a level's queue.
func (s delayStore) Range(queue int32) (first, end int64) {
	return s.b.queueBounds(protocol.TopicSchedule, queue)
}

// Units appends entries of a level's queue.
func (s delayStore) Units(dst []delay.Unit, queue int32, from int64, most int) []delay.Unit {
	units, err := s.b.store.Units(protocol.TopicSchedule, queue, from, most)
	if err != nil {
		s.b.log.WithError(err).Warnf("the queue of delay level %d cannot be read", queue+1)
	}
	for _, u := range units {
		dst = append(dst, delay.Unit{Offset: u.QueueOffset, PhysicalOffset: u.Physical, Size: u.Size, DeliverAt: u.TagsCode})
	}
	return dst
}

// Deliver puts a message that has waited into its own topic.
func (s delayStore) Deliver(u delay.Unit) error {
	var msg codec.Message
	if err := s.b.readMessage(u.PhysicalOffset, &msg); err != nil {
		if lo, _ := s.b.store.LogRange(); u.PhysicalOffset < lo {
			return fmt.Errorf("%w: its record has expired", delay.ErrSkip)
		}
		return err
	}
	queue := msg.QueueID
	if err := delay.Restore(&msg); err != nil {
		return err
	}
	s.b.forgetDelay(&msg)
	size, err := s.b.appendDue(&msg, delay.ErrSkip)
	if err == nil && s.b.config.Load().EnableScheduleMessageStats {
		s.b.countPut(msg.Topic, 1, size)
		s.b.stats.QueueGet(protocol.GroupSchedule, protocol.TopicSchedule, queue, 1, size)
	}
	return err
}

// forgetDelay takes the level out of a message that goes to light queues: upstream
// drops it from all that it delivers, but writes properties anew for those only.
func (b *Broker) forgetDelay(m *codec.Message) {
	if _, ok := codec.Property(m.Properties, protocol.PropertyInnerMultiDispatch); !ok || !compat.AllowsLMQ(m.Topic) || !b.config.Load().EnableLMQ {
		return
	}
	m.Properties = codec.SetProperty(codec.DeleteProperty(m.Properties, protocol.PropertyDelayLevel), protocol.PropertyWait, "false")
}

// appendDue stores a message whose time has come and tells the size of its record. One
// that can never be stored is marked with skip.
func (b *Broker) appendDue(m *codec.Message, skip error) (size int, err error) {
	result, err := b.store.Append(m)
	switch result.Status {
	case store.PutOK:
		return result.Size, nil
	case store.MessageIllegal, store.PropertiesSizeExceeded:
		return 0, fmt.Errorf("%w: %w", skip, err)
	}
	return 0, err
}
