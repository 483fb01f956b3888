package mqadmin

import (
	"encoding/csv"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/gantrymq/gantry/conformance"
	"github.com/gantrymq/gantry/protocol"
)

func rows(t *testing.T, file string) [][]string {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	all, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return all[1:]
}

// TestEveryCommandIsPlayed: testdata/commands.csv says for each command of the official tool,
// release 5.5.0, which script plays it, or "endless", which is Go. The script NAME is the cases mqadmin/NAME, where
// the official tool plays it, and admin/NAME, where ours does, each on both targets.
func TestEveryCommandIsPlayed(t *testing.T) {
	t.Parallel()
	played := map[string]map[string]bool{} // script, commands
	err := conformance.EachScript(scripts, func(file, name, text string) error {
		s, err := parseScript(file, text)
		if err != nil {
			return err
		}
		if s.officialOnly != "" {
			return nil
		}
		played[name] = map[string]bool{}
		for _, st := range s.steps {
			if words := strings.Fields(st.text); len(words) > 1 && strings.HasPrefix(words[0], "$") {
				played[name][words[1]] = true
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	played["endless"] = map[string]bool{}
	for name := range endlessCommands {
		played["endless"][name] = true
	}
	table := map[string]bool{}
	for _, row := range rows(t, "testdata/commands.csv") {
		table[row[0]] = true
		if !played[row[1]][row[0]] {
			t.Errorf("the script %s does not play %s", row[1], row[0])
		}
	}
	official := map[string]bool{}
	for _, row := range rows(t, "../../admin/mqadmin/testdata/options.csv") {
		official[row[0]] = true
	}
	if len(official) != 96 {
		t.Errorf("the official tool is said to have %d commands", len(official))
	}
	for name := range official {
		if !table[name] {
			t.Errorf("no script is named for %s", name)
		}
	}
	for name := range table {
		if !official[name] {
			t.Errorf("the official tool has no command %s", name)
		}
	}
}

// TestCallsOfOtherTools: testdata/tools.csv lists the methods of the admin library that
// RocketMQ Dashboard (770822b) and the Prometheus exporter (e1ab2dd) call, the requests that
// these send, and the class that calls. The script "tools" makes each call, and the matrix
// counts each code.
func TestCallsOfOtherTools(t *testing.T) {
	t.Parallel()
	text, err := scripts.ReadFile("testdata/tools.txt")
	if err != nil {
		t.Fatal(err)
	}
	s, err := parseScript("tools", string(text))
	if err != nil {
		t.Fatal(err)
	}
	calls := map[string]bool{}
	for _, st := range s.steps {
		words := strings.Fields(st.text)
		if !strings.HasPrefix(words[0], "!") {
			continue
		}
		name := words[1]
		if name == "invoke" {
			name += " " + words[3]
		}
		calls[name] = true
	}
	listed := map[string]bool{}
	var codes []protocol.RequestCode
	for _, row := range rows(t, "testdata/tools.csv") {
		listed[row[1]] = true
		if !calls[row[1]] {
			t.Errorf("the script does not call %s, as %s does", row[1], row[0])
		}
		for _, word := range strings.Fields(row[2]) {
			code, err := strconv.Atoi(word)
			if err != nil {
				t.Fatal(err)
			}
			codes = append(codes, protocol.RequestCode(code))
		}
	}
	for name := range calls {
		if !listed[name] {
			t.Errorf("the script calls %s, which the table does not list", name)
		}
	}
	slices.Sort(codes)
	if codes = slices.Compact(codes); !slices.Equal(codes, s.head.Codes) {
		t.Errorf("the head names the codes %v, the table %v", s.head.Codes, codes)
	}
}
