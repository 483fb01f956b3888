package broker

import (
	"testing"

	"github.com/gantrymq/gantry/protocol"
)

// TestSlowReaders: a group that has last read far behind the end of the log may not
// consume until an administrator allows it; one that has caught up may.
func TestSlowReaders(t *testing.T) {
	cfg := testConfig(t.TempDir())
	cfg.DisableConsumeIfConsumerReadSlowly, cfg.ConsumerFallbehindThreshold = true, 1000
	b, _ := runBroker(t, cfg)
	w := dialBroker(t, b)
	for _, body := range []string{"old", string(make([]byte, 2000)), "new"} {
		w.call(sendCommand("T", 0, []byte(body)))
	}
	for b.maxOffset("T", 0) < 3 { // a send is answered before its message can be read
		w.call(sendCommand("Other", 0, nil))
	}
	pull := func(group string, offset int64) protocol.ResponseCode {
		c := pullCommand("T", 0, offset, 0)
		h := c.Header.(*protocol.PullMessageRequestHeader)
		h.ConsumerGroup, h.MaxMsgNums = group, 1
		return protocol.ResponseCode(w.call(c).Code)
	}
	pull("slow", 0)
	pull("caught-up", 0)
	pull("caught-up", 2)
	pull("at-the-end", 0)
	pull("at-the-end", 3)
	if got := popAll(w, "T", "popper", 600_000); len(got) != 3 {
		t.Fatalf("popped %q", got)
	}
	b.groups.Find("asker")
	wants, err := b.popFilter("T", "a", "TAG")
	if err != nil {
		t.Fatal(err)
	}
	if ask := (&notification{header: protocol.NotificationRequestHeader{ConsumerGroup: "asker", Topic: "T"}, filter: wants}); !b.hasMessages(ask) {
		t.Fatal("there is nothing to pop")
	}
	b.stopSlowReaders()
	for group, want := range map[string]protocol.ResponseCode{
		"slow": protocol.ResponseNoPermission, "caught-up": protocol.ResponseSuccess, "at-the-end": protocol.ResponseSuccess, "popper": protocol.ResponseSuccess,
		"asker": protocol.ResponseSuccess,
	} {
		if got := pull(group, 2); got != want {
			t.Errorf("a pull of %s: %s, want %s", group, got, want)
		}
	}
	allowed := protocol.DefaultSubscriptionGroupConfig("slow")
	if err := b.groups.Update(&allowed); err != nil {
		t.Fatal(err)
	}
	pull("slow", 2)
	if b.stopSlowReaders(); !b.groups.Get("slow").ConsumeEnable {
		t.Error("a group that has caught up was stopped again")
	}
}

// TestSlowReadersOff: nothing is kept where nobody asks for it.
func TestSlowReadersOff(t *testing.T) {
	for name, set := range map[string]func(*Config){
		"by default":      func(*Config) {},
		"records are off": func(c *Config) { c.DisableConsumeIfConsumerReadSlowly, c.DiskFallRecorded = true, false },
	} {
		cfg := testConfig(t.TempDir())
		set(cfg)
		cfg.ConsumerFallbehindThreshold = -1
		b, stop := runBroker(t, cfg)
		w := dialBroker(t, b)
		w.call(sendCommand("T", 0, []byte("m")))
		w.call(pullCommand("T", 0, 0, 0))
		if b.stopSlowReaders(); len(b.slow.behind) > 0 || !b.groups.Get("consumers").ConsumeEnable {
			t.Errorf("%s: %d reads are kept, and the group may consume: %v", name, len(b.slow.behind), b.groups.Get("consumers").ConsumeEnable)
		}
		stop()
	}
}
