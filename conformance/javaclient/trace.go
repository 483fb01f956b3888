package javaclient

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/gantrymq/gantry/conformance"
	"github.com/gantrymq/gantry/conformance/javadriver"
)

// tracing has the broker make the topic that clients write their traces to. The same words as in
// the other cases about traces, so that all of them share servers.
var tracing = conformance.Settings{Broker: map[string]string{
	"traceTopicEnable": "true", "transactionTimeOut": "1000", "transactionCheckInterval": "1000",
}}

const traceTopic = "RMQ_SYS_TRACE_TOPIC"

// traces: a producer and a consumer with traces leave in the trace topic what they did with a
// message. It is found by the message's id, by its key, and by the administration tool.
func traces(k *kit) {
	p := k.producer(args{"trace": true})
	topic := k.topic(p, 1)
	key := "key-" + topic
	r := k.send(p, message{Topic: topic, Body: []byte("traced"), Tags: "TagA", Keys: key}, nil)
	c := k.push(k.Group(), topic, args{"trace": true})
	k.wantTexts(c, []string{"traced"})
	for _, by := range []string{r.MsgID, key} {
		k.awaitTraces(p, traceTopic, by, r.MsgID, func(found map[string]string) error {
			// Kind, time, region and group begin the first two; a consumption's end names its success.
			if len(found) != 3 || !strings.Contains(found["Pub"], "\x01"+topic+"\x01"+r.MsgID+"\x01TagA\x01"+key+"\x01") ||
				!strings.Contains(found["SubBefore"], "\x01"+r.MsgID+"\x010\x01"+key) || !strings.Contains(found["SubAfter"], "\x01true\x01"+key) {
				return fmt.Errorf("found %q", found)
			}
			return nil
		})
	}
	k.transactionTraces()
	if k.driver.Release == javadriver.V550 {
		out := k.tool("queryMsgTraceById", "-i", r.MsgID)
		for _, want := range []string{"\nPub ", "\nSub ", "success"} {
			if !strings.Contains(out, want) {
				k.Errorf("the tool printed %q, want %q in it", out, want)
			}
		}
	}
}

// transactionTraces: what a producer with traces decides about a message is in the trace topic too, at
// once or when it was asked.
func (k *kit) transactionTraces() {
	p := k.producer(args{"transaction": true, "trace": true})
	topic := k.topic(p, 1)
	for _, s := range []struct{ local, check, fields string }{
		{"ROLLBACK_MESSAGE", "", "\x01ROLLBACK_MESSAGE\x01false"},
		{"UNKNOW", "COMMIT_MESSAGE", "\x01COMMIT_MESSAGE\x01true"},
	} {
		m := message{Topic: topic, Body: []byte("decided"), Tags: "TagA", Keys: "key-" + s.local + topic, Properties: map[string]string{javadriver.ScriptLocal: s.local}}
		if s.check != "" {
			m.Properties[javadriver.ScriptCheck] = s.check
		}
		r, err := p.SendTransaction(k.ctx, m)
		k.Check(err, "send in a transaction")
		k.sent(r)
		k.awaitTraces(p, traceTopic, m.Keys, r.MsgID, func(found map[string]string) error {
			if end := found["EndTransaction"]; !strings.Contains(found["Pub"], "\x01"+topic+"\x01"+r.MsgID+"\x01TagA\x01"+m.Keys+"\x01") ||
				!strings.Contains(end, "\x01"+topic+"\x01"+r.MsgID+"\x01TagA\x01"+m.Keys+"\x01") || !strings.Contains(end, "\x01"+r.TransactionID+s.fields) {
				return fmt.Errorf("found %q", found)
			}
			return nil
		})
	}
}

// ownTraceTopic: traces lie in the topic that the clients name, and nowhere else.
func ownTraceTopic(k *kit) {
	plain := k.producer(nil)
	topic, own := k.topic(plain, 1), k.topic(plain, 1)
	traced := args{"trace": true, "traceTopic": own}
	p := k.producer(traced)
	key := "key-" + topic
	r := k.send(p, message{Topic: topic, Body: []byte("traced"), Keys: key}, nil)
	k.wantTexts(k.push(k.Group(), topic, traced), []string{"traced"})
	k.awaitTraces(p, own, key, r.MsgID, func(found map[string]string) error {
		if len(found) != 3 || !strings.Contains(found["Pub"], "\x01"+topic+"\x01"+r.MsgID) || !strings.Contains(found["SubAfter"], "\x01true\x01"+key) {
			return fmt.Errorf("found %q", found)
		}
		return nil
	})
	if found, err := p.Query(k.ctx, traceTopic, key); err == nil {
		k.Errorf("the topic for everybody's traces has %+v", found)
	}
}

// awaitTraces waits until a judge is content with the traces of a message that are found in a topic under a
// key. They are given by their kinds.
func (k *kit) awaitTraces(p *javadriver.Producer, in, key, id string, judge func(found map[string]string) error) {
	k.Eventually(60*time.Second, "the traces under "+key, func(ctx context.Context) error {
		ms, err := p.Query(ctx, in, key)
		if err != nil {
			return err
		}
		found := map[string]string{}
		for _, m := range ms {
			for record := range strings.SplitSeq(strings.TrimSuffix(m.Text(), "\x02"), "\x02") {
				if kind, rest, _ := strings.Cut(record, "\x01"); strings.Contains(rest, id) {
					found[kind] += rest + "\x02"
				}
			}
		}
		return judge(found)
	})
}
