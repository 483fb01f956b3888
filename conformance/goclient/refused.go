package goclient

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/apache/rocketmq-client-go/v2/primitive"
	"github.com/apache/rocketmq-client-go/v2/producer"

	"github.com/gantrymq/gantry/conformance"
	"github.com/gantrymq/gantry/conformance/wire"
	"github.com/gantrymq/gantry/protocol"
)

// wantRefused wants an error of the library that holds the broker's code and words.
func wantRefused(t *conformance.T, what string, err error, code protocol.ResponseCode, remark string) {
	if want := fmt.Sprintf("Code: %d, remark: %s", code, remark); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%s ended with %v, want %q", what, err, want)
	}
}

// enable enables or disables a group.
func enable(t *conformance.T, group string, enabled bool) {
	t.Call(&wire.Frame{
		Code: int32(protocol.UpdateAndCreateSubscriptiongroup), Body: fmt.Appendf(nil, `{"groupName":%q,"consumeEnable":%t}`, group, enabled),
	})
}

// disabledGroup: a group that is disabled is told so by every pull, and its consumers go on where they are once it
// is enabled. What pulls by itself has a group of its own: it would be a member of the other one, on the official
// broker maybe for minutes after it has gone (difference 45).
func disabledGroup(t *conformance.T) {
	topic, group, alone := kept(t), t.Group(), t.Group()
	enable(t, group, false)
	enable(t, alone, false)
	_, err := puller(t, alone, topic, everything).PullFrom(t.Context(), queueOf(t, topic, 0), 0, 1)
	wantRefused(t, "the pull of a group that is disabled", err, protocol.ResponseNoPermission, "subscription group no permission, "+alone)
	givenWhenAllowed(t, group, topic, func() { enable(t, group, true) })
}

// forbiddenTopic: consumers of a group that is forbidden a topic are given nothing of it until it is allowed again.
// Whoever brings a subscription along with every pull is not concerned, and has a group of its own as in disabledGroup.
func forbiddenTopic(t *conformance.T) {
	topic, group, alone := kept(t), t.Group(), t.Group()
	allow := func(group string, allowed bool) {
		askBroker(t, protocol.UpdateAndGetGroupForbidden, map[string]string{"group": group, "topic": topic, "readable": fmt.Sprint(allowed)})
	}
	for _, g := range []string{group, alone} {
		enable(t, g, true)
		allow(g, false)
	}
	r, err := puller(t, alone, topic, everything).PullFrom(t.Context(), queueOf(t, topic, 0), 0, 1)
	if err != nil || r.Status != primitive.PullFound {
		t.Errorf("a pull with a subscription ended with %v, %v", r, err)
	}
	givenWhenAllowed(t, group, topic, func() { allow(group, true) })
}

// kept is a topic with one message.
func kept(t *conformance.T) string {
	topic := newTopic(t, 1)
	send(t, newProducer(t), primitive.NewMessage(topic, []byte("kept")))
	t.AwaitEnd(topic, 0, 1)
	return topic
}

// givenWhenAllowed wants a consumer to be given the one message of a topic as soon as its group is allowed it, and
// nothing before.
func givenWhenAllowed(t *conformance.T, group, topic string, allow func()) {
	in := newInbox()
	startConsumer(t, group, topic, everything, intoInbox(in))
	t.Pause(500 * time.Millisecond)
	if got, _ := in.all(); len(got) > 0 {
		t.Errorf("a group that may not was given %q", bodies(got))
	}
	allow()
	in.await(t, []string{"kept"})
}

// refusedTopics: a topic that may only be written refuses pulls, with the broker's own words; of one that may only be
// read producers find no queues.
func refusedTopics(t *conformance.T) {
	topic := newTopic(t, 1)
	p := newProducer(t)
	send(t, p, primitive.NewMessage(topic, []byte("there")))
	t.AwaitEnd(topic, 0, 1)
	c := puller(t, t.Group(), topic, everything)
	pull := func() (*primitive.PullResult, error) {
		return c.PullFrom(t.Context(), queueOf(t, topic, 0), 0, 32)
	}
	wantFound := func(n int) {
		r, err := pull()
		t.Check(err, "pull")
		if got := r.GetMessageExts(); r.Status != primitive.PullFound || len(got) != n {
			t.Errorf("the pull ended with status %d and %q, want %d messages", r.Status, bodies(got), n)
		}
	}
	permit := func(perm int) {
		askBroker(t, protocol.UpdateAndCreateTopic, map[string]string{
			"topic": topic, "defaultTopic": "TBW102", "readQueueNums": "1", "writeQueueNums": "1", "perm": fmt.Sprint(perm),
			"topicFilterType": "SINGLE_TAG", "topicSysFlag": "0", "order": "false",
		})
	}
	wantFound(1)
	permit(2)
	_, err := pull()
	wantRefused(t, "the pull", err, protocol.ResponseNoPermission, "the topic["+topic+"] pulling message is forbidden")
	send(t, p, primitive.NewMessage(topic, []byte("taken")))
	permit(4)
	t.AwaitEnd(topic, 0, 2)
	wantFound(2)
	t.Eventually(deliveryTime, "the route without a queue to send to", func(ctx context.Context) error {
		r, err := newProducer(t, producer.WithRetry(0)).SendSync(ctx, primitive.NewMessage(topic, []byte("x")))
		if err == nil || !strings.Contains(err.Error(), "route info not found") {
			return fmt.Errorf("the send ended with %v, %v", r, err)
		}
		return nil
	})
}

// clonedOffsets: a group that was given the offsets of another begins where that one is.
func clonedOffsets(t *conformance.T) {
	topic, source, heir := newTopic(t, 1), t.Group(), t.Group()
	p := newProducer(t)
	sendAll := func(want []string) []string {
		for _, body := range want {
			send(t, p, primitive.NewMessage(topic, []byte(body)))
		}
		return want
	}
	before := sendAll(numbered("before", 4))
	first, second := newInbox(), newInbox()
	startConsumer(t, source, topic, everything, intoInbox(first))
	first.await(t, before)
	t.AwaitConsumed(source, topic, 1, int64(len(before)))
	askBroker(t, protocol.CloneGroupOffset, map[string]string{"srcGroup": source, "destGroup": heir, "topic": topic, "offline": "false"})
	after := sendAll(numbered("after", 3))
	startConsumer(t, heir, topic, everything, intoInbox(second))
	second.await(t, after)
	first.await(t, append(before, after...))
}
