package goclient

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"

	"github.com/apache/rocketmq-client-go/v2/consumer"
	"github.com/apache/rocketmq-client-go/v2/primitive"
	"github.com/apache/rocketmq-client-go/v2/producer"

	"github.com/gantrymq/gantry/conformance"
	"github.com/gantrymq/gantry/conformance/wire"
	"github.com/gantrymq/gantry/protocol"
)

// sendSync: synchronous sends fill the queues in turn, and each message comes back once.
func sendSync(t *conformance.T) {
	topic := newTopic(t, 4)
	p := newProducer(t)
	want := numbered("sync", 40)
	queues := map[int]bool{}
	ids := map[string]bool{}
	for _, body := range want {
		r := send(t, p, primitive.NewMessage(topic, []byte(body)))
		queues[r.MessageQueue.QueueId] = true
		ids[r.MsgID] = true
		if r.MessageQueue.BrokerName != t.Servers().Broker().Name() && t.Servers().Broker().Dir() != "" {
			t.Errorf("sent to broker %q", r.MessageQueue.BrokerName)
		}
	}
	if len(queues) != 4 || len(ids) != len(want) {
		t.Errorf("%d messages went to %d of 4 queues under %d ids", len(want), len(queues), len(ids))
	}
	in := newInbox()
	startConsumer(t, t.Group(), topic, everything, intoInbox(in))
	if got := in.await(t, want); len(got) != len(want) {
		t.Errorf("%d messages were delivered %d times", len(want), len(got))
	}
}

// sendAsync: a hundred sends in flight at once are all acknowledged and delivered. The library
// gives each of them 3 seconds, whatever its options say, so the first message of every queue,
// for which a broker prepares files, is sent with the longer time of a synchronous send.
func sendAsync(t *conformance.T) {
	topic := newTopic(t, 4)
	p := newProducer(t)
	want := numbered("first", 4)
	for _, body := range want {
		_, err := p.SendSync(t.Context(), primitive.NewMessage(topic, []byte(body)))
		t.Check(err, "send %s", body)
	}
	flight := numbered("async", 100)
	want = append(want, flight...)
	var acknowledged sync.WaitGroup
	for _, body := range flight {
		acknowledged.Add(1)
		err := p.SendAsync(t.Context(), func(_ context.Context, r *primitive.SendResult, err error) {
			defer acknowledged.Done()
			if err != nil || r.Status != primitive.SendOK {
				t.Errorf("%s: result %v, error %v", body, r, err)
			}
		}, primitive.NewMessage(topic, []byte(body)))
		t.Check(err, "send %s", body)
	}
	acknowledged.Wait()
	in := newInbox()
	startConsumer(t, t.Group(), topic, everything, intoInbox(in))
	in.await(t, want)
}

// sendOneWay: messages without an answer arrive too.
func sendOneWay(t *conformance.T) {
	topic := newTopic(t, 1)
	p := newProducer(t)
	in := newInbox()
	startConsumer(t, t.Group(), topic, everything, intoInbox(in))
	want := numbered("oneway", 20)
	for _, body := range want {
		t.Check(p.SendOneWay(t.Context(), primitive.NewMessage(topic, []byte(body))), "send %s", body)
	}
	in.await(t, want)
}

// sendBatch: a batch is one request, and its messages come back one by one.
func sendBatch(t *conformance.T) {
	topic := newTopic(t, 2)
	p := newProducer(t)
	want := numbered("batch", 30)
	var batch []*primitive.Message
	for i, body := range want {
		batch = append(batch, primitive.NewMessage(topic, []byte(body)).WithTag("T").WithKeys([]string{fmt.Sprint("key", i)}))
	}
	r, err := p.SendSync(t.Context(), batch...)
	t.Check(err, "send the batch")
	if n := len(strings.Split(r.OffsetMsgID, ",")); n != len(want) {
		t.Errorf("the answer names %d offset message ids for %d messages", n, len(want))
	}
	in := newInbox()
	startConsumer(t, t.Group(), topic, everything, intoInbox(in))
	for _, m := range in.await(t, want) {
		if m.Queue.QueueId != r.MessageQueue.QueueId || m.GetTags() != "T" || !strings.HasPrefix(m.GetKeys(), "key") {
			t.Errorf("%s came from queue %d with tag %q, keys %q", m.Body, m.Queue.QueueId, m.GetTags(), m.GetKeys())
		}
	}
}

// tags: a subscription by tags gets exactly the messages that carry one of them.
func tags(t *conformance.T) {
	topic := newTopic(t, 2)
	p := newProducer(t)
	var wantAB, wantC []string
	for i := range 30 {
		tag := []string{"A", "B", "C"}[i%3]
		body := fmt.Sprintf("%s-%d", tag, i)
		send(t, p, primitive.NewMessage(topic, []byte(body)).WithTag(tag))
		if tag == "C" {
			wantC = append(wantC, body)
		} else {
			wantAB = append(wantAB, body)
		}
	}
	ab, c := newInbox(), newInbox()
	startConsumer(t, t.Group(), topic, consumer.MessageSelector{Type: consumer.TAG, Expression: "A || B"}, intoInbox(ab))
	startConsumer(t, t.Group(), topic, consumer.MessageSelector{Type: consumer.TAG, Expression: "C"}, intoInbox(c))
	ab.await(t, wantAB)
	c.await(t, wantC)
}

// keysAndProperties: everything a producer attaches to a message reaches the consumer.
func keysAndProperties(t *conformance.T) {
	topic := newTopic(t, 1)
	p := newProducer(t)
	m := primitive.NewMessage(topic, []byte("with properties")).WithTag("tag").WithKeys([]string{"k1", "k2"}).WithShardingKey("shard")
	m.WithProperty("colour", "grün")
	m.Flag = 11
	r := send(t, p, m)
	in := newInbox()
	startConsumer(t, t.Group(), topic, everything, intoInbox(in))
	got := in.await(t, []string{"with properties"})[0]
	for _, x := range []struct{ what, got, want string }{
		{"tags", got.GetTags(), "tag"}, {"keys", got.GetKeys(), "k1 k2"}, {"property colour", got.GetProperty("colour"), "grün"},
		{"sharding key", got.GetShardingKey(), "shard"}, {"message id", got.MsgId, r.MsgID},
		{"offset message id", got.OffsetMsgId, r.OffsetMsgID}, {"topic", got.Topic, topic},
		{"flag", fmt.Sprint(got.Flag), "11"}, {"queue offset", fmt.Sprint(got.QueueOffset), fmt.Sprint(r.QueueOffset)},
	} {
		if x.got != x.want {
			t.Errorf("%s came as %q, was %q", x.what, x.got, x.want)
		}
	}
}

// bodySizes: bodies from nothing to the limit, compressible and not, come back byte for byte.
func bodySizes(t *conformance.T) {
	topic := newTopic(t, 2)
	p := newProducer(t, producer.WithCompressMsgBodyOverHowmuch(4096))
	random := rand.NewChaCha8([32]byte{7})
	want := map[string][]byte{}
	for i, size := range []int{1, 100, 4095, 4096, 4097, 65536, 1 << 20, 3 << 20} {
		noise := make([]byte, size)
		_, _ = random.Read(noise)
		for kind, body := range map[string][]byte{"noise": noise, "text": bytes.Repeat([]byte("a"), size)} {
			key := fmt.Sprintf("%s%d", kind, i)
			want[key] = body
			send(t, p, primitive.NewMessage(topic, body).WithKeys([]string{key}))
		}
	}
	var mu sync.Mutex
	seen := map[string]bool{}
	done := make(chan struct{})
	startConsumer(t, t.Group(), topic, everything, func(_ context.Context, messages ...*primitive.MessageExt) (consumer.ConsumeResult, error) {
		mu.Lock()
		defer mu.Unlock()
		for _, m := range messages {
			if !bytes.Equal(m.Body, want[m.GetKeys()]) {
				t.Errorf("the body of %s has changed: %d bytes came, %d were sent", m.GetKeys(), len(m.Body), len(want[m.GetKeys()]))
			}
			if !seen[m.GetKeys()] {
				if seen[m.GetKeys()] = true; len(seen) == len(want) {
					close(done)
				}
			}
		}
		return consumer.ConsumeSuccess, nil
	})
	select {
	case <-done:
	case <-t.Context().Done():
		t.Fatalf("not all bodies came")
	}
}

// bodyTooLarge: a body beyond the broker's limit is refused, and the connection serves on.
func bodyTooLarge(t *conformance.T) {
	topic := newTopic(t, 1)
	p := newProducer(t, producer.WithRetry(0), producer.WithCompressMsgBodyOverHowmuch(1<<30))
	if r, err := p.SendSync(t.Context(), primitive.NewMessage(topic, make([]byte, 5<<20))); err == nil && r.Status == primitive.SendOK {
		t.Errorf("a body of 5 MiB was taken")
	}
	send(t, p, primitive.NewMessage(topic, []byte("after")))
}

// autoCreation: sending to a topic that nobody created creates it from the default topic.
func autoCreation(t *conformance.T) {
	topic := t.Topic()
	p := newProducer(t)
	want := numbered("auto", 8)
	for _, body := range want {
		send(t, p, primitive.NewMessage(topic, []byte(body)))
	}
	awaitRoute(t, topic)
	in := newInbox()
	startConsumer(t, t.Group(), topic, everything, intoInbox(in))
	in.await(t, want)
}

// requestReply: a request is answered by a consumer, over the broker.
func requestReply(t *conformance.T) {
	topic := newTopic(t, 1)
	group := t.Group()
	asking, answering := newProducer(t, producer.WithGroupName(group)), newProducer(t)
	send(t, asking, primitive.NewMessage(t.Topic(), []byte("hello")))
	// Replies find their way by the client's heartbeat, of which this client sends one in 30 s.
	t.Eventually(deliveryTime, "a heartbeat of the producer", func(ctx context.Context) error {
		r, err := wire.Call(ctx, t.Servers().Broker().Address(), &wire.Frame{
			Code: int32(protocol.GetProducerConnectionList), Ext: map[string]string{"producerGroup": group},
		})
		if err == nil && r.Code != int32(protocol.ResponseSuccess) {
			err = fmt.Errorf("answered %s", r)
		}
		return err
	})
	startConsumer(t, t.Group(), topic, everything, func(ctx context.Context, messages ...*primitive.MessageExt) (consumer.ConsumeResult, error) {
		for _, m := range messages {
			body := []byte("reply to " + string(m.Body))
			reply, err := consumer.CreateReplyMessage(m, body)
			if err == nil {
				reply.Body = body // which CreateReplyMessage of this release forgets
				_, err = answering.SendSync(ctx, reply)
			}
			if err != nil {
				t.Errorf("answer: %v", err)
			}
		}
		return consumer.ConsumeSuccess, nil
	})
	for i := range 3 {
		body := fmt.Sprintf("question %d", i)
		r, err := asking.Request(t.Context(), deliveryTime, primitive.NewMessage(topic, []byte(body)))
		t.Check(err, "request")
		if string(r.Body) != "reply to "+body {
			t.Errorf("%s was answered %q", body, r.Body)
		}
	}
}
