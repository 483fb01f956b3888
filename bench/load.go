package bench

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// drain is how long requests that are in flight when a measurement ends may still be
// answered.
const drain = 5 * time.Second

// load is one kind of work on some connections: producing, consuming or a storm. A
// run has one of them, or two when it is mixed.
type load struct {
	name     string
	what     string // what it counts: messages, heartbeats, connections
	latency  string // what its latencies are
	meter    *meter
	stop     *atomic.Bool
	pipes    []*pipe
	knockers []*knocker
	held     bool            // requests wait at the broker on purpose: none is waited for at the end
	written  *producing      // nil for what sends no messages
	done     <-chan struct{} // closed when the work is done although requests are held; nil for never
}

func newLoad(name, what, latency string) *load {
	return &load{name: name, what: what, latency: latency, meter: newMeter(4 * runtime.GOMAXPROCS(0)), stop: new(atomic.Bool)}
}

// buildLoads connects everything that the options ask for. The pipes do not run yet.
func buildLoads(ctx context.Context, o *options, t *target) ([]*load, error) {
	switch o.Workload {
	case workloadProduce:
		return single(newProduce(ctx, o, t))
	case workloadConsume:
		return single(newConsume(ctx, o, t, o.Connections, !o.Consume.UntilEnd && o.Consume.From == "last"))
	case workloadMixed:
		produce, err := newProduce(ctx, o, t)
		if err != nil {
			return nil, err
		}
		consume, err := newConsume(ctx, o, t, o.Consumers, true)
		if err != nil {
			produce.close()
			return nil, err
		}
		return []*load{produce, consume}, nil
	case workloadConnect:
		return single(newConnect(o, t))
	}
	return single(newHeartbeats(ctx, o, t))
}

func single(l *load, err error) ([]*load, error) {
	if err != nil {
		return nil, err
	}
	return []*load{l}, nil
}

func latencyName(o *options) string {
	if o.Rate > 0 {
		return "from the instant a request was due to its answer (open loop)"
	}
	return "from request to answer (closed loop: service time)"
}

func newProduce(ctx context.Context, o *options, t *target) (*load, error) {
	l := newLoad("produce", "messages", latencyName(o))
	body, err := o.Produce.newBody()
	if err != nil {
		return nil, err
	}
	templates := map[string][]*template{}
	for _, q := range t.queues {
		tpl, err := newTemplate(&o.Produce, q.topic, q.id, body)
		if err != nil {
			return nil, err
		}
		templates[q.broker] = append(templates[q.broker], tpl)
	}
	shared := &producing{run: rand.Uint64()}
	if o.Count > 0 {
		shared.left = new(atomic.Int64)
		shared.left.Store(o.Count)
	}
	l.written = shared
	conns, err := dialAll(ctx, t.brokers, o.Connections)
	if err != nil {
		return nil, err
	}
	var paces []*pace
	if o.Rate > 0 {
		paces = newPaces(o.Connections, o.Rate/float64(o.Produce.Batch))
	}
	for i, conn := range conns {
		ts := templates[t.brokers[i%len(t.brokers)]]
		p := producer{o: &o.Produce, templates: ts, turn: i * len(ts) / len(conns), shared: shared}
		var src source = &p
		if o.Produce.Transaction != "" {
			src = newTransactor(p, o.Window)
		}
		l.pipes = append(l.pipes, newPipe(conn, o.Window, src, l.meter.shard(i), paceOf(paces, i), l.stop))
		l.pipes[i].oneWay = o.Produce.OneWay
	}
	return l, nil
}

func paceOf(paces []*pace, i int) *pace {
	if paces == nil {
		return nil
	}
	return paces[i]
}

func newConsume(ctx context.Context, o *options, t *target, connections int, tailing bool) (*load, error) {
	c := &o.Consume
	if c.Pop {
		return newPop(ctx, o, t, connections, tailing)
	}
	if n := len(t.queues) * c.Groups; connections > n {
		return nil, fmt.Errorf("%d connections cannot all pull: %d queues for %d groups are %d pulls; ask for fewer connections, or more groups or queues",
			connections, len(t.queues), c.Groups, n)
	}
	starts, err := t.offsets(ctx, c.From == "last")
	if err != nil {
		return nil, err
	}
	ends := slices.Repeat([]int64{-1}, len(t.queues))
	if c.UntilEnd {
		if ends, err = t.offsets(ctx, true); err != nil {
			return nil, err
		}
		if slices.Equal(starts, ends) {
			return nil, errNothingHeld
		}
	}
	l := newLoad("consume", "messages", "from pull to answer")
	l.held = true
	if tailing {
		l.latency = "from the instant a message was due to be sent to its receipt"
	}
	conns, err := dialAll(ctx, t.brokers, connections)
	if err != nil {
		return nil, err
	}
	readings := make([][]reading, connections)
	turns := map[string]int{} // next connection of each broker
	for g := range c.Groups {
		for i, q := range t.queues {
			b := slices.Index(t.brokers, q.broker)
			mine := (connections - b + len(t.brokers) - 1) / len(t.brokers) // connections of this broker
			if mine < 1 {
				return nil, fmt.Errorf("%d connections for %d brokers: each broker needs one", connections, len(t.brokers))
			}
			k := b + turns[q.broker]%mine*len(t.brokers)
			turns[q.broker]++
			readings[k] = append(readings[k], reading{queue: q, group: c.groupName(g), next: starts[i], end: ends[i]})
		}
	}
	for i, conn := range conns {
		src := &consumer{o: c, readings: readings[i], meter: l.meter.shard(i), tailing: tailing}
		l.pipes = append(l.pipes, newPipe(conn, len(readings[i]), src, l.meter.shard(i), nil, l.stop))
	}
	return l, nil
}

func newHeartbeats(ctx context.Context, o *options, t *target) (*load, error) {
	l := newLoad("heartbeat", "heartbeats", latencyName(o))
	conns, err := dialAll(ctx, t.brokers, o.Connections)
	if err != nil {
		return nil, err
	}
	var paces []*pace
	if o.Rate > 0 {
		paces = newPaces(o.Connections, o.Rate)
	}
	run := rand.Uint64()
	for i, conn := range conns {
		body, err := newHeartbeat(&o.Storm, run, i)
		if err != nil {
			return nil, err
		}
		l.pipes = append(l.pipes, newPipe(conn, 1, &heartbeats{body}, l.meter.shard(i), paceOf(paces, i), l.stop))
	}
	return l, nil
}

func newConnect(o *options, t *target) (*load, error) {
	l := newLoad("connect", "connections", "from connecting to the answer of the first request")
	var paces []*pace
	if o.Rate > 0 {
		paces = newPaces(o.Connections, o.Rate)
	}
	run := rand.Uint64()
	for i := range o.Connections {
		body, err := newHeartbeat(&o.Storm, run, i)
		if err != nil {
			return nil, err
		}
		l.knockers = append(l.knockers, &knocker{
			broker: t.brokers[i%len(t.brokers)], body: body, meter: l.meter.shard(i), pace: paceOf(paces, i), stop: l.stop,
		})
	}
	return l, nil
}

// dialAll opens n connections, the brokers in turn, some at a time.
func dialAll(ctx context.Context, brokers []string, n int) ([]net.Conn, error) {
	conns, errs := make([]net.Conn, n), make([]error, n)
	gate := make(chan struct{}, 64)
	var wg sync.WaitGroup
	for i := range n {
		gate <- struct{}{}
		wg.Go(func() {
			defer func() { <-gate }()
			conns[i], errs[i] = dial(ctx, brokers[i%len(brokers)])
		})
	}
	wg.Wait()
	if i := slices.IndexFunc(errs, func(err error) bool { return err != nil }); i >= 0 {
		for _, c := range conns {
			if c != nil {
				c.Close()
			}
		}
		return nil, fmt.Errorf("connection %d of %d: %w", i+1, n, errs[i])
	}
	return conns, nil
}

// run drives all connections until the load has ended, and returns why a connection
// was lost, if one was.
func (l *load) run(ctx context.Context, start time.Time, lost func(error)) {
	for _, p := range l.pipes {
		if p.pace != nil {
			p.pace.begin(start)
		}
	}
	for _, k := range l.knockers {
		if k.pace != nil {
			k.pace.begin(start)
		}
	}
	var wg sync.WaitGroup
	for _, p := range l.pipes {
		wg.Go(func() {
			if err := p.run(); err != nil {
				lost(fmt.Errorf("%s: the connection to %s was lost: %w", l.name, p.conn.RemoteAddr(), err))
			}
		})
	}
	for _, k := range l.knockers {
		wg.Go(func() { k.run(ctx) })
	}
	var waiter sync.WaitGroup
	over := make(chan struct{})
	waiter.Go(func() {
		select {
		case <-l.done:
			l.quit()
		case <-over:
		}
	})
	wg.Wait()
	close(over)
	waiter.Wait()
	if up := func(k *knocker) bool { return k.failed == nil }; len(l.knockers) > 0 && !slices.ContainsFunc(l.knockers, up) {
		lost(fmt.Errorf("no connection could be made at the end, the latest failed so: %w", l.knockers[0].failed))
	}
}

// quit ends the load: nothing new is asked for, and what is in flight has until the
// deadline.
func (l *load) quit() {
	l.stop.Store(true)
	deadline := time.Now().Add(drain)
	if l.held {
		deadline = time.Now()
	}
	for _, p := range l.pipes {
		p.quit(deadline)
	}
}

// unanswered counts the requests that no answer came to, pulls that were waiting at
// the broker apart.
func (l *load) unanswered() (n int64) {
	if l.held {
		return 0
	}
	for _, p := range l.pipes {
		n += p.unanswered()
	}
	return n
}

func (l *load) close() {
	for _, p := range l.pipes {
		p.conn.Close()
	}
}
