package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
)

// steps are all checks, cheap ones first.
var steps = []step{
	{"gofmt", checkFormat},
	{"vet", commandStep("go", "vet", "-tags", "long", "./...")},
	{"lint", commandStep("go", "run", "./internal/lint")},
	{"staticcheck", commandStep("go", "tool", "staticcheck", "./...")},
	{"generated", checkGenerated},
	{"unit", checkUnit},
	{"budgets", checkBudgets},
	{"conformance", checkConformance},
}

// run executes a command in the module's root and returns all it printed.
func run(ctx context.Context, name string, args ...string) (string, error) {
	var out bytes.Buffer
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	return out.String(), err
}

// one is the result of a step that counts as one.
func one(output string, err error) result {
	if err != nil {
		return result{tally: tally{failed: 1}, output: output + err.Error()}
	}
	return result{tally: tally{passed: 1}}
}

// commandStep passes when the command exits with 0.
func commandStep(name string, args ...string) func(context.Context) result {
	return func(ctx context.Context) result { return one(run(ctx, name, args...)) }
}

// checkFormat wants nothing left for gofmt to do.
func checkFormat(ctx context.Context) result {
	out, err := run(ctx, "gofmt", "-l", ".")
	if err == nil && out != "" {
		err = fmt.Errorf("these files are not formatted: run gofmt -w on them")
	}
	return one(out, err)
}

// fastConformance is the runner of the cases that take seconds, against a server
// that it starts itself.
var fastConformance = []string{"run", "./cmd/conformance", "-target", "process", "-client", "raw,go", "-quick"}

// checkConformance runs the fast cases and takes over their count.
func checkConformance(ctx context.Context) result {
	if _, err := os.Stat("cmd/conformance"); err != nil {
		return result{tally: tally{skipped: 1}, skips: []string{"conformance: cmd/conformance is not there"}}
	}
	out, err := run(ctx, "go", fastConformance...)
	return conformanceResult(out, err)
}

var closing = regexp.MustCompile(`(?m)^(?:\w+: )?(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$`)

// conformanceResult reads the runner's closing line. A run that printed none, or
// that ended badly although nothing in it failed, is one failure.
func conformanceResult(out string, err error) result {
	r := result{output: out}
	if found := closing.FindAllStringSubmatch(out, -1); found != nil {
		last := found[len(found)-1]
		r.passed, _ = strconv.Atoi(last[1])
		r.failed, _ = strconv.Atoi(last[2])
		r.skipped, _ = strconv.Atoi(last[3])
	} else if err == nil {
		err = fmt.Errorf("the conformance run printed no count")
	}
	for line := range strings.Lines(out) {
		if why, ok := strings.CutPrefix(strings.TrimSpace(line), "skipped: "); ok {
			r.skips = append(r.skips, why)
		}
	}
	if err != nil && r.failed == 0 {
		r.failed = 1
		r.output += err.Error()
	}
	return r
}
