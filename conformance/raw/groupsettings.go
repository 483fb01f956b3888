package raw

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/gantrymq/gantry/conformance"
	"github.com/gantrymq/gantry/conformance/wire"
	"github.com/gantrymq/gantry/protocol"
)

// groupSettingCases are about settings of groups that leave a choice to chance.
func groupSettingCases() []conformance.Case {
	return []conformance.Case{{
		Name: "raw/group/retry-queues", Client: conformance.Raw, Topology: conformance.SingleBroker, Feature: "retries and dead letters",
		Settings: conformance.Settings{Broker: map[string]string{"messageDelayLevel": "1s 1s 1s 1s 1s 1s"}}, Run: retryQueues,
		Codes: []protocol.RequestCode{protocol.UpdateAndCreateSubscriptiongroup, protocol.ConsumerSendMsgBack},
	}}
}

// retryQueues: what a group sends back is spread over the queues that its retry topic is to
// have, and the topic is made with as many.
func retryQueues(t *conformance.T) {
	const queues, messages = 3, 60
	h := &tables{T: t, group: t.Group(), popped: t.Topic()}
	h.Call(&wire.Frame{Code: int32(protocol.UpdateAndCreateSubscriptiongroup), Body: fmt.Appendf(nil, `{"groupName":"%s","retryQueueNums":%d}`, h.group, queues)})
	sent := sendFrame(h.popped, 1)
	id := h.Call(sent).Ext["msgId"]
	offset, err := wire.PhysicalOffset(id)
	t.Check(err, "read the place of %s in the log", id)
	for range messages {
		h.Call(&wire.Frame{Code: int32(protocol.ConsumerSendMsgBack), Ext: map[string]string{
			"group": h.group, "offset": strconv.FormatInt(offset, 10), "delayLevel": "1", "originTopic": h.popped, "maxReconsumeTimes": "16",
		}})
	}
	var in [queues + 1]int
	t.Eventually(30*time.Second, "what was sent back in the retry topic", func(context.Context) error {
		sum := 0
		for q := range in {
			r := h.Call(&wire.Frame{Code: int32(protocol.GetMaxOffset), Ext: map[string]string{"topic": protocol.RetryTopic(h.group), "queueId": strconv.Itoa(q)}})
			in[q], _ = strconv.Atoi(r.Ext["offset"])
			sum += in[q]
		}
		if sum < messages {
			return fmt.Errorf("%v came", in)
		}
		return nil
	})
	if in[0] == 0 || in[1] == 0 || in[2] == 0 || in[queues] > 0 || in[0]+in[1]+in[2] != messages {
		t.Errorf("the retry topic's queues have %v messages", in)
	}
	r := h.Call(&wire.Frame{Code: int32(protocol.GetTopicConfig), Ext: map[string]string{"topic": protocol.RetryTopic(h.group)}})
	var config protocol.TopicConfig
	t.Check(config.UnmarshalJSON(r.Body), "read the configuration of the retry topic")
	if config.ReadQueueNums != queues || config.WriteQueueNums != queues {
		t.Errorf("the retry topic has %d queues to read and %d to write, want %d", config.ReadQueueNums, config.WriteQueueNums, queues)
	}
}
