package broker

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/gantrymq/gantry/compat"
	"github.com/gantrymq/gantry/protocol"
	"github.com/gantrymq/gantry/remoting"
)

// errTopicNew says that a send's topic would have to be created, which a reader
// has no time for.
var errTopicNew = errors.New("the topic does not exist yet")

// admitSend judges a send before anything is made of it, in upstream's order,
// and finds its topic, which is created where the rules allow it; inline,
// errTopicNew is returned instead.
func (b *Broker) admitSend(r *remoting.Request, h *protocol.SendMessageRequestHeader, inline bool) (*protocol.TopicConfig, error) {
	keys, reply := keysOfSend(r) // upstream marks more of them as required than it misses, and misses each when it comes to it
	if err := need(r, keys.born); err != nil {
		return nil, err
	}
	if !reply { // which is refused as one with a blank topic
		if err := need(r, keys.topic); err != nil {
			return nil, err
		}
	}
	cfg := b.config.Load()
	if b.now().UnixMilli() < cfg.StartAcceptSendRequestTimeStamp {
		return nil, refuse(protocol.ResponseSystemError, "broker unable to service, until %s",
			time.UnixMilli(cfg.StartAcceptSendRequestTimeStamp).Format("2006-01-02 15:04:05,000"))
	}
	if !cfg.writable() && b.topics.IsOrder(h.Topic) {
		return nil, refuse(protocol.ResponseNoPermission, "the broker[%s] sending message is forbidden", cfg.BrokerIP1)
	}
	if remark, ok := compat.CheckTopic(h.Topic); !ok {
		return nil, refuse(protocol.ResponseInvalidParameter, "%s", remark)
	}
	if compat.IsSendForbidden(h.Topic) {
		return nil, refuse(protocol.ResponseNoPermission, "Sending message to topic[%s] is forbidden.", h.Topic)
	}
	topic := b.topics.Get(h.Topic)
	if topic == nil && inline {
		return nil, errTopicNew
	}
	if topic == nil {
		if err := cmp.Or(needInts(r, keys.queues), need(r, keys.template)); err != nil {
			return nil, err
		}
		var err error
		if topic, err = b.createForSend(h); err != nil {
			return nil, err
		}
		b.awaitRegistered()
	}
	if err := need(r, keys.queue); err != nil {
		return nil, err
	}
	if h.QueueID >= max(topic.WriteQueueNums, topic.ReadQueueNums) {
		return nil, refuse(protocol.ResponseInvalidParameter, "request queueId[%d] is illegal, %s Producer: %s",
			h.QueueID, describeTopic(topic), r.Session.RemoteAddr())
	}
	if !reply { // which needs no flags of the system either
		if err := need(r, keys.sysFlag); err != nil {
			return nil, err
		}
	}
	return topic, need(r, keys.flag)
}

// sendKeys are the fields that a send cannot do without, as one form of its header calls them.
type sendKeys struct {
	topic, born, queue, sysFlag, flag string
	queues, template                  string // of a topic that the send creates
}

var (
	longSendKeys  = sendKeys{"topic", "bornTimestamp", "queueId", "sysFlag", "flag", "defaultTopicQueueNums", "defaultTopic"}
	shortSendKeys = sendKeys{"b", "g", "e", "f", "h", "d", "c"}
)

// keysOfSend finds the keys of a send's form, and tells whether it is a reply.
func keysOfSend(r *remoting.Request) (keys *sendKeys, reply bool) {
	switch protocol.RequestCode(r.Code) {
	case protocol.SendMessage:
		return &longSendKeys, false
	case protocol.SendReplyMessage:
		return &longSendKeys, true
	case protocol.SendReplyMessageV2:
		return &shortSendKeys, true
	}
	return &shortSendKeys, false
}

// createForSend makes the topic of a first send, when automatic creation is on or
// the topic is a group's retry topic.
func (b *Broker) createForSend(h *protocol.SendMessageRequestHeader) (*protocol.TopicConfig, error) {
	retry := compat.IsRetryTopic(h.Topic)
	var flag int32
	if h.UnitMode.Or(false) {
		flag = protocol.TopicFlagUnit
		if retry {
			flag = protocol.TopicFlagUnitSub
		}
	}
	topic, err := b.topics.CreateOnSend(h.Topic, h.DefaultTopic, h.DefaultTopicQueueNums, flag)
	if err != nil && retry {
		topic = b.topics.CreateOnSendBack(h.Topic, 1, protocol.PermRead|protocol.PermWrite, false, flag)
	}
	if topic == nil {
		return nil, refuse(protocol.ResponseTopicNotExist, "topic[%s] not exist, apply first please!%s", h.Topic, suggestFAQ)
	}
	return topic, nil
}

// chooseQueue keeps the queue that a client chose; a negative one leaves the
// choice to the broker.
func chooseQueue(asked, queues int32) int32 {
	if asked >= 0 || queues <= 0 {
		return max(asked, 0)
	}
	return rand.Int32N(queues)
}

// describeTopic writes a topic as upstream's TopicConfig.toString does: people
// read it in the remark of a refused send.
func describeTopic(t *protocol.TopicConfig) string {
	var attributes []string
	for _, k := range slices.Sorted(maps.Keys(t.Attributes)) {
		attributes = append(attributes, k+"="+t.Attributes[k])
	}
	return fmt.Sprintf("TopicConfig [topicName=%s, readQueueNums=%d, writeQueueNums=%d, perm=%s, topicFilterType=%s, topicSysFlag=%d, order=%t, attributes={%s}]",
		t.TopicName, t.ReadQueueNums, t.WriteQueueNums, permText(t.Perm), t.TopicFilterType, t.TopicSysFlag, t.Order,
		strings.Join(attributes, ", "))
}

// permText writes a permission as upstream's PermName.perm2String does.
func permText(perm int32) string {
	text := []byte("---")
	for i, p := range []struct {
		bit    int32
		letter byte
	}{{protocol.PermRead, 'R'}, {protocol.PermWrite, 'W'}, {protocol.PermInherit, 'X'}} {
		if perm&p.bit != 0 {
			text[i] = p.letter
		}
	}
	return string(text)
}
