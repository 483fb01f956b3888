package main

import (
	"slices"
	"strings"
	"testing"
)

// What the official scripts and their option parser take, as observed on 5.5.0.
func TestOfficialArgs(t *testing.T) {
	for _, tt := range []struct{ name, args, want string }{
		{"mqbroker", "-n ns:9876 -c b.conf", "broker -n ns:9876 -c b.conf"},
		{"mqnamesrv", "", "namesrv"},
		{"mqshutdown", "broker", "shutdown broker"},
		{"mqadmin", "clusterList -n ns:9876", "admin clusterList -n ns:9876"},
		{"gantry", "server --data d", "server --data d"},
		{"gantry", "", ""},
		{"mqbroker", "-configFile b.conf -m", "broker --configFile b.conf -m"},
		{"mqbroker", "--config b.conf --printC", "broker --configFile b.conf --printConfigItem"},
		{"mqbroker", "--configFile=b.conf -na=ns:1", "broker --configFile=b.conf --namesrvAddr=ns:1"},
		{"mqbroker", "--configBlackList x", "broker --configBlackList x"},
		{"mqbroker", "--print -pm -p -x", "broker --print -pm -p -x"},
		{"mqbroker", "-pc b.conf", "broker -pc b.conf"},
		{"mqbroker", "--enable-proxy -pc p.json -pm local -bc b.conf -c b.conf", "broker --enable-proxy --pc p.json --pm local --bc b.conf -c b.conf"},
		{"gantry", "broker -namesrvAddr ns:1", "broker --namesrvAddr ns:1"},
		{"gantry", "bench send -config x", "bench send -config x"},
	} {
		args := strings.Fields(tt.args)
		before := slices.Clone(args)
		if got := strings.Join(officialArgs(tt.name, args), " "); got != tt.want {
			t.Errorf("%s %s: %s, want %s", tt.name, tt.args, got, tt.want)
		}
		if !slices.Equal(args, before) {
			t.Errorf("%s %s: the arguments were changed", tt.name, tt.args)
		}
	}
}

func TestStrayArguments(t *testing.T) {
	got := strayWarnings([]string{"autoCreateTopicEnable=true", "what=x", "y"})
	want := []string{
		"the command line: autoCreateTopicEnable=true belongs to no option and has no effect; is --autoCreateTopicEnable=true meant?",
		"the command line: what=x belongs to no option and has no effect",
		"the command line: y belongs to no option and has no effect",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

func TestProcessesByRole(t *testing.T) {
	for line, want := range map[string]bool{
		"/usr/local/bin/mqbroker -c b.conf": true, "gantry broker": true, "bin/gantry broker -n x": true,
		"gantry server": false, "gantry": false, "vi broker": false, "mqnamesrv": false,
	} {
		if got := runsRole(strings.Fields(line), "broker"); got != want {
			t.Errorf("%s is a broker: %v", line, got)
		}
	}
}
