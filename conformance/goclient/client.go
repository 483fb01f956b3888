// Package goclient has the cases that are driven by the Go client,
// github.com/apache/rocketmq-client-go/v2 v2.1.2, unmodified.
package goclient

import (
	"context"
	"fmt"
	"os"
	"runtime/debug"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/apache/rocketmq-client-go/v2"
	"github.com/apache/rocketmq-client-go/v2/consumer"
	"github.com/apache/rocketmq-client-go/v2/primitive"
	"github.com/apache/rocketmq-client-go/v2/producer"
	"github.com/apache/rocketmq-client-go/v2/rlog"

	"github.com/gantrymq/gantry/conformance"
	"github.com/gantrymq/gantry/conformance/wire"
	"github.com/gantrymq/gantry/protocol"
)

// quiet drops the client's log: it reports at length what the cases already say.
type quiet struct{}

func (quiet) Debug(string, map[string]any)   {}
func (quiet) Info(string, map[string]any)    {}
func (quiet) Warning(string, map[string]any) {}
func (quiet) Error(string, map[string]any)   {}
func (quiet) Fatal(string, map[string]any)   {}
func (quiet) Level(string)                   {}
func (quiet) OutputPath(string) error        { return nil }

// A panic inside the library, which has one after every asynchronous send that failed, must fail
// the case whose call it was and not end the run: the callback of the call has reported the
// error by then, and a case whose consumer died does not get what it waits for.
func init() {
	primitive.PanicHandler = func(cause any) {
		fmt.Fprintf(os.Stderr, "the Go client panicked: %v\n%s", cause, debug.Stack())
	}
}

// deliveryTime bounds the wait for messages that were sent: consumers of this client look for
// new queues at the pace of its rebalancing, every 20 s.
const deliveryTime = 45 * time.Second

// resolver names the servers of the case.
func resolver(t *conformance.T) primitive.NsResolver {
	return primitive.NewPassthroughResolver(t.Servers().NameServerAddresses())
}

// newProducer starts a producer that is shut down with the case. Every client gets an
// instance name of its own, because the library shares connections by that name.
func newProducer(t *conformance.T, options ...producer.Option) rocketmq.Producer {
	all := append([]producer.Option{
		producer.WithNsResolver(resolver(t)), producer.WithGroupName(t.Group()), producer.WithInstanceName(t.Group()),
		producer.WithRetry(2), producer.WithSendMsgTimeout(10 * time.Second),
	}, options...)
	p, err := rocketmq.NewProducer(all...)
	t.Check(err, "make a producer")
	t.Check(p.Start(), "start a producer")
	t.Cleanup(func() { _ = p.Shutdown() })
	return p
}

// newTopic creates a topic with the given number of queues and waits until the name servers
// know it.
func newTopic(t *conformance.T, queues int) string {
	topic := t.Topic()
	createTopic(t, t.Servers().Broker(), topic, queues)
	awaitRoute(t, topic)
	return topic
}

func createTopic(t *conformance.T, broker *conformance.Server, topic string, queues int) {
	n := strconv.Itoa(queues)
	r, err := wire.Call(t.Context(), broker.Address(), &wire.Frame{
		Code: int32(protocol.UpdateAndCreateTopic),
		Ext: map[string]string{
			"topic": topic, "defaultTopic": "TBW102", "readQueueNums": n, "writeQueueNums": n, "perm": "6",
			"topicFilterType": "SINGLE_TAG", "topicSysFlag": "0", "order": "false",
		},
	})
	t.Check(err, "create topic %s", topic)
	if r.Code != int32(protocol.ResponseSuccess) {
		t.Fatalf("creating topic %s was answered %s", topic, r)
	}
}

// awaitRoute waits until every name server knows the topic.
func awaitRoute(t *conformance.T, topic string) {
	for _, ns := range t.Servers().NameServerAddresses() {
		t.Eventually(deliveryTime, "the route of "+topic, func(ctx context.Context) error {
			r, err := wire.Call(ctx, ns, &wire.Frame{Code: int32(protocol.GetRouteinfoByTopic), Ext: map[string]string{"topic": topic}})
			if err == nil && r.Code != int32(protocol.ResponseSuccess) {
				err = fmt.Errorf("%s answered %s", ns, r)
			}
			return err
		})
	}
}

// inbox collects what a consumer was given.
type inbox struct {
	mu       sync.Mutex // guards messages and arrived
	messages []*primitive.MessageExt
	arrived  chan struct{} // closed and replaced with each arrival
}

func newInbox() *inbox { return &inbox{arrived: make(chan struct{})} }

// add keeps messages, in the order of consumption.
func (in *inbox) add(messages ...*primitive.MessageExt) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.messages = append(in.messages, messages...)
	close(in.arrived)
	in.arrived = make(chan struct{})
}

// all returns what has come so far.
func (in *inbox) all() ([]*primitive.MessageExt, <-chan struct{}) {
	in.mu.Lock()
	defer in.mu.Unlock()
	return slices.Clone(in.messages), in.arrived
}

// bodies lists the bodies of messages, sorted.
func bodies(messages []*primitive.MessageExt) []string {
	var out []string
	for _, m := range messages {
		out = append(out, string(m.Body))
	}
	slices.Sort(out)
	return out
}

// await waits until the inbox holds exactly the bodies of want, each at least once, and none
// besides. It returns the messages.
func (in *inbox) await(t *conformance.T, want []string) []*primitive.MessageExt {
	want = slices.Clone(want)
	slices.Sort(want)
	within := t.Stretch(deliveryTime)
	limit := time.After(within)
	for {
		messages, arrived := in.all()
		got := slices.Compact(bodies(messages))
		if slices.Equal(got, want) {
			return messages
		}
		select {
		case <-arrived:
		case <-limit:
			t.Fatalf("within %v %d different bodies came, %d were sent; missing %.300q, beyond those %.300q",
				within, len(got), len(want), fmt.Sprint(minus(want, got)), fmt.Sprint(minus(got, want)))
		case <-t.Context().Done():
			t.Fatalf("the time of the case is over with %d of %d bodies", len(got), len(want))
		}
	}
}

// minus lists what is in a and not in b.
func minus(a, b []string) []string {
	return slices.DeleteFunc(slices.Clone(a), func(s string) bool { return slices.Contains(b, s) })
}

// handler is what a push consumer calls.
type handler = func(context.Context, ...*primitive.MessageExt) (consumer.ConsumeResult, error)

// intoInbox is a handler that keeps every message and takes it.
func intoInbox(in *inbox) handler {
	return func(_ context.Context, messages ...*primitive.MessageExt) (consumer.ConsumeResult, error) {
		in.add(messages...)
		return consumer.ConsumeSuccess, nil
	}
}

// everything subscribes to all tags.
var everything = consumer.MessageSelector{Type: consumer.TAG, Expression: "*"}

// startConsumer starts a push consumer from the first message on, and returns its stop, which
// waits until it can be stopped cleanly. When the case ends it is stopped in any case.
func startConsumer(t *conformance.T, group, topic string, selector consumer.MessageSelector, h handler, options ...consumer.Option) (stop func()) {
	all := append([]consumer.Option{
		consumer.WithNsResolver(resolver(t)), consumer.WithGroupName(group), consumer.WithInstance(t.Group()),
		consumer.WithConsumeFromWhere(consumer.ConsumeFromFirstOffset),
	}, options...)
	c, err := rocketmq.NewPushConsumer(all...)
	t.Check(err, "make a consumer")
	t.Check(c.Subscribe(topic, selector, h), "subscribe")
	t.Check(c.Start(), "start a consumer")
	started := time.Now()
	end := sync.OnceFunc(func() { _ = c.Shutdown() })
	t.Cleanup(end)
	return func() {
		t.Pause(heartbeatsSent - time.Since(started))
		end()
	}
}

// heartbeatsSent is the age of a consumer at which those of its heartbeats are over that the library sends when it
// starts, the last of them a second later. It does not wait for them when it stops, and who stops during one may stay a
// member of its group on the official broker (difference 45).
const heartbeatsSent = 3 * time.Second

// send sends one message and expects SEND_OK.
func send(t *conformance.T, p rocketmq.Producer, m *primitive.Message) *primitive.SendResult {
	r, err := p.SendSync(t.Context(), m)
	t.Check(err, "send")
	if r.Status != primitive.SendOK {
		t.Fatalf("send ended with status %d", r.Status)
	}
	return r
}

// numbered makes n bodies.
func numbered(prefix string, n int) []string {
	var out []string
	for i := range n {
		out = append(out, fmt.Sprintf("%s-%04d", prefix, i))
	}
	return out
}

func init() { rlog.SetLogger(quiet{}) }
