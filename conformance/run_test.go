package conformance

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// external is a target that needs no server.
func external(implementation string) *Target {
	return &Target{Kind: KindExternal, Implementation: implementation, NameServers: []string{"127.0.0.1:1"}, Brokers: []string{"127.0.0.1:2"}}
}

func TestRunnerStatus(t *testing.T) {
	gap := &Gap{Issue: 9, Reason: "not yet"}
	fails := func(t *T) { t.Errorf("wrong") }
	for _, c := range []struct {
		name           string
		c              Case
		implementation string
		want           Status
		reason         string
	}{
		{"passes", Case{Run: func(*T) {}}, Gantry, Passed, ""},
		{"fails", Case{Run: fails}, Gantry, Failed, ""},
		{"ends early", Case{Run: func(t *T) { t.Fatalf("stop"); panic("not reached") }}, Gantry, Failed, ""},
		{"panics", Case{Run: func(*T) { panic("oh") }}, Gantry, Failed, ""},
		{"skips", Case{Run: func(t *T) { t.Skipf("no %s", "tool") }}, Gantry, Skipped, "no tool"},
		{"gap that fails", Case{Gap: gap, Run: fails}, Gantry, KnownGap, "not yet (issue 9)"},
		{"gap that passes", Case{Gap: gap, Run: func(*T) {}}, Gantry, Failed, ""},
		{"gap on the official server", Case{Gap: gap, Run: func(*T) {}}, Official, Passed, ""},
		{"gap that fails on the official server", Case{Gap: gap, Run: fails}, Official, Failed, ""},
		{"needs control", Case{Needs: Control, Run: fails}, Gantry, NotApplicable, "the target offers addresses only"},
		{"a tool that the official release lacks", Case{OwnTool: true, Run: fails}, Official, NotApplicable, "the official release has no such tool"},
		{"needs more servers", Case{Topology: TwoBrokers, Run: fails}, Gantry, NotApplicable, "the case needs 1 name servers and 2 brokers, the addresses given name 1 and 1"},
		{"takes too long", Case{Timeout: time.Millisecond, Run: func(t *T) { <-t.Context().Done(); t.Errorf("late") }}, Gantry, Failed, ""},
	} {
		c.c.Name = c.name
		results := (&Runner{}).Run(t.Context(), external(c.implementation), []Case{c.c})
		if len(results) != 1 || results[0].Status != c.want || results[0].Reason != c.reason {
			t.Errorf("%s: %+v", c.name, results)
		}
		if results[0].Status == Failed && len(results[0].Lines) == 0 {
			t.Errorf("%s: failed without a word", c.name)
		}
	}
}

func TestRunnerCountsWhatIsLacking(t *testing.T) {
	target := &Target{Kind: KindContainer, Implementation: Official, Lacking: "lacking: a daemon"}
	results := (&Runner{}).Run(t.Context(), target, []Case{{Name: "a", Run: func(*T) {}}, {Name: "b", Needs: Control, Run: func(*T) {}}})
	for _, r := range results {
		if r.Status != Skipped || r.Reason != "lacking: a daemon" {
			t.Errorf("%+v", r)
		}
	}
	if len(results) != 2 {
		t.Errorf("%d results", len(results))
	}
}

func TestCleanupsRunLastFirst(t *testing.T) {
	var order strings.Builder
	c := Case{Name: "c", Run: func(t *T) {
		t.Cleanup(func() { order.WriteString("1") })
		t.Cleanup(func() { order.WriteString("2") })
		t.Fatalf("stop")
	}}
	(&Runner{}).Run(t.Context(), external(Gantry), []Case{c})
	if order.String() != "21" {
		t.Errorf("cleanups ran as %q", order.String())
	}
}

// fakeLauncher starts nothing and counts.
type fakeLauncher struct{ launched atomic.Int32 }

func (*fakeLauncher) Implementation() string { return Gantry }
func (*fakeLauncher) AllInOne() bool         { return true }
func (l *fakeLauncher) Launch(context.Context, Spec) (Instance, error) {
	l.launched.Add(1)
	return nil, errors.New("no server here")
}

func TestServersAreSharedByTopologyAndSettings(t *testing.T) {
	l := &fakeLauncher{}
	target := &Target{Kind: KindProcess, Implementation: Gantry, Self: l}
	other := Settings{Broker: map[string]string{"a": "b"}}
	results := (&Runner{Parallel: 4}).Run(t.Context(), target, []Case{
		{Name: "1", Topology: NameServerOnly}, {Name: "2", Topology: NameServerOnly}, {Name: "3", Topology: NameServerOnly, Settings: other},
	})
	for _, r := range results {
		if r.Status != Failed || !strings.Contains(strings.Join(r.Lines, ""), "no server here") {
			t.Errorf("%+v", r)
		}
	}
	if n := l.launched.Load(); n != 2 {
		t.Errorf("%d launches for two sets of servers", n)
	}
}

func TestMixedTopologyWithoutReferenceIsSkipped(t *testing.T) {
	target := &Target{Kind: KindProcess, Implementation: Gantry, Self: &fakeLauncher{}, ReferenceLacking: "lacking: jars"}
	results := (&Runner{}).Run(t.Context(), target, []Case{{Name: "m", Topology: OfficialBroker}})
	if results[0].Status != Skipped || !strings.Contains(results[0].Reason, "lacking: jars") {
		t.Errorf("%+v", results[0])
	}
}

func TestConfigFile(t *testing.T) {
	target := &Target{Kind: KindProcess, Implementation: Gantry, Self: &fakeLauncher{}}
	settings := Settings{Broker: map[string]string{"messageDelayLevel": "1s", "path": `a\b`, "brokerId": "7"}}
	c, err := newCluster(target, TwoBrokers, settings, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	ports := map[string]bool{c.NameServer().Address(): true}
	for _, b := range c.Brokers {
		text, err := os.ReadFile(filepath.Join(b.Dir(), "broker.conf"))
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{
			"brokerName=" + b.Name() + "\n", "namesrvAddr=" + c.NameServer().Address() + "\n", "messageDelayLevel=1s\n",
			"path=a\\\\b\n", "brokerId=7\n", "storePathRootDir=" + b.StoreDir() + "\n",
		} {
			if !strings.Contains(string(text), want) {
				t.Errorf("%s lacks %q:\n%s", b.Name(), want, text)
			}
		}
		for _, address := range []string{b.Address(), b.VIPAddress()} {
			if ports[address] {
				t.Errorf("%s is used twice", address)
			}
			ports[address] = true
		}
	}
}

func TestNamesAreUniqueAndValid(t *testing.T) {
	c := &T{c: &Case{Name: "raw/some/very long name: with ünusual runes and many, many, many more of them than fit"}, run: "r"}
	seen := map[string]bool{}
	for range 10 {
		for _, name := range []string{c.Topic(), c.Group()} {
			if seen[name] || len(name) > 100 || strings.ContainsAny(name, "/ :,ü") {
				t.Errorf("%q", name)
			}
			seen[name] = true
		}
	}
}

// Cases in turn share servers, but never at the same time.
func TestInTurn(t *testing.T) {
	var running, most, ran atomic.Int32
	body := func(t *T) {
		most.Store(max(most.Load(), running.Add(1)))
		t.Pause(5 * time.Millisecond)
		running.Add(-1)
		ran.Add(1)
	}
	var cases []Case
	for _, name := range []string{"a", "b", "c"} {
		cases = append(cases, Case{Name: name, InTurn: true, Run: body})
	}
	(&Runner{Parallel: 3, Clusters: 3}).Run(t.Context(), external("somebody's"), cases)
	if ran.Load() != 3 || most.Load() != 1 {
		t.Errorf("%d cases ran, %d at once", ran.Load(), most.Load())
	}
}

// What an external target cannot show is counted as not applicable, never as passed.
func TestExternalTargetsAreAskedWhatTheyCanShow(t *testing.T) {
	target := external("somebody's")
	for name, c := range map[string]struct {
		c     Case
		unfit bool
	}{
		"addresses":        {Case{Topology: SingleBroker}, false},
		"control":          {Case{Topology: SingleBroker, Needs: Control}, true},
		"local":            {Case{Topology: SingleBroker, Local: true}, true},
		"mixed":            {Case{Topology: OfficialBroker}, true},
		"settings":         {Case{Topology: SingleBroker, Settings: Settings{Broker: map[string]string{"k": "v"}}}, true},
		"too many brokers": {Case{Topology: TwoBrokers}, true},
	} {
		if got := target.unfit(&c.c); (got != "") != c.unfit {
			t.Errorf("%s: %q", name, got)
		}
	}
	if got := (&Target{Kind: KindProcess}).unfit(&Case{Needs: Control}); got != "" {
		t.Errorf("a target that starts servers: %q", got)
	}
}

// What takes long whatever the servers do is begun first.
func TestLongCasesComeFirst(t *testing.T) {
	other := Settings{Broker: map[string]string{"a": "b"}}
	_, groups := (&Runner{}).group(&Target{Kind: KindProcess, Implementation: Gantry, Self: &fakeLauncher{}}, []Case{
		{Name: "shared"}, {Name: "control", Needs: Control}, {Name: "minute among others", Settings: other, Lasts: time.Minute},
		{Name: "other", Settings: other}, {Name: "three minutes", Needs: Control, Lasts: 3 * time.Minute},
	})
	var order []string
	for _, g := range groups {
		order = append(order, g[0].Name)
	}
	if want := []string{"three minutes", "minute among others", "control", "shared"}; !slices.Equal(order, want) {
		t.Errorf("%q, want %q", order, want)
	}
}

func TestNameInClusterInfo(t *testing.T) {
	info := `{"brokerAddrTable":{"a":{"brokerAddrs":{0:"10.0.0.1:10911",1:"10.0.0.2:10911"},"brokerName":"a","cluster":"C"},` +
		`"b":{"brokerAddrs":{"0":"10.0.0.3:10911"},"brokerName":"b","cluster":"C"}},"clusterAddrTable":{"C":["a","b"]}}`
	for address, want := range map[string]string{"10.0.0.1:10911": "a", "10.0.0.2:10911": "a", "10.0.0.3:10911": "b", "0.0.0.3:10911": ""} {
		if got, ok := nameInClusterInfo(info, address); got != want || ok != (want != "") {
			t.Errorf("%s: %q", address, got)
		}
	}
}

// Cases about the name server alone invent brokers; with external servers they are over before
// others begin.
func TestExternalTargetsMeetInventedBrokersFirst(t *testing.T) {
	var order []string
	runner := &Runner{Clusters: 4, Parallel: 4, Progress: func(r Result) { order = append(order, r.Case.Name) }}
	nothing := func(*T) {}
	// The first fails, because nobody answers there; what counts is when.
	runner.Run(t.Context(), external("somebody's"), []Case{
		{Name: "asks", Topology: SingleBroker, Run: nothing}, {Name: "invents", Topology: NameServerOnly, Run: nothing},
	})
	if !slices.Equal(order, []string{"invents", "asks"}) {
		t.Errorf("%v", order)
	}
}
