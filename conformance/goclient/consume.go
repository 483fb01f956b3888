package goclient

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/apache/rocketmq-client-go/v2"
	"github.com/apache/rocketmq-client-go/v2/consumer"
	"github.com/apache/rocketmq-client-go/v2/primitive"
	"github.com/apache/rocketmq-client-go/v2/producer"

	"github.com/gantrymq/gantry/conformance"
	"github.com/gantrymq/gantry/conformance/wire"
	"github.com/gantrymq/gantry/protocol"
)

// orderedPush: messages of one sharding key are consumed in the order they were sent, one at a
// time, although their consumer runs on several goroutines.
func orderedPush(t *conformance.T) {
	const keys, perKey = 4, 25
	topic := newTopic(t, 4)
	p := newProducer(t, producer.WithQueueSelector(producer.NewHashQueueSelector()))
	var want []string
	for i := range perKey {
		for k := range keys {
			body := fmt.Sprintf("%d-%04d", k, i)
			want = append(want, body)
			send(t, p, primitive.NewMessage(topic, []byte(body)).WithShardingKey(fmt.Sprint("order", k)))
		}
	}
	in := newInbox()
	startConsumer(t, t.Group(), topic, everything, func(_ context.Context, messages ...*primitive.MessageExt) (consumer.ConsumeResult, error) {
		in.add(messages...)
		return consumer.ConsumeSuccess, nil
	}, consumer.WithConsumerOrder(true))
	byKey := map[byte][]string{}
	for _, m := range in.await(t, want) {
		byKey[m.Body[0]] = append(byKey[m.Body[0]], string(m.Body))
	}
	for k, got := range byKey {
		if !slices.IsSorted(got) {
			t.Errorf("key %c was consumed out of order: %v", k, got)
		}
	}
}

// broadcast: every consumer of a broadcasting group gets every message.
func broadcast(t *conformance.T) {
	topic, group := newTopic(t, 2), t.Group()
	inboxes := []*inbox{newInbox(), newInbox()}
	for _, in := range inboxes {
		startConsumer(t, group, topic, everything, intoInbox(in), consumer.WithConsumerModel(consumer.BroadCasting))
	}
	p := newProducer(t)
	want := numbered("broadcast", 20)
	for _, body := range want {
		send(t, p, primitive.NewMessage(topic, []byte(body)))
	}
	for _, in := range inboxes {
		in.await(t, want)
	}
}

// pullConsumer: pulling from chosen queues at chosen offsets, and the offsets kept for it.
func pullConsumer(t *conformance.T) {
	topic, group := newTopic(t, 1), t.Group()
	p := newProducer(t)
	want := numbered("pull", 50)
	for _, body := range want {
		send(t, p, primitive.NewMessage(topic, []byte(body)))
	}
	t.AwaitEnd(topic, 0, int64(len(want)))
	c := puller(t, group, topic, everything)
	queue := queueOf(t, topic, 0)
	var got []string
	for offset := int64(0); len(got) < len(want); {
		r, err := c.PullFrom(t.Context(), queue, offset, 16)
		t.Check(err, "pull from %d", offset)
		if r.Status != primitive.PullFound {
			t.Fatalf("pull from %d ended with status %d after %d messages", offset, r.Status, len(got))
		}
		if r.MinOffset != 0 || r.MaxOffset != int64(len(want)) {
			t.Errorf("pull from %d names the ends %d and %d", offset, r.MinOffset, r.MaxOffset)
		}
		for _, m := range r.GetMessageExts() {
			got = append(got, string(m.Body))
		}
		offset = r.NextBeginOffset
	}
	if !slices.Equal(got, want) {
		t.Errorf("pulled %v", got)
	}
	r, err := c.PullFrom(t.Context(), queue, 7, 1)
	t.Check(err, "pull again")
	if len(r.GetMessageExts()) != 1 || string(r.GetMessageExts()[0].Body) != want[7] {
		t.Errorf("offset 7 holds %v", r.GetMessageExts())
	}
}

// retryThenDeadLetter: a message that its consumer refuses comes again, with a growing count,
// and lies in the dead letter queue after the last attempt.
func retryThenDeadLetter(t *conformance.T) {
	const attempts = 2
	topic, group := newTopic(t, 1), t.Group()
	introduce(t, group)
	var mu sync.Mutex
	var counts []int32
	ids := map[string]bool{}
	startConsumer(t, group, topic, everything, func(_ context.Context, messages ...*primitive.MessageExt) (consumer.ConsumeResult, error) {
		mu.Lock()
		defer mu.Unlock()
		for _, m := range messages {
			counts = append(counts, m.ReconsumeTimes)
			ids[m.MsgId] = true
			if m.Topic != topic {
				t.Errorf("the retried message is shown under topic %s", m.Topic)
			}
		}
		return consumer.ConsumeRetryLater, nil
	}, consumer.WithMaxReconsumeTimes(attempts))
	r := send(t, newProducer(t), primitive.NewMessage(topic, []byte("refused")))
	dead := newInbox()
	awaitDeadLetter(t, group)
	startConsumer(t, t.Group(), "%DLQ%"+group, everything, intoInbox(dead))
	m := dead.await(t, []string{"refused"})[0]
	mu.Lock()
	defer mu.Unlock()
	if !slices.Equal(counts, []int32{0, 1, 2}) || len(ids) != 1 || !ids[r.MsgID] {
		t.Errorf("the attempts counted %v under ids %v; sent as %s", counts, ids, r.MsgID)
	}
	if m.GetProperty("RETRY_TOPIC") != topic {
		t.Errorf("the dead letter names the topic %q", m.GetProperty("RETRY_TOPIC"))
	}
}

// introduce makes the group known by a heartbeat, from which the broker creates its retry topic.
// This client looks for routes it does not know only every 20 to 30 s, so it starts afterwards.
func introduce(t *conformance.T, group string) {
	r, err := wire.Call(t.Context(), t.Servers().Broker().Address(), &wire.Frame{
		Code: int32(protocol.HeartBeat),
		Body: fmt.Appendf(nil, `{"clientID":%q,"consumerDataSet":[{"groupName":%q,"consumeType":"CONSUME_PASSIVELY","messageModel":"CLUSTERING",`+
			`"consumeFromWhere":"CONSUME_FROM_FIRST_OFFSET","subscriptionDataSet":[],"unitMode":false}],"producerDataSet":[]}`, t.Group(), group),
	})
	t.Check(err, "send a heartbeat")
	if r.Code != int32(protocol.ResponseSuccess) {
		t.Fatalf("the heartbeat was answered %s", r)
	}
	awaitRoute(t, "%RETRY%"+group)
}

// awaitDeadLetter waits until the dead letter queue of a group holds a message, and makes its
// topic readable, which the official broker also leaves to the operator.
func awaitDeadLetter(t *conformance.T, group string) {
	topic := "%DLQ%" + group
	broker := t.Servers().Broker().Address()
	t.Eventually(deliveryTime, "a message in "+topic, func(ctx context.Context) error {
		r, err := wire.Call(ctx, broker, &wire.Frame{Code: int32(protocol.GetMaxOffset), Ext: map[string]string{"topic": topic, "queueId": "0"}})
		if err == nil && r.Ext["offset"] != "1" {
			err = fmt.Errorf("answered %s", r)
		}
		return err
	})
	r, err := wire.Call(t.Context(), broker, &wire.Frame{Code: int32(protocol.UpdateAndCreateTopic), Ext: map[string]string{
		"topic": topic, "defaultTopic": "TBW102", "readQueueNums": "1", "writeQueueNums": "1", "perm": "6",
		"topicFilterType": "SINGLE_TAG", "topicSysFlag": "0", "order": "false",
	}})
	t.Check(err, "make %s readable", topic)
	if r.Code != int32(protocol.ResponseSuccess) {
		t.Fatalf("making %s readable was answered %s", topic, r)
	}
	awaitRoute(t, topic)
}

// offsetContinuation: a group continues where its last consumer stopped.
func offsetContinuation(t *conformance.T) {
	topic, group := newTopic(t, 2), t.Group()
	p := newProducer(t)
	first, second := numbered("before", 20), numbered("after", 20)
	in := newInbox()
	for _, body := range first {
		send(t, p, primitive.NewMessage(topic, []byte(body)))
	}
	stop := startConsumer(t, group, topic, everything, intoInbox(in))
	in.await(t, first)
	// The client notes a message as consumed after its listener has returned, which a consumer
	// that is stopped at once may not live to see.
	t.AwaitConsumed(group, topic, 2, int64(len(first)))
	stop()
	for _, body := range second {
		send(t, p, primitive.NewMessage(topic, []byte(body)))
	}
	in = newInbox()
	startConsumer(t, group, topic, everything, intoInbox(in))
	in.await(t, second)
}

// rebalance: two consumers of a group share the queues, and when one leaves the other gets all
// of them; no message is missed.
func rebalance(t *conformance.T) {
	const queues = 4
	topic, group := newTopic(t, queues), t.Group()
	p := newProducer(t)
	one, two := newInbox(), newInbox()
	startConsumer(t, group, topic, everything, intoInbox(one))
	stopTwo := startConsumer(t, group, topic, everything, intoInbox(two))
	both := func() map[string]bool {
		seen := map[string]bool{}
		for _, in := range []*inbox{one, two} {
			messages, _ := in.all()
			for _, m := range messages {
				seen[string(m.Body)] = true
			}
		}
		return seen
	}
	sent := 0
	sendRound := func() {
		for range queues {
			send(t, p, primitive.NewMessage(topic, fmt.Appendf(nil, "rebalance-%d", sent)))
			sent++
		}
	}
	t.Eventually(deliveryTime, "both consumers get messages", func(context.Context) error {
		sendRound()
		a, _ := one.all()
		b, _ := two.all()
		if len(queuesOf(b)) != queues/2 || len(a) == 0 {
			return fmt.Errorf("the first got %d messages, the second %d from queues %v", len(a), len(b), queuesOf(b))
		}
		return nil
	})
	stopTwo()
	before, _ := one.all()
	t.Eventually(deliveryTime, "the remaining consumer has all queues", func(context.Context) error {
		sendRound()
		all, _ := one.all()
		if n := len(queuesOf(all[len(before):])); n != queues {
			return fmt.Errorf("it has %d of %d", n, queues)
		}
		return nil
	})
	t.Eventually(deliveryTime, "every message was consumed", func(context.Context) error {
		if n := len(both()); n != sent {
			return fmt.Errorf("%d of %d", n, sent)
		}
		return nil
	})
}

// queuesOf lists the queues that messages came from.
func queuesOf(messages []*primitive.MessageExt) map[int]bool {
	out := map[int]bool{}
	for _, m := range messages {
		out[m.Queue.QueueId] = true
	}
	return out
}

// delayedMessage: a message with a delay level is not delivered before its time.
func delayedMessage(t *conformance.T) {
	topic := newTopic(t, 1)
	in := newInbox()
	startConsumer(t, t.Group(), topic, everything, intoInbox(in))
	p := newProducer(t)
	sent := time.Now()
	send(t, p, primitive.NewMessage(topic, []byte("later")).WithDelayTimeLevel(3))
	in.await(t, []string{"later"})
	if waited := time.Since(sent); waited < shortDelay {
		t.Errorf("a message for level 3 came after %v", waited)
	}
}

// puller starts a pull consumer of a topic. It does not share its queues with others: they are named in every pull.
func puller(t *conformance.T, group, topic string, selector consumer.MessageSelector) rocketmq.PullConsumer {
	c, err := rocketmq.NewPullConsumer(consumer.WithNsResolver(resolver(t)), consumer.WithGroupName(group), consumer.WithInstance(t.Group()))
	t.Check(err, "make a pull consumer")
	t.Check(c.Subscribe(topic, selector), "subscribe")
	t.Check(c.Start(), "start a pull consumer")
	t.Cleanup(func() { _ = c.Shutdown() })
	return c
}

// queueOf is a queue of a topic on the case's broker.
func queueOf(t *conformance.T, topic string, id int) *primitive.MessageQueue {
	return &primitive.MessageQueue{Topic: topic, BrokerName: t.Servers().Broker().Name(), QueueId: id}
}
