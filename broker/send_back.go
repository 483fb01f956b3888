package broker

import (
	"cmp"
	"errors"
	"math/rand/v2"
	"strconv"

	"github.com/gantrymq/gantry/broker/stats"
	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/compat"
	"github.com/gantrymq/gantry/protocol"
	"github.com/gantrymq/gantry/remoting"
	"github.com/gantrymq/gantry/store"
)

// sendBack serves CONSUMER_SEND_MSG_BACK (36): a consumer that could not handle
// a message has it delivered again after a while, through its group's retry
// topic, or put aside in the dead letter queue.
func (b *Broker) sendBack(r *remoting.Request) error {
	var h protocol.ConsumerSendMsgBackRequestHeader
	unread := codec.DecodeHeaderNeeding(&h, r.Ext, "offset", "delayLevel") // missed only where they are used
	if err := need(r, "group"); err != nil {
		return err
	}
	group := b.groups.Find(h.Group)
	if group == nil {
		return refuse(protocol.ResponseSubscriptionGroupNotExist, "subscription group not exist, %s %s", h.Group, suggestFAQ)
	}
	cfg := b.config.Load()
	if !cfg.writable() {
		return refuse(protocol.ResponseNoPermission, "the broker[%s] sending message is forbidden", cfg.BrokerIP1)
	}
	if group.RetryQueueNums <= 0 {
		r.Reply(protocol.ResponseSuccess, "", nil, nil)
		return nil
	}
	if err := b.retryTopic(&h, group); err != nil {
		return err
	}
	if err := cmp.Or(unread, need(r, "offset", "delayLevel")); err != nil {
		return err
	}
	var msg codec.Message
	if err := b.readMessage(h.Offset, &msg); err != nil {
		return refuse(protocol.ResponseSystemError, "look message by offset failed, %d", h.Offset)
	}
	if err := b.redirectBack(r, &h, group, &msg); err != nil {
		return err
	}
	result, err := b.store.Append(&msg)
	if result.Status != store.PutOK {
		b.log.WithError(err).Warnf("a message sent back by group %s was not stored", h.Group)
		return refuse(protocol.ResponseSystemError, "%s", result.Status)
	}
	b.countBack(&h, &msg, result.Size, extOrNull(r, "Owner"))
	r.Reply(protocol.ResponseSuccess, "", nil, nil)
	return nil
}

// retryTopic makes sure that the group has its retry topic and may write to it.
func (b *Broker) retryTopic(h *protocol.ConsumerSendMsgBackRequestHeader, group *protocol.SubscriptionGroupConfig) error {
	var flag int32
	if h.UnitMode {
		flag = protocol.TopicFlagUnitSub
	}
	name := protocol.RetryTopic(h.Group)
	topic := b.topics.CreateOnSendBack(name, group.RetryQueueNums, protocol.PermRead|protocol.PermWrite, false, flag)
	if topic == nil {
		return refuse(protocol.ResponseSystemError, "topic[%s] not exist", name)
	}
	if topic.Perm&protocol.PermWrite == 0 {
		return refuse(protocol.ResponseNoPermission, "the topic[%s] sending message is forbidden", name)
	}
	return nil
}

// redirectBack turns the message that was read into the one that is appended.
func (b *Broker) redirectBack(r *remoting.Request, h *protocol.ConsumerSendMsgBackRequestHeader, group *protocol.SubscriptionGroupConfig, msg *codec.Message) error {
	props := msg.Properties
	if _, ok := codec.Property(props, protocol.PropertyRetryTopic); !ok {
		props = codec.SetProperty(props, protocol.PropertyRetryTopic, msg.Topic)
	}
	props = codec.SetProperty(props, protocol.PropertyWait, "false")
	if origin, ok := codec.Property(props, protocol.PropertyOriginMessageID); !ok || origin == "" {
		props = codec.SetProperty(props, protocol.PropertyOriginMessageID, codec.MessageID(msg.StoreHost, msg.PhysicalOffset))
	}
	most := group.RetryMaxTimes
	if compat.HonoursMaxReconsumeTimes(r.Version) {
		most = h.MaxReconsumeTimes.Or(most)
	}
	level := int(h.DelayLevel)
	if level == 0 {
		level = 3 + int(msg.ReconsumeTimes)
	}
	msg.Topic, msg.QueueID = protocol.RetryTopic(h.Group), rand.Int32N(group.RetryQueueNums)
	if msg.ReconsumeTimes >= most || level < 0 {
		if h.OriginTopic == "" {
			return errors.New("the request to put a message aside lacks the field originTopic")
		}
		dlq := protocol.DLQTopic(h.Group)
		if b.topics.CreateOnSendBack(dlq, dlqQueues, protocol.PermRead|protocol.PermWrite, false, 0) == nil {
			return refuse(protocol.ResponseSystemError, "topic[%s] not exist", dlq)
		}
		msg.Topic, msg.QueueID, level = dlq, 0, 0
	}
	props = codec.SetProperty(props, protocol.PropertyDelayLevel, strconv.Itoa(level))
	msg.Properties = props
	if level > 0 {
		b.levels.Defer(msg, level)
	}
	msg.StoreHost = b.storeHost
	msg.ReconsumeTimes++
	msg.PreparedTransactionOffset = 0
	return nil
}

// countBack notes a message that was sent back. What waits for another attempt counts
// for the topic it waits in but, as upstream, not for the whole broker; owner is of a
// cloud account.
func (b *Broker) countBack(h *protocol.ConsumerSendMsgBackRequestHeader, msg *codec.Message, bytes int, owner string) {
	if msg.Topic == protocol.TopicSchedule {
		b.stats.Topic(msg.Topic).Add(1, bytes)
		b.countDeferred(msg, bytes)
	}
	b.stats.GroupItem(stats.SendBackNums, b.counted(h.Group), b.counted(originTopic(msg))).Add(1, 1)
	if msg.Topic == protocol.DLQTopic(h.Group) {
		b.stats.Item(stats.SendBackToDLQ, owner+"@"+h.OriginTopic+"@"+h.Group+"@SEND_BACK_TO_DLQ").Add(1, 1)
	}
}

// originTopic is the topic that a message was sent to before any retry.
func originTopic(msg *codec.Message) string {
	if topic, ok := codec.Property(msg.Properties, protocol.PropertyRetryTopic); ok {
		return topic
	}
	return msg.Topic
}

// readMessage reads the message at a position of the log. Its strings and body
// are the caller's own.
func (b *Broker) readMessage(offset int64, msg *codec.Message) error {
	record, err := b.store.ReadRecord(offset)
	if err != nil {
		return err
	}
	_, err = codec.DecodeRecord(record, msg, false)
	return err
}
