package bench

import (
	"strings"
	"testing"
	"time"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/protocol"
)

// popServer holds n messages, as its one queue with messages.
func popServer(t *testing.T, n int) *fakeServer {
	s := newFakeServer(t)
	s.stored = [][]byte{}
	for range n {
		s.stored = append(s.stored, record(t, time.Now().Add(-50*time.Millisecond)))
	}
	return s
}

// What was popped counts when it is acknowledged, and the load ends with the last
// acknowledgement although other pops are held.
func TestPopCountsWhatIsAcknowledged(t *testing.T) {
	const messages = 25
	for _, how := range []string{ackEach, ackBatch} {
		t.Run(how, func(t *testing.T) {
			s := popServer(t, messages)
			r, err := runReport(t, "consume", "-b", s.address(), "-connections", "3", "-queues", "1", "-pop", "-ack", how, "-from", "first", "-until-end")
			if err != nil {
				t.Fatal(err)
			}
			l := r.Loads[0]
			if l.Messages != messages || len(s.acked) != messages || len(l.Failures) != 0 || l.Latency.Samples != (messages+1)/2 || r.Ended != errWorkDone.Error() {
				t.Errorf("reported %d messages, %v, %d samples, ended %q; the server saw %d acknowledgements", l.Messages, l.Failures, l.Latency.Samples, r.Ended, len(s.acked))
			}
		})
	}
}

// An acknowledgement that is refused is a failure under its code, and no message;
// it is not asked for again.
func TestPopCountsRefusedAcknowledgements(t *testing.T) {
	p := newTestPopper(1)
	pop := &codec.Command{Header: &protocol.PopMessageResponseHeader{StartOffsetInfo: "0 2 7", MsgOffsetInfo: "0 2 7,9"}}
	if o := p.answer(0, decoded(t, pop), time.Now()); o != (outcome{}) {
		t.Fatalf("the pop: %+v", o)
	}
	if got := p.request(nil, 0, 1, time.Time{}, time.Now()); got != nil {
		t.Errorf("popped again while acknowledgements wait")
	}
	for slot := 1; slot <= 2; slot++ {
		if p.request(nil, slot, 1, time.Time{}, time.Now()) == nil {
			t.Fatalf("no acknowledgement in slot %d", slot)
		}
	}
	if got := p.request(nil, 3, 1, time.Time{}, time.Now()); got != nil {
		t.Errorf("a third acknowledgement of two messages")
	}
	refused := decoded(t, &codec.Command{Code: int32(protocol.ResponseNoMessage)})
	if o := p.answer(1, refused, time.Now()); o != (outcome{failure: "NO_MESSAGE to an acknowledgement"}) {
		t.Errorf("the refused one: %+v", o)
	}
	if o := p.answer(2, decoded(t, &codec.Command{}), time.Now()); o != (outcome{messages: 1, silent: true}) {
		t.Errorf("the other one: %+v", o)
	}
}

func newTestPopper(subscriptions int) *popper {
	p := &popper{o: &consumeOptions{Ack: ackEach}, subs: make([]subscription, subscriptions), shared: &popping{}, meter: newMeter(1).shard(0)}
	p.flying = make([]int, p.slots())
	return p
}

// When tailing, the samples are of the messages, from the producer's stamp on.
func TestPopMeasuresFromSendToReceipt(t *testing.T) {
	p := newTestPopper(1)
	p.tailing = true
	now := time.Now()
	body := append(record(t, now.Add(-50*time.Millisecond)), record(t, now.Add(-70*time.Millisecond))...)
	pop := &codec.Command{Header: &protocol.PopMessageResponseHeader{StartOffsetInfo: "0 2 7", MsgOffsetInfo: "0 2 7,8"}, Body: body}
	if o := p.answer(0, decoded(t, pop), now); o != (outcome{silent: true}) {
		t.Errorf("%+v", o)
	}
	if n, least := p.meter.latency.TotalCount(), p.meter.latency.Min(); n != 2 || least < int64(49*time.Millisecond) {
		t.Errorf("%d samples from %v on", n, time.Duration(least))
	}
}

// Answers that do not say what was popped are failures, not messages.
func TestPopAnswersThatMakeNoSense(t *testing.T) {
	for _, h := range []protocol.PopMessageResponseHeader{
		{},
		{StartOffsetInfo: "0 0 0", MsgOffsetInfo: "0 0"},
		{StartOffsetInfo: "0 0 0", MsgOffsetInfo: "0 0 x"},
		{StartOffsetInfo: "0 0 x", MsgOffsetInfo: "0 0 1"},
		{StartOffsetInfo: "0 1 0", MsgOffsetInfo: "0 0 1"},
		{StartOffsetInfo: "0 0 5", MsgOffsetInfo: "0 0 4"},
		{StartOffsetInfo: "0 x 5", MsgOffsetInfo: "0 x 5"},
		{StartOffsetInfo: "0 0 5", MsgOffsetInfo: "0 0 5;0 1 5"},
	} {
		f := decoded(t, &codec.Command{Header: &h})
		if o := newTestPopper(1).answer(0, f, time.Now()); !strings.Contains(o.failure, "does not say what was popped") {
			t.Errorf("%q and %q: %+v", h.StartOffsetInfo, h.MsgOffsetInfo, o)
		}
	}
}

// decoded is an answer as it arrives.
func decoded(t *testing.T, c *codec.Command) *codec.Frame {
	c.Flag = protocol.FlagResponse
	f := new(codec.Frame)
	if err := f.Decode(codec.AppendCommand(nil, c)[codec.LengthSize:]); err != nil {
		t.Fatal(err)
	}
	return f
}
