package conformance

import (
	"encoding/json"

	"github.com/gantrymq/gantry/conformance/wire"
	"github.com/gantrymq/gantry/protocol"
)

// WantLocked wants a group to hold the locks of the first queues of a topic on a broker: a stranger that
// asks for them is given none. It asks once, because a lock that was free is the stranger's afterwards.
func (t *T) WantLocked(b *Server, group, topic string, queues int) {
	var set []map[string]any
	for id := range queues {
		set = append(set, map[string]any{"topic": topic, "brokerName": b.Name(), "queueId": id})
	}
	body, err := json.Marshal(map[string]any{"clientId": "a stranger", "consumerGroup": group, "mqSet": set})
	t.Check(err, "encode a request")
	r, err := wire.Call(t.ctx, b.Address(), &wire.Frame{Code: int32(protocol.LockBatchMQ), Body: body})
	t.Check(err, "ask for locks")
	var answer struct{ LockOKMQSet []any }
	if err := json.Unmarshal(r.Body, &answer); err != nil || len(answer.LockOKMQSet) > 0 {
		t.Errorf("a stranger that asks for the locks of %s is answered %s %s", group, r, r.Body)
	}
}
