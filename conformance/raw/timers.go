package raw

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gantrymq/gantry/conformance"
	"github.com/gantrymq/gantry/conformance/wire"
	"github.com/gantrymq/gantry/protocol"
)

// timerCases are about when messages with a delivery time of their own come, and about the files
// that they wait in.
func timerCases() []conformance.Case {
	cases := []conformance.Case{
		{Name: "raw/timer/exactness", Settings: conformance.Settings{Broker: map[string]string{"timerPrecisionMs": "1000", "timerRollWindowSlot": "5"}}, Run: timerExactness},
		{Name: "raw/timer/deletion", Settings: conformance.Settings{Broker: map[string]string{"timerPrecisionMs": "1000"}}, Run: timerDeletion},
		{Name: "raw/timer/restart", Needs: conformance.Control, Slow: true, Run: timerRestart},
		{Name: "raw/timer/hand-over", Needs: conformance.Control, Slow: true, Timeout: 10 * time.Minute, Run: timerHandOver},
		{Name: "raw/differences/26-timer-topic", Needs: conformance.Control, Difference: 26, Run: timerTopic},
	}
	for i := range cases {
		c := &cases[i]
		c.Client, c.Feature, c.Topology = conformance.Raw, "timer messages", conformance.SingleBroker
		c.Codes = []protocol.RequestCode{protocol.SendMessageV2, protocol.PullMessage}
	}
	return cases
}

// timedMessages are what a case sends to one topic, and what came of it.
type timedMessages struct {
	t     *conformance.T
	topic string
	sent  int
	due   map[string]int64 // ms, by body, without what was removed
}

func newTimedMessages(t *conformance.T) *timedMessages {
	return &timedMessages{t: t, topic: t.Topic(), due: map[string]int64{}}
}

// send sends messages that are due between two times from now on.
func (m *timedMessages) send(n int, from, to time.Duration) {
	for i := range n {
		at := time.Now().Add(from + (to-from)*time.Duration(i)/time.Duration(n))
		m.sendAt(at, "")
	}
}

// sendAt sends one message, with more properties, and returns its unique key.
func (m *timedMessages) sendAt(at time.Time, more string) (key string) {
	body := fmt.Sprintf("%s-%d", m.topic, m.sent)
	m.sent++ // never again: a deletion is of all messages with the key that are due then
	f := sendFrame(m.topic, 0)
	f.Body = []byte(body)
	f.Ext["i"] = "TIMER_DELIVER_MS\x01" + strconv.FormatInt(at.UnixMilli(), 10) + "\x02UNIQ_KEY\x01" + body + "\x02" + more
	r, err := wire.Call(m.t.Context(), m.t.Servers().Broker().Address(), f)
	m.t.Check(err, "send")
	if r.Code != int32(protocol.ResponseSuccess) {
		m.t.Fatalf("a send was answered %s", r)
	}
	m.due[body] = at.UnixMilli()
	return body
}

// remove has a message deleted before it is delivered.
func (m *timedMessages) remove(key string) {
	deleter := m.sendAt(time.UnixMilli(m.due[key]), "TIMER_DEL_UNIQKEY\x01"+key+"\x02")
	delete(m.due, key)
	delete(m.due, deleter)
}

// received reads the whole queue: when each message was stored in it.
func (m *timedMessages) received(ctx context.Context) (map[string][]int64, error) {
	records, err := wholeQueue(ctx, m.t.Servers().Broker().Address(), m.topic)
	if err != nil {
		return nil, err
	}
	got := map[string][]int64{}
	for _, record := range records {
		got[string(record.Body)] = append(got[string(record.Body)], record.StoreTimestamp)
	}
	return got, nil
}

// wholeQueue pulls from the first queue of a topic what there is.
func wholeQueue(ctx context.Context, broker, topic string) (all []wire.Record, err error) {
	for offset := "0"; ; {
		r, err := wire.Call(ctx, broker, &wire.Frame{Code: int32(protocol.PullMessage), Ext: map[string]string{
			"consumerGroup": topic, "topic": topic, "queueId": "0", "queueOffset": offset, "maxMsgNums": "32", "sysFlag": "4", "commitOffset": "0",
			"suspendTimeoutMillis": "0", "subscription": "*", "subVersion": "0", "expressionType": "TAG",
		}})
		if err != nil {
			return nil, err
		}
		if r.Code != int32(protocol.ResponseSuccess) {
			return all, nil
		}
		records, err := wire.Records(r.Body)
		if err != nil {
			return nil, err
		}
		all = append(all, records...)
		offset = r.Ext["nextBeginOffset"]
	}
}

// await waits until everything that was sent has been delivered, fails for what came early or
// twice, and returns how late each was, the latest last.
func (m *timedMessages) await(limit time.Duration) (late []time.Duration) {
	m.t.Eventually(limit, "the delivery of all messages", func(ctx context.Context) error {
		got, err := m.received(ctx)
		if err != nil {
			return err
		}
		for body := range m.due {
			if len(got[body]) == 0 {
				return fmt.Errorf("%s has not come, and %d of %d have", body, len(got), len(m.due))
			}
		}
		return nil
	})
	got, err := m.received(m.t.Context())
	m.t.Check(err, "read the queue")
	for body, times := range got {
		due, sent := m.due[body]
		switch {
		case !sent:
			m.t.Errorf("%s came, which was deleted", body)
		case len(times) != 1:
			m.t.Errorf("%s came %d times", body, len(times))
		case times[0] < due:
			m.t.Errorf("%s came %d ms early", body, due-times[0])
		}
		late = append(late, time.Duration(times[0]-due)*time.Millisecond)
	}
	slices.Sort(late)
	return late
}

// timerExactness: nothing comes early, rolled messages included, and nothing late by more than
// the precision and a tenth of a second, but for what a busy machine adds: it may be late by itself now and
// then, and is not with every other message.
func timerExactness(t *conformance.T) {
	const precision, exact, slack = time.Second, 100 * time.Millisecond, 5 * time.Second
	m := newTimedMessages(t)
	m.send(60, 100*time.Millisecond, 9*time.Second)
	late := m.await(30 * time.Second)
	middle, latest := late[len(late)/2], late[len(late)-1]
	if middle > precision+exact || latest > precision+slack {
		t.Errorf("with a precision of %v, half of the messages were %v late and more, and the latest %v", precision, middle, latest)
	}
}

// timerDeletion: a message does not come when another of the same time names its unique key.
func timerDeletion(t *conformance.T) {
	m := newTimedMessages(t)
	m.remove(m.sendAt(time.Now().Add(5*time.Second), ""))
	m.send(5, 4*time.Second, 8*time.Second)
	m.await(30 * time.Second)
}

// settled is how long a broker is given to enter what it has answered, and to write that down:
// what it did in the second before a kill the official one may do again.
const settled = 3 * time.Second

// timerRestart: what waits survives a kill and a clean stop, and comes in time and once.
func timerRestart(t *conformance.T) {
	t.StartServers()
	broker := t.Servers().Broker()
	m := newTimedMessages(t)
	m.send(5, time.Second, 2*time.Second)
	m.send(40, 12*time.Second, 15*time.Second)
	m.send(40, 45*time.Second, 50*time.Second)
	t.Pause(2*time.Second + settled)
	t.Check(broker.Kill(), "kill the broker")
	t.Check(broker.Start(t.Context()), "start the broker")
	t.Pause(15 * time.Second)
	t.Check(broker.Stop(t.Context()), "stop the broker")
	t.Check(broker.Start(t.Context()), "start the broker")
	m.await(time.Minute)
}

// timerHandOver has messages wait in one implementation and come from the other, and back, after
// a clean stop and after a kill. Some are deleted by the one that did not take them.
func timerHandOver(t *conformance.T) {
	if t.Target().Reference == nil {
		t.Skipf("needs the official release beside it: %s", t.Target().ReferenceLacking)
	}
	t.StartServers()
	broker := t.Servers().Broker()
	m := newTimedMessages(t)
	self, reference := t.Target().Self, t.Target().Reference
	for round, next := range []struct {
		launcher conformance.Launcher
		end      func() error
		wait     time.Duration // some more than ending one and starting the other takes
	}{
		{reference, func() error { return broker.Stop(t.Context()) }, 22 * time.Second},
		{self, func() error { return broker.Stop(t.Context()) }, 40 * time.Second},
		{reference, broker.Kill, 22 * time.Second},
		{self, broker.Kill, 22 * time.Second},
	} {
		m.send(5, 100*time.Millisecond, time.Second)
		m.send(40, next.wait, next.wait+3*time.Second)
		doomed := m.sendAt(time.Now().Add(next.wait+time.Minute), "") // it has to be to come when the other broker runs, on a busy machine too
		t.Pause(2*time.Second + settled)
		t.Check(next.end(), "end the broker before round %d", round)
		broker.Become(next.launcher)
		t.Check(broker.Start(t.Context()), "start the broker in round %d", round)
		m.remove(doomed) // whether that was done is seen in the rounds that follow
		m.send(5, 2*time.Second, 3*time.Second)
		late := m.await(90 * time.Second)
		latest := late[len(late)-1]
		if t.Failed() {
			t.Fatalf("round %d", round)
		}
		t.Logf("round %d: the latest message was %v late", round, latest)
	}
}

// timerTopic: a client sends to the timer topic itself, as nothing keeps it from.
func timerTopic(t *conformance.T) {
	t.StartServers()
	f := sendFrame("rmq_sys_wheel_timer", 5)
	r, err := wire.Call(t.Context(), t.Servers().Broker().Address(), f)
	t.Check(err, "send")
	if r.Code != int32(protocol.ResponseSuccess) {
		t.Fatalf("the send was answered %s", r)
	}
	newTimedMessages(t).goesOn()
}

// goesOn wants the timer to deliver after what it was sent: Gantry's does, and the official one has stopped for good.
func (m *timedMessages) goesOn() {
	m.send(1, time.Second, time.Second)
	if !m.t.Official() {
		m.await(30 * time.Second)
		return
	}
	m.t.Pause(8 * time.Second)
	got, err := m.received(m.t.Context())
	m.t.Check(err, "read the queue")
	if len(got) != 0 {
		m.t.Errorf("the official timer goes on: %s", strings.Join(bodiesOf(got), ", "))
	}
}

func bodiesOf(got map[string][]int64) (list []string) {
	for body := range got {
		list = append(list, body)
	}
	return list
}
