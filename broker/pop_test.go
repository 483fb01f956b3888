package broker

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/protocol"
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
