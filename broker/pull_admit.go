package broker

import (
	"strconv"
	"strings"

	"github.com/gantrymq/gantry/broker/clients"
	"github.com/gantrymq/gantry/broker/filter"
	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/protocol"
	"github.com/gantrymq/gantry/remoting"
)

// forbid refuses a pull and says who forbids it.
func forbid(op *pullOp, kind int32, format string, args ...any) error {
	op.answer.ForbiddenType = protocol.Some(kind)
	return refuse(protocol.ResponseNoPermission, format, args...)
}

// admitPull judges a pull in upstream's order and finds what it needs: group,
// topic and filter.
func (b *Broker) admitPull(r *remoting.Request, op *pullOp) error {
	h := &op.header
	if err := need(r, "consumerGroup"); err != nil {
		return err
	}
	cfg := b.config.Load()
	if !cfg.readable() {
		return forbid(op, forbiddenBroker, "the broker[%s] pulling message is forbidden", cfg.BrokerIP1)
	}
	if protocol.RequestCode(r.Code) == protocol.LitePullMessage && !cfg.LitePullMessageEnable {
		return forbid(op, forbiddenBroker, "the broker[%s] for lite pull consumer is forbidden", cfg.BrokerIP1)
	}
	if op.group = b.groups.Find(h.ConsumerGroup); op.group == nil {
		return refuse(protocol.ResponseSubscriptionGroupNotExist, "subscription group [%s] does not exist, %s", h.ConsumerGroup, suggestFAQ)
	}
	if !op.group.ConsumeEnable {
		return forbid(op, forbiddenGroup, "subscription group no permission, %s", h.ConsumerGroup)
	}
	if err := need(r, "topic"); err != nil {
		return err
	}
	if op.topic = b.topics.Get(h.Topic); op.topic == nil {
		return refuse(protocol.ResponseTopicNotExist, "topic[%s] not exist, apply first please! %s", h.Topic, suggestFAQ)
	}
	if op.topic.Perm&protocol.PermRead == 0 {
		return forbid(op, forbiddenTopic, "the topic[%s] pulling message is forbidden", h.Topic)
	}
	if err := need(r, "queueId"); err != nil {
		if m := b.namesNoQueue(r); m != nil {
			return refuse(protocol.ResponseNotLeaderForQueue, "%s-null cannot find mapping item in request process of current broker %s", m.Topic, m.BrokerName)
		}
		return err
	}
	if err := b.placePull(op); err != nil {
		return err
	}
	if h.QueueID < 0 || h.QueueID >= op.topic.ReadQueueNums {
		return refuse(protocol.ResponseInvalidParameter, "queueId[%d] is illegal, topic:[%s] topicConfig.readQueueNums:[%d] consumer:[/%s]",
			h.QueueID, h.Topic, op.topic.ReadQueueNums, r.Session.RemoteAddr())
	}
	if err := need(r, "sysFlag"); err != nil {
		return err
	}
	h.ExpressionType = expressionType(r, "expressionType", h.ExpressionType)
	if err := b.admitSubscription(op); err != nil {
		return err
	}
	if cfg.RejectPullConsumerEnable && b.pullsByItself(r.Session, h.ConsumerGroup) {
		return refuse(protocol.ResponseSubscriptionNotExist, "the consumer's group info not exist, or the pull consumer is rejected by server.%s", suggestFAQ)
	}
	if h.RequestSource.Or(0) == forBroadcast && cfg.EnableBroadcastOffsetStore {
		if err := need(r, "proxyFrowardClientId"); err != nil {
			return err
		}
	}
	return need(r, "queueOffset", "maxMsgNums")
}

// pullsByItself reports whether rejectPullConsumerEnable turns a connection's pulls for a group
// away: nobody has said that the group's consumers are pushed to, and the connection is not one of
// a member, as members from before the setting are. The broker's own groups are not meant.
func (b *Broker) pullsByItself(s remoting.Session, group string) bool {
	view := b.consumers.View(group)
	if view != nil && (view.ConsumeType != protocol.ConsumeActively || b.consumers.Member(group, s)) {
		return false
	}
	return !readsForBroker(group)
}

// admitSubscription finds the filter: from the expression that the pull brings
// along, or from the subscription that the group's members have registered.
func (b *Broker) admitSubscription(op *pullOp) error {
	h := &op.header
	var sub *protocol.SubscriptionData
	var err error
	brought := h.SysFlag&protocol.PullFlagSubscription != 0
	if brought {
		if filter.TakesAll(h.Subscription, h.ExpressionType) { // most do: it costs nothing
			b.learn(h.ConsumerGroup, h.Topic, protocol.SubscribeAll, h.ExpressionType, pullerKind(h.RequestSource.Or(0)))
			return nil
		}
		if sub, err = filter.Subscribe(h.Topic, h.Subscription, h.ExpressionType); err != nil {
			return refuse(protocol.ResponseSubscriptionParseFailed, "parse the consumer's subscription failed")
		}
		b.learn(h.ConsumerGroup, h.Topic, h.Subscription, h.ExpressionType, pullerKind(h.RequestSource.Or(0)))
	} else if sub, err = b.registeredSubscription(op); err != nil {
		return err
	}
	if sub.IsTag() {
		op.filter = filter.ForTags(sub)
		return nil
	}
	return b.admitExpression(op, sub, brought)
}

// expressionType is the type of the expression that a request brings along: tags when it has no such field. An empty
// one is a type too, see filter.Subscribe.
func expressionType(r *remoting.Request, key, given string) string {
	if given == "" && !hasExt(r, key) {
		return protocol.ExpressionTag
	}
	return given
}

// learn notes the subscription that a pull or a pop brought along: consumers that say nothing of it in
// heartbeats have it nevertheless, and tools show it.
func (b *Broker) learn(group, topic, expression, expressionType string, kind clients.View) {
	b.consumers.Learn(group, topic, expression, expressionType, kind, func() protocol.SubscriptionData {
		sub, err := filter.Subscribe(topic, expression, expressionType)
		if err != nil { // it was read before
			return protocol.SubscriptionData{Topic: strings.Clone(topic), SubString: strings.Clone(expression), ExpressionType: strings.Clone(expressionType)}
		}
		return *sub
	})
}

// Whom a proxy pulls for (upstream: RequestSource).
const (
	forBroadcast = 1
	forStream    = 2
)

// pullerKind is what a pull tells of its consumer.
func pullerKind(source int32) clients.View {
	kind := clients.View{ConsumeType: protocol.ConsumePassively, MessageModel: protocol.Clustering}
	switch source {
	case forBroadcast:
		kind.MessageModel = protocol.Broadcasting
	case forStream:
		kind.ConsumeType = protocol.ConsumeActively
	}
	return kind
}

// admitExpression finds the filter of a subscription that is none of tags. One
// that the pull has brought along and that cannot be compiled lets every message
// pass, as upstream's does: clients ask CHECK_CLIENT_CONFIG before they start.
func (b *Broker) admitExpression(op *pullOp, sub *protocol.SubscriptionData, brought bool) error {
	h := &op.header
	var entry *filter.Entry
	if !brought {
		entry = b.filters.Find(h.Topic, h.ConsumerGroup)
		if entry == nil {
			return refuse(protocol.ResponseFilterDataNotExist, "The broker's consumer filter data is not exist!Your expression may be wrong!")
		}
		if entry.ClientVersion < h.SubVersion {
			return refuse(protocol.ResponseFilterDataNotLatest, "the consumer's consumer filter data not latest")
		}
	}
	cfg := b.config.Load()
	if !cfg.EnablePropertyFilter {
		return refuse(protocol.ResponseSystemError, "The broker does not support consumer to filter message by %s", sub.ExpressionType)
	}
	switch {
	case sub.ClassFilterMode:
	case cfg.FilterSupportRetry && strings.HasPrefix(h.Topic, protocol.PrefixRetry):
		op.filter = b.filters.ForRetry(groupOfRetryTopic(h.Topic))
	case brought:
		op.filter = filter.ForExpression(b.expressions.Compile(sub.ExpressionType, sub.SubString))
	default:
		op.filter = filter.ForEntry(entry)
	}
	return nil
}

// groupOfRetryTopic is the group whose retry topic this is.
func groupOfRetryTopic(topic string) string { return strings.TrimPrefix(topic, protocol.PrefixRetry) }

func (b *Broker) registeredSubscription(op *pullOp) (*protocol.SubscriptionData, error) {
	h := &op.header
	group := b.consumers.View(h.ConsumerGroup)
	if group == nil {
		return nil, refuse(protocol.ResponseSubscriptionNotExist, "the consumer's group info not exist%s", suggestFAQ)
	}
	if !op.group.ConsumeBroadcastEnable && group.MessageModel == protocol.Broadcasting {
		return nil, forbid(op, forbiddenBroadcasting, "the consumer group[%s] can not consume by broadcast way", h.ConsumerGroup)
	}
	if b.groups.Forbidden(h.ConsumerGroup, h.Topic, protocol.ForbidRead) {
		return nil, forbid(op, forbiddenSubscription, "the consumer group[%s] is forbidden for topic[%s]", h.ConsumerGroup, h.Topic)
	}
	sub := group.Subscription(h.Topic)
	if sub == nil {
		return nil, refuse(protocol.ResponseSubscriptionNotExist, "the consumer's subscription not exist%s", suggestFAQ)
	}
	if sub.SubVersion < h.SubVersion {
		return nil, refuse(protocol.ResponseSubscriptionNotLatest, "the consumer's subscription not latest")
	}
	return sub, nil
}

// refusePull answers a pull that was not admitted, and gives op back. The header
// says who forbade it.
func (b *Broker) refusePull(r replier, op *pullOp, err error) error {
	defer op.release()
	fault, ok := asRefusal(err)
	if !ok {
		return err
	}
	var ext codec.Fields
	if kind := op.answer.ForbiddenType; kind.Set {
		ext = codec.Fields{{Key: "forbiddenType", Value: strconv.Itoa(int(kind.V))}}
	}
	r.ReplyExt(fault.Code, fault.Remark, nil, ext, nil)
	return nil
}
