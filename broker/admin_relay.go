package broker

import (
	"context"
	"time"

	"github.com/gantrymq/gantry/broker/clients"
	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/compat"
	"github.com/gantrymq/gantry/protocol"
	"github.com/gantrymq/gantry/remoting"
)

// Times that consumers have for an answer (upstream's Broker2Client).
const (
	relayTimeout          = 10 * time.Second
	consumerStatusTimeout = 5 * time.Second
)

// consumerRunningInfo serves GET_CONSUMER_RUNNING_INFO (307): the consumer that
// is named answers itself.
func (b *Broker) consumerRunningInfo(r *remoting.Request) error {
	var h protocol.GetConsumerRunningInfoRequestHeader
	codec.DecodeHeaderLoosely(&h, r.Ext)
	return b.relay(r, h.ConsumerGroup, h.ClientID, &codec.Command{Ext: r.Ext, Body: r.Body})
}

// consumeDirectly serves CONSUME_MESSAGE_DIRECTLY (309): the consumer that is
// named consumes a stored message at once, whatever its offset is.
func (b *Broker) consumeDirectly(r *remoting.Request) error {
	var h protocol.ConsumeMessageDirectlyResultRequestHeader
	codec.DecodeHeaderLoosely(&h, r.Ext)
	_, offset, err := codec.ParseMessageID(h.MsgID)
	if err != nil {
		return refuse(protocol.ResponseSystemError, "%s", err)
	}
	record, err := b.store.ReadRecord(offset)
	if err != nil {
		return refuse(protocol.ResponseSystemError, "can not find message by the offset, %d", offset)
	}
	own := protocol.ConsumeMessageDirectlyResultRequestHeader{
		ConsumerGroup: h.ConsumerGroup, ClientID: h.ClientID, MsgID: h.MsgID, BrokerName: b.name, Topic: h.Topic,
		TopicSysFlag: h.TopicSysFlag, GroupSysFlag: h.GroupSysFlag, TopicRPCFields: h.TopicRPCFields,
	}
	if topic := b.topics.Get(h.Topic); topic != nil {
		own.TopicSysFlag = protocol.Some(topic.TopicSysFlag)
	}
	if h.ConsumerGroup != "" {
		if group := b.groups.Find(h.ConsumerGroup); group != nil {
			own.GroupSysFlag = protocol.Some(group.GroupSysFlag)
		}
	}
	return b.relay(r, h.ConsumerGroup, h.ClientID, &codec.Command{Header: &own, Body: record})
}

// relay has a member of a group answer a request. The worker waits; the
// consumer has 10 s.
func (b *Broker) relay(r *remoting.Request, group, clientID string, c *codec.Command) error {
	if group == "" {
		return missing("consumerGroup")
	}
	client := b.consumers.FindID(group, clientID)
	if client == nil {
		return refuse(protocol.ResponseSystemError, "The Consumer <%s> <%s> not online", group, orNull(clientID))
	}
	if !compat.KnowsRunningInfo(client.Version) {
		return refuse(protocol.ResponseSystemError, "The Consumer <%s> Version <%s> too low to finish, please upgrade it to V3_1_8_SNAPSHOT",
			clientID, compat.VersionName(client.Version))
	}
	c.Code, c.Version = r.Code, protocol.CurrentVersion
	answer, err := callClient(client, relayTimeout, c)
	if err != nil {
		return refuse(protocol.ResponseConsumeMsgTimeout, "consumer <%s> <%s> Timeout: %s", group, clientID, err)
	}
	r.ReplyExt(protocol.ResponseCode(answer.Code), answer.Remark, nil, answer.Ext, answer.Body)
	return nil
}

// callClient sends a request to a client and waits for the answer.
func callClient(c *clients.Client, timeout time.Duration, command *codec.Command) (*codec.Frame, error) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	return sessionOf(c).Call(ctx, command)
}

// consumerStatus serves INVOKE_BROKER_TO_GET_CONSUMER_STATUS (223): where the
// members of a group, or the one that is named, say that they are. Those that do
// not answer are left out.
func (b *Broker) consumerStatus(r *remoting.Request) error {
	var h protocol.GetConsumerStatusRequestHeader
	codec.DecodeHeaderLoosely(&h, r.Ext)
	if b.consumers.View(h.Group) == nil {
		return refuse(protocol.ResponseSystemError, "No Any Consumer online in the consumer group: [%s]", orNull(h.Group))
	}
	body := protocol.GetConsumerStatusBody{ConsumerTable: map[string]map[protocol.MessageQueue]int64{}}
	for _, member := range b.consumers.Members(h.Group) {
		if !compat.KnowsResetOffset(member.Version) {
			return tooOld(member)
		}
		if h.ClientAddr != "" && h.ClientAddr != member.ID {
			continue
		}
		if table, ok := b.askStatus(member, &h); ok {
			body.ConsumerTable[member.ID] = table
		}
	}
	return replyJSONRemark(r, notSet, &body)
}

// askStatus sends GET_CONSUMER_STATUS_FROM_CLIENT (221) to one consumer.
func (b *Broker) askStatus(member *clients.Client, h *protocol.GetConsumerStatusRequestHeader) (map[protocol.MessageQueue]int64, bool) {
	answer, err := callClient(member, consumerStatusTimeout, &codec.Command{
		Code: int32(protocol.GetConsumerStatusFromClient), Version: protocol.CurrentVersion,
		Header: &protocol.GetConsumerStatusRequestHeader{Topic: h.Topic, Group: h.Group},
	})
	if err != nil {
		b.log.WithError(err).Warnf("group %s: %s does not say where it is", h.Group, member.ID)
		return nil, false
	}
	if answer.Code != int32(protocol.ResponseSuccess) || len(answer.Body) == 0 {
		return nil, false
	}
	var status protocol.GetConsumerStatusBody
	if err := compat.UnmarshalFastjson(answer.Body, &status); err != nil {
		b.log.WithError(err).Warnf("group %s: what %s says cannot be read", h.Group, member.ID)
		return nil, false
	}
	return status.MessageQueueTable, true
}
