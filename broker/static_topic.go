package broker

import (
	"bytes"
	"fmt"
	"github.com/gantrymq/gantry/codec"

	"github.com/gantrymq/gantry/compat"
	"github.com/gantrymq/gantry/protocol"
	"github.com/gantrymq/gantry/remoting"
)

// updateStaticTopic serves UPDATE_AND_CREATE_STATIC_TOPIC (513): the queues that this
// broker has of a static topic, and which stretches of its logical queues lie where.
func (b *Broker) updateStaticTopic(r *remoting.Request) error {
	var h protocol.CreateTopicRequestHeader
	codec.DecodeHeaderLoosely(&h, r.Ext)
	if !protocol.TopicFilterType(h.TopicFilterType).Known() && hasExt(r, "topicFilterType") {
		return fmt.Errorf("topicFilterType is %q, not %s or %s", h.TopicFilterType, protocol.FilterSingleTag, protocol.FilterMultiTag)
	}
	var mapping *protocol.TopicQueueMappingDetail
	if len(bytes.TrimSpace(r.Body)) > 0 {
		if err := compat.UnmarshalFastjson(r.Body, &mapping); err != nil {
			return err
		}
	}
	topic := &protocol.TopicConfig{
		TopicName: h.Topic, ReadQueueNums: h.ReadQueueNums, WriteQueueNums: h.WriteQueueNums, TopicFilterType: protocol.TopicFilterType(h.TopicFilterType),
		Perm: h.Perm, TopicSysFlag: h.TopicSysFlag.Or(0), Attributes: map[string]string{},
	}
	if err := b.checkTopicUpdate(topic); err != nil {
		return err
	}
	if err := need(r, "topicFilterType"); err != nil { // upstream reads it behind the topic's name
		return err
	}
	if err := needNumbers(r, "readQueueNums", "writeQueueNums", "perm"); err != nil {
		return err
	}
	if mapping != nil { // first: a plan that is out of date must not take queues away
		if err := b.statics.Update(mapping, h.Force.Or(false)); err != nil {
			return refuse(protocol.ResponseSystemError, "%s", err)
		}
	}
	if err := b.topics.Update(topic); err != nil {
		return refuse(protocol.ResponseSystemError, "%s", err)
	}
	b.hold.WakeAll() // pulls that wait where no message will come any more
	b.awaitRegistered()
	r.Reply(protocol.ResponseSuccess, remarkUnset, nil, nil)
	return nil
}
