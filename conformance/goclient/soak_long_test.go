//go:build long

package goclient

import (
	"context"
	"flag"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gantrymq/gantry/conformance"
)

var soakTime = flag.Duration("soak", time.Hour, "how long TestSoak keeps Gantry under load; the environment variable GANTRY_SOAK too")

// What works on the broker at once, and how long each part of it lives.
const (
	soakQueues       = 4
	soakProducers    = 4
	soakTransactions = 2 // producers of them
	soakConsumers    = 3
	soakOrdered      = 2 // consumers in order
	soakPoppers      = 3
	clientLife       = 20 * time.Second // on average
	orderedLife      = time.Minute      // likewise: this client keeps the lock of a queue that it hands over, until it expires after a minute
	sendPause        = 5 * time.Millisecond
	popInvisible     = 10 * time.Second
)

// TestSoak keeps a broker under mixed load: producers, consumers and poppers that come, go and die with messages in their hands,
// and a broker that is killed every minute. Every message that was acknowledged is consumed in the end, none of those that were
// delayed before its time, none that was rolled back, and each key's messages in their order.
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
		Settings: conformance.Settings{Broker: map[string]string{
			"messageDelayLevel":  "1s 2s 2s 2s 2s 2s 2s 2s 2s 2s 2s 2s 2s 2s 2s 2s 2s 2s",
			"transactionTimeOut": "1000", "transactionCheckInterval": "1000", "transactionCheckMax": "1000",
		}},
		Timeout: span + 15*time.Minute,
		Run:     func(c *conformance.T) { newSoak(c).run(span, t.Logf) },
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
	pushed, popped, transacted ledger
	ordered                    sequences
	group                      string // of the consumers
	orderedGroup               string
	popGroup                   string
	serial                     atomic.Int64
}

func newSoak(t *conformance.T) *soak {
	t.StartServers()
	s := &soak{T: t, group: t.Group(), orderedGroup: t.Group(), popGroup: t.Group()}
	for _, l := range s.ledgers() {
		l.topic, l.open, l.early, l.back = newTopic(t, soakQueues), map[string]place{}, map[string]bool{}, map[string]bool{}
	}
	s.ordered.topic = newTopic(t, soakQueues)
	return s
}

func (s *soak) ledgers() []*ledger { return []*ledger{&s.pushed, &s.popped, &s.transacted} }

// missing says of what has been sent and not consumed.
func (s *soak) missing(context.Context) error {
	for _, l := range s.ledgers() {
		if err := l.missing(); err != nil {
			return err
		}
	}
	return s.ordered.missing()
}

func (s *soak) run(span time.Duration, logf func(string, ...any)) {
	load, stopLoad := context.WithTimeout(s.Context(), span)
	defer stopLoad()
	eat, stopEating := context.WithCancel(s.Context())
	defer stopEating()
	// Transactions that are left open are asked about when the load is over, too: their producers leave last.
	var senders, eaters sync.WaitGroup
	start := func(group *sync.WaitGroup, ctx context.Context, n int, life time.Duration, live func(context.Context)) {
		for range n {
			group.Go(func() { s.lives(ctx, life, live) })
		}
	}
	start(&senders, load, soakProducers, clientLife, s.produce)
	start(&senders, load, 1, clientLife, s.produceInOrder)
	start(&eaters, eat, soakTransactions, clientLife, func(ctx context.Context) { s.transact(ctx, load) })
	start(&eaters, eat, soakConsumers, clientLife, s.consume)
	start(&eaters, eat, soakOrdered, orderedLife, s.consumeInOrder)
	start(&eaters, eat, soakPoppers, clientLife, s.pop)
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
	defer func() { // of use only when something is missing
		if offsets, err := os.ReadFile(filepath.Join(broker.StoreDir(), "config", "consumerOffset.json")); err == nil && s.missing(s.Context()) != nil {
			logf("the groups' offsets: %s", offsets)
		}
	}()
	s.Eventually(5*time.Minute, "the consumption of everything", s.missing)
	stopEating()
	eaters.Wait()
	for _, l := range s.ledgers() {
		if logf("%s", l.account(kills)); l.sent == 0 {
			s.Errorf("nothing was sent to %s", l.topic)
		}
		for _, wrong := range l.wrong {
			s.Errorf("topic %s: %s", l.topic, wrong)
		}
	}
	if logf("%s", s.ordered.account(kills)); s.ordered.sent[0] == 0 {
		s.Errorf("nothing was sent to %s", s.ordered.topic)
	}
	for _, wrong := range s.ordered.wrong {
		s.Errorf("topic %s: %s", s.ordered.topic, wrong)
	}
	s.Check(broker.Stop(s.Context()), "stop the broker")
	out, err := exec.CommandContext(s.Context(), s.Target().Self.(*conformance.GantryLauncher).Binary, "store", "verify", broker.StoreDir()).CombinedOutput()
	s.Check(err, "verify the directory: %s", out)
}

// lives has a client live again and again, for so long on average.
func (s *soak) lives(ctx context.Context, average time.Duration, live func(context.Context)) {
	for ctx.Err() == nil {
		life, end := context.WithTimeout(ctx, average/2+rand.N(average))
		live(life)
		end()
		rest(ctx, 100*time.Millisecond) // a broker that is away is not asked as fast as possible
	}
}
