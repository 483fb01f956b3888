package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
)

// checkUnit runs the unit tests, with the race detector where a C compiler is at
// hand, and counts them one by one. The detector allocates, so tests of allocation
// skip themselves under it: those are run again without it.
func checkUnit(ctx context.Context) result {
	if raceCompiler() == "" {
		r := testResult(goTest(ctx, "./..."))
		r.skipped++
		r.skips = append(r.skips, "race detector: no C compiler (gcc) on this machine")
		return r.result
	}
	r := testResult(goTest(ctx, "-race", "./..."))
	if again := r.skippedBy("race detector"); len(again) > 0 {
		r.replace(again, testResult(goTest(ctx, append([]string{"-run", pattern(again)}, packagesOf(again)...)...)))
	}
	return r.result
}

// goTest runs go test -json.
func goTest(ctx context.Context, args ...string) (io.Reader, error) {
	out, err := run(ctx, "go", append([]string{"test", "-json"}, args...)...)
	return strings.NewReader(out), err
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

// testRun is the result of go test, with the tests behind it.
type testRun struct {
	result
	skippedTests []skippedTest
	passedTests  map[string]bool // by package and name
}

// skippedTest is a test that skipped itself.
type skippedTest struct{ pkg, name, reason string }

func (s skippedTest) key() string    { return s.pkg + " " + s.name }
func (s skippedTest) String() string { return s.key() + ": " + s.reason }

// skippedBy are the tests whose reason holds a text.
func (r *testRun) skippedBy(reason string) []skippedTest {
	return slices.DeleteFunc(slices.Clone(r.skippedTests), func(s skippedTest) bool { return !strings.Contains(s.reason, reason) })
}

// replace takes tests that were skipped for what a second run made of them. Of what
// that run did besides, only failures count.
func (r *testRun) replace(tests []skippedTest, second testRun) {
	for _, s := range tests {
		if second.passedTests[s.key()] {
			r.skipped--
			r.passed++
			r.skips = slices.DeleteFunc(r.skips, func(line string) bool { return line == s.String() })
		}
	}
	r.failed += second.failed
	r.output += second.output
}

// pattern is the -run argument that matches tests by their top-level names.
func pattern(tests []skippedTest) string {
	var names []string
	for _, s := range tests {
		top, _, _ := strings.Cut(s.name, "/")
		names = append(names, top)
	}
	slices.Sort(names)
	return "^(" + strings.Join(slices.Compact(names), "|") + ")$"
}

func packagesOf(tests []skippedTest) []string {
	var names []string
	for _, s := range tests {
		names = append(names, s.pkg)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// testResult counts what go test -json reported: tests without sub-tests apart,
// and a package that failed outside of any test as one failure. The output of
// what failed is kept.
func testResult(in io.Reader, err error) testRun {
	r := testRun{passedTests: map[string]bool{}}
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
			return testRun{result: one(fmt.Sprintf("%s\n%s\n", builds.String(), rest), fmt.Errorf("go test printed something that is no report: %w", derr))}
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
			skipped := skippedTest{e.Package, e.Test, reason(text)}
			r.skips = append(r.skips, skipped.String())
			r.skippedTests = append(r.skippedTests, skipped)
		default:
			r.passedTests[key] = true
			if !parents[key] {
				r.passed++
			}
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
