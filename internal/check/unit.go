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

// testResult counts what go test -json reported: tests without sub-tests apart,
// and a package that failed outside of any test as one failure. The output of
// what failed is kept.
func testResult(in io.Reader, err error) result {
	var r result
	output := map[string]*bytes.Buffer{} // by package and test
	failedIn := map[string]bool{}        // packages that have a failed test
	var broken []string                  // what failed, in order
	var builds bytes.Buffer
	parents := map[string]bool{}
	var order []event

	dec := json.NewDecoder(in)
	for {
		var e event
		if derr := dec.Decode(&e); derr == io.EOF {
			break
		} else if derr != nil {
			rest, _ := io.ReadAll(dec.Buffered())
			return one(fmt.Sprintf("%s\n%s\n", builds.String(), rest), fmt.Errorf("go test printed something that is no report: %w", derr))
		}
		key := e.Package + " " + e.Test
		switch e.Action {
		case "build-output":
			builds.WriteString(e.Output)
		case "output":
			if output[key] == nil {
				output[key] = new(bytes.Buffer)
			}
			output[key].WriteString(e.Output)
		case "run":
			if i := strings.LastIndexByte(e.Test, '/'); i >= 0 {
				parents[e.Package+" "+e.Test[:i]] = true
			}
		case "pass", "fail", "skip":
			order = append(order, e)
		}
	}

	for _, e := range order {
		key := e.Package + " " + e.Test
		text := ""
		if b := output[key]; b != nil {
			text = b.String()
		}
		switch {
		case e.Test == "" && e.Action == "fail" && !failedIn[e.Package]:
			r.failed++
			broken = append(broken, text)
		case e.Test == "":
			// A package without tests is reported as skipped; it lacks nothing.
		case e.Action == "fail":
			failedIn[e.Package] = true
			broken = append(broken, text)
			if !parents[key] {
				r.failed++
			}
		case e.Action == "skip":
			r.skipped++
			r.skips = append(r.skips, key+": "+reason(text))
		case !parents[key]:
			r.passed++
		}
	}
	r.output = builds.String() + strings.Join(broken, "")
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
