package broker

import (
	"fmt"
	"strings"
	"testing"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/protocol"
)

// What is null or empty where clients name something is told from what is absent, as upstream does.
func TestOddValues(t *testing.T) {
	b, _ := runBroker(t, testConfig(t.TempDir()))
	w := dialBroker(t, b)
	heartbeat := func(consumer, producer string) string {
		return fmt.Sprintf(`{"clientID":"c","consumerDataSet":[%s],"producerDataSet":[%s]}`, consumer, producer)
	}
	lock := func(client string) string {
		return fmt.Sprintf(`{%s"consumerGroup":"G","mqSet":[{"brokerName":"b","queueId":0,"topic":"T"}]}`, client)
	}
	const held = `"lockOKMQSet":[{`
	for _, tt := range []struct {
		code protocol.RequestCode
		body string
		want protocol.ResponseCode
		text string // in the remark or the body
	}{
		{protocol.HeartBeat, heartbeat(`{"groupName":""}`, `{"groupName":""}`), protocol.ResponseSuccess, ""},
		{protocol.HeartBeat, heartbeat(`{"groupName":null}`, ``), protocol.ResponseSystemError, "a group of the heartbeat has no name"},
		{protocol.HeartBeat, heartbeat(``, `{"groupName":""},{}`), protocol.ResponseSystemError, "a group of the heartbeat has no name"},
		{protocol.UpdateAndCreateSubscriptiongroup, `{"groupName":"G","attributes":null}`, protocol.ResponseSuccess, ""},
		{protocol.UpdateAndCreateSubscriptiongroup, `{"groupName":"G","attributes":{"+lite.sub.model":null}}`, protocol.ResponseSystemError, "the attribute +lite.sub.model is null"},
		{protocol.UpdateAndCreateSubscriptiongroupList, `{"groupConfigList":[{"groupName":"G","attributes":{"+a":null}}]}`, protocol.ResponseSystemError, "the attribute +a is null"},
		{protocol.UpdateAndCreateTopicList, `{"topicConfigList":[{"topicName":"T","attributes":{"+a":null}}]}`, protocol.ResponseSystemError, "null value in entry: +a=null"},
		{protocol.LockBatchMQ, lock(``), protocol.ResponseSystemError, "the request to lock queues lacks the client id"},
		{protocol.LockBatchMQ, lock(`"clientId":"c",`), protocol.ResponseSuccess, held},
		{protocol.LockBatchMQ, lock(``), protocol.ResponseSuccess, `"lockOKMQSet":[]`},
		{protocol.LockBatchMQ, lock(`"clientId":"c",`), protocol.ResponseSuccess, held},
	} {
		if f := ask(w, tt.code, tt.body); f.Code != int32(tt.want) || !strings.Contains(f.Remark+string(f.Body), tt.text) {
			t.Errorf("%s %s: %d %s %s, want %d %s", tt.code, tt.body, f.Code, f.Remark, f.Body, tt.want, tt.text)
		}
	}
}

// Without a value a field is none in a binary header, but there are fields.
func TestFieldsWithoutValues(t *testing.T) {
	b, _ := runBroker(t, testConfig(t.TempDir()))
	w := dialBroker(t, b)
	for _, tt := range []struct {
		code   protocol.RequestCode
		field  string
		remark string
	}{
		{protocol.SwitchTimerEngine, "", "param error, extFields is null"},
		{protocol.SwitchTimerEngine, "E_T", "param error"},
		{protocol.SetCommitlogReadMode, "", "set commitlog readahead mode param error"},
		{protocol.SetCommitlogReadMode, "READ_AHEAD_MODE", "set commitlog readahead mode failed"},
	} {
		c := &codec.Command{Code: int32(tt.code), Version: protocol.V5_5_0, Opaque: 3, Serialize: codec.SerializeRocketMQ}
		if tt.field != "" {
			c.Ext = fields(tt.field, "")
		}
		if f := w.call(c); f.Remark != tt.remark {
			t.Errorf("%s with %v: %d %s, want %s", tt.code, c.Ext, f.Code, f.Remark, tt.remark)
		}
	}
}

// A request for a static topic that names no queue is one for a queue that nobody leads.
func TestStaticTopicWithoutQueue(t *testing.T) {
	p := newStaticPair(t)
	const elsewhere = "Static-null does not exit in request process of current broker broker-a"
	for code, want := range map[protocol.RequestCode]string{
		protocol.GetMaxOffset: elsewhere, protocol.GetEarliestMsgStoretime: elsewhere, protocol.SearchOffsetByTimestamp: elsewhere,
		protocol.QueryConsumerOffset: elsewhere, protocol.UpdateConsumerOffset: elsewhere, protocol.SendMessage: elsewhere,
		protocol.GetMinOffset: "Static-null is not leader in broker broker-a, request code 31",
	} {
		for _, queue := range [][]codec.Field{nil, fields("queueId", "abc")} {
			f := ask(p.wires["broker-a"], code, "x", append(fields("topic", staticTopic), queue...)...)
			if f.Code != int32(protocol.ResponseNotLeaderForQueue) || f.Remark != want {
				t.Errorf("%s %v: %d %s, want %s", code, queue, f.Code, f.Remark, want)
			}
		}
		f := ask(p.wires["broker-a"], code, "x", fields("topic", staticTopic, "lo", "false")...)
		if f.Code == int32(protocol.ResponseNotLeaderForQueue) {
			t.Errorf("%s of a queue that is no logical one: %d %s", code, f.Code, f.Remark)
		}
	}
}
