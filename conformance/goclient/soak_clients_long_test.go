//go:build long

package goclient

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"github.com/apache/rocketmq-client-go/v2"
	"github.com/apache/rocketmq-client-go/v2/consumer"
	"github.com/apache/rocketmq-client-go/v2/primitive"
	"github.com/apache/rocketmq-client-go/v2/producer"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/conformance/wire"
	"github.com/gantrymq/gantry/protocol"
)

// soakDue is the property with the time, in milliseconds, before which nobody may be given a message.
const soakDue = "SOAK_DUE"

// producing are the options of a producer of the soak. It sends a message once: one without an answer may be there or not.
func (s *soak) producing(group string, more ...producer.Option) []producer.Option {
	return append([]producer.Option{
		producer.WithNsResolver(resolver(s.T)), producer.WithGroupName(group), producer.WithInstanceName(s.Group()),
		producer.WithRetry(0), producer.WithSendMsgTimeout(2 * time.Second),
	}, more...)
}

// sending has a producer do one thing after the other, with pauses, until its life ends.
func (s *soak) sending(ctx context.Context, group string, between time.Duration, do func(rocketmq.Producer), more ...producer.Option) {
	p, err := rocketmq.NewProducer(s.producing(group, more...)...)
	s.Check(err, "make a producer")
	if p.Start() != nil {
		return
	}
	defer func() { _ = p.Shutdown() }()
	for ctx.Err() == nil {
		do(p)
		rest(ctx, between)
	}
}

// rest waits for d, or less when a life ends.
func rest(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// consuming is a member of a group, with a handler for each topic, until its life ends.
func (s *soak) consuming(ctx context.Context, group string, handlers map[string]handler, more ...consumer.Option) {
	c, err := rocketmq.NewPushConsumer(append([]consumer.Option{
		consumer.WithNsResolver(resolver(s.T)), consumer.WithGroupName(group), consumer.WithInstance(s.Group()),
		consumer.WithConsumeFromWhere(consumer.ConsumeFromFirstOffset), consumer.WithMaxReconsumeTimes(1000),
	}, more...)...)
	s.Check(err, "make a consumer")
	for topic, h := range handlers {
		s.Check(c.Subscribe(topic, everything, h), "subscribe")
	}
	if c.Start() != nil {
		return // while the broker is away its topics have no route
	}
	<-ctx.Done()
	_ = c.Shutdown()
}

// produce sends messages to either topic until its life ends, some of them delayed by a level, others until a time of their own.
func (s *soak) produce(ctx context.Context) {
	s.sending(ctx, s.group+"-producers", sendPause, func(p rocketmq.Producer) {
		l := &s.pushed
		n := s.serial.Add(1)
		if n%2 == 0 {
			l = &s.popped
		}
		m := primitive.NewMessage(l.topic, fmt.Appendf(nil, "%d", n)).WithTag("T" + strconv.Itoa(int(n%3)))
		switch now := time.Now(); n % 20 {
		case 1, 2:
			m.WithDelayTimeLevel(2)
			m.WithProperty(soakDue, strconv.FormatInt(now.Add(2*time.Second).UnixMilli(), 10))
		case 3, 4:
			due := strconv.FormatInt(now.Add(time.Second+rand.N(20*time.Second)).UnixMilli(), 10)
			m.WithProperty("TIMER_DELIVER_MS", due)
			m.WithProperty(soakDue, due)
		}
		if r, err := p.SendSync(ctx, m); err == nil && r.Status == primitive.SendOK {
			l.acknowledged(string(m.Body), r)
		}
	})
}

// consume is a member of the group until its life ends. Now and then it asks for a message again.
func (s *soak) consume(ctx context.Context) {
	into := func(l *ledger) handler {
		return func(_ context.Context, messages ...*primitive.MessageExt) (consumer.ConsumeResult, error) {
			for _, m := range messages {
				l.given(string(m.Body), m.GetProperty(soakDue), m.StoreTimestamp, m.ReconsumeTimes)
			}
			again := rand.N(50) == 0
			for _, m := range messages {
				if again {
					l.putBack(string(m.Body))
				} else {
					l.consumed(string(m.Body))
				}
			}
			if again {
				return consumer.ConsumeRetryLater, nil
			}
			return consumer.ConsumeSuccess, nil
		}
	}
	s.consuming(ctx, s.group, map[string]handler{s.pushed.topic: into(&s.pushed), s.transacted.topic: into(&s.transacted)})
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
			due, _ := codec.Property(records[i].Properties, soakDue)
			s.popped.given(string(records[i].Body), due, records[i].StoreTimestamp, records[i].ReconsumeTimes)
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
	handle, topic := s.handle(popped, m), s.popped.topic
	if fields := strings.Fields(handle); len(fields) > 4 && fields[4] == "1" { // it lies in the topic of retries
		topic = "%RETRY%" + s.popGroup + "_" + s.popped.topic
	}
	_, err := conn.Call(ctx, &wire.Frame{Code: int32(protocol.AckMessage), Ext: map[string]string{
		"consumerGroup": s.popGroup, "topic": topic, "queueId": strconv.Itoa(int(m.QueueID)), "offset": strconv.FormatInt(m.QueueOffset, 10),
		"extraInfo": handle,
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
