package broker

import (
	"fmt"

	"github.com/gantrymq/gantry/broker/clients"
	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/compat"
	"github.com/gantrymq/gantry/protocol"
	"github.com/gantrymq/gantry/remoting"
)

// notSet is the remark with which upstream makes an answer and that some of its
// handlers leave in it although they succeed.
const notSet = "not set any response code"

// allQueues is the queue id that means every queue of the topic.
const allQueues = -1

// resetOffset serves INVOKE_BROKER_TO_RESET_OFFSET (222). With
// useServerSideResetOffset the broker keeps the new offsets until the consumers
// have taken them; otherwise it tells the consumers that are connected.
func (b *Broker) resetOffset(r *remoting.Request) error {
	var h protocol.ResetOffsetRequestHeader
	codec.DecodeHeaderLoosely(&h, r.Ext)
	if err := need(r, "topic"); err != nil {
		return err
	}
	if needInts(r, "queueId") != nil {
		h.QueueID = allQueues
	}
	if b.config.Load().UseServerSideResetOffset {
		return b.resetHere(r, &h)
	}
	return b.resetAtClients(r, &h)
}

// missing refuses a request without a field that nothing can be done without;
// upstream fails in a null pointer there.
func missing(field string) error {
	return refuse(protocol.ResponseSystemError, "the custom field <%s> is null", field)
}

// orNull is a field as upstream prints it in remarks.
func orNull(s string) string {
	if s == "" {
		return "null"
	}
	return s
}

func (b *Broker) resetHere(r *remoting.Request, h *protocol.ResetOffsetRequestHeader) error {
	if b.config.Load().BrokerRole == "SLAVE" {
		return refuse(protocol.ResponseSystemError, "Can not reset offset in slave broker")
	}
	topic := b.topics.Get(h.Topic)
	if topic == nil {
		return refuse(protocol.ResponseTopicNotExist, "Topic %s does not exist", h.Topic)
	}
	if !b.groups.Contains(h.Group) {
		return refuse(protocol.ResponseSubscriptionGroupNotExist, "Group %s does not exist", extOrNull(r, "group"))
	}
	targets, err := b.resetTargets(h, topic)
	if err != nil {
		return err
	}
	if len(targets) == 0 {
		return refuse(protocol.ResponseSystemError, "No queues to reset.")
	}
	body := protocol.ResetOffsetBody{OffsetTable: map[protocol.MessageQueue]int64{}}
	for queue, offset := range targets {
		if err := b.offsets.AssignReset(h.Group, h.Topic, queue, offset); err != nil {
			return err
		}
		b.popper.ForgetQueue(h.Topic, h.Group, queue)
		body.OffsetTable[b.queue(h.Topic, queue)] = offset
	}
	b.log.WithField("topic", h.Topic).WithField("group", h.Group).Info("an administrator moved a consumer group")
	return replyJSON(r, &body)
}

// resetTargets is where each queue goes: one queue to an offset or a time, or,
// with a negative queue id, all of them to a time. A negative time is the end.
func (b *Broker) resetTargets(h *protocol.ResetOffsetRequestHeader, topic *protocol.TopicConfig) (map[int32]int64, error) {
	targets := map[int32]int64{}
	if h.QueueID >= 0 {
		offset, err := b.resetTarget(h)
		targets[h.QueueID] = offset
		return targets, err
	}
	for queue := range topic.ReadQueueNums {
		offset, err := b.offsetAt(h.Topic, queue, h.Timestamp)
		if err != nil {
			return nil, err
		}
		targets[queue] = offset
	}
	return targets, nil
}

func (b *Broker) resetTarget(h *protocol.ResetOffsetRequestHeader) (int64, error) {
	offset := h.Offset.Or(-1)
	if offset == -1 {
		return b.offsetAt(h.Topic, h.QueueID, h.Timestamp)
	}
	first, end := b.queueBounds(h.Topic, h.QueueID)
	if offset < first || offset > end+1 {
		return 0, refuse(protocol.ResponseSystemError, "Target offset %d not in consume queue range [%d-%d]", offset, first, end)
	}
	return offset, nil
}

func (b *Broker) offsetAt(topic string, queue int32, ms int64) (int64, error) {
	if ms < 0 {
		return b.maxOffset(topic, queue), nil
	}
	return b.store.OffsetByTime(topic, queue, ms, false)
}

// resetAtClients tells every member of the group where to go on. The broker
// stores nothing: the members commit what they are told.
func (b *Broker) resetAtClients(r *remoting.Request, h *protocol.ResetOffsetRequestHeader) error {
	topic := b.topics.Get(h.Topic)
	if topic == nil {
		return refuse(protocol.ResponseTopicNotExist, "[reset-offset] reset offset failed, no topic in this broker. topic=%s", h.Topic)
	}
	table := map[protocol.MessageQueue]int64{}
	for queue := range topic.WriteQueueNums {
		consumed, known := b.offsets.Query(h.Group, h.Topic, queue)
		if !known {
			return refuse(protocol.ResponseSystemError, "THe consumer group <%s> not exist", orNull(h.Group))
		}
		offset, err := b.offsetAt(h.Topic, queue, h.Timestamp)
		if err != nil {
			return err
		}
		if !h.IsForce {
			offset = min(offset, consumed) // without force nothing is skipped
		}
		table[b.queue(h.Topic, queue)] = offset
	}
	members := b.consumers.Members(h.Group)
	if len(members) == 0 {
		return refuse(protocol.ResponseConsumerNotOnline, "Consumer not online, so can not reset offset, Group: %s Topic: %s Timestamp: %d",
			h.Group, h.Topic, h.Timestamp)
	}
	if err := b.pushReset(h, table, members, r.Language == protocol.LanguageCPP); err != nil {
		return err
	}
	return replyJSONRemark(r, notSet, &protocol.ResetOffsetBody{OffsetTable: table})
}

// pushReset sends RESET_CONSUMER_CLIENT_OFFSET (220). The form for C++ is chosen
// by who asks, as upstream does.
func (b *Broker) pushReset(h *protocol.ResetOffsetRequestHeader, table map[protocol.MessageQueue]int64, members []*clients.Client, cpp bool) error {
	text, err := resetBody(table, cpp)
	if err != nil {
		return err
	}
	push := &codec.Command{
		Code: int32(protocol.ResetConsumerClientOffset), Version: protocol.CurrentVersion,
		Header: &protocol.ResetOffsetRequestHeader{Topic: h.Topic, Group: h.Group, QueueID: allQueues, Timestamp: h.Timestamp},
		Body:   text,
	}
	for _, member := range members {
		if !compat.KnowsResetOffset(member.Version) {
			return tooOld(member)
		}
		if err := sessionOf(member).Push(push); err != nil {
			b.log.WithError(err).Warnf("group %s: %s cannot be told of the reset", h.Group, member.ID)
		}
	}
	return nil
}

// tooOld refuses what a consumer does not understand.
func tooOld(c *clients.Client) error {
	return refuse(protocol.ResponseSystemError, "the client does not support this feature. version=%s", compat.VersionName(c.Version))
}

func resetBody(table map[protocol.MessageQueue]int64, cpp bool) ([]byte, error) {
	if !cpp {
		return compat.MarshalFastjson(&protocol.ResetOffsetBody{OffsetTable: table})
	}
	var body protocol.ResetOffsetBodyForC
	for q, offset := range table {
		body.OffsetTable = append(body.OffsetTable, protocol.MessageQueueForC{BrokerName: q.BrokerName, Offset: offset, QueueID: q.QueueID, Topic: q.Topic})
	}
	return compat.MarshalFastjson(&body)
}

// replyJSONRemark answers with a body and a remark.
func replyJSONRemark(r *remoting.Request, remark string, body any) error {
	text, err := compat.MarshalFastjson(body)
	if err != nil {
		return fmt.Errorf("answer %s: %w", protocol.RequestCode(r.Code), err)
	}
	r.Reply(protocol.ResponseSuccess, remark, nil, text)
	return nil
}
