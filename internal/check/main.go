// Command check is what make test runs: formatting, vet, staticcheck, the rules
// of the house, freshness of generated files, unit tests and the fast conformance
// cases, each a step of its own.
//
//	go run ./internal/check [step …]
//
// With names it runs those steps only. It prints one line a step, the whole output
// of a step that failed, and every skipped test with its reason; it goes on after a
// failure, so that one run shows all there is to mend. The last line counts:
//
//	211 passed, 0 failed, 3 skipped
//
// A step without tests of its own counts as one. What this machine lacks is named
// and counted as skipped, never passed silently.
package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"
)

// tally counts outcomes.
type tally struct{ passed, failed, skipped int }

func (t *tally) add(o tally) {
	t.passed += o.passed
	t.failed += o.failed
	t.skipped += o.skipped
}

func (t tally) String() string {
	return fmt.Sprintf("%d passed, %d failed, %d skipped", t.passed, t.failed, t.skipped)
}

// result is what became of one step.
type result struct {
	tally
	skips  []string // what was skipped, each with its reason
	output string   // shown when something failed
}

// step is one check.
type step struct {
	name string
	run  func(ctx context.Context) result
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	chosen, err := choose(steps, os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "check:", err)
		os.Exit(2)
	}
	if t := runAll(ctx, chosen, os.Stdout); t.failed > 0 {
		os.Exit(1)
	}
}

// choose picks the named steps in their own order; no name picks all.
func choose(all []step, names []string) ([]step, error) {
	if len(names) == 0 {
		return all, nil
	}
	var chosen []step
	var list []string
	for _, s := range all {
		list = append(list, s.name)
		if slices.Contains(names, s.name) {
			chosen = append(chosen, s)
		}
	}
	for _, n := range names {
		if !slices.Contains(list, n) {
			return nil, fmt.Errorf("no step is called %q; there are %s", n, strings.Join(list, ", "))
		}
	}
	return chosen, nil
}

// runAll runs the steps one after another and reports them.
func runAll(ctx context.Context, chosen []step, out io.Writer) tally {
	var total tally
	for _, s := range chosen {
		if ctx.Err() != nil {
			total.failed++
			fmt.Fprintf(out, "FAIL  %-12s interrupted\n", s.name)
			break
		}
		began := time.Now()
		r := s.run(ctx)
		total.add(r.tally)
		word := "ok  "
		switch {
		case r.failed > 0:
			word = "FAIL"
		case r.passed == 0:
			word = "skip"
		}
		fmt.Fprintf(out, "%s  %-12s %s (%.1f s)\n", word, s.name, r.tally, time.Since(began).Seconds())
		for _, why := range r.skips {
			fmt.Fprintf(out, "      skipped: %s\n", why)
		}
		if r.failed > 0 {
			fmt.Fprintln(out, strings.TrimRight(cmp.Or(r.output, "(no output)"), "\n"))
		}
	}
	fmt.Fprintln(out, total)
	return total
}
