package broker

import (
	"testing"
	"time"
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
