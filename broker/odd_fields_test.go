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

// A pull that is to commit an offset and has none leaves the group where it was.
func TestPullWithoutTheOffsetToCommit(t *testing.T) {
	b, _ := runBroker(t, testConfig(t.TempDir()))
	w := dialBroker(t, b)
	w.call(sendCommand("T", 0, []byte("x")))
	pull := fields("consumerGroup", "G", "topic", "T", "queueId", "0", "queueOffset", "0", "maxMsgNums", "1", "sysFlag", "5",
		"suspendTimeoutMillis", "0", "subVersion", "0", "expressionType", "TAG", "subscription", "*")
	for _, c := range []struct {
		commit []codec.Field
		want   int64
	}{{fields("commitOffset", "7"), 7}, {nil, 7}, {fields("commitOffset", "0"), 0}} {
		ask(w, protocol.PullMessage, "", append(pull, c.commit...)...)
		if got, _ := b.offsets.Query("G", "T", 0); got != c.want {
			t.Errorf("after a pull with %v the group is at %d, want %d", c.commit, got, c.want)
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

// A field that is missing is missed when it is needed, not before: what is wrong with topic, queue or
// group is answered first, as upstream does.
func TestFieldsThatAreMissedLate(t *testing.T) {
	b, _ := runBroker(t, testConfig(t.TempDir()))
	w := dialBroker(t, b)
	w.call(sendCommand("T", 0, []byte("x")))
	for _, tt := range []struct {
		code   protocol.RequestCode
		fields []codec.Field
		want   protocol.ResponseCode
		remark string
	}{
		{protocol.SendMessageV2, fields("b", "SELF_TEST_TOPIC", "g", "1"), protocol.ResponseNoPermission, "Sending message to topic[SELF_TEST_TOPIC] is forbidden."},
		{protocol.SendMessageV2, fields("b", "T", "e", "99", "g", "1"), protocol.ResponseInvalidParameter, "request queueId[99] is illegal"},
		{protocol.SendMessageV2, fields("b", "T", "e", "0", "g", "1", "h", "0"), protocol.ResponseSystemError, "the request lacks the field f"},
		{protocol.SendMessageV2, fields("b", "New", "d", "1", "e", "0", "f", "0", "g", "1", "h", "0"), protocol.ResponseSystemError, "the request lacks the field c"},
		{protocol.PullMessage, fields("consumerGroup", "G", "topic", "None"), protocol.ResponseTopicNotExist, "topic[None] not exist"},
		{protocol.PullMessage, fields("consumerGroup", "G", "topic", "T", "queueId", "99"), protocol.ResponseInvalidParameter, "queueId[99] is illegal"},
		{protocol.PullMessage, fields("consumerGroup", "G", "topic", "T", "queueId", "0", "queueOffset", "0", "maxMsgNums", "1", "sysFlag", "4", "expressionType", ""),
			protocol.ResponseSubscriptionParseFailed, "parse the consumer's subscription failed"},
		{protocol.PopLiteMessage, fields("topic", "None", "pollTime", "abc"), protocol.ResponseTopicNotExist, "topic [None] not exist"},
		{protocol.PopLiteMessage, fields("topic", "None", "bornTime", "abc"), protocol.ResponsePollingTimeout, "the broker["},
		{protocol.AckMessage, fields("topic", "T", "queueId", "0", "liteTopic", "a"), protocol.ResponseInvalidParameter, "group type or bind topic not match."},
		{protocol.AckMessage, fields("topic", "T", "queueId", "2147483648"), protocol.ResponseSystemError, "the request lacks a number of 32 bits in the field queueId"},
		{protocol.UpdateAndGetGroupForbidden, fields("group", "G"), protocol.ResponseSuccess, ""},
		{protocol.UpdateAndGetGroupForbidden, fields("group", "G", "readable", ""), protocol.ResponseSystemError, "the request lacks the field topic"},
		{protocol.UpdateAndGetGroupForbidden, fields("group", "G", "topic", "T", "readable", "false"), protocol.ResponseSuccess, ""},
		{protocol.UpdateAndGetGroupForbidden, fields("group", "G"), protocol.ResponseSystemError, "the request lacks the field topic"},
		{protocol.UpdateAndGetGroupForbidden, fields("group", "Other"), protocol.ResponseSuccess, ""},
		{protocol.QueryTopicsByConsumer, nil, protocol.ResponseSuccess, ""},
		{protocol.UnregisterClient, fields("consumerGroup", "Left"), protocol.ResponseSuccess, ""}, // makes the group
		{protocol.UpdateConsumerOffset, fields("consumerGroup", "Left", "topic", "T", "queueId", "0", "commitOffset", "0"), protocol.ResponseSuccess, ""},
		{protocol.QueryTopicsByConsumer, nil, protocol.ResponseSystemError, "the request lacks the field group"},
		{protocol.ExportRocksdbConfigToJson, fields("configType", ""), protocol.ResponseSuccess, "export done."},
		{protocol.ExportRocksdbConfigToJson, fields("configType", ";"), protocol.ResponseSuccess, "export done."},
		{protocol.SetCommitlogReadMode, fields("ns", "x"), protocol.ResponseSystemError, "set commitlog readahead mode failed"},
		{protocol.InvokeBrokerToResetOffset, fields("topic", "", "group", "G"), protocol.ResponseTopicNotExist, "Topic  does not exist"},
	} {
		if f := ask(w, tt.code, "x", tt.fields...); f.Code != int32(tt.want) || !strings.HasPrefix(f.Remark, tt.remark) {
			t.Errorf("%s %v: %d %s, want %d %s", tt.code, tt.fields, f.Code, f.Remark, tt.want, tt.remark)
		}
	}
}

// A batch that asks for a delay, or is marked as part of a transaction, is refused: its messages
// would be delivered at once.
func TestBatchesThatCannotWait(t *testing.T) {
	b, _ := runBroker(t, testConfig(t.TempDir()))
	w := dialBroker(t, b)
	w.call(sendCommand("T", 0, []byte("x")))
	entry, err := codec.AppendBatchEntry(nil, &codec.BatchEntry{Body: []byte("one")})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ flag, properties, remark string }{
		{"4", "", "the message is illegal"},
		{"12", "", "the message is illegal"},
		{"0", "DELAY\x013\x02", "the message is illegal"},
		{"0", "TIMER_DELIVER_MS\x014102444800000\x02", "timer message illegal"},
		{"0", "TIMER_DELAY_SEC\x0160\x02", "a batch cannot wait for a time of delivery"},
	} {
		f := ask(w, protocol.SendBatchMessage, string(entry), fields("a", "P", "b", "T", "c", "TBW102", "d", "4", "e", "0", "f", tt.flag, "g", "1", "h", "0", "i", tt.properties, "m", "true")...)
		if f.Code != int32(protocol.ResponseMessageIllegal) || !strings.HasPrefix(f.Remark, tt.remark) {
			t.Errorf("flag %s, properties %q: %d %s", tt.flag, tt.properties, f.Code, f.Remark)
		}
	}
}

// What is wrong with an access list is said, though nobody keeps lists.
func TestAccessListFaults(t *testing.T) {
	b, _ := runBroker(t, testConfig(t.TempDir()))
	w := dialBroker(t, b)
	const good = `{"actions":["Pub"],"decision":"Allow","resource":"Topic:x","sourceIps":["10.0.0.0/8"]}`
	for _, tt := range []struct{ old, new, remark string }{
		{"Allow", "deny", noMetadata},
		{"Topic:x", "*", noMetadata},
		{"Topic:x", "x:y", "The resource is null."},
		{"Pub", "x", "The actions is empty."},
		{"Pub", "ANY", "The actions can not be Any."},
		{"10.0.0.0/8", " ", "The source ip is empty."},
		{"10.0.0.0/8", "10.0", "The source ip is invalid."},
		{"Allow", "x", "The decision is null or illegal."},
	} {
		body := `{"subject":"User:u","policies":[{"entries":[` + strings.Replace(good, tt.old, tt.new, 1) + `]}]}`
		if f := ask(w, protocol.AuthCreateACL, body, fields("subject", "nobody")...); f.Remark != tt.remark {
			t.Errorf("%s for %s: %d %s, want %s", tt.new, tt.old, f.Code, f.Remark, tt.remark)
		}
	}
}
