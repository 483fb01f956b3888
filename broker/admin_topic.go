package broker

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/compat"
	"github.com/gantrymq/gantry/protocol"
	"github.com/gantrymq/gantry/remoting"
)

// updateTopic serves UPDATE_AND_CREATE_TOPIC (17).
func (b *Broker) updateTopic(r *remoting.Request) error {
	var h protocol.CreateTopicRequestHeader
	if err := readHeader(r, &h, "topic"); err != nil {
		return err
	}
	attributes, err := parseAttributes(h.Attributes)
	if err != nil {
		return refuse(protocol.ResponseSystemError, "%s", err)
	}
	topic := &protocol.TopicConfig{
		TopicName: h.Topic, ReadQueueNums: h.ReadQueueNums, WriteQueueNums: h.WriteQueueNums, TopicFilterType: protocol.TopicFilterType(h.TopicFilterType),
		Perm: h.Perm, TopicSysFlag: h.TopicSysFlag.Or(0), Order: h.Order, Attributes: attributes,
	}
	if err := b.checkTopicUpdate(topic); err != nil {
		return err
	}
	if err := needInts(r, "readQueueNums", "writeQueueNums", "perm"); err != nil {
		return err
	}
	if !topic.TopicFilterType.Known() {
		return refuse(protocol.ResponseSystemError, remarkUnset)
	}
	if err := b.clearForBatches(topic); err != nil {
		return err
	}
	if err := b.topics.Update(topic); err != nil {
		return refuse(protocol.ResponseSystemError, "%s", err)
	}
	if err := b.settleBatchTopics(topic); err != nil {
		return err
	}
	b.awaitRegistered()
	r.Reply(protocol.ResponseSuccess, remarkUnset, nil, nil)
	return nil
}

// updateTopicList serves UPDATE_AND_CREATE_TOPIC_LIST (18).
func (b *Broker) updateTopicList(r *remoting.Request) error {
	var body protocol.CreateTopicListRequestBody
	if err := compat.UnmarshalFastjson(r.Body, &body); err != nil {
		return err
	}
	if body.TopicConfigList == nil {
		return errors.New("the body lacks the list of topics")
	}
	for _, topic := range body.TopicConfigList {
		if err := b.checkTopicUpdate(topic); err != nil {
			return err
		}
	}
	if err := checkTopicAttributes(r.Body); err != nil {
		return err
	}
	if err := b.clearForBatches(body.TopicConfigList...); err != nil {
		return err
	}
	if err := b.topics.UpdateAll(body.TopicConfigList); err != nil {
		return refuse(protocol.ResponseSystemError, "%s", err)
	}
	if err := b.settleBatchTopics(body.TopicConfigList...); err != nil {
		return err
	}
	b.awaitRegistered()
	r.Reply(protocol.ResponseSuccess, remarkUnset, nil, nil)
	return nil
}

// checkTopicUpdate judges what an administrator wants to make of a topic.
func (b *Broker) checkTopicUpdate(topic *protocol.TopicConfig) error {
	if remark, ok := compat.CheckTopic(topic.TopicName); !ok {
		return refuse(protocol.ResponseInvalidParameter, "%s", remark)
	}
	cfg := b.config.Load()
	if cfg.ValidateSystemTopicWhenUpdateTopic && b.topics.IsSystem(topic.TopicName) {
		return refuse(protocol.ResponseInvalidParameter, "The topic[%s] is conflict with system topic.", topic.TopicName)
	}
	if !cfg.EnableMixedMessageType && topic.Attributes["+message.type"] == "MIXED" {
		return refuse(protocol.ResponseInvalidParameter, "MIXED message type is not supported.")
	}
	return nil
}

// parseAttributes reads changes of attributes: +key=value sets one, -key takes
// one away, separated by commas. The signs stay in the keys.
func parseAttributes(text string) (map[string]string, error) {
	changes := map[string]string{}
	if text == "" {
		return changes, nil
	}
	for change := range strings.SplitSeq(text, ",") {
		key, value, sets := strings.Cut(change, "=")
		switch {
		case sets && !strings.Contains(key, "+"):
			return nil, fmt.Errorf("add/alter attribute format is wrong: %s", key)
		case !sets && !strings.Contains(key, "-"):
			return nil, fmt.Errorf("delete attribute format is wrong: %s", key)
		}
		if _, twice := changes[key]; twice {
			return nil, fmt.Errorf("key duplication: %s", key)
		}
		changes[key] = value
	}
	return changes, nil
}

// deleteTopic serves DELETE_TOPIC_IN_BROKER (215): the topic, its retry topics of
// POP consumers, their offsets and queues.
func (b *Broker) deleteTopic(r *remoting.Request) error {
	var h protocol.DeleteTopicRequestHeader
	codec.DecodeHeaderLoosely(&h, r.Ext)
	if strings.TrimSpace(h.Topic) == "" {
		return refuse(protocol.ResponseInvalidParameter, "The specified topic is blank.")
	}
	cfg := b.config.Load()
	if cfg.ValidateSystemTopicWhenUpdateTopic && b.topics.IsSystem(h.Topic) {
		return refuse(protocol.ResponseInvalidParameter, "The topic[%s] is conflict with system topic.", h.Topic)
	}
	doomed := []string{h.Topic}
	if cfg.ClearRetryTopicWhenDeleteTopic {
		for _, group := range b.offsets.Groups(h.Topic) {
			for _, v2 := range []bool{true, false} {
				if retry := compat.PopRetryTopic(h.Topic, group, v2); b.topics.Contains(retry) {
					doomed = append(doomed, retry)
				}
			}
		}
	}
	if b.liteParent(h.Topic) {
		b.deleteLite(liteStore{popStore{b}}.LiteTopics(h.Topic))
	}
	if isBatchTopic(b.topics.Get(h.Topic)) { // killed in between, the broker must not be left with queues of an unknown topic
		if err := b.store.DeleteTopics(doomed[:1]); err != nil {
			return err
		}
	}
	for _, topic := range doomed {
		if _, err := b.topics.Delete(topic); err != nil {
			return err
		}
		if _, err := b.statics.Delete(topic); err != nil {
			return err
		}
		if b.timer != nil {
			b.timer.ForgetTopic(topic)
		}
		b.offsets.RemoveTopic(topic)
		b.popper.ForgetTopic(topic)
		if b.config.Load().AutoDeleteUnusedStats {
			b.stats.RemoveTopic(topic)
			b.slow.forget(func(k readQueue) bool { return k.topic == topic })
		}
	}
	if err := b.store.DeleteTopics(doomed); err != nil {
		return err
	}
	r.Reply(protocol.ResponseSuccess, "", nil, nil)
	return nil
}

// allTopicConfigs serves GET_ALL_TOPIC_CONFIG (21), whole or in pages.
func (b *Broker) allTopicConfigs(r *remoting.Request) error {
	var h protocol.GetAllTopicConfigRequestHeader
	codec.DecodeHeaderLoosely(&h, r.Ext)
	cfg := b.config.Load()
	mappings, mappingVersion := b.statics.Snapshot()
	body := protocol.TopicConfigAndMappingSerializeWrapper{MappingDataVersion: mappingVersion}
	var total int
	if !cfg.EnableSplitMetadata || h.DataVersion == "" && !hasExt(r, "topicSeq") && !h.MaxTopicNum.Set {
		body.TopicConfigTable, body.DataVersion = b.topics.Snapshot()
		body.TopicQueueMappingDetailMap = mappings
		total = len(body.TopicConfigTable)
	} else {
		limit := min(cfg.SplitMetadataSize, h.MaxTopicNum.Or(cfg.SplitMetadataSize))
		body.TopicConfigTable, body.DataVersion, total = b.topics.Page(knownVersion(h.DataVersion), int(h.TopicSeq), int(limit))
		body.TopicQueueMappingDetailMap = map[string]*protocol.TopicQueueMappingDetail{}
		for name := range body.TopicConfigTable {
			if mapping := mappings[name]; mapping != nil {
				body.TopicQueueMappingDetailMap[name] = mapping
			}
		}
	}
	form := compat.Compact
	if len(body.TopicQueueMappingDetailMap) > 0 {
		form = compat.Standard // the official tool cannot read bare numbers as keys here
	}
	text, err := compat.AppendFastjson(nil, &body, form)
	if err != nil {
		return err
	}
	r.Reply(protocol.ResponseSuccess, "", &protocol.GetAllTopicConfigResponseHeader{TotalTopicNum: protocol.Some(int32(total))}, text)
	return nil
}

// hasExt reports whether a request brings a field along.
func hasExt(r *remoting.Request, key string) bool {
	_, ok := r.Ext.Get(key)
	return ok
}

// knownVersion reads the version that an earlier page gave; nil when there is none.
func knownVersion(text string) *protocol.DataVersion {
	var v protocol.DataVersion
	if text == "" || compat.UnmarshalFastjson([]byte(text), &v) != nil {
		return nil
	}
	return &v
}

// topicConfig serves GET_TOPIC_CONFIG (351).
func (b *Broker) topicConfig(r *remoting.Request) error {
	var h protocol.GetTopicConfigRequestHeader
	if err := readHeader(r, &h, "topic"); err != nil {
		return err
	}
	topic := b.topics.Get(h.Topic)
	if topic == nil {
		return refuse(protocol.ResponseTopicNotExist, "No topic in this broker. topic: %s", h.Topic)
	}
	answer := protocol.TopicConfigAndQueueMapping{
		Attributes: topic.Attributes, Order: topic.Order, Perm: topic.Perm, ReadQueueNums: topic.ReadQueueNums, TopicFilterType: topic.TopicFilterType,
		TopicName: topic.TopicName, TopicSysFlag: topic.TopicSysFlag, WriteQueueNums: topic.WriteQueueNums,
	}
	if h.LogicalQueue.Or(false) {
		answer.MappingDetail = b.statics.Get(h.Topic)
	}
	return replyJSON(r, &answer)
}

// systemTopics serves GET_SYSTEM_TOPIC_LIST_FROM_BROKER (305).
func (b *Broker) systemTopics(r *remoting.Request) error {
	names := append(b.topics.SystemTopics(), compat.FixedSystemTopics()...)
	slices.Sort(names)
	return replyJSON(r, &protocol.TopicList{TopicList: slices.Compact(names)})
}
