package broker

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/protocol"
	"github.com/gantrymq/gantry/remoting"
)

// popAll pops what a group can see of a queue and returns the bodies.
func popAll(w *wire, topic, group string, invisible int64) (bodies []string) {
	w.t.Helper()
	f := w.call(&codec.Command{
		Code: int32(protocol.PopMessage), Language: protocol.LanguageJava, Version: protocol.V5_5_0, Opaque: 1,
		Header: &protocol.PopMessageRequestHeader{ConsumerGroup: group, Topic: topic, MaxMsgNums: 32, InvisibleTime: invisible},
	})
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

// TestPopAfterCrash: what was popped shortly before a crash stays invisible after
// it, although the offsets were not saved.
func TestPopAfterCrash(t *testing.T) {
	dir := t.TempDir()
	cfg := testConfig(dir)
	b, _ := runBroker(t, cfg)
	w := dialBroker(t, b)
	const topic, group = "PopTopic", "PopGroup"
	for i := range 4 {
		w.call(sendCommand(topic, 0, fmt.Appendf(nil, "m%d", i)))
	}
	// A send is answered before its message can be read.
	var got []string
	for len(got) < 4 {
		got = append(got, popAll(w, topic, group, 600_000)...)
	}
	w.call(sendCommand(topic, 0, []byte("m4")))
	for b.maxOffset(topic, 0) < 5 || b.maxOffset(protocol.TopicWheelTimer, 0) < 1 {
		w.call(sendCommand("Other", 0, []byte("x")))
	}

	// The directory as a killed process leaves it.
	after := filepath.Join(t.TempDir(), "store")
	if err := os.CopyFS(after, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Join(after, "config", "consumerOffset.json")); err != nil {
		t.Fatal(err)
	}
	again, stop := runBroker(t, testConfig(after))
	if got := popAll(dialBroker(t, again), topic, group, 600_000); len(got) != 1 || got[0] != "m4" {
		t.Errorf("after the crash %q was popped, want m4", got)
	}
	stop()
	verifyDirectory(t, testConfig(after))
}

// answers takes the answers to requests that came over no connection.
type answers chan codec.Command

func (a answers) Respond(c *codec.Command, _ [][]byte, release func()) {
	a <- *c
	if release != nil {
		release()
	}
}

// TestMessageBetweenLookAndWait: a message that comes after a pop, or a question, has looked and before it
// waits wakes nobody, and is found all the same.
func TestMessageBetweenLookAndWait(t *testing.T) {
	b, _ := runBroker(t, testConfig(t.TempDir()))
	w := dialBroker(t, b)
	const topic, group = "Between", "G"
	w.call(sendCommand(topic, 0, []byte("first")))
	if got := popAll(w, topic, group, 600_000); len(got) > 1 {
		t.Fatal(got)
	}
	var session remoting.Session
	for session = range b.server.Sessions {
	}
	heard := make(answers, 1)
	pending := func(code protocol.RequestCode) *remoting.Pending {
		return remoting.NewRequest(&codec.Frame{Code: int32(code)}, session, heard, time.Now()).Detach()
	}
	send := func() {
		t.Helper()
		end := b.maxOffset(topic, 0)
		for w.call(sendCommand(topic, 0, []byte("between"))); b.maxOffset(topic, 0) == end; {
			w.call(sendCommand("Other", 0, []byte("x")))
		}
	}
	answered := func(code protocol.ResponseCode) {
		t.Helper()
		select {
		case c := <-heard:
			if c.Code != int32(code) {
				t.Errorf("answered %d %s", c.Code, c.Remark)
			}
		case <-time.After(20 * time.Second): // the poll would end after a minute
			t.Error("the message was not found")
		}
	}
	born := time.Now().UnixMilli()
	op := &popOp{header: protocol.PopMessageRequestHeader{
		ConsumerGroup: group, Topic: topic, MaxMsgNums: 32, InvisibleTime: 600_000, PollTime: 60_000, BornTime: born,
	}}
	for b.pop(op); op.result.Count > 0; b.pop(op) { // the first message, if it was not popped above
	}
	send()
	b.parkPop(&heldPop{pending: pending(protocol.PopMessage), pop: op})
	answered(protocol.ResponseSuccess)

	n := &notification{header: protocol.NotificationRequestHeader{ConsumerGroup: group, Topic: topic, PollTime: 60_000, BornTime: born}}
	n.told = b.notices.Told()
	if b.hasMessages(n) {
		t.Fatal("there is something left")
	}
	send()
	b.parkNotice(&heldPop{pending: pending(protocol.Notification), notice: n})
	answered(protocol.ResponseSuccess)
}
