package raw

import (
	"context"
	"fmt"
	"time"

	"github.com/gantrymq/gantry/conformance"
	"github.com/gantrymq/gantry/conformance/wire"
	"github.com/gantrymq/gantry/protocol"
)

// coldPullsCase is about more pulls that wait for cold data than there is room for.
func coldPullsCase() conformance.Case {
	return conformance.Case{
		Name: "many-cold-pulls", Feature: "cold data", Codes: []protocol.RequestCode{protocol.PullMessage}, Difference: 40,
		Settings: conformance.Settings{Broker: map[string]string{
			"coldDataFlowControlEnable": "true", "accessMessageInMemoryHotRatio": "0", "cgColdReadThreshold": "0",
			"globalColdReadThreshold": "1000000000", // and servers that no other case waits at
		}},
		Slow: true, Timeout: 2 * time.Minute, Run: manyColdPulls,
	}
}

// manyColdPulls: a pull consumer that has read enough asks for more, three times as often as
// there is room to wait. Those that find room are answered within some eight seconds. On a
// machine that is too slow to fill the room the official server refuses what waits for a
// worker, so that it never answers all with a message.
func manyColdPulls(t *conformance.T) {
	const pulls = 30_000
	topic, group := t.Topic(), t.Group()
	broker := t.Servers().Broker().Address()
	r, err := wire.Call(t.Context(), broker, sendFrame(topic, 1))
	t.Check(err, "send")
	if r.Code != int32(protocol.ResponseSuccess) {
		t.Fatalf("the send was answered %s", r)
	}
	t.AwaitEnd(topic, 0, 1)
	conn, err := wire.Dial(t.Context(), broker)
	t.Check(err, "connect")
	defer conn.Close()
	r, err = conn.Call(t.Context(), &wire.Frame{
		Code: int32(protocol.HeartBeat),
		Body: fmt.Appendf(nil, `{"clientID":%q,"consumerDataSet":[{"groupName":%q,"consumeType":"CONSUME_ACTIVELY","messageModel":"CLUSTERING",`+
			`"consumeFromWhere":"CONSUME_FROM_FIRST_OFFSET","subscriptionDataSet":[{"classFilterMode":false,"codeSet":[],"expressionType":"TAG","subString":"*",`+
			`"subVersion":1,"tagsSet":[],"topic":%q}],"unitMode":false}],"producerDataSet":[]}`, group, group, topic),
	})
	t.Check(err, "send a heartbeat")
	if r.Code != int32(protocol.ResponseSuccess) {
		t.Fatalf("the heartbeat was answered %s", r)
	}
	pull := coldPull(group, topic)
	if r, err = conn.Call(t.Context(), pull); err != nil || r.Code != int32(protocol.ResponseSuccess) { // the first read is enough
		t.Fatalf("the first pull was answered %s: %v", r, err)
	}
	conns := make([]*wire.Conn, 10) // each keeps a few thousand answers
	for i := range conns {
		conns[i], err = wire.Dial(t.Context(), broker)
		t.Check(err, "connect")
		defer conns[i].Close()
		var all []byte
		for n := range pulls / len(conns) {
			pull.Opaque, pull.Version = int32(1_000_000+n), wire.Version550
			b, err := pull.Encode()
			t.Check(err, "encode a pull")
			all = append(all, b...)
		}
		t.Check(conns[i].Write(all), "pull %d times", pulls/len(conns))
	}
	found, last := 0, "nothing"
	end := time.Now().Add(20 * time.Second)
	for _, conn := range conns {
		for range pulls / len(conns) {
			ctx, cancel := context.WithDeadline(t.Context(), end)
			r, err := conn.Push(ctx) // nobody waits for these answers by number
			cancel()
			if err != nil || r.Code != int32(protocol.ResponseSuccess) {
				last = fmt.Sprint(r, err)
				break
			}
			if found++; t.Official() {
				end = time.Now().Add(2 * time.Second) // all that wait are answered together
			}
		}
	}
	if t.Official() == (found == pulls) {
		t.Errorf("%d of %d pulls were answered with a message, then came %s", found, pulls, last)
	}
}

// coldPull is a pull of the first message of a queue.
func coldPull(group, topic string) *wire.Frame {
	return &wire.Frame{
		Code: int32(protocol.PullMessage),
		Ext: map[string]string{
			"consumerGroup": group, "topic": topic, "queueId": "0", "queueOffset": "0", "maxMsgNums": "32", "sysFlag": "4",
			"commitOffset": "0", "suspendTimeoutMillis": "0", "subscription": "*", "subVersion": "0", "expressionType": "TAG",
		},
	}
}
