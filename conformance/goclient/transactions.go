package goclient

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/apache/rocketmq-client-go/v2"
	"github.com/apache/rocketmq-client-go/v2/primitive"
	"github.com/apache/rocketmq-client-go/v2/producer"

	"github.com/gantrymq/gantry/conformance"
)

// quickChecks has the broker ask for the state of a transaction after seconds, not minutes, and go on
// asking. The same words as in the cases of the Java client, so that all of them share servers.
var quickChecks = conformance.Settings{Broker: map[string]string{
	"transactionTimeOut": "1000", "transactionCheckInterval": "1000", "transactionCheckMax": "1000",
}}

// Properties of a message that say what its producer decides, at once and when it is asked.
const (
	localState = "LOCAL_STATE"
	checkState = "CHECK_STATE"
)

var states = map[string]primitive.LocalTransactionState{
	"commit": primitive.CommitMessageState, "rollback": primitive.RollbackMessageState,
}

// decider is a transaction listener that does as the message says, and notes what it commits.
type decider struct {
	forgetful bool // it never knows what it is asked about

	mu        sync.Mutex // guards the fields below
	committed map[string]int
	asked     map[string]int
}

func newDecider() *decider { return &decider{committed: map[string]int{}, asked: map[string]int{}} }

// ExecuteLocalTransaction is what the producer does after it has sent the half message.
func (d *decider) ExecuteLocalTransaction(m *primitive.Message) primitive.LocalTransactionState {
	return d.decide(m.GetProperty(localState), string(m.Body))
}

// CheckLocalTransaction is what it says when it is asked.
func (d *decider) CheckLocalTransaction(m *primitive.MessageExt) primitive.LocalTransactionState {
	d.mu.Lock()
	d.asked[string(m.Body)]++
	d.mu.Unlock()
	if d.forgetful {
		return primitive.UnknowState
	}
	return d.decide(m.GetProperty(checkState), string(m.Body))
}

func (d *decider) decide(name, body string) primitive.LocalTransactionState {
	state, known := states[name]
	if !known {
		return primitive.UnknowState
	}
	if state == primitive.CommitMessageState {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.committed[body]++
	}
	return state
}

// counts returns how often each message was committed, and how often it was asked about.
func (d *decider) counts() (committed, asked map[string]int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return maps.Clone(d.committed), maps.Clone(d.asked)
}

// newTransactionProducer starts a producer of a group, which is stopped with the case or before.
func newTransactionProducer(t *conformance.T, group string, d *decider, options ...producer.Option) (p rocketmq.TransactionProducer, stop func()) {
	p, err := rocketmq.NewTransactionProducer(d, append([]producer.Option{
		producer.WithNsResolver(resolver(t)), producer.WithGroupName(group), producer.WithInstanceName(t.Group()),
		producer.WithRetry(2), producer.WithSendMsgTimeout(10 * time.Second),
	}, options...)...)
	t.Check(err, "make a producer")
	t.Check(p.Start(), "start a producer")
	stop = sync.OnceFunc(func() { _ = p.Shutdown() })
	t.Cleanup(stop)
	return p, stop
}

// transact sends a message in a transaction, with more properties than those that tell the listener what to do.
func transact(t *conformance.T, p rocketmq.TransactionProducer, topic, body, local, check string, more ...string) {
	m := primitive.NewMessage(topic, []byte(body))
	for property := range slices.Chunk(more, 2) {
		m.WithProperty(property[0], property[1])
	}
	m.WithProperty(localState, local)
	m.WithProperty(checkState, check)
	r, err := p.SendMessageInTransaction(t.Context(), m)
	t.Check(err, "send %s in a transaction", body)
	want, known := states[local]
	if !known {
		want = primitive.UnknowState
	}
	if r.Status != primitive.SendOK || r.State != want {
		t.Errorf("%s: status %d, state %d, want %d", body, r.Status, r.State, want)
	}
}

// wantCommitted waits for the bodies that were committed, and wants none of them oftener than it
// was committed: the official broker asks about transactions that have just ended.
func wantCommitted(t *conformance.T, in *inbox, d *decider, want ...string) {
	in.await(t, want)
	t.Pause(300 * time.Millisecond)
	messages, _ := in.all()
	committed, _ := d.counts()
	delivered := map[string]int{}
	for _, m := range messages {
		delivered[string(m.Body)]++
	}
	for body, n := range delivered {
		if n > committed[body] {
			t.Errorf("%s was delivered %d times and committed %d times", body, n, committed[body])
		}
	}
}

// transactions: a message is delivered when its producer commits it, at once or when it is asked.
func transactions(t *conformance.T) {
	topic, group, d := newTopic(t, 2), t.Group(), newDecider()
	p, _ := newTransactionProducer(t, group, d)
	in := newInbox()
	startConsumer(t, t.Group(), topic, everything, intoInbox(in))
	transact(t, p, topic, "committed", "commit", "commit")
	transact(t, p, topic, "rolled back", "rollback", "rollback")
	t.AwaitProducers(group, 1)
	transact(t, p, topic, "committed when asked", "", "commit")
	transact(t, p, topic, "rolled back when asked", "", "rollback")
	t.Eventually(deliveryTime, "questions about two transactions", func(context.Context) error {
		if _, asked := d.counts(); asked["committed when asked"] == 0 || asked["rolled back when asked"] == 0 {
			return fmt.Errorf("asked about %v", slices.Sorted(maps.Keys(asked)))
		}
		return nil
	})
	wantCommitted(t, in, d, "committed", "committed when asked")
}

// transactionProducerGone: another producer of the group is asked about a transaction of one that
// has gone.
func transactionProducerGone(t *conformance.T) {
	topic, group, d := newTopic(t, 1), t.Group(), newDecider()
	stays, _ := newTransactionProducer(t, group, d)
	goes, leave := newTransactionProducer(t, group, &decider{forgetful: true, committed: map[string]int{}, asked: map[string]int{}})
	// By their first messages the producers learn of the broker.
	transact(t, stays, topic, "first", "rollback", "rollback")
	transact(t, goes, topic, "second", "rollback", "rollback")
	t.AwaitProducers(group, 2)
	in := newInbox()
	startConsumer(t, t.Group(), topic, everything, intoInbox(in))
	transact(t, goes, topic, "orphan", "", "commit")
	leave()
	wantCommitted(t, in, d, "orphan")
	t.AwaitProducers(group, 1)
}

func transactionsAcrossRestart(t *conformance.T) { transactionsAcross(t, (*conformance.Server).Stop) }

func transactionsAcrossKill(t *conformance.T) {
	transactionsAcross(t, func(s *conformance.Server, _ context.Context) error { return s.Kill() })
}

// transactionsAcross: the producer is asked by the next life of the broker about what it has opened in the one
// before, and about an end that the broker did not take any more. The library beats every 30 seconds, and is not
// asked before its next beat.
func transactionsAcross(t *conformance.T, end func(*conformance.Server, context.Context) error) {
	t.StartServers()
	topic, group, d := newTopic(t, 1), t.Group(), newDecider()
	p, _ := newTransactionProducer(t, group, d)
	in := newInbox()
	startConsumer(t, t.Group(), topic, everything, intoInbox(in))
	immunity := []string{"CHECK_IMMUNITY_TIME_IN_SECONDS", "10"} // the broker is gone before it would ask
	transact(t, p, topic, "committed", "commit", "commit", immunity...)
	transact(t, p, topic, "rolled back", "rollback", "rollback", immunity...)
	transact(t, p, topic, "open", "", "commit", immunity...)
	broker := t.Servers().Broker()
	t.Check(end(broker, t.Context()), "end the broker")
	t.Check(broker.Start(t.Context()), "start the broker")
	t.Eventually(2*deliveryTime, "a question about the open transaction", func(context.Context) error {
		if _, asked := d.counts(); asked["open"] == 0 {
			return fmt.Errorf("asked about %v", slices.Sorted(maps.Keys(asked)))
		}
		return nil
	})
	wantCommitted(t, in, d, "committed", "open")
}
