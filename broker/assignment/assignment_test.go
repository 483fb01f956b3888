package assignment

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	"github.com/gantrymq/gantry/configfile"
	"github.com/gantrymq/gantry/protocol"
)

func queuesOf(brokers ...string) (queues []protocol.MessageQueue) {
	for _, b := range brokers {
		for id := range int32(4) {
			queues = append(queues, protocol.MessageQueue{Topic: "T", BrokerName: b, QueueID: id})
		}
	}
	return queues
}

func text(queues []protocol.MessageQueue) (s string) {
	for _, q := range queues {
		s += fmt.Sprintf("%s%d ", q.BrokerName, q.QueueID)
	}
	return s
}

func TestAllocate(t *testing.T) {
	three := []string{"c3", "c1", "c2"}
	cases := []struct {
		name  string
		share Share
		want  string
		ok    bool
	}{
		{"first of three", Share{Strategy: "AVG", Client: "c1", Clients: three}, "a0 a1 a2 ", true},
		{"last of three", Share{Strategy: "AVG", Client: "c3", Clients: three}, "b2 b3 ", true},
		{"by circle", Share{Strategy: "AVG_BY_CIRCLE", Client: "c2", Clients: three}, "a1 b0 b3 ", true},
		{"a stranger", Share{Strategy: "AVG", Client: "x", Clients: three}, "", true},
		{"nobody", Share{Strategy: "AVG", Clients: three}, "", false},
		{"another strategy", Share{Strategy: "MACHINE_ROOM", Client: "c1", Clients: three}, "", false},
		{"pops all", Share{Strategy: "AVG", Client: "c1", Clients: three, Pop: true}, "a-1 b-1 ", true},
		{"pops nearly all", Share{Strategy: "AVG", Client: "c1", Clients: three, Pop: true, ShareQueues: 2}, "a-1 b-1 ", true},
		{"pops its own and the next one's", Share{Strategy: "AVG", Client: "c3", Clients: three, Pop: true, ShareQueues: 1}, "b2 b3 a0 a1 a2 ", true},
		{"pops as a stranger", Share{Strategy: "AVG", Client: "x", Clients: three, Pop: true, ShareQueues: 1}, "", true},
	}
	for _, c := range cases {
		c.share.Queues = queuesOf("b", "a")
		if got, ok := c.share.Allocate(); text(got) != c.want || ok != c.ok {
			t.Errorf("%s: %q, %v; want %q, %v", c.name, text(got), ok, c.want, c.ok)
		}
	}
	many := []string{"c0", "c1", "c2", "c3", "c4", "c5", "c6"}
	got, ok := Share{Strategy: "AVG", Client: "c5", Clients: many, Queues: queuesOf("a"), Pop: true, ShareQueues: 1}.Allocate()
	if text(got) != "a1 " || !ok {
		t.Errorf("more clients than queues: %q, %v", text(got), ok)
	}
}

// TestEverythingIsAllocated: whatever the numbers, pulled queues have one owner
// each.
func TestEverythingIsAllocated(t *testing.T) {
	all := queuesOf("a", "b", "c")
	for _, strategy := range []string{averagely, byCircle} {
		for n := 1; n < 16; n++ {
			var clients []string
			for i := range n {
				clients = append(clients, fmt.Sprintf("c%02d", i))
			}
			var given []protocol.MessageQueue
			for _, c := range clients {
				share, _ := Share{Strategy: strategy, Client: c, Clients: clients, Queues: all}.Allocate()
				given = append(given, share...)
			}
			slices.SortFunc(given, func(a, b protocol.MessageQueue) int { return slices.Index(all, a) - slices.Index(all, b) })
			if !slices.Equal(given, all) {
				t.Errorf("%s, %d clients: %s", strategy, n, text(given))
			}
		}
	}
}

func TestModes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "messageRequestMode.json")
	m, _, err := OpenModes(configfile.OS, path)
	if err != nil {
		t.Fatal(err)
	}
	mode := protocol.SetMessageRequestModeRequestBody{Topic: "T", ConsumerGroup: "G", Mode: protocol.RequestModePop, PopShareQueueNum: 3}
	if _, ok := m.Get("T", "G"); ok {
		t.Error("a mode that was not set")
	}
	if err := m.Set(mode); err != nil {
		t.Fatal(err)
	}
	again, _, err := OpenModes(configfile.OS, path)
	if err != nil {
		t.Fatal(err)
	}
	if got, ok := again.Get("T", "G"); !ok || got != mode {
		t.Errorf("loaded %+v, %v", got, ok)
	}
	if all := again.Snapshot().MessageRequestModeMap; len(all) != 1 || all["T"]["G"] != mode {
		t.Errorf("all: %+v", all)
	}
}
