//go:build long

package goclient

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/apache/rocketmq-client-go/v2"
	"github.com/apache/rocketmq-client-go/v2/consumer"
	"github.com/apache/rocketmq-client-go/v2/primitive"
	"github.com/apache/rocketmq-client-go/v2/producer"

	"github.com/gantrymq/gantry/conformance"
	"github.com/gantrymq/gantry/conformance/wire"
	"github.com/gantrymq/gantry/protocol"
)

var soakTime = flag.Duration("soak", time.Hour, "how long TestSoak keeps Gantry under load; the environment variable GANTRY_SOAK too")

// What works on the broker at once, and how long each part of it lives.
const (
	soakQueues    = 4
	soakProducers = 4
	soakConsumers = 3
	soakPoppers   = 3
	clientLife    = 20 * time.Second // on average
	sendPause     = 5 * time.Millisecond
	popInvisible  = 10 * time.Second
)

// TestSoak keeps a broker under mixed load: producers, consumers and poppers that come, go and die with messages in their hands,
// and a broker that is killed every minute. Every message that was acknowledged is consumed in the end.
func TestSoak(t *testing.T) {
	span := *soakTime
	if text := os.Getenv("GANTRY_SOAK"); text != "" {
		var err error
		if span, err = time.ParseDuration(text); err != nil {
			t.Fatal(err)
		}
	}
	binary := filepath.Join(t.TempDir(), "gantry")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "github.com/gantrymq/gantry/cmd/gantry")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build gantry: %v\n%s", err, out)
	}
	target := &conformance.Target{Kind: conformance.KindProcess, Implementation: conformance.Gantry, Self: &conformance.GantryLauncher{Binary: binary}}
	soak := conformance.Case{
		Name: "go/soak", Client: conformance.Go, Feature: "durability", Needs: conformance.Control, Topology: conformance.SingleBroker,
		Settings: conformance.Settings{Broker: map[string]string{"messageDelayLevel": "1s 2s 2s 2s 2s 2s 2s 2s 2s 2s 2s 2s 2s 2s 2s 2s 2s 2s"}},
		Timeout:  span + 15*time.Minute,
		Run:      func(c *conformance.T) { newSoak(c).run(span, t.Logf) },
	}
	runner := &conformance.Runner{Parallel: 1, Clusters: 1, Keep: t.TempDir()}
	for _, r := range runner.Run(t.Context(), target, []conformance.Case{soak}) {
		if r.Status != conformance.Passed {
			t.Errorf("%s: %s %v", r.Status, r.Reason, r.Lines)
		}
	}
}

// soak is the load and the account of it.
type soak struct {
	*conformance.T
	pushed, popped ledger
	group          string // of the consumers
	popGroup       string
	serial         atomic.Int64
}

// ledger accounts for the messages of a topic.
type ledger struct {
	topic string

	mu    sync.Mutex      // guards the fields below
	open  map[string]bool // acknowledged to their producer, and not consumed
	early map[string]bool // consumed before their producer learned that they are stored
	sent  int
}

func newSoak(t *conformance.T) *soak {
	t.StartServers()
	s := &soak{T: t, group: t.Group(), popGroup: t.Group()}
	for _, l := range []*ledger{&s.pushed, &s.popped} {
		l.topic, l.open, l.early = newTopic(t, soakQueues), map[string]bool{}, map[string]bool{}
	}
	return s
}

// acknowledged notes a message that was stored.
func (l *ledger) acknowledged(body string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sent++
	if l.early[body] {
		delete(l.early, body)
		return
	}
	l.open[body] = true
}

// consumed notes a message that a consumer has done with. One whose send was never answered may be in early for good.
func (l *ledger) consumed(body string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open[body] {
		delete(l.open, body)
		return
	}
	l.early[body] = true
}

func (l *ledger) missing() (n int, one string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for one = range l.open {
		break
	}
	return len(l.open), one
}

func (s *soak) run(span time.Duration, logf func(string, ...any)) {
	load, stopLoad := context.WithTimeout(s.Context(), span)
	defer stopLoad()
	eat, stopEating := context.WithCancel(s.Context())
	defer stopEating()
	var senders, eaters sync.WaitGroup
	for range soakProducers {
		senders.Go(func() { s.lives(load, s.produce) })
	}
	for range soakConsumers {
		eaters.Go(func() { s.lives(eat, s.consume) })
	}
	for range soakPoppers {
		eaters.Go(func() { s.lives(eat, s.pop) })
	}
	broker := s.Servers().Broker()
	kills := 0
	for every := min(time.Minute, span/4); ; kills++ {
		if s.Pause(every); load.Err() != nil {
			break
		}
		s.Check(broker.Kill(), "kill the broker")
		s.Check(broker.Start(s.Context()), "start the broker again")
	}
	senders.Wait()
	s.Eventually(5*time.Minute, "the consumption of everything", func(context.Context) error {
		for _, l := range []*ledger{&s.pushed, &s.popped} {
			if n, one := l.missing(); n > 0 {
				return fmt.Errorf("%d of %d messages of %s are missing, %s is one", n, l.sent, l.topic, one)
			}
		}
		return nil
	})
	stopEating()
	eaters.Wait()
	for _, l := range []*ledger{&s.pushed, &s.popped} {
		if logf("topic %s: %d messages, all consumed, across %d kills", l.topic, l.sent, kills); l.sent == 0 {
			s.Errorf("nothing was sent to %s", l.topic)
		}
	}
	s.Check(broker.Stop(s.Context()), "stop the broker")
	out, err := exec.CommandContext(s.Context(), s.Target().Self.(*conformance.GantryLauncher).Binary, "store", "verify", broker.StoreDir()).CombinedOutput()
	s.Check(err, "verify the directory: %s", out)
}

// lives has a client live again and again.
func (s *soak) lives(ctx context.Context, live func(context.Context)) {
	for ctx.Err() == nil {
		life, end := context.WithTimeout(ctx, clientLife/2+rand.N(clientLife))
		live(life)
		end()
		select { // a broker that is away is not asked as fast as possible
		case <-ctx.Done():
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// produce sends messages to either topic, some of them delayed, until its life ends.
func (s *soak) produce(ctx context.Context) {
	p, err := rocketmq.NewProducer(producer.WithNsResolver(resolver(s.T)), producer.WithGroupName(s.group+"-producers"),
		producer.WithInstanceName(s.Group()), producer.WithRetry(0), producer.WithSendMsgTimeout(2*time.Second))
	s.Check(err, "make a producer")
	if p.Start() != nil {
		return
	}
	defer func() { _ = p.Shutdown() }()
	for ctx.Err() == nil {
		l := &s.pushed
		n := s.serial.Add(1)
		if n%2 == 0 {
			l = &s.popped
		}
		m := primitive.NewMessage(l.topic, fmt.Appendf(nil, "%d", n)).WithTag("T" + strconv.Itoa(int(n%3)))
		if n%20 == 1 {
			m.WithDelayTimeLevel(2)
		}
		if r, err := p.SendSync(ctx, m); err == nil && r.Status == primitive.SendOK {
			l.acknowledged(string(m.Body))
		}
		select {
		case <-ctx.Done():
		case <-time.After(sendPause):
		}
	}
}

// consume is a member of the group until its life ends. Now and then it asks for a message again.
func (s *soak) consume(ctx context.Context) {
	c, err := rocketmq.NewPushConsumer(consumer.WithNsResolver(resolver(s.T)), consumer.WithGroupName(s.group), consumer.WithInstance(s.Group()),
		consumer.WithConsumeFromWhere(consumer.ConsumeFromFirstOffset), consumer.WithMaxReconsumeTimes(1000))
	s.Check(err, "make a consumer")
	s.Check(c.Subscribe(s.pushed.topic, everything, func(_ context.Context, messages ...*primitive.MessageExt) (consumer.ConsumeResult, error) {
		if rand.N(50) == 0 {
			return consumer.ConsumeRetryLater, nil
		}
		for _, m := range messages {
			s.pushed.consumed(string(m.Body))
		}
		return consumer.ConsumeSuccess, nil
	}), "subscribe")
	if c.Start() != nil {
		return // while the broker is away its topics have no route
	}
	<-ctx.Done()
	_ = c.Shutdown()
}

// pop pops and acknowledges over a connection of its own until its life or the connection ends: then it dies, with what it has
// popped in its hands. Now and then it forgets a message.
func (s *soak) pop(ctx context.Context) {
	conn, err := wire.Dial(ctx, s.Servers().Broker().Address())
	if err != nil {
		return
	}
	defer conn.Close()
	for ctx.Err() == nil {
		r, err := conn.Call(ctx, &wire.Frame{Code: int32(protocol.PopMessage), Ext: map[string]string{
			"consumerGroup": s.popGroup, "topic": s.popped.topic, "queueId": "-1", "maxMsgNums": "16", "initMode": "0",
			"invisibleTime": strconv.FormatInt(popInvisible.Milliseconds(), 10), "pollTime": "1000", "bornTime": strconv.FormatInt(time.Now().UnixMilli(), 10),
		}})
		if err != nil {
			return
		}
		if r.Code != int32(protocol.ResponseSuccess) {
			continue
		}
		records, err := wire.Records(r.Body)
		s.Check(err, "read popped messages")
		for i := range records {
			if rand.N(50) > 0 && !s.ack(ctx, conn, r, &records[i]) {
				return
			}
		}
	}
}

// ack acknowledges a popped message. It reports false when the connection is lost. The message counts as consumed before: an
// acknowledgement may have reached a broker that was killed before it could answer, and then nobody gets the message again.
func (s *soak) ack(ctx context.Context, conn *wire.Conn, popped *wire.Frame, m *wire.Record) bool {
	s.popped.consumed(string(m.Body))
	_, err := conn.Call(ctx, &wire.Frame{Code: int32(protocol.AckMessage), Ext: map[string]string{
		"consumerGroup": s.popGroup, "topic": s.popped.topic, "queueId": strconv.Itoa(int(m.QueueID)), "offset": strconv.FormatInt(m.QueueOffset, 10),
		"extraInfo": s.handle(popped, m),
	}})
	return err == nil
}

// handle is the receipt of a popped message: one that comes again carries it, of others a client puts it together.
func (s *soak) handle(popped *wire.Frame, m *wire.Record) string {
	for pair := range strings.SplitSeq(m.Properties, "\x02") {
		if handle, ok := strings.CutPrefix(pair, "POP_CK\x01"); ok {
			return handle
		}
	}
	start, queue := "", strconv.Itoa(int(m.QueueID))
	for info := range strings.SplitSeq(popped.Ext["startOffsetInfo"], ";") {
		if fields := strings.Fields(info); len(fields) == 3 && fields[0] == "0" && fields[1] == queue {
			start = fields[2]
		}
	}
	if start == "" {
		s.Errorf("a pop says nothing of queue %s in %q", queue, popped.Ext["startOffsetInfo"])
	}
	return strings.Join([]string{start, popped.Ext["popTime"], popped.Ext["invisibleTime"], popped.Ext["reviveQid"], "0",
		s.Servers().Broker().Name(), queue, strconv.FormatInt(m.QueueOffset, 10)}, " ")
}
