// Package process has the cases about the server's process: how fast it starts and stops, what
// it costs at rest, and what it is made of. All of them show intended differences.
package process

import (
	"context"
	"debug/elf"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/gantrymq/gantry/conformance"
	"github.com/gantrymq/gantry/conformance/wire"
	"github.com/gantrymq/gantry/protocol"
)

// What Gantry promises.
const (
	startBudget  = 150 * time.Millisecond
	stopBudget   = time.Second
	memoryBudget = 40 << 20
)

// Cases lists the cases of this package.
func Cases() []conformance.Case {
	cases := []conformance.Case{
		{Name: "start", Difference: 1, Run: start},
		{Name: "memory-at-rest", Difference: 2, Run: memoryAtRest},
		{Name: "installation", Difference: 4, Run: installation},
		{Name: "stop", Difference: 5, Run: stop},
	}
	for i := range cases {
		c := &cases[i]
		c.Name, c.Client, c.Feature = "process/"+c.Name, conformance.Process, "the server's process"
		c.Needs, c.Topology, c.Measures, c.Timeout = conformance.Control, conformance.AllInOne, true, 3*time.Minute
		c.Codes = []protocol.RequestCode{protocol.SendMessageV2}
	}
	return cases
}

// rounds of a measurement; the best counts, because the machine may be busy with other things.
const rounds = 5

// start measures from the launch of the process to the first acknowledged message.
func start(t *conformance.T) {
	best := time.Hour
	broker := t.Servers().Broker()
	n := rounds
	if t.Official() {
		n = 1
	}
	for range n {
		t.Check(os.RemoveAll(broker.StoreDir()), "remove the store")
		began := time.Now()
		if t.Official() {
			t.Check(t.Servers().NameServer().Launch(t.Context()), "launch the name server")
		}
		t.Check(broker.Launch(t.Context()), "launch")
		t.Eventually(time.Minute, "the first acknowledged message", func(ctx context.Context) error { return sendOne(ctx, broker.Address()) })
		best = min(best, time.Since(began))
		t.Check(broker.Kill(), "kill")
	}
	t.Logf("the first message was acknowledged after %v", best)
	if t.Official() == (best <= startBudget) {
		t.Errorf("the first message was acknowledged after %v; the budget of Gantry is %v, and the official server is known to need more", best, startBudget)
	}
}

func sendOne(ctx context.Context, address string) error {
	r, err := wire.Call(ctx, address, &wire.Frame{
		Code: int32(protocol.SendMessageV2),
		Ext: map[string]string{
			"a": "group", "b": "first", "c": "TBW102", "d": "4", "e": "0", "f": "0", "g": strconv.FormatInt(time.Now().UnixMilli(), 10),
			"h": "0", "i": "", "j": "0", "k": "false", "m": "false",
		},
		Body: []byte("hello"),
	})
	if err == nil && r.Code != int32(protocol.ResponseSuccess) {
		err = fmt.Errorf("answered %s", r)
	}
	return err
}

// memoryAtRest adds up the anonymous memory of all processes of the system, idle.
func memoryAtRest(t *conformance.T) {
	t.StartServers()
	t.Pause(2 * time.Second)
	total := anonymousMemory(t, t.Servers().Broker().PID())
	if t.Official() {
		total += anonymousMemory(t, t.Servers().NameServer().PID())
	}
	t.Logf("%d KiB of anonymous memory", total>>10)
	if t.Official() == (total <= memoryBudget) {
		t.Errorf("%d KiB of anonymous memory; the budget of Gantry is %d KiB, and the official server is known to need more", total>>10, memoryBudget>>10)
	}
}

// anonymousMemory reads RssAnon of a process, in bytes.
func anonymousMemory(t *conformance.T, pid int) int {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	t.Check(err, "read the status of process %d", pid)
	for line := range strings.SplitSeq(string(status), "\n") {
		if rest, ok := strings.CutPrefix(line, "RssAnon:"); ok {
			kib, err := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(rest), " kB"))
			t.Check(err, "read %q", line)
			return kib << 10
		}
	}
	t.Fatalf("the status of process %d names no RssAnon", pid)
	return 0
}

// installation looks at the files that make the server.
func installation(t *conformance.T) {
	if l, ok := t.Target().Self.(*conformance.GantryLauncher); ok {
		f, err := elf.Open(l.Binary)
		t.Check(err, "open the binary")
		defer f.Close()
		for _, p := range f.Progs {
			if p.Type == elf.PT_INTERP {
				t.Errorf("the binary asks for a dynamic loader: it is not static")
			}
		}
		return
	}
	t.StartServers()
	maps, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(t.Servers().Broker().PID()), "maps"))
	t.Check(err, "read the mappings of the broker")
	if !strings.Contains(string(maps), "libjvm") {
		t.Errorf("the official broker maps no Java runtime")
	}
}

// stop measures from SIGTERM to the end, and reads back what was acknowledged before it.
func stop(t *conformance.T) {
	const messages = 200
	t.StartServers()
	broker := t.Servers().Broker()
	for range messages {
		t.Check(sendOne(t.Context(), broker.Address()), "send")
	}
	began := time.Now()
	t.Check(broker.Stop(t.Context()), "stop")
	took := time.Since(began)
	t.Logf("stopped after %v", took)
	if t.Official() == (took <= stopBudget) {
		t.Errorf("stopped after %v; the budget of Gantry is %v, and the official server is known to need more", took, stopBudget)
	}
	t.Check(broker.Start(t.Context()), "start again")
	r, err := wire.Call(t.Context(), broker.Address(), &wire.Frame{
		Code: int32(protocol.GetMaxOffset), Ext: map[string]string{"topic": "first", "queueId": "0"},
	})
	t.Check(err, "ask for the end of the queue")
	if r.Ext["offset"] != strconv.Itoa(messages) {
		t.Errorf("after the restart %s of %d messages are there", r.Ext["offset"], messages)
	}
}
