package broker

import (
	"fmt"
	"testing"
	"time"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/compat"
	"github.com/gantrymq/gantry/protocol"
)

func liteConfig(dir string) *Config {
	cfg := testConfig(dir)
	cfg.EnableLMQ, cfg.EnableMultiDispatch = true, true
	return cfg
}

func liteCommand(code protocol.RequestCode, header protocol.Header, body string) *codec.Command {
	return &codec.Command{Code: int32(code), Language: protocol.LanguageJava, Version: protocol.V5_5_0, Opaque: 1, Header: header, Body: []byte(body)}
}

// want makes a request that must succeed.
func (w *wire) want(c *codec.Command) *codec.Frame {
	w.t.Helper()
	f := w.call(c)
	if protocol.ResponseCode(f.Code) != protocol.ResponseSuccess {
		w.t.Fatalf("request %d was answered %d %s", c.Code, f.Code, f.Remark)
	}
	return f
}

func (w *wire) sendLite(lite, body string) {
	w.t.Helper()
	c := sendCommand("LiteParent", 0, []byte(body))
	c.Header.(*protocol.SendMessageRequestHeaderV2).Properties = protocol.PropertyLiteTopic + "\x01" + lite + "\x02"
	w.want(c)
}

// popLite pops and waits for something; it returns the bodies.
func (w *wire) popLite(client string) (bodies []string) {
	w.t.Helper()
	f := w.want(liteCommand(protocol.PopLiteMessage, &protocol.PopLiteMessageRequestHeader{
		ClientID: client, ConsumerGroup: "LiteGroup", Topic: "LiteParent", MaxMsgNum: 32, InvisibleTime: 60_000,
		PollTime: patience.Milliseconds(), BornTime: time.Now().UnixMilli(),
	}, ""))
	for rest := f.Body; len(rest) > 0; {
		var m codec.Message
		var err error
		if rest, err = codec.DecodeRecord(rest, &m, true); err != nil {
			w.t.Fatal(err)
		}
		bodies = append(bodies, string(m.Body))
	}
	return bodies
}

func (w *wire) makeLite() {
	w.t.Helper()
	w.want(liteCommand(protocol.UpdateAndCreateTopic, &protocol.CreateTopicRequestHeader{
		Topic: "LiteParent", DefaultTopic: protocol.TopicAutoCreate, ReadQueueNums: 1, WriteQueueNums: 1, Perm: 6,
		TopicFilterType: string(protocol.FilterSingleTag), Attributes: "+message.type=LITE,+lite.topic.expiration=1",
	}, ""))
	w.want(liteCommand(protocol.UpdateAndCreateSubscriptiongroup, nil, `{"groupName":"LiteGroup","attributes":{"+lite.bind.topic":"LiteParent"}}`))
}

func (w *wire) subscribeLite(client, lites string) {
	w.t.Helper()
	w.want(liteCommand(protocol.LiteSubscriptionCtl, nil, fmt.Sprintf(
		`{"subscriptionSet":[{"action":"COMPLETE_ADD","clientId":%q,"group":"LiteGroup","topic":"LiteParent","liteTopicSet":[%s],"version":1}]}`, client, lites)))
}

// TestLite: messages come to whoever subscribes, and after a restart what was not
// acknowledged comes again.
func TestLite(t *testing.T) {
	cfg := liteConfig(t.TempDir())
	b, stop := runBroker(t, cfg)
	w := dialBroker(t, b)
	w.makeLite()
	w.subscribeLite("c", `"a","b"`)
	w.sendLite("a", "a0")
	if got := w.popLite("c"); len(got) != 1 || got[0] != "a0" {
		t.Fatalf("popped %q, want a0", got)
	}
	w.sendLite("a", "a1")
	sender := dialBroker(t, b)
	sender.sendLite("b", "b0")
	if got := w.popLite("c"); len(got) != 1 || got[0] != "b0" {
		t.Fatalf("popped %q, want b0: a1 waits for a0", got)
	}
	stop()
	verifyDirectory(t, cfg)

	again, _ := runBroker(t, liteConfig(cfg.StorePathRootDir))
	w = dialBroker(t, again)
	w.subscribeLite("c", `"a","b"`)
	seen := map[string]bool{}
	for len(seen) < 3 {
		for _, body := range w.popLite("c") {
			if seen[body] {
				t.Fatalf("%s came twice", body)
			}
			seen[body] = true
		}
	}
}

// TestLiteExpiry: what has been silent for longer than the parent allows goes, with
// offsets and subscriptions.
func TestLiteExpiry(t *testing.T) {
	b, _ := runBroker(t, liteConfig(t.TempDir()))
	w := dialBroker(t, b)
	w.makeLite()
	w.subscribeLite("c", `"a","b"`)
	w.sendLite("a", "a0")
	w.popLite("c")
	lmq := compat.LiteTopicName("LiteParent", "a")
	now := time.Now()
	if got := b.silentLite(now, 0); len(got) != 0 {
		t.Errorf("young, and silent: %q", got)
	}
	later := now.Add(time.Minute + time.Second)
	if got := b.silentLite(later, 2*time.Minute); len(got) != 0 {
		t.Errorf("younger than minLiteTTl, and silent: %q", got)
	}
	got := b.silentLite(later, time.Second)
	if len(got) != 1 || got[0] != lmq {
		t.Fatalf("silent are %q, want %s", got, lmq)
	}
	b.deleteLite(got)
	if _, ok := b.offsets.Query("LiteGroup", lmq, 0); ok || b.maxOffset(lmq, 0) != 0 {
		t.Error("the lite topic is still there")
	}
	if lmqs, _, _ := b.lite.Subscription("c"); len(lmqs) != 1 {
		t.Errorf("the client still subscribes to %q", lmqs)
	}
}
