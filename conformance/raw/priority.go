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
	p := &prioritized{T: t, topic: t.Topic()}
	p.call(&wire.Frame{Code: int32(protocol.UpdateAndCreateTopic), Ext: map[string]string{
		"topic": p.topic, "defaultTopic": "TBW102", "readQueueNums": strconv.Itoa(queues), "writeQueueNums": strconv.Itoa(queues), "perm": "6",
		"topicFilterType": "SINGLE_TAG", "topicSysFlag": "0", "order": "false", "attributes": "+message.type=PRIORITY",
	}})
	for queue := range queues {
		for range pops {
			f := sendFrame(p.topic, 1)
			f.Ext["d"], f.Ext["e"] = strconv.Itoa(queues), strconv.Itoa(queue)
			p.call(f)
		}
		t.AwaitEnd(p.topic, queue, pops)
	}
	for _, c := range []struct{ factor, least, most int }{{100, 90, pops}, {50, 38, 87}, {0, 3, 47}} {
		group := t.Group()
		p.call(&wire.Frame{
			Code: int32(protocol.UpdateAndCreateSubscriptiongroup),
			Body: fmt.Appendf(nil, `{"groupName":%q,"attributes":{"+priority.factor":"%d"}}`, group, c.factor),
		})
		highest := 0
		for range pops {
			if p.popFrom(group) == queues-1 {
				highest++
			}
		}
		if highest < c.least || highest > c.most {
			t.Errorf("with the factor %d %d of %d pops were from the highest queue, want %d to %d", c.factor, highest, pops, c.least, c.most)
		}
	}
}

// prioritized is a topic of priorities.
type prioritized struct {
	*conformance.T
	topic string
}

func (p *prioritized) call(f *wire.Frame) *wire.Frame {
	r, err := wire.Call(p.Context(), p.Servers().Broker().Address(), f)
	p.Check(err, "call %s", protocol.RequestCode(f.Code))
	if r.Code != int32(protocol.ResponseSuccess) {
		p.Fatalf("%s was answered %s", protocol.RequestCode(f.Code), r)
	}
	return r
}

// popFrom pops one message, and says which queue it is from.
func (p *prioritized) popFrom(group string) int32 {
	r := p.call(&wire.Frame{Code: int32(protocol.PopMessage), Ext: map[string]string{
		"consumerGroup": group, "topic": p.topic, "queueId": "-1", "maxMsgNums": "1", "invisibleTime": "600000", "pollTime": "0",
		"bornTime": strconv.FormatInt(time.Now().Add(bornAhead).UnixMilli(), 10), "initMode": "0", "order": "false", "expType": "TAG", "exp": "*",
	}})
	records, err := wire.Records(r.Body)
	p.Check(err, "read what was popped")
	if len(records) != 1 {
		p.Fatalf("%d messages were popped", len(records))
	}
	return records[0].QueueID
}
