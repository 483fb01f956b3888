package broker

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/gantrymq/gantry/broker/pop"
	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/protocol"
	"github.com/gantrymq/gantry/store"
)

// popStore is the message store as pops see it.
type popStore struct{ b *Broker }

// Get reads messages. Pops run on workers, which may wait for the disk.
func (s popStore) Get(group string, q *store.Query, r *store.GetResult) { s.b.get(group, q, r) }

// Bounds is the first offset of a queue and the one behind its last message.
func (s popStore) Bounds(topic string, queue int32) (first, end int64) {
	return s.b.queueBounds(topic, queue)
}

// StartsInMemory reports whether the first message of a queue is in memory.
func (s popStore) StartsInMemory(topic string, queue int32) bool {
	return s.b.startsInMemory(topic, queue)
}

// Append stores a record so that it reaches the revive topic when it is due, and
// waits until it is as safe as messages are.
func (s popStore) Append(rec pop.Record) error {
	b := s.b
	props := codec.AppendProperty(nil, protocol.PropertyTags, rec.Tag)
	props = codec.AppendProperty(props, protocol.PropertyUniqueKey, rec.UniqueKey)
	props = codec.AppendProperty(props, protocol.PropertyTimerDeliverMs, strconv.FormatInt(rec.Due, 10))
	now := b.now().UnixMilli()
	msg := codec.Message{
		Topic: b.reviveTopic, QueueID: rec.Queue, Body: rec.Body, Properties: string(props),
		BornTimestamp: now, BornHost: b.storeHost, StoreHost: b.storeHost,
	}
	if rec.Due > now {
		if err := b.divertTimed(&msg); err != nil {
			return err
		}
	}
	_, err := s.appendMessage(&msg)
	return err
}

// appendMessage stores a message, and waits for its flush where one is promised.
func (s popStore) appendMessage(msg *codec.Message) (store.AppendResult, error) {
	b := s.b
	result, err := b.store.Append(msg)
	if result.Status != store.PutOK {
		return result, fmt.Errorf("a message for topic %s was not stored: %w", msg.Topic, errors.Join(err, errors.New(result.Status.String())))
	}
	cfg := b.config.Load()
	if !cfg.SyncFlush() {
		return result, nil
	}
	done := make(chan store.Status, 1)
	b.store.Await(result.End(), store.Flushed, b.now().Add(cfg.SyncFlushTimeout), func(st store.Status) { done <- st })
	if status := <-done; status != store.PutOK && status != store.FlushDiskTimeout {
		return result, fmt.Errorf("a message for topic %s was not flushed: %s", msg.Topic, status)
	}
	return result, nil
}

// Range is the first offset of a revive queue and the one behind its last record.
func (s popStore) Range(queue int32) (first, end int64) {
	return s.b.queueBounds(s.b.reviveTopic, queue)
}

// Read appends records of a revive queue.
func (s popStore) Read(dst []pop.Arrived, queue int32, from int64, most int) ([]pop.Arrived, int64, error) {
	units, err := s.b.store.Units(s.b.reviveTopic, queue, from, most)
	if err != nil {
		return dst, from, err
	}
	next := from
	for _, u := range units {
		var m codec.Message
		if err := s.b.readMessage(u.Physical, &m); err != nil {
			if lo, _ := s.b.store.LogRange(); u.Physical >= lo {
				return dst, next, err
			}
		} else {
			tag, _ := codec.Property(m.Properties, protocol.PropertyTags)
			due, _ := codec.Property(m.Properties, protocol.PropertyTimerDeliverMs)
			at, _ := strconv.ParseInt(due, 10, 64)
			dst = append(dst, pop.Arrived{Offset: u.QueueOffset, Tag: tag, Due: at, Body: m.Body})
		}
		next = u.QueueOffset + 1
	}
	return dst, next, nil
}

// Handled is the revive record that was handled last.
func (s popStore) Handled(queue int32) int64 {
	if offset, ok := s.b.offsets.Query(pop.ReviveGroup, s.b.reviveTopic, queue); ok {
		return offset
	}
	return -1
}

// SetHandled notes it.
func (s popStore) SetHandled(queue int32, offset int64) {
	s.b.offsets.Commit(pop.ReviveGroup, s.b.reviveTopic, queue, offset)
}

// Wanted reports whether topic and group of a check point still exist. As upstream,
// it brings a group back that was deleted, where groups come into being by themselves.
func (s popStore) Wanted(c *pop.CheckPoint) bool {
	if !s.b.topics.Contains(pop.NormalTopic(c.Topic, c.Group)) {
		return false
	}
	return s.b.groups.Find(c.Group) != nil
}

// Revive appends a message to the group's retry topic.
func (s popStore) Revive(c *pop.CheckPoint, offset int64, unsure bool) error {
	b := s.b
	if c.Broker != b.name {
		return fmt.Errorf("the check point is of broker %s", c.Broker)
	}
	units, err := b.store.Units(c.Topic, c.Queue, offset, 1)
	if err != nil {
		return err
	}
	if len(units) == 0 || units[0].QueueOffset != offset {
		return nil // it has expired
	}
	var msg codec.Message
	if err := b.readMessage(units[0].Physical, &msg); err != nil {
		if lo, _ := b.store.LogRange(); units[0].Physical < lo {
			return nil
		}
		return err
	}
	s.again(c, &msg)
	if unsure && b.revived.find(b, c, &msg) {
		return nil
	}
	result, err := s.appendMessage(&msg)
	if result.Status == store.MessageIllegal || result.Status == store.PropertiesSizeExceeded {
		b.log.WithError(err).Warnf("a message of topic %s cannot be given to group %s again", c.Topic, c.Group)
		return nil
	}
	if err != nil {
		return err
	}
	b.popper.Revived(c)
	b.countPut(msg.Topic, 1, result.Size)
	return nil
}

// GivesUp says what skipWhenCKRePutReachMaxTimes does.
func (s popStore) GivesUp(c *pop.CheckPoint, offset int64) bool {
	if !s.b.config.Load().SkipWhenCKRePutReachMaxTimes {
		return false
	}
	s.b.log.Warnf("message %d in queue %d of topic %s, popped by group %s, could not be given again too often and is not tried again", offset, c.Queue, c.Topic, c.Group)
	return true
}

// again turns a message that was read into the one that is appended to the retry
// topic, which it makes when there is none.
func (s popStore) again(c *pop.CheckPoint, msg *codec.Message) {
	b := s.b
	props := msg.Properties
	if _, ok := codec.Property(props, protocol.PropertyFirstPopTime); !ok || msg.ReconsumeTimes == 0 {
		props = codec.SetProperty(props, protocol.PropertyFirstPopTime, strconv.FormatInt(c.PopTime, 10))
	}
	msg.Properties = codec.SetProperty(props, protocol.PropertyOriginGroup, c.Group)
	if !c.Suspend {
		msg.ReconsumeTimes++
	}
	cfg := b.config.Load()
	queues := int32(1)
	if cfg.UseSeparateRetryQueue {
		if origin := b.topics.Get(pop.NormalTopic(c.Topic, c.Group)); origin != nil {
			queues = origin.WriteQueueNums
		}
	}
	if pop.OriginOf(c.Topic) == pop.FromTopic {
		msg.Topic = pop.RetryTopic(c.Topic, c.Group, cfg.EnableRetryTopicV2)
	}
	if !b.topics.Contains(msg.Topic) {
		topic := protocol.DefaultTopicConfig(msg.Topic)
		topic.ReadQueueNums, topic.WriteQueueNums, topic.Perm = queues, queues, protocol.PermRead|protocol.PermWrite
		b.topics.CreateIfAbsent(&topic)
		if _, ok := b.offsets.Query(c.Group, msg.Topic, 0); !ok {
			b.offsets.Commit(c.Group, msg.Topic, 0, 0)
		}
	}
	msg.QueueID = 0
	if cfg.UseSeparateRetryQueue {
		if topic := b.topics.Get(msg.Topic); topic != nil && topic.WriteQueueNums > 0 {
			msg.QueueID = c.Queue % topic.WriteQueueNums
		}
	}
	msg.BornHost, msg.StoreHost = b.storeHost, b.storeHost
}

// OnTime reports whether the timer has delivered everything that was due. It
// works by the second, so that it is always up to one behind.
func (s popStore) OnTime() bool {
	if s.b.timer == nil {
		return false
	}
	status := s.b.timer.Status()
	return status.ReadBehind <= 1 && status.OffsetBehind <= 0
}
