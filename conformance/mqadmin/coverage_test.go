package mqadmin

import (
	"encoding/csv"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/gantrymq/gantry/conformance"
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

// unscripted are commands that no script plays: two need two brokers, and what brokers
// answer to them is in raw/broker/static-topic; two never end.
var unscripted = []string{"updateStaticTopic", "remappingStaticTopic", "clusterRT", "startMonitoring"}

// TestEveryCommandIsPlayed: testdata/commands.csv says for each command of the official tool,
// release 5.5.0, which script plays it. The script NAME is the cases mqadmin/NAME, where
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
		if !table[name] && !slices.Contains(unscripted, name) {
			t.Errorf("no script is named for %s", name)
		}
	}
	for name := range table {
		if !official[name] {
			t.Errorf("the official tool has no command %s", name)
		}
	}
}
