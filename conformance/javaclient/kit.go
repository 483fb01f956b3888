package javaclient

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/gantrymq/gantry/conformance"
	"github.com/gantrymq/gantry/conformance/javadriver"
)

// Shorthands for what every case names.
type (
	message = javadriver.Message
	args    = javadriver.Args
	queue   = javadriver.Queue
)

// closeTime bounds the shutdown of a client when its case has ended.
const closeTime = 20 * time.Second

// heartbeat is how often clients report themselves, in milliseconds. The client's own 30
// seconds hide nothing from a case but make some wait that long: a 5.x consumer whose first
// rebalance coincides with its timer's heartbeat skips the one that announces its new
// subscription, and is refused (SUBSCRIPTION_NOT_LATEST) until the next.
const heartbeat = 2000

// kit is a running case with the Java process that serves it. Its methods end the case
// when they fail, and close at its end what they started.
type kit struct {
	*conformance.T
	driver  *javadriver.Driver
	nameSrv string
	ctx     context.Context
}

func newKit(t *conformance.T, pool *javadriver.Pool, o javadriver.Options) *kit {
	d, err := pool.Get(t.Context(), o)
	if errors.Is(err, javadriver.ErrLacking) {
		t.Skipf("%v", err)
	}
	t.Check(err, "start the Java driver")
	return &kit{T: t, driver: d, nameSrv: t.Servers().NameServerList(), ctx: t.Context()}
}

type closer interface {
	Close(ctx context.Context) error
}

func (k *kit) closeLater(c closer) {
	k.Cleanup(func() { k.close(c) })
}

func (k *kit) close(c closer) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(k.ctx), closeTime)
	defer cancel()
	if err := c.Close(ctx); err != nil {
		k.Logf("close a client: %v", err)
	}
}

func (k *kit) producer(a args) *javadriver.Producer {
	p, err := k.driver.Producer(k.ctx, k.nameSrv, k.Group(), beating(a))
	k.Check(err, "start a producer")
	k.closeLater(p)
	return p
}

func (k *kit) push(group, topic string, a args) *javadriver.PushConsumer {
	c, err := k.driver.Push(k.ctx, k.nameSrv, group, topic, beating(a))
	k.Check(err, "start a push consumer")
	k.closeLater(c)
	return c
}

func (k *kit) oldPull(group string, a args) *javadriver.OldPull {
	c, err := k.driver.OldPull(k.ctx, k.nameSrv, group, beating(a))
	k.Check(err, "start a pull consumer")
	k.closeLater(c)
	return c
}

func (k *kit) litePull(group string, a args) *javadriver.LitePull {
	c, err := k.driver.LitePull(k.ctx, k.nameSrv, group, beating(a))
	k.Check(err, "start a lite pull consumer")
	k.closeLater(c)
	return c
}

// beating adds the heartbeat interval, unless the case has its own.
func beating(a args) args {
	all := args{"heartbeatMs": heartbeat}
	maps.Copy(all, a)
	return all
}

// creationTime bounds the creation of a topic, and the wait for its route: the broker tells the name
// server in its own time.
const creationTime = 20 * time.Second

// topic creates a topic with n queues through the client and waits until its route is known.
func (k *kit) topic(p *javadriver.Producer, n int) string {
	topic := k.Topic()
	k.createTopic(p, topic, n, 1)
	return topic
}

// createTopic has a client create a topic with n queues on each of so many brokers, and waits until
// its route is known.
func (k *kit) createTopic(p *javadriver.Producer, topic string, n, brokers int) {
	// The client gives each of its steps 3 seconds, and a JVM's first TLS handshake on a
	// busy machine may take longer.
	k.Eventually(creationTime, "the creation of "+topic, func(ctx context.Context) error { return p.CreateTopic(ctx, topic, n) })
	k.awaitQueues(p, topic, n*brokers)
}

// awaitQueues waits until a client knows n queues of a topic.
func (k *kit) awaitQueues(p *javadriver.Producer, topic string, n int) {
	k.Eventually(creationTime, "the route of "+topic, func(ctx context.Context) error {
		qs, err := p.Queues(ctx, topic)
		if err == nil && len(qs) != n {
			err = fmt.Errorf("the topic has queues %v, want %d", qs, n)
		}
		return err
	})
}

// send sends one message and wants SEND_OK.
func (k *kit) send(p *javadriver.Producer, m message, a args) javadriver.SendResult {
	r, err := p.Send(k.ctx, m, a)
	k.Check(err, "send to %s", m.Topic)
	k.sent(r)
	return r
}

func (k *kit) sent(r javadriver.SendResult) {
	if r.Status != "SEND_OK" {
		k.Fatalf("send answered %s, want SEND_OK", r.Status)
	}
}

// sendTexts sends one message for each body to the topic.
func (k *kit) sendTexts(p *javadriver.Producer, topic string, bodies []string) {
	for _, body := range bodies {
		k.send(p, message{Topic: topic, Body: []byte(body)}, nil)
	}
}

// bodies makes n different bodies.
func bodies(prefix string, n int) []string {
	var all []string
	for i := range n {
		all = append(all, fmt.Sprintf("%s-%03d", prefix, i))
	}
	return all
}

// texts are the bodies of messages, sorted.
func texts(ms []message) []string {
	var all []string
	for _, m := range ms {
		all = append(all, m.Text())
	}
	slices.Sort(all)
	return all
}

// wantTexts waits until the consumer was given as many messages as there are bodies and
// compares them without regard to order. A moment later there must not be more: delivery
// is at least once, but nothing here gives a reason for twice.
func (k *kit) wantTexts(in *javadriver.PushConsumer, want []string) []message {
	_, err := in.WaitCount(k.ctx, len(want))
	k.Check(err, "consume %d messages", len(want))
	k.Pause(300 * time.Millisecond)
	got := in.Messages()
	if sorted := slices.Sorted(slices.Values(want)); !slices.Equal(texts(got), sorted) {
		k.Fatalf("consumed %q, want %q", texts(got), sorted)
	}
	return got
}

// wantError wants the Java client to have thrown an exception of a class, without its
// package, with a response code.
func (k *kit) wantError(err error, class string, code int) *javadriver.Error {
	var e *javadriver.Error
	if !errors.As(err, &e) {
		k.Fatalf("the client returned %v, want %s with code %d", err, class, code)
	}
	if !strings.HasSuffix(e.Class, "."+class) || e.Code != code {
		k.Fatalf("the client threw %v, want %s with code %d", e, class, code)
	}
	return e
}
