package broker

import (
	"os"
	"sync"

	"github.com/gantrymq/gantry/broker/pop"
	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/protocol"
)

// Offsets are saved every few seconds. After a crash an official broker pops
// again, within its invisible time, what was popped since, and revives again what
// was revived since. The log knows both.

// Bounds of the look back.
const (
	saveSlack     = 1000 // ms between the snapshot of the offsets and the time of their file
	mostRecovered = 200_000
)

// recoverPops moves offsets behind what was popped after they were saved.
func (b *Broker) recoverPops(offsetsFile string) {
	_, b.revived.before = b.store.LogRange()
	since := int64(0)
	if info, err := os.Stat(offsetsFile); err == nil {
		since = info.ModTime().UnixMilli() - saveSlack
	}
	b.recoverFrom(protocol.TopicWheelTimer, 0, since)
	for queue := range b.readQueues(b.reviveTopic) {
		b.recoverFrom(b.reviveTopic, queue, since)
	}
}

// recoverFrom looks through the records that a queue was given since.
func (b *Broker) recoverFrom(topic string, queue int32, since int64) {
	from, err := b.store.OffsetByTime(topic, queue, since, false)
	if err != nil {
		b.log.WithError(err).Warnf("topic %s cannot be searched for what was popped last", topic)
		return
	}
	_ = b.eachStored(topic, queue, from, mostRecovered, func(_ int64, m *codec.Message) bool {
		tag, _ := codec.Property(m.Properties, protocol.PropertyTags)
		target := m.Topic
		if real, ok := codec.Property(m.Properties, protocol.PropertyRealTopic); ok {
			target = real
		}
		if target == b.reviveTopic && pop.IsCheckPoint(tag) {
			b.popper.Recover(m.Body, since)
		}
		return true
	})
}

// eachStored calls visit for the messages of a queue from an offset on, until it
// returns false. What cannot be read is passed over.
func (b *Broker) eachStored(topic string, queue int32, from int64, most int, visit func(physical int64, m *codec.Message) bool) error {
	const atOnce = 256
	for seen := 0; seen < most; {
		units, err := b.store.Units(topic, queue, from, atOnce)
		if err != nil || len(units) == 0 {
			return err
		}
		for _, u := range units {
			var m codec.Message
			if err := b.readMessage(u.Physical, &m); err == nil && !visit(u.Physical, &m) {
				return nil
			}
			from = u.QueueOffset + 1
		}
		seen += len(units)
	}
	return nil
}

// revivedMessages finds messages that were revived before the process began. Each
// stands for one: a message may have been sent twice.
type revivedMessages struct {
	before int64 // physical offset at which the log ended when the process began

	mu   sync.Mutex // guards used
	used map[int64]bool
}

// find reports whether msg, which is about to go to a retry topic for a check
// point, stands there already, and takes it.
func (f *revivedMessages) find(b *Broker, c *pop.CheckPoint, msg *codec.Message) (found bool) {
	key, ok := codec.Property(msg.Properties, protocol.PropertyUniqueKey)
	if !ok {
		return false
	}
	from, err := b.store.OffsetByTime(msg.Topic, msg.QueueID, c.ReviveTime(), false)
	if err != nil {
		return false
	}
	_ = b.eachStored(msg.Topic, msg.QueueID, from, mostRecovered, func(physical int64, m *codec.Message) bool {
		if physical >= f.before {
			return false
		}
		if other, _ := codec.Property(m.Properties, protocol.PropertyUniqueKey); other == key && m.ReconsumeTimes == msg.ReconsumeTimes {
			found = f.take(physical)
		}
		return !found
	})
	return found
}

func (f *revivedMessages) take(physical int64) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.used[physical] {
		return false
	}
	if f.used == nil {
		f.used = map[int64]bool{}
	}
	f.used[physical] = true
	return true
}
