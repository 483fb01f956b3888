package bench

import (
	"net"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestParseStat(t *testing.T) {
	const stat = "42 (a ) b (c) S 1 42 42 0 -1 4194560 100 0 0 0 250 125 0 0 20 0 7 0 100 1 2 3"
	got, err := parseStat(stat)
	if err != nil || got != 3750*time.Millisecond {
		t.Errorf("got %v, %v", got, err)
	}
	for _, bad := range []string{"", "42 (x", "42 (x) S 1"} {
		if _, err := parseStat(bad); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
}

func TestParseFields(t *testing.T) {
	got := parseFields("Name:\tjava\nVmRSS:\t  2048 kB\nRssAnon:\t1024 kB\nsyscr: 17\n")
	if got["VmRSS"] != 2048 || got["RssAnon"] != 1024 || got["syscr"] != 17 || len(got) != 3 {
		t.Errorf("got %v", got)
	}
}

// The process that listens here is this one.
func TestListenersFindsTheProcess(t *testing.T) {
	if _, err := os.Stat("/proc/net/tcp"); err != nil {
		if pids := listeners([]string{"127.0.0.1:80"}); pids != nil {
			t.Errorf("found %v without /proc", pids)
		}
		return
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if pids := listeners([]string{l.Addr().String()}); !slices.Equal(pids, []int{os.Getpid()}) {
		t.Errorf("found %v, want %d", pids, os.Getpid())
	}
	if pids := listeners([]string{"192.0.2.1:9", "nonsense"}); pids != nil {
		t.Errorf("found %v for addresses of other machines", pids)
	}
	u, err := readUsage(os.Getpid())
	if err != nil || u.Anonymous <= 0 || u.Resident < u.Anonymous {
		t.Errorf("own usage %+v, %v", u, err)
	}
}

func TestChartsSurviveOddPoints(t *testing.T) {
	for name, c := range map[string]Chart{
		"empty":          {},
		"no points":      {Log: true, Lines: []Line{{Name: "a"}}},
		"one point":      {Lines: []Line{{"a", []float64{1}, []float64{5}}}},
		"zeros on a log": {Log: true, Lines: []Line{{"a", []float64{1, 2, 3}, []float64{0, 0, 7}}}},
		"flat":           {Lines: []Line{{"<&>", []float64{1, 2}, []float64{0, 0}}}},
	} {
		var b strings.Builder
		if err := WriteCharts(&b, c); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(b.String(), "NaN") || strings.Contains(b.String(), "Inf") || strings.Contains(b.String(), "<&>") {
			t.Errorf("%s: %s", name, b.String())
		}
	}
}

func TestNumbersForPeople(t *testing.T) {
	for got, want := range map[string]string{
		thousands(0): "0", thousands(1234567): "1,234,567", thousands(-1234): "-1,234", thousands(-123): "-123",
		size(1500): "2 kB", size(2.5e6): "2.5 MB", size(3e9): "3.00 GB",
		span(12): "12 µs", span(1500): "1.50 ms", span(2.5e6): "2.50 s",
		short(1500): "1500", short(15000): "15 k", short(2.5e6): "2.5 M", short(0.1): "0.1",
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
