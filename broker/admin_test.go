package broker

import (
	"testing"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/protocol"
)

// ask sends a request without a header class to a broker.
func ask(w *wire, code protocol.RequestCode, body string, ext ...codec.Field) *codec.Frame {
	w.t.Helper()
	return w.call(&codec.Command{Code: int32(code), Version: protocol.V5_5_0, Opaque: 3, Ext: ext, Body: []byte(body)})
}

func TestColdLimits(t *testing.T) {
	b, _ := runBroker(t, testConfig(t.TempDir()))
	w := dialBroker(t, b)
	ask(w, protocol.UpdateColdDataFlowCtrConfig, "a=1000\nb=x\nc=-1\n")
	ask(w, protocol.RemoveColdDataFlowCtrConfig, "c")
	const want = `{"runtimeTable":{},"configTable":{"a":1000},"cgColdReadThreshold":3145728,"globalColdReadThreshold":104857600,"globalAcc":0}`
	if f := ask(w, protocol.GetColdDataFlowCtrInfo, ""); f.Code != 0 || string(f.Body) != want {
		t.Errorf("%d %s\n%s, want\n%s", f.Code, f.Remark, f.Body, want)
	}
}

// A reset that nobody has taken is where the group is, and a pull takes it once.
func TestResetOffset(t *testing.T) {
	b, _ := runBroker(t, testConfig(t.TempDir()))
	w := dialBroker(t, b)
	for range 3 {
		w.call(sendCommand("reset", 0, []byte("x")))
	}
	w.call(pullCommand("reset", 0, 0, 0)) // makes the group
	reset := func(ext ...codec.Field) *codec.Frame {
		return ask(w, protocol.InvokeBrokerToResetOffset, "", append(ext,
			codec.Field{Key: "topic", Value: "reset"}, codec.Field{Key: "group", Value: "consumers"})...)
	}
	queue0 := codec.Field{Key: "queueId", Value: "0"}
	if f := reset(queue0, codec.Field{Key: "offset", Value: "9"}); f.Code != int32(protocol.ResponseSystemError) {
		t.Errorf("beyond the end: %d %s", f.Code, f.Remark)
	}
	if f := reset(queue0, codec.Field{Key: "offset", Value: "2"}); f.Code != 0 {
		t.Fatalf("%d %s", f.Code, f.Remark)
	}
	if offset, ok := b.offsets.Query("consumers", "reset", 0); offset != 2 || !ok {
		t.Errorf("the group is at %d, want 2", offset)
	}
	for _, want := range []protocol.ResponseCode{protocol.ResponsePullOffsetMoved, protocol.ResponseSuccess} {
		if f := w.call(pullCommand("reset", 0, 0, 0)); f.Code != int32(want) {
			t.Errorf("pull: %d %s, want %s", f.Code, f.Remark, want)
		}
	}
}

// Topics may be kept in any way that their attributes can say.
func TestTopicsOfAnotherStorage(t *testing.T) {
	b, _ := runBroker(t, testConfig(t.TempDir()))
	w := dialBroker(t, b)
	create := func(name, attributes string) *codec.Frame {
		return ask(w, protocol.UpdateAndCreateTopic, "", codec.Fields{
			{Key: "topic", Value: name}, {Key: "defaultTopic", Value: "TBW102"}, {Key: "readQueueNums", Value: "1"}, {Key: "writeQueueNums", Value: "1"},
			{Key: "perm", Value: "6"}, {Key: "topicFilterType", Value: "SINGLE_TAG"}, {Key: "order", Value: "false"}, {Key: "attributes", Value: attributes},
		}...)
	}
	for name, attributes := range map[string]string{
		"plain": "+queue.type=SimpleCQ,+cleanup.policy=DELETE", "both": "+queue.type=BatchCQ,+cleanup.policy=COMPACTION",
	} {
		if f := create(name, attributes); f.Code != 0 || !b.topics.Contains(name) {
			t.Errorf("%s: %d %s", attributes, f.Code, f.Remark)
		}
	}
}
