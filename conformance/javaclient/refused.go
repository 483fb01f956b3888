package javaclient

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/gantrymq/gantry/conformance/javadriver"
	"github.com/gantrymq/gantry/protocol"
)

// disabledGroup: a group that is disabled is told so by every pull, and its consumers go on where they are once it
// is enabled.
func disabledGroup(k *kit) {
	topic, group := k.kept(), k.Group()
	enable := func(enabled bool) {
		k.askWith(protocol.UpdateAndCreateSubscriptiongroup, nil, fmt.Sprintf(`{"groupName":%q,"consumeEnable":%t}`, group, enabled))
	}
	enable(false)
	puller := k.oldPull(group, nil)
	_, err := puller.Pull(k.ctx, queue{Topic: topic, Broker: k.Servers().Broker().Name()}, 0, 1, nil)
	if e := k.wantError(err, "MQBrokerException", noPermission); e.Remark != "subscription group no permission, "+group {
		k.Errorf("the broker said %q", e.Remark)
	}
	k.close(puller) // it would be a member of the group
	k.givenWhenAllowed(group, topic, func() { enable(true) })
}

// forbiddenTopic: consumers of a group that is forbidden a topic are given nothing of it until it is allowed again.
// Whoever brings a subscription along with every pull is not concerned.
func forbiddenTopic(k *kit) {
	topic, group := k.kept(), k.Group()
	allow := func(allowed bool) {
		k.ask(protocol.UpdateAndGetGroupForbidden, map[string]string{"group": group, "topic": topic, "readable": fmt.Sprint(allowed)})
	}
	k.askWith(protocol.UpdateAndCreateSubscriptiongroup, nil, fmt.Sprintf(`{"groupName":%q,"consumeEnable":true}`, group))
	allow(false)
	puller := k.oldPull(group, nil)
	k.pulled(puller, queue{Topic: topic, Broker: k.Servers().Broker().Name()}, 0, nil, "FOUND", 1, 1)
	k.close(puller)
	k.givenWhenAllowed(group, topic, func() { allow(true) })
}

// kept is a topic with one message.
func (k *kit) kept() string {
	p := k.producer(nil)
	topic := k.topic(p, 1)
	k.sendTexts(p, topic, []string{"kept"})
	k.AwaitEnd(topic, 0, 1)
	return topic
}

// givenWhenAllowed wants a consumer to be given the one message of a topic as soon as its group is allowed it, and
// nothing before.
func (k *kit) givenWhenAllowed(group, topic string, allow func()) {
	c := k.push(group, topic, nil)
	k.Pause(500 * time.Millisecond)
	if n := len(c.Messages()); n > 0 {
		k.Errorf("a group that may not was given %d messages", n)
	}
	allow()
	k.wantTexts(c, []string{"kept"})
}

// refusedTopics: a topic that may only be written refuses pulls, with the broker's own words; of one that may only be
// read producers find no queues.
func refusedTopics(k *kit) {
	p := k.producer(nil)
	topic := k.topic(p, 1)
	k.sendTexts(p, topic, []string{"there"})
	k.AwaitEnd(topic, 0, 1)
	permit := func(perm int) {
		k.ask(protocol.UpdateAndCreateTopic, map[string]string{
			"topic": topic, "defaultTopic": "TBW102", "readQueueNums": "1", "writeQueueNums": "1", "perm": fmt.Sprint(perm),
			"topicFilterType": "SINGLE_TAG", "topicSysFlag": "0", "order": "false",
		})
	}
	q, c := queue{Topic: topic, Broker: k.Servers().Broker().Name()}, k.oldPull(k.Group(), nil)
	k.pulled(c, q, 0, nil, "FOUND", 1, 1)
	permit(2)
	_, err := c.Pull(k.ctx, q, 0, 1, nil)
	if e := k.wantError(err, "MQBrokerException", noPermission); e.Remark != "the topic["+topic+"] pulling message is forbidden" {
		k.Errorf("the broker said %q of the pull", e.Remark)
	}
	k.send(p, message{Topic: topic, Body: []byte("taken")}, nil)
	permit(4)
	k.AwaitEnd(topic, 0, 2)
	k.pulled(c, q, 0, nil, "FOUND", 2, 2)
	k.Eventually(creationTime, "the route without a queue to send to", func(ctx context.Context) error {
		_, err := k.producer(nil).Send(ctx, message{Topic: topic, Body: []byte("x")}, nil)
		if e, ok := errors.AsType[*javadriver.Error](err); !ok || e.Code != topicNotFound || !strings.HasSuffix(e.Class, ".MQClientException") {
			return fmt.Errorf("the send ended with %v", err)
		}
		return nil
	})
}

// topicNotFound is the client's own code for a topic without queues.
const topicNotFound = 10005
