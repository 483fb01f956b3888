package raw

import (
	"fmt"
	"strconv"
	"time"

	"github.com/gantrymq/gantry/conformance"
	"github.com/gantrymq/gantry/conformance/wire"
	"github.com/gantrymq/gantry/protocol"
)

// priorityCase is about groups that leave some of their pops to chance, so that what is of low priority is not left
// for ever.
func priorityCase() conformance.Case {
	return conformance.Case{
		Name: "raw/pop/priority-factor", Client: conformance.Raw, Topology: conformance.SingleBroker, Feature: "POP consumption",
		Settings: conformance.Settings{Broker: popsInTurn}, Run: priorityFactor,
		Codes: []protocol.RequestCode{protocol.PopMessage, protocol.UpdateAndCreateSubscriptiongroup},
	}
}

// priorityFactor: of a hundred pops of a group as many as its attribute priority.factor says begin with the queue of
// the highest priority, the others with any of the four. The bounds are five standard deviations away from that; and
// where nothing is left to chance, the official broker still finds a queue taken now and then (see popsInTurn).
func priorityFactor(t *conformance.T) {
	const queues, pops = 4, 100
	topic := t.Topic()
	t.Call(&wire.Frame{Code: int32(protocol.UpdateAndCreateTopic), Ext: map[string]string{
		"topic": topic, "defaultTopic": "TBW102", "readQueueNums": strconv.Itoa(queues), "writeQueueNums": strconv.Itoa(queues), "perm": "6",
		"topicFilterType": "SINGLE_TAG", "topicSysFlag": "0", "order": "false", "attributes": "+message.type=PRIORITY",
	}})
	for queue := range queues {
		for range pops {
			f := sendFrame(topic, 1)
			f.Ext["d"], f.Ext["e"] = strconv.Itoa(queues), strconv.Itoa(queue)
			t.Call(f)
		}
		t.AwaitEnd(topic, queue, pops)
	}
	for _, c := range []struct{ factor, least, most int }{{100, 90, pops}, {50, 38, 87}, {0, 3, 47}} {
		group := t.Group()
		t.Call(&wire.Frame{
			Code: int32(protocol.UpdateAndCreateSubscriptiongroup),
			Body: fmt.Appendf(nil, `{"groupName":%q,"attributes":{"+priority.factor":"%d"}}`, group, c.factor),
		})
		highest := 0
		for range pops {
			if poppedFrom(t, group, topic) == queues-1 {
				highest++
			}
		}
		if highest < c.least || highest > c.most {
			t.Errorf("with the factor %d %d of %d pops were from the highest queue, want %d to %d", c.factor, highest, pops, c.least, c.most)
		}
	}
}

// poppedFrom pops one message, and says which queue it is from.
func poppedFrom(t *conformance.T, group, topic string) int32 {
	r := t.Call(popFrame(group, topic, -1, 10*time.Minute))
	records, err := wire.Records(r.Body)
	t.Check(err, "read what was popped")
	if len(records) != 1 {
		t.Fatalf("%d messages were popped", len(records))
	}
	return records[0].QueueID
}
