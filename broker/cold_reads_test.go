package broker

import (
	"testing"
	"time"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/protocol"
)

func TestColdPulls(t *testing.T) {
	t.Parallel()
	var c coldPulls
	start := time.Unix(1_750_000_000, 0)
	for i := range maxColdPulls {
		if c.full() || !c.add(coldPull{due: start.Add(time.Duration(i) * time.Second)}) {
			t.Fatalf("full with %d", i)
		}
	}
	if !c.full() || c.add(coldPull{due: start}) {
		t.Error("one more was taken")
	}
	if early := c.take(start.Add(-time.Second)); len(early) != 0 {
		t.Errorf("%d come too early", len(early))
	}
	if due := c.take(start.Add(9 * time.Second)); len(due) != 10 || c.full() {
		t.Errorf("%d come after nine seconds", len(due))
	}
	if rest := c.take(start.Add(maxColdPulls * time.Second)); len(rest) != maxColdPulls-10 {
		t.Errorf("%d come at the end", len(rest))
	}
}

func TestReadsForBroker(t *testing.T) {
	t.Parallel()
	for group, want := range map[string]bool{"orders": false, "": false, "TOOLS_CONSUMER": true, "CID_RMQ_SYS_TRANS": true, "CID_ONSAPI_PULL": true} {
		if readsForBroker(group) != want {
			t.Errorf("readsForBroker(%q) = %t", group, !want)
		}
	}
}

// A pull that waits for a message of a group that has read enough is told so when one comes, as is one that comes later.
func TestHeldPullOfAColdGroup(t *testing.T) {
	cfg := testConfig(t.TempDir())
	cfg.ColdDataFlowControlEnable, cfg.HotRatio, cfg.ColdReadOfGroup = true, 0, 0
	b, _ := runBroker(t, cfg)
	w, client, producer := dialBroker(t, b), dialBroker(t, b), dialBroker(t, b)
	producer.call(sendCommand("cold", 0, []byte("x")))
	ask(client, protocol.HeartBeat, `{"clientID":"c","consumerDataSet":[{"groupName":"consumers","consumeType":"CONSUME_PASSIVELY","messageModel":"CLUSTERING",`+
		`"consumeFromWhere":"CONSUME_FROM_FIRST_OFFSET","subscriptionDataSet":[],"unitMode":false}],"producerDataSet":[]}`)
	if f := w.call(pullCommand("cold", 0, 0, 0)); f.Code != int32(protocol.ResponseSuccess) { // enough, with a limit of 0
		t.Fatalf("the first pull: %d %s", f.Code, f.Remark)
	}
	if _, err := w.Write(codec.AppendCommand(nil, pullCommand("cold", 0, 1, patience))); err != nil {
		t.Fatal(err)
	}
	producer.call(sendCommand("cold", 0, []byte("y")))
	var f codec.Frame
	if err := f.Decode(w.next()); err != nil {
		t.Fatal(err)
	}
	if f.Code != int32(protocol.ResponseSystemBusy) {
		t.Errorf("the pull that waited: %d %s", f.Code, f.Remark)
	}
}
