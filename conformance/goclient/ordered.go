package goclient

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/apache/rocketmq-client-go/v2/consumer"
	"github.com/apache/rocketmq-client-go/v2/primitive"
	"github.com/apache/rocketmq-client-go/v2/producer"

	"github.com/gantrymq/gantry/conformance"
	"github.com/gantrymq/gantry/conformance/wire"
	"github.com/gantrymq/gantry/protocol"
)

// orderedDeadLetter: an ordered consumer is given a message that it refuses again and again, and nothing
// behind it. When that has been often enough the client gives the message back to be put aside, which this
// client does once more often than its option says.
func orderedDeadLetter(t *conformance.T) {
	const retries = 2
	topic, group := newTopic(t, 1), t.Group()
	p := newProducer(t)
	doomed := send(t, p, primitive.NewMessage(topic, []byte("doomed")).WithTag("TagA").WithKeys([]string{"doomed-key"}))
	send(t, p, primitive.NewMessage(topic, []byte("behind")))
	in := newInbox()
	var mu sync.Mutex // guards consumed
	var consumed []string
	startConsumer(t, group, topic, everything, func(ctx context.Context, messages ...*primitive.MessageExt) (consumer.ConsumeResult, error) {
		mu.Lock()
		for _, m := range messages { // the client counts in the message itself
			consumed = append(consumed, fmt.Sprint(string(m.Body), " ", m.ReconsumeTimes, " ", m.Topic == topic))
		}
		mu.Unlock()
		if string(messages[0].Body) == "behind" {
			in.add(messages...)
			return consumer.ConsumeSuccess, nil
		}
		if orderly, ok := primitive.GetOrderlyCtx(ctx); ok {
			orderly.SuspendCurrentQueueTimeMillis = 100
		}
		return consumer.SuspendCurrentQueueAMoment, nil
	}, consumer.WithConsumerOrder(true), consumer.WithMaxReconsumeTimes(retries))
	awaitDeadLetter(t, group)
	dead := newInbox()
	startConsumer(t, t.Group(), "%DLQ%"+group, everything, intoInbox(dead))
	m := dead.await(t, []string{"doomed"})[0]
	if m.GetTags() != "TagA" || m.GetKeys() != "doomed-key" || m.GetProperty("RETRY_TOPIC") != topic || m.GetProperty("ORIGIN_MESSAGE_ID") != doomed.OffsetMsgID {
		t.Errorf("the dead letter is %v", m)
	}
	in.await(t, []string{"behind"})
	mu.Lock()
	defer mu.Unlock()
	if want := []string{"doomed 0 true", "doomed 1 true", "doomed 2 true", "doomed 3 true", "behind 0 true"}; !slices.Equal(consumed, want) {
		t.Errorf("consumed %q, want %q", consumed, want)
	}
}

// orderedBrokerReturns: of two brokers one goes and comes back under an ordered consumer. Each queue is
// consumed in its order throughout, and the returned broker, which has forgotten its locks, is asked for
// them anew. This client looks for brokers every 30 s only.
func orderedBrokerReturns(t *conformance.T) {
	t.StartServers()
	const queues = 2 // of each broker
	brokers := t.Servers().Brokers
	topic, group := t.Topic(), t.Group()
	for _, b := range brokers {
		createTopic(t, b, topic, queues)
	}
	awaitQueues(t, topic, queues*len(brokers))
	p := newProducer(t, producer.WithQueueSelector(producer.NewManualQueueSelector()))
	in := newInbox()
	startConsumer(t, group, topic, everything, intoInbox(in), consumer.WithConsumerOrder(true), consumer.WithRebalanceLockInterval(time.Second))
	sent := map[primitive.MessageQueue][]string{}
	var all []string
	send := func(prefix string, to []*conformance.Server) {
		for _, b := range to {
			for id := range queues {
				q := primitive.MessageQueue{Topic: topic, BrokerName: b.Name(), QueueId: id}
				for _, body := range numbered(fmt.Sprintf("%s-%s-%d", prefix, b.Name(), id), 5) {
					t.Eventually(20*time.Second, "a send to "+b.Name(), func(ctx context.Context) error {
						m := primitive.NewMessage(topic, []byte(body))
						m.Queue = &q
						r, err := p.SendSync(ctx, m)
						if err == nil && r.Status != primitive.SendOK {
							err = fmt.Errorf("the answer is %v", r)
						}
						return err
					})
					sent[q] = append(sent[q], body)
					all = append(all, body)
				}
			}
		}
		in.await(t, all)
	}
	send("before", brokers)
	t.Check(brokers[1].Stop(t.Context()), "stop a broker")
	send("meanwhile", brokers[:1])
	t.Check(brokers[1].Start(t.Context()), "start the broker")
	awaitQueues(t, topic, queues*len(brokers))
	send("after", brokers)
	t.WantLocked(brokers[1], group, topic, queues)
	messages, _ := in.all()
	first := map[primitive.MessageQueue][]string{} // what was given again is not counted
	for _, m := range messages {
		if q := *m.Queue; !slices.Contains(first[q], string(m.Body)) {
			first[q] = append(first[q], string(m.Body))
		}
	}
	for q, want := range sent {
		if !slices.Equal(first[q], want) {
			t.Errorf("queue %s came as %q, want %q", q.String(), first[q], want)
		}
	}
}

// awaitQueues waits until the name server knows so many queues of a topic, all brokers together.
func awaitQueues(t *conformance.T, topic string, n int) {
	t.Eventually(deliveryTime, "the queues of "+topic, func(ctx context.Context) error {
		r, err := wire.Call(ctx, t.Servers().NameServerAddresses()[0], &wire.Frame{Code: int32(protocol.GetRouteinfoByTopic), Ext: map[string]string{"topic": topic}})
		if err != nil {
			return err
		}
		var route struct{ QueueDatas []struct{ ReadQueueNums int } }
		if err := json.Unmarshal(r.Body, &route); err != nil {
			return fmt.Errorf("answered %s: %w", r, err)
		}
		known := 0
		for _, q := range route.QueueDatas {
			known += q.ReadQueueNums
		}
		if known != n {
			return fmt.Errorf("%d are known, want %d", known, n)
		}
		return nil
	})
}
