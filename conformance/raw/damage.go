package raw

import (
	"context"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gantrymq/gantry/conformance"
	"github.com/gantrymq/gantry/conformance/wire"
	"github.com/gantrymq/gantry/protocol"
)

// damageCases are about requests that anybody who may send can make, and after which an official
// broker does less than it should for everybody.
func damageCases() []conformance.Case {
	return []conformance.Case{
		{
			Name: "raw/differences/41-batch-with-a-time", Client: conformance.Raw, Feature: "timer messages", Topology: conformance.SingleBroker,
			Codes: []protocol.RequestCode{protocol.SendBatchMessage, protocol.SendMessageV2, protocol.PullMessage},
			Needs: conformance.Control, Difference: 41, Run: batchWithATime,
		},
		{
			Name: "raw/differences/42-claimed-host", Client: conformance.Raw, Feature: "sending", Topology: conformance.SingleBroker,
			Codes: []protocol.RequestCode{protocol.SendMessageV2, protocol.PullMessage},
			Needs: conformance.Control, Difference: 42, Run: claimedHost,
		},
	}
}

// oneEntry is the body of a batch of one message without properties.
const oneEntry = "00000019000000000000000000000005" + "00000003" + "74776f" + "0000"

// batchWithATime: a batch asks for a time of delivery in the properties of the batch. What is sent
// after it by itself, with a time of its own, waits behind it.
func batchWithATime(t *conformance.T) {
	t.StartServers()
	m := newTimedMessages(t)
	f := sendFrame(m.topic, 0)
	f.Code, f.Ext["m"], f.Ext["i"] = int32(protocol.SendBatchMessage), "true", "TIMER_DELAY_SEC\x011\x02"
	var err error
	f.Body, err = hex.DecodeString(oneEntry)
	t.Check(err, "read the batch")
	r, err := wire.Call(t.Context(), t.Servers().Broker().Address(), f)
	t.Check(err, "send the batch")
	want := protocol.ResponseMessageIllegal
	if t.Official() {
		want = protocol.ResponseSuccess
	}
	if r.Code != int32(want) {
		t.Fatalf("the batch was answered %s, want %s", r, want)
	}
	m.goesOn()
}

// claimedHost: a client sends with the flag that its address is one of IPv6, which it is not.
func claimedHost(t *conformance.T) {
	const bornHostV6 = "16"
	t.StartServers()
	c := &claimer{t, t.Topic()}
	c.send("before the claim", "0")
	c.send("this one claims it", bornHostV6)
	c.send("after the claim", "0")
	readable := []string{"before the claim", "this one claims it", "after the claim"}
	kept := readable
	if t.Official() {
		readable, kept = []string{"before the claim", "after the claim"}, []string{"before the claim"}
	}
	c.await(readable)
	broker := t.Servers().Broker()
	t.Check(broker.Stop(t.Context()), "stop the broker")
	t.Check(broker.Start(t.Context()), "start the broker")
	c.await(kept)
}

// claimer is one who sends to a topic, and reads it.
type claimer struct {
	*conformance.T
	topic string
}

// send sends a message and waits until the broker is through with it.
func (c *claimer) send(body, flags string) {
	f := sendFrame(c.topic, 0)
	f.Body, f.Ext["f"] = []byte(body), flags
	c.Call(f)
	c.AwaitDispatched()
}

// await waits until the queue has these messages and no others.
func (c *claimer) await(want []string) {
	c.Eventually(30*time.Second, "the messages "+strings.Join(want, ", "), func(ctx context.Context) error {
		got, err := (&timedMessages{t: c.T, topic: c.topic}).received(ctx)
		if err != nil {
			return err
		}
		if bodies := bodiesOf(got); len(bodies) != len(want) || slices.ContainsFunc(want, func(w string) bool { return !slices.Contains(bodies, w) }) {
			return fmt.Errorf("there are %q", bodies)
		}
		return nil
	})
}
