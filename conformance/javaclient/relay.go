package javaclient

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/gantrymq/gantry/conformance/wire"
	"github.com/gantrymq/gantry/protocol"
)

// ask asks the broker, which must succeed.
func (k *kit) ask(code protocol.RequestCode, ext map[string]string) *wire.Frame {
	return k.askWith(code, ext, "")
}

// askWith asks with a body.
func (k *kit) askWith(code protocol.RequestCode, ext map[string]string, body string) *wire.Frame {
	return k.Call(&wire.Frame{Code: int32(code), Ext: ext, Body: []byte(body)})
}

// clientID is what the broker knows the only consumer of a group by.
func (k *kit) clientID(group string) (id string) {
	k.Eventually(20*time.Second, "the consumer of "+group, func(ctx context.Context) error {
		r, err := wire.Call(ctx, k.Servers().Broker().Address(), &wire.Frame{
			Code: int32(protocol.GetConsumerConnectionList), Ext: map[string]string{"consumerGroup": group},
		})
		if err != nil {
			return err
		}
		var list struct {
			ConnectionSet []struct{ ClientID, Language string }
		}
		if err := json.Unmarshal(r.Body, &list); err != nil || len(list.ConnectionSet) != 1 || list.ConnectionSet[0].Language != "JAVA" {
			return fmt.Errorf("answered %s", r)
		}
		id = list.ConnectionSet[0].ClientID
		return nil
	})
	return id
}

// relays: what administrators ask a consumer, the broker passes on and back: how it is, with the stacks of
// its threads, and how far it has come.
func relays(k *kit) {
	p := k.producer(nil)
	topic, group := k.topic(p, 1), k.Group()
	c := k.push(group, topic, nil)
	k.sendTexts(p, topic, []string{"once"})
	k.wantTexts(c, []string{"once"})
	client := k.clientID(group)
	for _, stacks := range []bool{false, true} {
		info := k.ask(protocol.GetConsumerRunningInfo, map[string]string{"consumerGroup": group, "clientId": client, "jstackEnable": fmt.Sprint(stacks)})
		for _, want := range []string{`"PROP_CONSUME_TYPE":"CONSUME_PASSIVELY"`, `"subString":"*"`, `"topic":"` + topic + `"`} {
			if !bytes.Contains(info.Body, []byte(want)) {
				k.Errorf("the consumer says of itself %s, want %s in it", info.Body, want)
			}
		}
		if has := bytes.Contains(info.Body, []byte("ConsumeMessageThread_")); has != stacks {
			k.Errorf("asked for stacks: %t; were there: %t", stacks, has)
		}
	}
	// What was consumed is noted after the listener has returned.
	k.Eventually(20*time.Second, "the consumer's own offset", func(context.Context) error {
		status := k.ask(protocol.InvokeBrokerToGetConsumerStatus, map[string]string{"group": group, "topic": topic, "clientAddr": client})
		if !bytes.Contains(status.Body, []byte(client)) || !bytes.Contains(status.Body, []byte(`"topic":"`+topic+`"}:1`)) {
			return fmt.Errorf("the consumer's status is %s", status.Body)
		}
		return nil
	})
}

// directConsumption: an administrator has a consumer consume a message now, which its subscription would
// keep from it, and is told what the listener made of it.
func directConsumption(k *kit) {
	p := k.producer(nil)
	topic := k.topic(p, 1)
	sent := k.send(p, message{Topic: topic, Body: []byte("direct"), Tags: "TagA", Keys: "a key"}, nil)
	for _, x := range []struct {
		args args
		want []string
	}{
		{nil, []string{`"consumeResult":"CR_SUCCESS"`, `"order":false`}},
		{args{"failures": 1}, []string{`"consumeResult":"CR_LATER"`, `"order":false`}},
		{args{"failures": 1, "failure": "NULL"}, []string{`"consumeResult":"CR_RETURN_NULL"`}},
		{args{"failures": 1, "failure": "THROW"}, []string{`"consumeResult":"CR_THROW_EXCEPTION"`, "scripted failure of the listener"}},
		{args{"orderly": true}, []string{`"consumeResult":"CR_SUCCESS"`, `"order":true`, `"autoCommit":true`}},
		{args{"orderly": true, "failures": 1}, []string{`"consumeResult":"CR_LATER"`, `"order":true`}},
	} {
		group, a := k.Group(), args{"tags": "TagX"}
		maps.Copy(a, x.args)
		c := k.push(group, topic, a)
		result := k.ask(protocol.ConsumeMessageDirectly, map[string]string{
			"consumerGroup": group, "clientId": k.clientID(group), "msgId": sent.OffsetMsgID, "brokerName": k.Servers().Broker().Name(), "topic": topic,
		})
		for _, want := range x.want {
			if !strings.Contains(string(result.Body), want) {
				k.Errorf("with %v, consuming directly gave %s, want %s in it", x.args, result.Body, want)
			}
		}
		got, err := c.WaitCount(k.ctx, 1)
		k.Check(err, "be given the message")
		if m := got[0]; m.Text() != "direct" || m.Topic != topic || m.Properties["UNIQ_KEY"] != sent.MsgID || m.Keys != "a key" || m.Reconsumed != 0 {
			k.Errorf("with %v, the listener was given %+v", x.args, m)
		}
	}
}

// relayedReset: a reset that the broker passes on brings a running consumer all messages again, and the new
// offsets are the group's. The client rests for 10 s in the middle of it, and takes the queue up again when it
// balances next.
func relayedReset(k *kit) {
	p := k.producer(nil)
	topic, group := k.topic(p, 1), k.Group()
	want := bodies("again", 5)
	k.sendTexts(p, topic, want)
	c := k.push(group, topic, nil)
	k.wantTexts(c, want)
	k.awaitPersisted(c, group, topic, int64(len(want)))
	answer := k.ask(protocol.InvokeBrokerToResetOffset, map[string]string{
		"group": group, "topic": topic, "queueId": "-1", "timestamp": "0", "isForce": "true",
	})
	if !bytes.Contains(answer.Body, []byte(`}:0`)) { // the one queue's offset
		k.Errorf("the reset was answered %s", answer.Body)
	}
	k.wantTexts(c, slices.Concat(want, want))
	k.awaitPersisted(c, group, topic, int64(len(want)))
}

// clonedOffsets: a group that was given the offsets of another begins where that one is.
func clonedOffsets(k *kit) {
	p := k.producer(nil)
	topic, source, heir := k.topic(p, 1), k.Group(), k.Group()
	before, after := bodies("before", 4), bodies("after", 3)
	k.sendTexts(p, topic, before)
	c := k.push(source, topic, nil)
	k.wantTexts(c, before)
	k.awaitPersisted(c, source, topic, int64(len(before)))
	k.ask(protocol.CloneGroupOffset, map[string]string{"srcGroup": source, "destGroup": heir, "topic": topic, "offline": "false"})
	k.sendTexts(p, topic, after)
	k.wantTexts(k.push(heir, topic, nil), after)
	k.wantTexts(c, slices.Concat(before, after))
}
