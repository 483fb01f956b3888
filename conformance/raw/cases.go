// Package raw has the cases that speak frames by themselves: conversations recorded from the
// official server, and cases in Go where a conversation cannot say it.
package raw

import (
	"embed"
	"path/filepath"
	"slices"
	"time"

	"github.com/gantrymq/gantry/conformance"
	"github.com/gantrymq/gantry/protocol"
)

//go:embed testdata
var scripts embed.FS

// Cases lists the raw-wire cases. When rewrite is not empty it is the folder of this package
// in the source tree: conversations played with the official server are then recorded there
// instead of compared, and so is Gantry's part of an intended difference.
func Cases(rewrite string) ([]conformance.Case, error) {
	var all []conformance.Case
	err := conformance.EachScript(scripts, func(file, name, text string) error {
		s, err := parseScript(file, text)
		if err != nil {
			return err
		}
		c := s.head
		c.Name = "raw/" + name
		c.Run = func(t *conformance.T) {
			target := ""
			if rewrite != "" && (t.Official() || s.head.Difference != 0) {
				target = filepath.Join(rewrite, filepath.FromSlash(file))
			}
			runScript(t, s, target)
		}
		all = append(all, c)
		if slices.Contains(mergedPops, name) {
			all = append(all, withPopMerge(c, s))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	wrong, err := wrongCases(rewrite)
	all = append(append(all, wrong...), departureCases()...)
	all = slices.Concat(all, fileCases(), connectionCases(), transactionCases(), timerCases(), damageCases(), lightQueueCases(), bitMapCases(), queryCases(), delayCases(), popMergeCases(), groupSettingCases(), []conformance.Case{handOverTablesCase(), handOverHostsCase(), priorityCase(), fullDiskCase()})
	return all, err
}

// wrongCases are those about wrong input whose outcomes are recorded as a list.
func wrongCases(rewrite string) ([]conformance.Case, error) {
	var all []conformance.Case
	for _, where := range []string{"namesrv", "broker"} {
		for _, kind := range []struct {
			dir string
			c   conformance.Case
			run func(where, recording, rewrite string) func(*conformance.T)
		}{
			{"broken", conformance.Case{Name: "raw/broken-frames/" + where, Feature: "broken frames", Codes: []protocol.RequestCode{harmless[where]}}, brokenCase},
			{"fields", conformance.Case{
				Name: "raw/wrong-fields/" + where, Feature: "wrong fields", Codes: spoiltCodes(where),
				Needs: conformance.Control, Slow: true, Timeout: 5 * time.Minute,
			}, fieldsCase},
		} {
			file := "testdata/" + kind.dir + "/" + where + ".rec"
			recording, err := scripts.ReadFile(file)
			if err != nil {
				return nil, err
			}
			target := ""
			if rewrite != "" {
				target = filepath.Join(rewrite, filepath.FromSlash(file))
			}
			kind.c.Client, kind.c.Topology = conformance.Raw, topologies[where]
			kind.c.Run = kind.run(where, string(recording), target)
			all = append(all, kind.c)
		}
	}
	return all, nil
}
