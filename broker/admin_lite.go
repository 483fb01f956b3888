package broker

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/gantrymq/gantry/compat"
	"github.com/gantrymq/gantry/protocol"
	"github.com/gantrymq/gantry/remoting"
)

// Administrators' questions about lite topics. Times that nobody knows are -1.

// liteInfo serves GET_BROKER_LITE_INFO (200074).
func (b *Broker) liteInfo(r *remoting.Request) error {
	subscriptions, windows, queues := b.lite.Counts()
	info := protocol.BrokerLiteInfo{
		StoreType: "default", MaxLmqNum: b.config.Load().MaxLMQ, CurrentLmqNum: int32(b.store.LightQueues()),
		LiteSubscriptions: int32(subscriptions), OrderInfos: int32(windows), Events: int32(queues),
		TopicMeta: map[string]int32{}, GroupMeta: b.liteGroups(),
	}
	for _, topic := range b.store.Topics() {
		queues, err := b.store.Queues(topic)
		if err != nil {
			return err
		}
		info.ConsumeQueues += int32(len(queues))
	}
	info.Offsets = int32(len(b.offsets.Snapshot().OffsetTable))
	table, _ := b.topics.Snapshot()
	for name := range table {
		if b.liteParent(name) {
			info.TopicMeta[name] = b.liteExpiration(name)
		}
	}
	return replyJSON(r, &info)
}

// admitLiteTopic judges a question about a parent topic.
func (b *Broker) admitLiteTopic(name string) error {
	switch topic := b.topics.Get(name); {
	case topic == nil:
		return refuse(protocol.ResponseTopicNotExist, "Topic [%s] not exist.", name)
	case topic.Attributes["message.type"] != messageTypeLite:
		return refuse(protocol.ResponseInvalidParameter, "Topic [%s] type not match.", name)
	}
	return nil
}

// admitLiteGroup judges a question about a lite group and returns its topic.
func (b *Broker) admitLiteGroup(name string) (parent string, err error) {
	group := b.groups.Find(name)
	switch {
	case group == nil:
		return "", refuse(protocol.ResponseSubscriptionGroupNotExist, "Group [%s] not exist.", name)
	case group.Attributes["lite.bind.topic"] == "":
		return "", refuse(protocol.ResponseInvalidParameter, "Group [%s] is not a LITE group.", name)
	}
	return group.Attributes["lite.bind.topic"], nil
}

// parentTopicInfo serves GET_PARENT_TOPIC_INFO (200075).
func (b *Broker) parentTopicInfo(r *remoting.Request) error {
	var h protocol.GetParentTopicInfoRequestHeader
	if err := readHeader(r, &h, "topic"); err != nil {
		return err
	}
	if err := b.admitLiteTopic(h.Topic); err != nil {
		return err
	}
	return replyJSON(r, &protocol.ParentTopicInfo{
		Topic: h.Topic, TTL: b.liteExpiration(h.Topic), LMQNum: int32(b.store.LightQueues()),
		LiteTopicCount: int32(len(liteStore{popStore{b}}.LiteTopics(h.Topic))), Groups: b.liteGroups()[h.Topic],
	})
}

// liteTopicInfo serves GET_LITE_TOPIC_INFO (200076).
func (b *Broker) liteTopicInfo(r *remoting.Request) error {
	var h protocol.GetLiteTopicInfoRequestHeader
	if err := readHeader(r, &h, "parentTopic"); err != nil {
		return err
	}
	if err := b.admitLiteTopic(h.ParentTopic); err != nil {
		return err
	}
	if h.LiteTopic == "" {
		return missing("liteTopic")
	}
	lmq := compat.LiteTopicName(h.ParentTopic, h.LiteTopic)
	info := protocol.LiteTopicInfo{
		LiteTopic: h.LiteTopic, ParentTopic: h.ParentTopic, ShardingToBroker: b.ownsLite(h.ParentTopic, lmq), Subscriber: []protocol.ClientGroup{},
	}
	first, end := b.queueBounds(lmq, 0)
	if end > 0 {
		info.TopicOffset = protocol.TopicOffset{MinOffset: first, MaxOffset: end, LastUpdateTimestamp: b.storeTime(lmq, 0, end-1)}
	}
	for group, clients := range b.lite.Subscribers(lmq) {
		if b.liteGroup(group).Wildcard {
			clients = []string{"*"}
		}
		for _, client := range clients {
			info.Subscriber = append(info.Subscriber, protocol.ClientGroup{ClientID: client, Group: group})
		}
	}
	return replyJSON(r, &info)
}

// Bounds of the lite topics that one answer lists.
const (
	usualLiteTopics = 1000
	mostLiteTopics  = 10_000
)

// liteClientInfo serves GET_LITE_CLIENT_INFO (200077).
func (b *Broker) liteClientInfo(r *remoting.Request) error {
	var h protocol.GetLiteClientInfoRequestHeader
	if err := readHeader(r, &h, "parentTopic"); err != nil {
		return err
	}
	if h.MaxCount < 0 {
		return fmt.Errorf("maxCount is %d: there is no list as short as that", h.MaxCount)
	}
	if err := b.admitLiteTopic(h.ParentTopic); err != nil {
		return err
	}
	if err := need(r, "group"); err != nil {
		return err
	}
	group := b.groups.Find(h.Group)
	switch {
	case group == nil:
		return refuse(protocol.ResponseSubscriptionGroupNotExist, "Group [%s] not exist.", h.Group)
	case group.Attributes["lite.bind.topic"] != h.ParentTopic:
		return refuse(protocol.ResponseInvalidParameter, "Subscription [%s]-[%s] not match.", h.Group, h.ParentTopic)
	}
	if err := need(r, "clientId"); err != nil {
		return err
	}
	info := protocol.LiteClientInfo{ParentTopic: h.ParentTopic, Group: h.Group, ClientID: h.ClientID, LiteTopicCount: -1}
	lmqs, accessed, ok := b.lite.Subscription(h.ClientID)
	info.LastAccessTime = accessed
	if ok {
		most := int32(usualLiteTopics)
		if hasExt(r, "maxCount") {
			most = min(h.MaxCount, mostLiteTopics)
		}
		info.LiteTopicCount = int32(len(lmqs))
		info.LiteTopicSet = append([]string{}, lmqs[:min(len(lmqs), int(max(most, 0)))]...)
	}
	return replyJSON(r, &info)
}

// liteGroupInfo serves GET_LITE_GROUP_INFO (200078): how far a group is behind.
func (b *Broker) liteGroupInfo(r *remoting.Request) error {
	var h protocol.GetLiteGroupInfoRequestHeader
	if err := readHeader(r, &h, "group"); err != nil {
		return err
	}
	parent, err := b.admitLiteGroup(h.Group)
	if err != nil {
		return err
	}
	info := protocol.LiteGroupInfo{Group: h.Group, ParentTopic: parent, LiteTopic: h.LiteTopic}
	if h.LiteTopic == "" {
		b.liteLags(&info, int(h.TopK))
	} else {
		b.liteLag(&info, compat.LiteTopicName(parent, h.LiteTopic))
	}
	return replyJSONRemark(r, notSet, &info)
}

// liteLag fills in how far the group is behind in one lite topic.
func (b *Broker) liteLag(info *protocol.LiteGroupInfo, lmq string) {
	end := b.maxOffset(lmq, 0)
	if end <= 0 {
		info.TotalLagCount, info.EarliestUnconsumedTimestamp = -1, -1
		return
	}
	at, ok := b.offsets.Query(info.Group, lmq, 0)
	if !ok {
		return
	}
	info.TotalLagCount, info.EarliestUnconsumedTimestamp = end-at, b.storeTime(lmq, 0, at)
	info.LiteTopicOffsetWrapper = &protocol.OffsetWrapper{BrokerOffset: end, ConsumerOffset: at}
	if at > 0 {
		info.LiteTopicOffsetWrapper.LastTimestamp = b.storeTime(lmq, 0, at-1)
	}
}

// liteLags fills in how far the group is behind in all lite topics, and in which
// most. Lags by time are empty, as upstream's are unless it is told to collect
// them.
func (b *Broker) liteLags(info *protocol.LiteGroupInfo, most int) {
	info.LagCountTopK, info.LagTimestampTopK, info.EarliestUnconsumedTimestamp = []protocol.LiteLag{}, []protocol.LiteLag{}, -1
	for _, lmq := range b.offsets.Topics(info.Group) {
		_, name, ok := compat.SplitLiteTopicName(lmq)
		at, committed := b.offsets.Query(info.Group, lmq, 0)
		lag := b.maxOffset(lmq, 0) - at
		if !ok || !committed || lag <= 0 {
			continue
		}
		info.TotalLagCount += lag
		info.LagCountTopK = append(info.LagCountTopK, protocol.LiteLag{LiteTopic: name, LagCount: lag, EarliestUnconsumedTimestamp: b.storeTime(lmq, 0, at)})
	}
	slices.SortFunc(info.LagCountTopK, func(x, y protocol.LiteLag) int {
		return cmp.Or(cmp.Compare(y.LagCount, x.LagCount), cmp.Compare(x.LiteTopic, y.LiteTopic))
	})
	info.LagCountTopK = info.LagCountTopK[:min(len(info.LagCountTopK), max(most, 0))]
}

// triggerLite serves TRIGGER_LITE_DISPATCH (200079): what a group lags in is made
// ready again, for one of its clients or for all.
func (b *Broker) triggerLite(r *remoting.Request) error {
	var h protocol.TriggerLiteDispatchRequestHeader
	if err := readHeader(r, &h, "group"); err != nil {
		return err
	}
	if _, err := b.admitLiteGroup(h.Group); err != nil {
		return err
	}
	if h.ClientID != "" {
		b.lite.LookThrough(h.ClientID, h.Group)
	} else {
		b.lite.LookThroughGroup(h.Group)
	}
	r.Reply(protocol.ResponseSuccess, notSet, nil, nil)
	return nil
}
