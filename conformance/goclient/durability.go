package goclient

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/apache/rocketmq-client-go/v2"
	"github.com/apache/rocketmq-client-go/v2/primitive"
	"github.com/apache/rocketmq-client-go/v2/producer"

	"github.com/gantrymq/gantry/conformance"
)

const (
	// A JVM takes seconds to start again; that its log survives is upstream's claim
	// to prove, so it has a few rounds only.
	officialRounds = 2
	killSenders    = 4 // producers at work while it is
	killQueues     = 2
)

// killUnderLoad kills the broker again and again while producers send, and starts it on the
// same directory. In the end every message that was answered SEND_OK is read back. A killed
// process loses nothing that the operating system has, so this holds with asynchronous flush
// as well. Gantry's directory is then verified, file against file.
func killUnderLoad(kills int) func(t *conformance.T) {
	return func(t *conformance.T) {
		t.StartServers()
		broker := t.Servers().Broker()
		topic := newTopic(t, killQueues)
		var acknowledged sync.Map
		var count atomic.Int64
		load, stopLoad := context.WithCancel(t.Context())
		defer stopLoad()
		var senders sync.WaitGroup
		for s := range killSenders {
			p := newProducer(t, producer.WithRetry(0), producer.WithSendMsgTimeout(2*time.Second))
			senders.Go(func() { sendUntil(load, p, topic, s, &acknowledged, &count) })
		}
		rounds := kills
		if t.Official() {
			rounds = officialRounds
		}
		for round := range rounds {
			before := count.Load()
			t.Eventually(time.Minute, fmt.Sprintf("acknowledged sends in round %d", round), func(context.Context) error {
				if count.Load() < before+50 {
					return errors.New("too few")
				}
				return nil
			})
			t.Check(broker.Kill(), "kill the broker")
			t.Check(broker.Start(t.Context()), "start the broker again")
		}
		stopLoad()
		senders.Wait()
		readBack(t, topic, &acknowledged)
		t.Logf("%d messages were acknowledged in %d rounds", count.Load(), rounds)
		t.Check(broker.Stop(t.Context()), "stop the broker")
		verifyStore(t, broker.StoreDir())
	}
}

// sendUntil sends messages one after the other and notes those that were acknowledged.
func sendUntil(ctx context.Context, p rocketmq.Producer, topic string, sender int, acknowledged *sync.Map, count *atomic.Int64) {
	for i := 0; ctx.Err() == nil; i++ {
		body := fmt.Sprintf("%d-%d", sender, i)
		r, err := p.SendSync(ctx, primitive.NewMessage(topic, []byte(body)))
		if err == nil && r.Status == primitive.SendOK {
			acknowledged.Store(body, r)
			count.Add(1)
			continue
		}
		// The broker is away; there is no use in asking it as fast as possible.
		select {
		case <-ctx.Done():
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// readBack pulls every queue from its beginning to its end and fails for each acknowledged
// message that is not there, or not where the acknowledgement said.
func readBack(t *conformance.T, topic string, acknowledged *sync.Map) {
	c := puller(t, t.Group(), topic, everything)
	found := map[string]*primitive.MessageExt{}
	for q := range killQueues {
		queue := queueOf(t, topic, q)
		for offset := int64(0); ; {
			r, err := c.PullFrom(t.Context(), queue, offset, 32)
			t.Check(err, "pull queue %d from %d", q, offset)
			if r.Status != primitive.PullFound {
				if offset < r.MaxOffset {
					t.Fatalf("queue %d: a pull from %d of %d ended with status %d", q, offset, r.MaxOffset, r.Status)
				}
				break
			}
			for _, m := range r.GetMessageExts() {
				found[string(m.Body)] = m
			}
			offset = r.NextBeginOffset
		}
	}
	acknowledged.Range(func(k, v any) bool {
		body, r := k.(string), v.(*primitive.SendResult)
		m := found[body]
		switch {
		case m == nil:
			t.Errorf("lost: %s, acknowledged at queue %d offset %d", body, r.MessageQueue.QueueId, r.QueueOffset)
		case m.QueueOffset != r.QueueOffset || m.Queue.QueueId != r.MessageQueue.QueueId:
			t.Errorf("moved: %s, acknowledged at queue %d offset %d, found at queue %d offset %d",
				body, r.MessageQueue.QueueId, r.QueueOffset, m.Queue.QueueId, m.QueueOffset)
		}
		return true
	})
	if len(found) == 0 {
		t.Errorf("nothing was read back")
	}
}

// restart: after a clean stop and a start, messages, offsets and topics are as before; and where the
// first file of the log has gone meanwhile, new groups start among what is left.
func restart(t *conformance.T) {
	t.StartServers()
	old := newRetained(t)
	topic, group := newTopic(t, 2), t.Group()
	p := newProducer(t)
	first, second := numbered("before", 30), numbered("after", 30)
	for _, body := range first {
		send(t, p, primitive.NewMessage(topic, []byte(body)))
	}
	in := newInbox()
	stop := startConsumer(t, group, topic, everything, intoInbox(in))
	in.await(t, first)
	t.AwaitConsumed(group, topic, 2, int64(len(first)))
	stop()
	t.Check(t.Servers().Broker().Stop(t.Context()), "stop the broker")
	old.expire()
	t.Check(t.Servers().Broker().Start(t.Context()), "start the broker")
	awaitRoute(t, topic)
	old.questions()
	p = newProducer(t)
	for _, body := range second {
		send(t, p, primitive.NewMessage(topic, []byte(body)))
	}
	in = newInbox()
	startConsumer(t, group, topic, everything, intoInbox(in))
	in.await(t, second)
	awaitRoute(t, old.topic)
	old.newGroups()
}

// mixed: clients find the broker of one implementation through the name server of the other,
// and use it.
func mixed(t *conformance.T) {
	if ns, b := t.Servers().NameServer(), t.Servers().Broker(); !t.Official() && ns.Official() == b.Official() {
		t.Fatalf("both servers are of one implementation")
	}
	sendSync(t)
	autoCreation(t)
}

// handOver sends to one implementation, stops it, starts the other on the same directory and
// ports, and back again: every message, topic and consumer offset is there each time.
func handOver(t *conformance.T) {
	if t.Target().Reference == nil {
		t.Skipf("needs the official release beside it: %s", t.Target().ReferenceLacking)
	}
	t.StartServers()
	broker := t.Servers().Broker()
	topic, group := newTopic(t, 2), t.Group()
	logical := t.Topic()
	var sent []string
	consumed := newInbox()
	for round, launcher := range []conformance.Launcher{t.Target().Self, t.Target().Reference, t.Target().Self} {
		if round > 0 {
			t.Check(broker.Stop(t.Context()), "stop the broker before round %d", round)
			broker.Become(launcher)
			t.Check(broker.Start(t.Context()), "start the broker in round %d", round)
			awaitRoute(t, topic)
		}
		staticQueue(t, logical, round)
		p := newProducer(t)
		var fresh []string
		for _, body := range numbered(fmt.Sprint("round", round), 40) {
			send(t, p, primitive.NewMessage(topic, []byte(body)).WithTag("T").WithKeys([]string{body}))
			fresh = append(fresh, body)
		}
		sent = append(sent, fresh...)
		// The group continues where it was: it gets what is new, and nothing again.
		stop := startConsumer(t, group, topic, everything, intoInbox(consumed))
		if got := consumed.await(t, sent); len(got) != len(sent) {
			t.Errorf("round %d: %d messages were delivered %d times", round, len(sent), len(got))
		}
		t.AwaitConsumed(group, topic, 2, int64(len(sent)))
		stop()
		// A new group gets all there is.
		all := newInbox()
		stopAll := startConsumer(t, t.Group(), topic, everything, intoInbox(all))
		all.await(t, sent)
		stopAll()
	}
}
