package broker

import (
	"github.com/gantrymq/gantry/protocol"
	"github.com/gantrymq/gantry/remoting"
)

// Lite topics are not in this version. Administrators' questions about topics and
// groups that are not lite are answered as upstream does; for those whose
// attributes call them lite the answer says what is missing.

// liteInfo serves GET_BROKER_LITE_INFO (200074).
func (b *Broker) liteInfo(r *remoting.Request) error {
	info := protocol.BrokerLiteInfo{StoreType: "default", MaxLmqNum: b.config.Load().MaxLMQ, CurrentLmqNum: int32(b.store.LightQueues())}
	for _, topic := range b.store.Topics() {
		queues, err := b.store.Queues(topic)
		if err != nil {
			return err
		}
		info.ConsumeQueues += int32(len(queues))
	}
	info.Offsets = int32(len(b.offsets.Snapshot().OffsetTable))
	return replyJSON(r, &info)
}

// parentTopicInfo serves GET_PARENT_TOPIC_INFO (200075).
func (b *Broker) parentTopicInfo(r *remoting.Request) error { return b.refuseLiteTopic(r, "topic") }

// liteTopicInfo serves GET_LITE_TOPIC_INFO (200076) and GET_LITE_CLIENT_INFO
// (200077).
func (b *Broker) liteTopicInfo(r *remoting.Request) error { return b.refuseLiteTopic(r, "parentTopic") }

func (b *Broker) refuseLiteTopic(r *remoting.Request, field string) error {
	name, ok := r.Ext.Get(field)
	if !ok {
		return missing(field)
	}
	topic := b.topics.Get(name)
	switch {
	case topic == nil:
		return refuse(protocol.ResponseTopicNotExist, "Topic [%s] not exist.", name)
	case topic.Attributes["message.type"] != "LITE":
		return refuse(protocol.ResponseInvalidParameter, "Topic [%s] type not match.", name)
	}
	return refuse(protocol.ResponseRequestCodeNotSupported, "Topic [%s]: lite topics are not in this version.", name)
}

// liteGroupInfo serves GET_LITE_GROUP_INFO (200078) and TRIGGER_LITE_DISPATCH
// (200079).
func (b *Broker) liteGroupInfo(r *remoting.Request) error {
	name, ok := r.Ext.Get("group")
	if !ok {
		return missing("group")
	}
	group := b.groups.Find(name)
	switch {
	case group == nil:
		return refuse(protocol.ResponseSubscriptionGroupNotExist, "Group [%s] not exist.", name)
	case group.Attributes["lite.bind.topic"] == "":
		return refuse(protocol.ResponseInvalidParameter, "Group [%s] is not a LITE group.", name)
	}
	return refuse(protocol.ResponseRequestCodeNotSupported, "Group [%s]: lite topics are not in this version.", name)
}
