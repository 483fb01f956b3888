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

// lightQueueCases are about light message queues that outlive a broker.
func lightQueueCases() []conformance.Case {
	return []conformance.Case{{
		Name: "raw/light-queues/hand-over", Client: conformance.Raw, Topology: conformance.SingleBroker, Feature: "light message queues",
		Needs: conformance.Control, Slow: true, Timeout: 5 * time.Minute, Run: handOverLightQueues,
		Settings: conformance.Settings{Broker: map[string]string{
			"enableLmq": "true", "enableMultiDispatch": "true", "mappedFileSizeCommitLog": "65536", "mappedFileSizeConsumeQueue": "1000",
		}},
		Codes: []protocol.RequestCode{protocol.SendMessageV2, protocol.PullMessage, protocol.UpdateConsumerOffset, protocol.QueryConsumerOffset},
	}}
}

// lightQueues sends to a topic and to light queues at once, and knows what each must hold.
type lightQueues struct {
	*conformance.T
	topic, group string
	names        []string
	want         map[string][]string // bodies by light queue
	serial       int
}

// handOverLightQueues hands a directory back and forth between the implementations, after clean
// stops and after kills. Each finds every entry of the light queues, and what light and other
// groups have committed there, and goes on with the queues' numbers.
func handOverLightQueues(t *conformance.T) {
	if t.Target().Reference == nil {
		t.Skipf("needs the official release beside it: %s", t.Target().ReferenceLacking)
	}
	t.StartServers()
	broker := t.Servers().Broker()
	q := &lightQueues{T: t, topic: t.Topic(), group: t.Group(), want: map[string][]string{}}
	for range 3 {
		q.names = append(q.names, protocol.PrefixLMQ+t.Topic())
	}
	self, reference := t.Target().Self, t.Target().Reference
	for round, next := range []struct {
		launcher conformance.Launcher
		killed   bool
	}{{reference, false}, {self, true}, {reference, true}, {self, false}} {
		q.send(70) // entries of more than one file
		q.check()
		q.commit(round)
		if next.killed {
			t.Check(broker.Kill(), "kill the broker before round %d", round)
		} else {
			t.Check(broker.Stop(t.Context()), "stop the broker before round %d", round)
		}
		broker.Become(next.launcher)
		t.Check(broker.Start(t.Context()), "start the broker in round %d", round)
		q.check()
		if !next.killed { // offsets are written every few seconds
			q.checkCommitted(round)
		}
		if t.Failed() {
			t.Fatalf("round %d", round)
		}
	}
	q.send(5)
	q.check()
}

// send sends messages to one, two, all and none of the light queues.
func (q *lightQueues) send(n int) {
	for range n {
		var names []string
		for i, name := range q.names {
			if q.serial%4 > i {
				names = append(names, name)
			}
		}
		f := sendFrame(q.topic, 0)
		f.Body = fmt.Appendf(nil, "message %d", q.serial)
		f.Ext["e"] = strconv.Itoa(q.serial % 2)
		f.Ext["d"] = "2"
		f.Ext["i"] = protocol.PropertyInnerMultiDispatch + "\x01" + strings.Join(names, ",") + "\x02"
		q.Call(f)
		for _, name := range names {
			q.want[name] = append(q.want[name], string(f.Body))
		}
		q.serial++
	}
}

// check reads every light queue from its begin.
func (q *lightQueues) check() {
	for _, name := range q.names {
		q.Eventually(20*time.Second, "the light queue "+name, func(ctx context.Context) error {
			got, err := q.read(ctx, name)
			if err == nil && !slices.Equal(got, q.want[name]) {
				err = fmt.Errorf("it has %d messages, want %d: %.200q", len(got), len(q.want[name]), got)
			}
			return err
		})
	}
}

func (q *lightQueues) read(ctx context.Context, name string) (bodies []string, err error) {
	for {
		r, err := wire.Call(ctx, q.Servers().Broker().Address(), &wire.Frame{Code: int32(protocol.PullMessage), Ext: map[string]string{
			"consumerGroup": q.group, "topic": name, "queueId": "0", "queueOffset": strconv.Itoa(len(bodies)), "maxMsgNums": "32", "sysFlag": "4",
			"commitOffset": "0", "suspendTimeoutMillis": "0", "subscription": "*", "subVersion": "0", "expressionType": "TAG",
		}})
		if err != nil {
			return nil, err
		}
		if r.Code == int32(protocol.ResponsePullNotFound) && len(bodies) > 0 || len(bodies) >= len(q.want[name]) {
			return bodies, nil
		}
		if r.Code != int32(protocol.ResponseSuccess) {
			return nil, fmt.Errorf("a pull at %d was answered %s", len(bodies), r)
		}
		records, err := wire.Records(r.Body)
		if err != nil {
			return nil, err
		}
		for _, record := range records {
			bodies = append(bodies, string(record.Body))
		}
	}
}

// commit has a light group and another come to a place of each queue.
func (q *lightQueues) commit(round int) {
	for _, group := range []string{q.group, protocol.PrefixLMQ + q.group} {
		for i, name := range q.names {
			q.Call(&wire.Frame{Code: int32(protocol.UpdateConsumerOffset), Ext: map[string]string{
				"consumerGroup": group, "topic": name, "queueId": "0", "commitOffset": strconv.Itoa(10*round + i),
			}})
		}
	}
}

func (q *lightQueues) checkCommitted(round int) {
	for _, group := range []string{q.group, protocol.PrefixLMQ + q.group} {
		for i, name := range q.names {
			r := q.Call(&wire.Frame{Code: int32(protocol.QueryConsumerOffset), Ext: map[string]string{"consumerGroup": group, "topic": name, "queueId": "0"}})
			if want := strconv.Itoa(10*round + i); r.Ext["offset"] != want {
				q.Errorf("%s is at %s in %s, want %s", group, r.Ext["offset"], name, want)
			}
		}
	}
}
