// Package report turns the results of conformance runs into what people and machines read:
// the matrices on the screen, JSON, JUnit, and the compatibility page of the documentation.
package report

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/gantrymq/gantry/conformance"
	"github.com/gantrymq/gantry/protocol"
)

// Run is the outcome of all cases on all targets of a run.
type Run struct {
	Targets []string // column names, in order
	Results []conformance.Result
}

// Add appends the results of one target.
func (r *Run) Add(target string, results []conformance.Result) {
	r.Targets = append(r.Targets, target)
	r.Results = append(r.Results, results...)
}

// Counts is how many cases ended how. What was not run because the machine lacks something is
// counted as skipped. A known gap was run and did what its mark says; it is counted apart,
// because it neither works nor was left out. So is what means nothing to a target.
type Counts struct {
	Passed, Failed, Skipped, Gaps, Unfit int
}

// Counts counts over all targets.
func (r *Run) Counts() Counts { return count(r.Results) }

func count(results []conformance.Result) Counts {
	var c Counts
	for _, x := range results {
		switch x.Status {
		case conformance.Passed:
			c.Passed++
		case conformance.Failed:
			c.Failed++
		case conformance.KnownGap:
			c.Gaps++
		case conformance.NotApplicable:
			c.Unfit++
		default:
			c.Skipped++
		}
	}
	return c
}

// String is the closing line of a run.
func (c Counts) String() string {
	return fmt.Sprintf("%d passed, %d failed, %d skipped", c.Passed, c.Failed, c.Skipped)
}

// cell is the state of one row of a matrix on one target.
type cell []conformance.Result

// String shows the worst that happened, and how many cases stand behind it.
func (c cell) String() string {
	if len(c) == 0 {
		return "-"
	}
	n := count(c)
	switch {
	case n.Failed > 0:
		return fmt.Sprintf("FAILED %d/%d", n.Failed, len(c))
	case n.Passed == len(c):
		return fmt.Sprintf("ok %d", n.Passed)
	case n.Passed > 0:
		return fmt.Sprintf("ok %d, %s", n.Passed, others(c))
	}
	return others(c)
}

// others counts what neither passed nor failed, by status.
func others(c cell) string {
	by := map[conformance.Status]int{}
	for _, x := range c {
		if x.Status != conformance.Passed && x.Status != conformance.Failed {
			by[x.Status]++
		}
	}
	var out []string
	for _, s := range slices.Sorted(maps.Keys(by)) {
		out = append(out, fmt.Sprintf("%s %d", s, by[s]))
	}
	return strings.Join(out, ", ")
}

// row is one line of a matrix; cells are by target.
type row struct {
	name  string
	cells map[string]cell
}

// features is the matrix feature × target, as rows in the order of first appearance.
func (r *Run) features() []row {
	var rows []row
	at := map[string]int{}
	for _, x := range r.Results {
		i, ok := at[x.Case.Feature]
		if !ok {
			i = len(rows)
			at[x.Case.Feature] = i
			rows = append(rows, row{x.Case.Feature, map[string]cell{}})
		}
		rows[i].cells[x.Target] = append(rows[i].cells[x.Target], x)
	}
	slices.SortStableFunc(rows, func(a, b row) int { return cmp.Compare(a.name, b.name) })
	return rows
}

// codes is the matrix request code × target, ascending, covered codes only.
func (r *Run) codes() []row {
	by := map[protocol.RequestCode]map[string]cell{}
	for _, x := range r.Results {
		for _, code := range x.Case.Codes {
			if by[code] == nil {
				by[code] = map[string]cell{}
			}
			by[code][x.Target] = append(by[code][x.Target], x)
		}
	}
	var rows []row
	for _, code := range slices.Sorted(maps.Keys(by)) {
		rows = append(rows, row{fmt.Sprintf("%d %s", code, code), by[code]})
	}
	return rows
}

// Print writes the matrices, then every skip and gap with its reason, every failure with what
// the case said, and the closing line. Failures come last: the end of an output is what is kept
// of it, and what is looked at first.
func (r *Run) Print(w io.Writer) error {
	r.printMatrix(w, "feature", r.features())
	r.printMatrix(w, "request code", r.codes())
	for _, x := range r.Results {
		if x.Status != conformance.Passed && x.Status != conformance.Failed {
			printHead(w, x)
		}
	}
	for _, x := range r.Results {
		if x.Status == conformance.Failed {
			printFailure(w, x)
		}
	}
	for _, target := range r.Targets {
		n := count(r.of(target))
		fmt.Fprintf(w, "%s: %s", target, n)
		if n.Gaps > 0 {
			fmt.Fprintf(w, ", and %d known gaps that fail as expected", n.Gaps)
		}
		if n.Unfit > 0 {
			fmt.Fprintf(w, ", and %d that do not apply", n.Unfit)
		}
		fmt.Fprintln(w)
	}
	_, err := fmt.Fprintln(w, r.Counts())
	return err
}

// printHead writes how a case ended, and why when there is a reason to give.
func printHead(w io.Writer, x conformance.Result) {
	fmt.Fprintf(w, "%s: %s on %s", x.Status, x.Case.Name, x.Target)
	if x.Reason != "" {
		fmt.Fprintf(w, ": %s", x.Reason)
	}
	fmt.Fprintln(w)
}

// printFailure writes where the servers' logs are, a directory each, and what the case said.
func printFailure(w io.Writer, x conformance.Result) {
	printHead(w, x)
	var dirs []string
	for _, log := range x.Logs {
		dirs = append(dirs, filepath.Dir(log))
	}
	slices.Sort(dirs)
	for _, dir := range slices.Compact(dirs) {
		fmt.Fprintf(w, "    logs in %s\n", dir)
	}
	for _, line := range x.Lines {
		fmt.Fprintf(w, "    %s\n", strings.ReplaceAll(line, "\n", "\n    "))
	}
}

// briefLines is how much Brief shows.
const briefLines = 8

// Brief is the core of what a failed case said, shown while the others still run: of a difference
// the lines that differ, of anything else the beginning.
func Brief(x *conformance.Result) string {
	all := strings.Split(strings.Join(x.Lines, "\n"), "\n")
	chosen := all[:1]
	for _, line := range all[1:] {
		if strings.HasPrefix(line, "+ ") || strings.HasPrefix(line, "- ") {
			chosen = append(chosen, line)
		}
	}
	if len(chosen) == 1 {
		chosen = all
	}
	chosen = chosen[:min(len(chosen), briefLines)]
	return "    " + strings.Join(chosen, "\n    ") + "\n"
}

func (r *Run) of(target string) []conformance.Result {
	var out []conformance.Result
	for _, x := range r.Results {
		if x.Target == target {
			out = append(out, x)
		}
	}
	return out
}

func (r *Run) printMatrix(w io.Writer, what string, rows []row) {
	tw := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintf(tw, "%s\t%s\n", what, strings.Join(r.Targets, "\t"))
	for _, row := range rows {
		fmt.Fprint(tw, row.name)
		for _, target := range r.Targets {
			fmt.Fprintf(tw, "\t%s", row.cells[target])
		}
		fmt.Fprintln(tw)
	}
	tw.Flush()
	fmt.Fprintln(w)
}
