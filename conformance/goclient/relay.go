package goclient

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/apache/rocketmq-client-go/v2/primitive"

	"github.com/gantrymq/gantry/conformance"
	"github.com/gantrymq/gantry/conformance/wire"
	"github.com/gantrymq/gantry/protocol"
)

// relays: what administrators ask a consumer, the broker passes on and back: how it is, how
// far it has come, and to consume one message now.
func relays(t *conformance.T) {
	topic, group := newTopic(t, 1), t.Group()
	in := newInbox()
	startConsumer(t, group, topic, everything, intoInbox(in))
	sent := send(t, newProducer(t), primitive.NewMessage(topic, []byte("once")))
	in.await(t, []string{"once"})

	var connections struct {
		ConnectionSet []struct{ ClientID, Language string }
	}
	list := askBroker(t, protocol.GetConsumerConnectionList, map[string]string{"consumerGroup": group})
	t.Check(json.Unmarshal(list.Body, &connections), "read the connections")
	if len(connections.ConnectionSet) != 1 || connections.ConnectionSet[0].Language != "GO" {
		t.Fatalf("the consumer is shown as %s", list.Body)
	}
	client := connections.ConnectionSet[0].ClientID

	// The library cannot write its averages as JSON before it has counted for a while, and says so.
	info := askBroker(t, protocol.GetConsumerRunningInfo, map[string]string{"consumerGroup": group, "clientId": client, "jstackEnable": "false"})
	if !bytes.Contains(info.Body, []byte(topic)) && !strings.Contains(info.Remark, "NaN") {
		t.Errorf("the consumer says of itself %s", info)
	}

	// What was consumed is noted after the listener has returned.
	t.Eventually(deliveryTime, "the consumer's own offset", func(context.Context) error {
		status := askBroker(t, protocol.InvokeBrokerToGetConsumerStatus, map[string]string{"group": group, "topic": topic, "clientAddr": client})
		if !bytes.Contains(status.Body, []byte(client)) || !bytes.Contains(status.Body, []byte(`"topic":"`+topic+`"}:1`)) {
			return fmt.Errorf("the consumer's status is %s", status.Body)
		}
		return nil
	})

	before, _ := in.all()
	result := askBroker(t, protocol.ConsumeMessageDirectly, map[string]string{
		"consumerGroup": group, "clientId": client, "msgId": sent.OffsetMsgID, "brokerName": t.Servers().Broker().Name(), "topic": topic,
	})
	if !bytes.Contains(result.Body, []byte(`"consumeResult":0`)) { // CR_SUCCESS
		t.Errorf("consuming directly gave %s", result.Body)
	}
	if after, _ := in.all(); len(after) <= len(before) {
		t.Errorf("the consumer was given nothing when it was asked to consume")
	}
}

// relayedReset: a reset that the broker passes on brings a running consumer all messages again.
// The library rests for 10 s in the middle of it, and takes the queue up again when it balances
// next, within 20 s.
func relayedReset(t *conformance.T) {
	topic, group := newTopic(t, 1), t.Group()
	in := newInbox()
	startConsumer(t, group, topic, everything, intoInbox(in))
	want := numbered("again", 5)
	p := newProducer(t)
	for _, body := range want {
		send(t, p, primitive.NewMessage(topic, []byte(body)))
	}
	first := in.await(t, want)
	answer := askBroker(t, protocol.InvokeBrokerToResetOffset, map[string]string{
		"group": group, "topic": topic, "queueId": "-1", "timestamp": "0", "isForce": "true",
	})
	if !bytes.Contains(answer.Body, []byte(`}:0`)) { // the one queue's offset
		t.Errorf("the reset was answered %s", answer.Body)
	}
	t.Eventually(deliveryTime, "every message once more", func(context.Context) error {
		messages, _ := in.all()
		if again := slices.Compact(bodies(messages[len(first):])); !slices.Equal(again, want) {
			return fmt.Errorf("after the reset came %q", again)
		}
		return nil
	})
}

// askBroker asks the broker, which must succeed.
func askBroker(t *conformance.T, code protocol.RequestCode, ext map[string]string) *wire.Frame {
	return t.Call(&wire.Frame{Code: int32(code), Ext: ext})
}
