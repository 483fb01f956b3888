package bench

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/protocol"
)

// maxPop is the most messages that a broker gives to one pop.
const maxPop = 32

// How popped messages are acknowledged: one request for each, as the clients of
// release 5 do, or one for all of a pop, as its proxy does.
const (
	ackEach  = "each"
	ackBatch = "batch"
)

// subscription is a group that pops a topic.
type subscription struct {
	group, topic string
}

// popping is what the poppers of a load have in common.
type popping struct {
	left *atomic.Int64 // messages still to be acknowledged; nil without an end
	once sync.Once
	done chan struct{} // closed when nothing is left
}

// acknowledged counts messages, and ends the load with the last one.
func (p *popping) acknowledged(n int64) {
	if p.left != nil && p.left.Add(-n) <= 0 {
		p.once.Do(func() { close(p.done) })
	}
}

// popper pops for some subscriptions on one connection, and acknowledges what it
// was given. Its first slots pop, one for each subscription; in those behind them
// the acknowledgements are in flight. A message counts when it is acknowledged.
type popper struct {
	o       *consumeOptions
	broker  string // its name, which receipts hold
	subs    []subscription
	shared  *popping
	meter   *shard
	tailing bool // measure from the producer's stamp instead of from the pop

	waiting []ack // to be sent
	flying  []int // messages that the request in each slot acknowledges
	pop     protocol.PopMessageRequestHeader
}

// ack is one request of acknowledgement.
type ack struct {
	header *protocol.AckMessageRequestHeader // nil for a batch
	body   []byte
	count  int
}

// slots is how many requests may be in flight.
func (p *popper) slots() int { return len(p.subs) + maxPop }

// request acknowledges in the slots for that, and pops in the others. Nothing is
// popped while acknowledgements find no slot, so that no more than one pop of each
// subscription waits for them.
func (p *popper) request(dst []byte, slot int, opaque int32, _, now time.Time) []byte {
	if slot < len(p.subs) {
		return p.requestPop(dst, slot, opaque, now)
	}
	if len(p.waiting) == 0 {
		return dst
	}
	a := p.waiting[0]
	if p.waiting = p.waiting[1:]; len(p.waiting) == 0 {
		p.waiting = nil
	}
	p.flying[slot] = a.count
	c := codec.Command{Code: int32(protocol.BatchAckMessage), Language: protocol.LanguageGo, Version: protocol.V5_5_0, Opaque: opaque, Body: a.body}
	if a.header != nil {
		c.Code, c.Header = int32(protocol.AckMessage), a.header
	}
	return codec.AppendCommand(dst, &c)
}

func (p *popper) requestPop(dst []byte, slot int, opaque int32, now time.Time) []byte {
	if len(p.waiting) > 0 {
		return dst
	}
	s := &p.subs[slot]
	h := &p.pop
	*h = protocol.PopMessageRequestHeader{
		ConsumerGroup: s.group, Topic: s.topic, QueueID: -1, MaxMsgNums: int32(p.o.MaxMessages), InvisibleTime: p.o.Invisible.Milliseconds(),
		PollTime: p.o.Suspend.Milliseconds(), BornTime: now.UnixMilli(), InitMode: protocol.PopFromMax, ExpType: protocol.ExpressionTag, Exp: p.o.Tags,
	}
	if p.o.From == "first" {
		h.InitMode = protocol.PopFromMin
	}
	if p.o.SQL != "" {
		h.Exp, h.ExpType = p.o.SQL, protocol.ExpressionSQL92
	}
	return codec.AppendCommand(dst, &codec.Command{
		Code: int32(protocol.PopMessage), Language: protocol.LanguageGo, Version: protocol.V5_5_0, Opaque: opaque, Header: h,
	})
}

// answer counts what was acknowledged, and keeps the receipts of what was popped.
// A pop that found nothing is no sample: it waited on purpose.
func (p *popper) answer(slot int, f *codec.Frame, now time.Time) outcome {
	code := protocol.ResponseCode(f.Code)
	if slot >= len(p.subs) {
		if code != protocol.ResponseSuccess {
			return outcome{failure: code.String() + " to an acknowledgement"}
		}
		n := int64(p.flying[slot])
		p.shared.acknowledged(n)
		return outcome{messages: n, silent: true}
	}
	switch code {
	case protocol.ResponseSuccess:
		if _, whole := countRecords(f.Body, now, p.meter, p.tailing); !whole {
			return outcome{failure: "a record that cannot be read"}
		}
		if err := p.take(&p.subs[slot], f); err != nil {
			return outcome{failure: err.Error()}
		}
		return outcome{silent: p.tailing}
	case protocol.ResponsePollingTimeout, protocol.ResponsePullNotFound, protocol.ResponsePullRetryImmediately:
		return outcome{silent: true}
	}
	return outcome{failure: code.String()}
}

var errReceipts = errors.New("a pop whose answer does not say what was popped")

// take makes acknowledgements for all that an answer gave.
func (p *popper) take(s *subscription, f *codec.Frame) error {
	var h protocol.PopMessageResponseHeader
	if err := codec.DecodeHeader(&h, f.Ext); err != nil {
		return errReceipts
	}
	starts := strings.Split(h.StartOffsetInfo, ";")
	batch := protocol.BatchAckMessageRequestBody{BrokerName: p.broker}
	total := 0
	for i, part := range strings.Split(h.MsgOffsetInfo, ";") { // each: kind of topic, queue, offsets
		fields := strings.Fields(part)
		if len(fields) != 3 || i >= len(starts) {
			return errReceipts
		}
		first := strings.Fields(starts[i]) // kind of topic, queue, the pop's first offset
		queue, err := strconv.ParseInt(fields[1], 10, 32)
		if err != nil || len(first) != 3 || first[0] != fields[0] || first[1] != fields[1] {
			return errReceipts
		}
		start, err := strconv.ParseInt(first[2], 10, 64)
		if err != nil {
			return errReceipts
		}
		r := receipt{h: &h, sub: s, kind: fields[0], queue: int32(queue), start: start, broker: p.broker}
		for _, text := range strings.Split(fields[2], ",") {
			offset, err := strconv.ParseInt(text, 10, 64)
			if err != nil || offset < start {
				return errReceipts
			}
			if total++; p.o.Ack == ackEach {
				p.waiting = append(p.waiting, ack{header: r.single(offset), count: 1})
			} else {
				r.set(offset)
			}
		}
		batch.Acks = append(batch.Acks, r.batch())
	}
	if p.o.Ack == ackEach {
		return nil
	}
	body, err := json.Marshal(&batch)
	if err != nil {
		return err
	}
	p.waiting = append(p.waiting, ack{body: body, count: total})
	return nil
}

// receipt is what acknowledgements say of one queue's part of a pop.
type receipt struct {
	h      *protocol.PopMessageResponseHeader
	sub    *subscription
	kind   string // of topic: 0 the topic itself, 1 and 2 the group's retry topic
	queue  int32
	start  int64
	broker string
	bits   []byte // messages, counted from start
}

// topic is where the queue belongs to.
func (r *receipt) topic() string {
	switch r.kind {
	case "1":
		return protocol.PrefixRetry + r.sub.group + "_" + r.sub.topic
	case "2":
		return protocol.PrefixRetry + r.sub.group + "+" + r.sub.topic
	}
	return r.sub.topic
}

// single acknowledges one message.
func (r *receipt) single(offset int64) *protocol.AckMessageRequestHeader {
	return &protocol.AckMessageRequestHeader{
		ConsumerGroup: r.sub.group, Topic: r.topic(), QueueID: r.queue, Offset: offset,
		ExtraInfo: fmt.Sprintf("%d %d %d %d %s %s %d %d", r.start, r.h.PopTime, r.h.InvisibleTime, r.h.ReviveQid, r.kind, r.broker, r.queue, offset),
	}
}

// set adds a message to the batch.
func (r *receipt) set(offset int64) {
	i := int(offset - r.start)
	for len(r.bits) <= i/8 {
		r.bits = append(r.bits, 0)
	}
	r.bits[i/8] |= 1 << (i % 8)
}

// batch acknowledges all that was set.
func (r *receipt) batch() protocol.BatchAck {
	return protocol.BatchAck{
		ConsumerGroup: r.sub.group, Topic: r.sub.topic, Retry: r.kind, StartOffset: r.start, QueueID: r.queue, ReviveQueueID: r.h.ReviveQid,
		PopTime: r.h.PopTime, InvisibleTime: r.h.InvisibleTime, BitSet: base64.StdEncoding.EncodeToString(r.bits),
	}
}

// newPop connects the poppers: every connection pops, and every group pops every
// topic on every broker.
func newPop(ctx context.Context, o *options, t *target, connections int, tailing bool) (*load, error) {
	c := &o.Consume
	if connections < len(t.brokers) {
		return nil, fmt.Errorf("%d connections for %d brokers: each broker needs one", connections, len(t.brokers))
	}
	shared := &popping{done: make(chan struct{})}
	if c.UntilEnd {
		n, err := t.held(ctx)
		if err != nil {
			return nil, err
		}
		shared.left = new(atomic.Int64)
		shared.left.Store(n * int64(c.Groups))
	}
	l := newLoad("consume", "messages popped and acknowledged", "from pop to answer")
	l.held, l.done = true, shared.done
	if tailing {
		l.latency = "from the instant a message was due to be sent to its receipt"
	}
	var subs []subscription
	for topic := range t.topics() {
		for g := range c.Groups {
			subs = append(subs, subscription{c.groupName(g), topic})
		}
	}
	poppers := make([]*popper, connections)
	for b, address := range t.brokers {
		name, err := brokerName(ctx, address)
		if err != nil {
			return nil, err
		}
		mine := (connections - b + len(t.brokers) - 1) / len(t.brokers) // connections of this broker
		for i := range max(mine, len(subs)) {
			k := b + i%mine*len(t.brokers)
			if poppers[k] == nil {
				poppers[k] = &popper{o: c, broker: name, shared: shared, meter: l.meter.shard(k), tailing: tailing}
			}
			poppers[k].subs = append(poppers[k].subs, subs[i%len(subs)])
		}
	}
	conns, err := dialAll(ctx, t.brokers, connections)
	if err != nil {
		return nil, err
	}
	for i, conn := range conns {
		p := poppers[i]
		p.flying = make([]int, p.slots())
		l.pipes = append(l.pipes, newPipe(conn, p.slots(), p, p.meter, nil, l.stop))
	}
	return l, nil
}
