package goclient

import (
	"fmt"
	"strconv"

	"github.com/gantrymq/gantry/conformance"
	"github.com/gantrymq/gantry/conformance/wire"
	"github.com/gantrymq/gantry/protocol"
)

// staticQueueBase is where the logical queue begins that changes hands.
const staticQueueBase = 700

// staticQueue makes a static topic, in the first round, or finds it as it was left: its
// logical queue lies in a queue of the broker with another number, and goes on where it was.
func staticQueue(t *conformance.T, topic string, round int) {
	broker := t.Servers().Broker()
	ask := func(code protocol.RequestCode, ext map[string]string, body string) *wire.Frame {
		r, err := wire.Call(t.Context(), broker.Address(), &wire.Frame{Code: int32(code), Ext: ext, Body: []byte(body)})
		t.Check(err, "ask for %s", code)
		if r.Code != int32(protocol.ResponseSuccess) {
			t.Fatalf("%s was answered %s", code, r)
		}
		return r
	}
	if round == 0 {
		ask(protocol.UpdateAndCreateStaticTopic, map[string]string{
			"topic": topic, "defaultTopic": "TBW102", "readQueueNums": "2", "writeQueueNums": "2", "perm": "6", "topicFilterType": "SINGLE_TAG",
			"topicSysFlag": "0", "order": "false",
		}, fmt.Sprintf(`{"bname":%[1]q,"currIdMap":{},"dirty":false,"epoch":7,"hostedQueues":{"5":[{"bname":%[1]q,"endOffset":-1,"gen":3,`+
			`"logicOffset":%[2]d,"queueId":1,"startOffset":0,"timeOfEnd":-1,"timeOfStart":-1}]},"scope":"__global__","topic":%[3]q,"totalQueues":6}`,
			broker.Name(), staticQueueBase, topic))
	}
	r := ask(protocol.SendMessage, map[string]string{
		"producerGroup": "p", "topic": topic, "defaultTopic": "TBW102", "defaultTopicQueueNums": "4", "queueId": "5", "sysFlag": "0",
		"bornTimestamp": "1", "flag": "0",
	}, "round")
	if want := strconv.Itoa(staticQueueBase + round); r.Ext["queueId"] != "5" || r.Ext["queueOffset"] != want {
		t.Errorf("round %d: the message went to offset %s of queue %s, want %s of queue 5", round, r.Ext["queueOffset"], r.Ext["queueId"], want)
	}
}
