package broker

import (
	"strings"
	"testing"
	"time"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/protocol"
)

// fields makes ext fields of pairs.
func fields(pairs ...string) (all []codec.Field) {
	for i := 0; i < len(pairs); i += 2 {
		all = append(all, codec.Field{Key: pairs[i], Value: pairs[i+1]})
	}
	return all
}

// Clients in Java write the boundary of a search as the constant's name.
func TestSearchBoundary(t *testing.T) {
	b, _ := runBroker(t, testConfig(t.TempDir()))
	w := dialBroker(t, b)
	for range 2 {
		w.call(sendCommand("T", 0, []byte("x")))
	}
	w.call(pullCommand("T", 0, 1, 10*time.Second)) // a message is answered before it is in its queue
	for boundary, want := range map[string]string{"UPPER": "1", "upper": "1", "LOWER": "2", "x": "2"} {
		f := ask(w, protocol.SearchOffsetByTimestamp, "", fields("topic", "T", "queueId", "0", "timestamp", "9999999999999", "boundaryType", boundary)...)
		if offset, _ := f.Ext.Get("offset"); offset != want {
			t.Errorf("%s: offset %s, want %s", boundary, offset, want)
		}
	}
}

// A subscription that only a pull brings along is shown to tools.
func TestSubscriptionOfPulls(t *testing.T) {
	b, _ := runBroker(t, testConfig(t.TempDir()))
	w := dialBroker(t, b)
	w.call(sendCommand("T", 0, []byte("x")))
	pull := fields("consumerGroup", "G", "topic", "T", "queueId", "0", "queueOffset", "0", "maxMsgNums", "1", "sysFlag", "4", "commitOffset", "0",
		"suspendTimeoutMillis", "0", "subVersion", "0", "expressionType", "TAG")
	for expression, want := range map[string]string{"A || B": `"subString":"A || B"`, "": `"subString":"*"`} {
		ask(w, protocol.PullMessage, "", append(pull, fields("subscription", expression)...)...)
		if f := ask(w, protocol.QuerySubscriptionByConsumer, "", fields("group", "G", "topic", "T")...); !strings.Contains(string(f.Body), want) {
			t.Errorf("%q: %s, want %s", expression, f.Body, want)
		}
	}
}

// A topic is not made without numbers of queues, neither by an administrator nor by a first send.
func TestTopicsWithoutQueues(t *testing.T) {
	b, _ := runBroker(t, testConfig(t.TempDir()))
	w := dialBroker(t, b)
	create := fields("topic", "T", "defaultTopic", "TBW102", "perm", "6", "topicFilterType", "SINGLE_TAG", "readQueueNums", "1")
	for _, more := range [][]codec.Field{nil, fields("writeQueueNums", ""), fields("writeQueueNums", "1.5")} {
		if f := ask(w, protocol.UpdateAndCreateTopic, "", append(create, more...)...); f.Code != int32(protocol.ResponseSystemError) {
			t.Errorf("%v: %d %s", more, f.Code, f.Remark)
		}
	}
	send := fields("a", "P", "b", "T", "c", "TBW102", "e", "0", "f", "0", "g", "1", "h", "0")
	if f := ask(w, protocol.SendMessageV2, "x", send...); f.Code != int32(protocol.ResponseSystemError) {
		t.Errorf("a send: %d %s", f.Code, f.Remark)
	}
	if b.topics.Contains("T") {
		t.Error("the topic was made")
	}
}

// A consumer that pulls by itself is turned away where rejectPullConsumerEnable says so; tools are not.
func TestRejectedPulls(t *testing.T) {
	cfg := testConfig(t.TempDir())
	cfg.RejectPullConsumerEnable = true
	b, _ := runBroker(t, cfg)
	w := dialBroker(t, b)
	w.call(sendCommand("T", 0, []byte("x")))
	for group, refused := range map[string]bool{"G": true, protocol.GroupTools: false} {
		f := ask(w, protocol.PullMessage, "", fields("consumerGroup", group, "topic", "T", "queueId", "0", "queueOffset", "0", "maxMsgNums", "1", "sysFlag", "4",
			"commitOffset", "0", "suspendTimeoutMillis", "0", "subscription", "*", "subVersion", "0", "expressionType", "TAG")...)
		if got := f.Code == int32(protocol.ResponseSubscriptionNotExist); got != refused {
			t.Errorf("the pull of %s is answered %d %s", group, f.Code, f.Remark)
		}
	}
}
