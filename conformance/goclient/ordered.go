package goclient

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/apache/rocketmq-client-go/v2/consumer"
	"github.com/apache/rocketmq-client-go/v2/primitive"
	"github.com/apache/rocketmq-client-go/v2/producer"

	"github.com/gantrymq/gantry/conformance"
	"github.com/gantrymq/gantry/conformance/wire"
	"github.com/gantrymq/gantry/protocol"
)

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
