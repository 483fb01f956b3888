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
var tracing = conformance.Settings{Broker: map[string]string{"traceTopicEnable": "true"}}

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
		k.Eventually(30*time.Second, "the traces under "+by, func(ctx context.Context) error {
			ms, err := p.Query(ctx, traceTopic, by)
			if err != nil {
				return err
			}
			found := map[string]string{}
			for _, m := range ms {
				for record := range strings.SplitSeq(strings.TrimSuffix(m.Text(), "\x02"), "\x02") {
					if kind, rest, _ := strings.Cut(record, "\x01"); strings.Contains(rest, r.MsgID) {
						found[kind] = rest
					}
				}
			}
			// Kind, time, region and group begin the first two; a consumption's end names its success.
			if len(found) != 3 || !strings.Contains(found["Pub"], "\x01"+topic+"\x01"+r.MsgID+"\x01TagA\x01"+key+"\x01") ||
				!strings.Contains(found["SubBefore"], "\x01"+r.MsgID+"\x010\x01"+key) || !strings.Contains(found["SubAfter"], "\x01true\x01"+key) {
				return fmt.Errorf("found %q", found)
			}
			return nil
		})
	}
	if k.driver.Release == javadriver.V550 {
		out := k.tool("queryMsgTraceById", "-i", r.MsgID)
		for _, want := range []string{"\nPub ", "\nSub ", "success"} {
			if !strings.Contains(out, want) {
				k.Errorf("the tool printed %q, want %q in it", out, want)
			}
		}
	}
}
