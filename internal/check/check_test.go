package main

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/fstest"
)

// report builds the output of go test -json from short lines.
func report(lines ...string) string {
	var b strings.Builder
	for _, l := range lines {
		action, rest, _ := strings.Cut(l, " ")
		pkg, rest, _ := strings.Cut(rest, " ")
		test, output, _ := strings.Cut(rest, " ")
		b.WriteString(`{"Action":"` + action + `","Package":"` + pkg + `","Test":"` + test + `","Output":"` + output + `"}` + "\n")
	}
	return b.String()
}

func TestTestResult(t *testing.T) {
	exit := errors.New("exit status 1")
	for name, c := range map[string]struct {
		in     string
		err    error
		want   tally
		skips  string
		output string
	}{
		"passed": {in: report("run p A", "pass p A", "pass p"), want: tally{passed: 1}},
		"sub-tests count, their parent does not": {
			in:   report("run p A", "run p A/x", "run p A/y", "pass p A/x", "pass p A/y", "pass p A", "pass p"),
			want: tally{passed: 2},
		},
		"failed sub-test": {
			in:  report("run p A", "run p A/x", `output p A/x why`, "fail p A/x", "fail p A", "fail p"),
			err: exit, want: tally{failed: 1}, output: "why",
		},
		"skipped with its reason": {
			in:    report("run p A", `output p A     a_test.go:7: no disk\n`, `output p A --- SKIP: A\n`, "skip p A", "pass p"),
			want:  tally{skipped: 1},
			skips: "p A: no disk",
		},
		"package without tests": {in: report("skip p"), want: tally{}},
		"package that fails outside of its tests": {
			in:  report("run p A", "pass p A", "output p  leaked", "fail p"),
			err: exit, want: tally{passed: 1, failed: 1}, output: "leaked",
		},
		"nothing reported, exit not 0": {err: exit, want: tally{failed: 1}, output: "exit status 1"},
		"no report at all":             {in: "panic: boom", err: exit, want: tally{failed: 1}, output: "boom"},
	} {
		t.Run(name, func(t *testing.T) {
			r := testResult(strings.NewReader(c.in), c.err)
			if r.tally != c.want {
				t.Errorf("counted %v, want %v", r.tally, c.want)
			}
			if got := strings.Join(r.skips, ";"); got != c.skips {
				t.Errorf("skips %q, want %q", got, c.skips)
			}
			if !strings.Contains(r.output, c.output) {
				t.Errorf("output %q lacks %q", r.output, c.output)
			}
		})
	}
}

func TestConformanceResult(t *testing.T) {
	for name, c := range map[string]struct {
		out  string
		err  error
		want tally
	}{
		"passed":               {"matrix\n12 passed, 0 failed\n", nil, tally{passed: 12}},
		"skips are taken over": {"skipped: java: no JDK\n12 passed, 0 failed, 1 skipped\n", nil, tally{passed: 12, skipped: 1}},
		"failed":               {"11 passed, 1 failed\n", errors.New("exit 1"), tally{passed: 11, failed: 1}},
		"ended badly":          {"12 passed, 0 failed\n", errors.New("exit 2"), tally{passed: 12, failed: 1}},
		"no count":             {"hello\n", nil, tally{failed: 1}},
	} {
		if r := conformanceResult(c.out, c.err); r.tally != c.want {
			t.Errorf("%s: counted %v, want %v", name, r.tally, c.want)
		} else if len(r.skips) != c.want.skipped {
			t.Errorf("%s: skips %q", name, r.skips)
		}
	}
}

func TestGeneratedFilesAreCompared(t *testing.T) {
	fsys := fstest.MapFS{"p/a_gen.go": {Data: []byte("1")}, "p/a.go": {Data: []byte("1")}, ".git/b_gen.go": {Data: []byte("1")}}
	before, err := generatedFiles(fsys)
	if err != nil || len(before) != 1 {
		t.Fatalf("found %v, %v, want p/a_gen.go only", before, err)
	}
	fsys["p/a_gen.go"] = &fstest.MapFile{Data: []byte("2")}
	fsys["p/b_gen.go"] = &fstest.MapFile{Data: []byte("1")}
	fsys["p/a.go"] = &fstest.MapFile{Data: []byte("2")}
	after, _ := generatedFiles(fsys)
	if got := strings.Join(differing(before, after), " "); got != "p/a_gen.go p/b_gen.go" {
		t.Errorf("stale: %s", got)
	}
	if got := strings.Join(differing(after, before), " "); got != "p/a_gen.go p/b_gen.go" {
		t.Errorf("stale the other way: %s", got)
	}
}

func TestRunAll(t *testing.T) {
	pass := func(context.Context) result { return result{tally: tally{passed: 2}} }
	fail := func(context.Context) result { return result{tally: tally{failed: 1}, output: "the reason\n"} }
	lack := func(context.Context) result { return result{tally: tally{skipped: 1}, skips: []string{"no tool"}} }
	all := []step{{"a", pass}, {"b", fail}, {"c", lack}}

	var out strings.Builder
	if got := runAll(t.Context(), all, &out); got != (tally{2, 1, 1}) {
		t.Errorf("total %v", got)
	}
	for _, want := range []string{"ok    a", "FAIL  b", "the reason", "skip  c", "skipped: no tool", "\n2 passed, 1 failed, 1 skipped\n"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("output lacks %q:\n%s", want, out.String())
		}
	}

	stopped, cancel := context.WithCancel(t.Context())
	cancel()
	if got := runAll(stopped, all, &out); got.failed != 1 || got.passed != 0 {
		t.Errorf("an interrupted run counted %v", got)
	}
}

func TestChoose(t *testing.T) {
	all := []step{{name: "a"}, {name: "b"}}
	if got, err := choose(all, []string{"b"}); err != nil || len(got) != 1 || got[0].name != "b" {
		t.Errorf("chose %v, %v", got, err)
	}
	if got, _ := choose(all, nil); len(got) != 2 {
		t.Errorf("no name chose %v", got)
	}
	if _, err := choose(all, []string{"z"}); err == nil || !strings.Contains(err.Error(), "a, b") {
		t.Errorf("an unknown name: %v", err)
	}
}
