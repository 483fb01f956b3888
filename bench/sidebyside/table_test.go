package main

import (
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gantrymq/gantry/bench"
)

// made is a figure of 1000 messages.
func made(rate, cpuMicros float64, failures map[string]int64) figure {
	r := &bench.Report{
		Measured: time.Second,
		Loads: []bench.LoadReport{{
			Name: "produce", Messages: 1000, Requests: 10, Rate: rate, Failures: failures, Latency: &bench.Latency{P50: 100, P99: 2000, P999: 3e6},
			Seconds: []bench.Second{{At: 1, Rate: rate, P99: 2000}},
		}},
		Target: []bench.ProcessReport{{CPU: time.Duration(cpuMicros * 1000 * 1e3), PeakAnonymous: 5e6}},
	}
	return figure{report: r, load: &r.Loads[0]}
}

func sample(dir string) *comparison {
	r := row{name: halfOf, args: "produce", limit: loopback}
	return &comparison{
		settings: settings{rounds: 3, dir: dir}, rows: []row{r}, systems: []system{{name: "official"}, {name: "Gantry"}},
		limits: bench.Limits{Exchanges: 1, Rate: 20},
		figures: map[string][][2]figure{halfOf: {
			{made(100, 80, map[string]int64{"SYSTEM_BUSY": 2}), made(900, 8, nil)},
			{made(300, 80, map[string]int64{"SYSTEM_BUSY": 3}), made(1000, 8, nil)},
			{made(200, 80, nil), made(5000, 8, nil)},
		}},
		lives: [2][]life{
			{{firstAck: 6 * time.Second, stop: 17 * time.Second, atRest: 500e6}, {firstAck: 4 * time.Second, atRest: 500e6}},
			{{firstAck: 50 * time.Millisecond, atRest: 5e6}},
		},
	}
}

func TestTableHoldsMediansAndRatios(t *testing.T) {
	var b strings.Builder
	if err := sample("").write(&b, time.Minute); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"| " + halfOf + " | 1000 | 200 | 5.0 × | 8.00 | 80.00 | 1/10.0 | 100 µs / 2.0 ms / 3.00 s | 100 µs / 2.0 ms / 3.00 s | loopback: 50 %, 50 % |",
		"- " + halfOf + ", official: 5 SYSTEM_BUSY",
		"| start to the first acknowledged message | 50.0 ms | 5.00 s | 1/100.0 |",
		"| clean stop (SIGTERM to exit) | 0 µs | 17.00 s | – |",
		"| anonymous memory at rest, all processes | 5 MB | 500 MB | 1/100.0 |",
	} {
		if !strings.Contains(b.String(), want+"\n") {
			t.Errorf("the tables lack %q:\n%s", want, b.String())
		}
	}
}

func TestPageIsWritten(t *testing.T) {
	dir := t.TempDir()
	page := filepath.Join(dir, "docs", "performance.md")
	if err := sample(dir).writePage(page, time.Minute); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"# Performance", "`make bench`", "`gantry bench produce`", "(performance.svg)"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "docs", "performance.svg")); err != nil {
		t.Error(err)
	}
}

func TestHalfRateIsOfTheSlowestOfficialRound(t *testing.T) {
	if got := sample("").halfRate(); got != "50" {
		t.Errorf("got %s", got)
	}
	if got := (&comparison{}).halfRate(); got != "2000" {
		t.Errorf("got %s before anything was measured", got)
	}
}

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		in   []float64
		want float64
	}{{nil, 0}, {[]float64{3}, 3}, {[]float64{9, 1}, 5}, {[]float64{9, 1, 2}, 2}} {
		if got := median(c.in); got != c.want {
			t.Errorf("median of %v is %v", c.in, got)
		}
	}
}

// The rows make sense together: the rate comes before what needs it, names are
// their own, and the quick choice leaves some.
func TestRowsAreConsistent(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range rows {
		if seen[r.name] {
			t.Errorf("two rows are called %q", r.name)
		}
		seen[r.name] = true
		if strings.Contains(r.args, ratePlace) && !seen[halfOf] {
			t.Errorf("%s needs a rate that is not known yet", r.name)
		}
	}
	if quick := chosenRows(true, ""); len(quick) == 0 || len(quick) >= len(rows) {
		t.Errorf("%d of %d rows are quick", len(quick), len(rows))
	}
	if got := chosenRows(false, "catch-up pull"); len(got) != 3 {
		t.Errorf("found %v", got)
	}
}

func TestFreePortsHaveFreeNeighbours(t *testing.T) {
	p, err := freePorts()
	if err != nil {
		t.Fatal(err)
	}
	for _, port := range []int{p.nameServer, p.broker, p.broker - 2, p.broker + 1} {
		l, err := net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(port))
		if err != nil {
			t.Errorf("%d is taken: %v", port, err)
			continue
		}
		l.Close()
	}
}

func TestSettingsAreChecked(t *testing.T) {
	jars := t.TempDir()
	binary := filepath.Join(jars, "gantry")
	for _, f := range []string{binary, filepath.Join(jars, "rocketmq-broker-5.5.0.jar")} {
		if err := os.WriteFile(f, nil, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for want, s := range map[string]settings{
		"no binary":       {gantry: filepath.Join(jars, "none"), lib: jars},
		"no jars":         {gantry: binary, lib: t.TempDir()},
		"no fair ground":  {gantry: binary, lib: jars, heap: 100},
		"":                {gantry: binary, lib: jars, heap: 512, dir: t.TempDir(), quick: true},
		"not a directory": {gantry: binary, lib: jars, heap: 512, dir: filepath.Join(binary, "x")},
	} {
		err := s.complete()
		if want == "" && (err != nil || s.rounds != 2) {
			t.Errorf("refused %+v: %v", s, err)
		}
		if want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}
