package broker

import (
	"errors"
	"github.com/gantrymq/gantry/codec"
	"slices"

	"github.com/gantrymq/gantry/compat"
	"github.com/gantrymq/gantry/protocol"
	"github.com/gantrymq/gantry/remoting"
)

// updateGroup serves UPDATE_AND_CREATE_SUBSCRIPTIONGROUP (200).
func (b *Broker) updateGroup(r *remoting.Request) error {
	if len(r.Body) > 0 && !isNothing(r.Body) {
		var group protocol.SubscriptionGroupConfig
		if err := compat.UnmarshalFastjson(r.Body, &group); err != nil {
			return err
		}
		if err := b.updateGroups(r.Body, &group); err != nil {
			return err
		}
	}
	r.Reply(protocol.ResponseSuccess, "", nil, nil)
	return nil
}

// updateGroupList serves UPDATE_AND_CREATE_SUBSCRIPTIONGROUP_LIST (225).
func (b *Broker) updateGroupList(r *remoting.Request) error {
	var body protocol.SubscriptionGroupList
	if err := compat.UnmarshalFastjson(r.Body, &body); err != nil {
		return err
	}
	if body.GroupConfigList == nil {
		return errors.New("the body lacks the list of groups")
	}
	if err := b.updateGroups(r.Body, body.GroupConfigList...); err != nil {
		return err
	}
	r.Reply(protocol.ResponseSuccess, "", nil, nil)
	return nil
}

// updateGroups makes or changes the groups that were read from a body.
func (b *Broker) updateGroups(body []byte, groups ...*protocol.SubscriptionGroupConfig) error {
	for _, group := range groups {
		if remark, ok := compat.CheckGroup(group.GroupName); !ok {
			return refuse(protocol.ResponseInvalidParameter, "%s", remark)
		}
	}
	if err := checkGroupAttributes(body); err != nil {
		return err
	}
	if err := b.groups.UpdateAll(groups); err != nil {
		return refuse(protocol.ResponseSystemError, "%s", err)
	}
	return nil
}

// allGroupConfigs serves GET_ALL_SUBSCRIPTIONGROUP_CONFIG (201), whole or in pages.
func (b *Broker) allGroupConfigs(r *remoting.Request) error {
	var h protocol.GetAllSubscriptionGroupRequestHeader
	codec.DecodeHeaderLoosely(&h, r.Ext)
	cfg := b.config.Load()
	var body protocol.SubscriptionGroupWrapper
	var total int
	if !cfg.EnableSplitMetadata || h.DataVersion == "" && !hasExt(r, "groupSeq") && !h.MaxGroupNum.Set {
		body = b.groups.Snapshot()
		total = len(body.SubscriptionGroupTable)
	} else {
		limit := min(cfg.SplitMetadataSize, h.MaxGroupNum.Or(cfg.SplitMetadataSize))
		body, total = b.groups.Page(knownVersion(h.DataVersion), int(h.GroupSeq), int(limit))
	}
	text, err := compat.MarshalFastjson(&body)
	if err != nil {
		return err
	}
	r.Reply(protocol.ResponseSuccess, "", &protocol.GetAllSubscriptionGroupResponseHeader{TotalGroupNum: int32(total)}, text)
	return nil
}

// groupConfig serves GET_SUBSCRIPTIONGROUP_CONFIG (352).
func (b *Broker) groupConfig(r *remoting.Request) error {
	var h protocol.GetSubscriptionGroupConfigRequestHeader
	if err := readHeader(r, &h, "group"); err != nil {
		return err
	}
	group := b.groups.Find(h.Group)
	if group == nil {
		return refuse(protocol.ResponseSubscriptionGroupNotExist, "No group in this broker")
	}
	return replyJSON(r, group)
}

// deleteGroup serves DELETE_SUBSCRIPTIONGROUP (207).
func (b *Broker) deleteGroup(r *remoting.Request) error {
	var h protocol.DeleteSubscriptionGroupRequestHeader
	if err := readHeader(r, &h, "groupName"); err != nil {
		return err
	}
	if _, err := b.groups.Delete(h.GroupName); err != nil {
		return err
	}
	if h.CleanOffset {
		b.offsets.RemoveGroup(h.GroupName)
		b.popper.ForgetGroup(h.GroupName)
	}
	if b.config.Load().AutoDeleteUnusedStats {
		b.stats.RemoveGroup(h.GroupName)
		b.slow.forget(func(k readQueue) bool { return k.group == h.GroupName })
	}
	r.Reply(protocol.ResponseSuccess, "", nil, nil)
	return nil
}

// whoConsumes serves QUERY_TOPIC_CONSUME_BY_WHO (300): the groups that are
// subscribed to a topic now or have offsets in it.
func (b *Broker) whoConsumes(r *remoting.Request) error {
	var h protocol.QueryTopicConsumeByWhoRequestHeader
	if err := readHeader(r, &h, "topic"); err != nil {
		return err
	}
	groups := append(b.consumers.GroupsOf(h.Topic), b.offsets.Groups(h.Topic)...)
	slices.Sort(groups)
	return replyJSON(r, &protocol.GroupList{GroupList: slices.Compact(groups)})
}

// topicsOfConsumer serves QUERY_TOPICS_BY_CONSUMER (343).
func (b *Broker) topicsOfConsumer(r *remoting.Request) error {
	var h protocol.QueryTopicsByConsumerRequestHeader
	codec.DecodeHeaderLoosely(&h, r.Ext)
	if !b.offsets.Empty() { // upstream compares the group with those that have offsets
		if err := need(r, "group"); err != nil {
			return err
		}
	}
	return replyJSON(r, &protocol.TopicList{BrokerAddr: b.told, TopicList: b.offsets.Topics(h.Group)})
}
