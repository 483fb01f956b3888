package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
)

// checkUnit runs the unit tests, with the race detector where a C compiler is at
// hand, and counts them one by one.
func checkUnit(ctx context.Context) result {
	args := []string{"test", "-json"}
	var lacking []string
	if cc := raceCompiler(); cc != "" {
		args = append(args, "-race")
	} else {
		lacking = append(lacking, "race detector: no C compiler (gcc) on this machine")
	}
	out, err := run(ctx, "go", append(args, "./...")...)
	r := testResult(strings.NewReader(out), err)
	r.skips = append(lacking, r.skips...)
	r.skipped += len(lacking)
	return r
}

// checkBudgets runs the tests of what allocates nothing and what is cheap. The
// race detector would spoil them: they are built without it only, and are not
// part of a run that has it.
func checkBudgets(ctx context.Context) result {
	out, err := run(ctx, "go", "test", "-json", "-run", "Allocat|Cheap", "./...")
	return testResult(strings.NewReader(out), err)
}

// raceCompiler finds the C compiler that the race detector needs.
func raceCompiler() string {
	for _, cc := range []string{os.Getenv("CC"), "gcc", "clang"} {
		if cc == "" {
			continue
		}
		if p, err := exec.LookPath(cc); err == nil {
			return p
		}
	}
	return ""
}

// event is one line of go test -json, as far as it matters here.
type event struct {
	Action, Package, ImportPath, Test, Output string
}

// testReport is what go test -json tells.
type testReport struct {
	builds   bytes.Buffer             // what the compiler said
	outcomes []event                  // ends of tests and packages, in order
	output   map[string]*bytes.Buffer // by event.key
	parents  map[string]bool          // keys of tests that have sub-tests
}

func (e event) key() string { return e.Package + " " + e.Test }

// readReport reads the events. After an error the report is as far as it goes.
func readReport(in io.Reader) (*testReport, error) {
	r := &testReport{output: map[string]*bytes.Buffer{}, parents: map[string]bool{}}
	dec := json.NewDecoder(in)
	for {
		var e event
		if err := dec.Decode(&e); err == io.EOF {
			return r, nil
		} else if err != nil {
			rest, _ := io.ReadAll(dec.Buffered())
			return r, fmt.Errorf("go test printed something that is no report: %w\n%s", err, rest)
		}
		switch e.Action {
		case "build-output":
			r.builds.WriteString(e.Output)
		case "output":
			if r.output[e.key()] == nil {
				r.output[e.key()] = new(bytes.Buffer)
			}
			r.output[e.key()].WriteString(e.Output)
		case "run":
			if i := strings.LastIndexByte(e.Test, '/'); i >= 0 {
				r.parents[e.Package+" "+e.Test[:i]] = true
			}
		case "pass", "fail", "skip":
			r.outcomes = append(r.outcomes, e)
		}
	}
}

// testResult counts what go test -json reported: tests without sub-tests apart,
// and a package that failed outside of any test as one failure. The output of
// what failed is kept.
func testResult(in io.Reader, err error) result {
	var r result
	told, readErr := readReport(in)
	if readErr != nil {
		return one(told.builds.String()+"\n", readErr)
	}
	r.output = told.builds.String()
	failedIn := map[string]bool{} // packages that have a failed test
	for _, e := range told.outcomes {
		text := ""
		if b := told.output[e.key()]; b != nil {
			text = b.String()
		}
		switch {
		case e.Test == "" && e.Action == "fail" && !failedIn[e.Package]:
			r.failed++
			r.output += text
		case e.Test == "":
			// A package without tests is reported as skipped; it lacks nothing.
		case e.Action == "fail":
			failedIn[e.Package] = true
			r.output += text
			if !told.parents[e.key()] {
				r.failed++
			}
		case e.Action == "skip":
			r.skipped++
			r.skips = append(r.skips, e.key()+": "+reason(text))
		case !told.parents[e.key()]:
			r.passed++
		}
	}
	if err != nil && r.failed == 0 {
		r.failed = 1
		r.output += err.Error()
	}
	return r
}

// reason is what a test gave to t.Skip: the indented line of its output.
func reason(output string) string {
	for line := range strings.Lines(output) {
		if strings.HasPrefix(line, "    ") && !strings.HasPrefix(strings.TrimSpace(line), "---") {
			if _, why, ok := strings.Cut(strings.TrimSpace(line), ": "); ok {
				return why
			}
			return strings.TrimSpace(line)
		}
	}
	return "no reason given"
}
