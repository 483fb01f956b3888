package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/gantrymq/gantry/bench"
)

// median is the middle one of some values; 0 of none.
func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	slices.Sort(values)
	if n := len(values); n%2 == 0 {
		return (values[n/2-1] + values[n/2]) / 2
	}
	return values[len(values)/2]
}

// of is the median over the rounds of something on one system in one row.
func (c *comparison) of(name string, system int, what func(figure) float64) float64 {
	var values []float64
	for _, pair := range c.figures[name] {
		if pair[system].report != nil {
			values = append(values, what(pair[system]))
		}
	}
	return median(values)
}

// write writes the tables.
func (c *comparison) write(out io.Writer, took time.Duration) error {
	b := bufio.NewWriter(out)
	fmt.Fprintf(b, "| workload | Gantry msg/s | official msg/s | ratio | Gantry CPU µs | official CPU µs | ratio | Gantry p50 / p99 / p99.9 | official p50 / p99 / p99.9 | of the limit |\n")
	fmt.Fprintf(b, "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n")
	for _, r := range c.rows {
		rate := func(f figure) float64 { return f.load.Rate }
		theirs, ours := c.of(r.name, 0, rate), c.of(r.name, 1, rate)
		theirCPU, ourCPU := c.of(r.name, 0, figure.cpu), c.of(r.name, 1, figure.cpu)
		fmt.Fprintf(b, "| %s | %.0f | %.0f | %s | %.2f | %.2f | %s | %s | %s | %s |\n", r.name, ours, theirs, ratio(ours, theirs),
			ourCPU, theirCPU, ratio(ourCPU, theirCPU), c.percentiles(r.name, 1), c.percentiles(r.name, 0),
			c.share(&r))
	}
	if failures := c.failures(); len(failures) > 0 {
		fmt.Fprintf(b, "\nRequests that failed, over all rounds:\n\n")
		for _, f := range failures {
			fmt.Fprintf(b, "- %s\n", f)
		}
	}
	fmt.Fprintf(b, "\n| | Gantry | official | ratio |\n|---|---:|---:|---:|\n")
	for _, l := range []struct {
		name string
		of   func(life) float64
		text func(float64) string
	}{
		{"start to the first acknowledged message", func(l life) float64 { return float64(l.firstAck.Microseconds()) }, micros},
		{"clean stop (SIGTERM to exit)", stopIn(ordinary, syncFlush), micros},
		{"clean stop just after the first messages to 80,000 queues", stopIn(many), micros},
		{"anonymous memory at rest, all processes", func(l life) float64 { return float64(l.atRest) }, mega},
		{"anonymous memory under load, peak", func(l life) float64 { return float64(l.underLoad) }, mega},
	} {
		theirs, ours := c.lifeOf(0, l.of), c.lifeOf(1, l.of)
		if theirs == 0 && ours == 0 { // not measured by a quick run
			continue
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s |\n", l.name, l.text(ours), l.text(theirs), ratio(ours, theirs))
	}
	fmt.Fprintf(b, "\n| the machine at best | |\n|---|---:|\n")
	for _, m := range []*bench.Limits{&c.limits, &c.smallLimits, &c.slowLimits, &c.halfLimits} {
		if m.Exchanges == 0 {
			continue
		}
		if m.Paced > 0 {
			fmt.Fprintf(b, "| bare exchanges of %d bytes, %d connections, %.0f a second (open loop): p50 / p99 / p99.9 | %s / %s / %s |\n", m.Size, m.Connections, m.Paced,
				micros(m.Latency.P50), micros(m.Latency.P99), micros(m.Latency.P999))
		} else {
			fmt.Fprintf(b, "| bare exchanges of %d bytes over the loopback, %d connections | %.0f/s |\n", m.Size, m.Connections, m.Rate)
		}
		fmt.Fprintf(b, "| CPU of the answering side for each | %.2f µs |\n", m.PerExchange())
	}
	m := &c.limits
	fmt.Fprintf(b, "| sequential write to the data's disk | %.0f MB/s |\n", m.WriteBytes/1e6)
	fmt.Fprintf(b, "| CPU for each KiB of that | %.2f µs |\n", m.WriteCPU)
	fmt.Fprintf(b, "| syncs of one page | %.0f/s |\n", m.SyncsPerSecond)
	c.writeBudgets(b)
	plural := "s"
	if c.settings.rounds == 1 {
		plural = ""
	}
	fmt.Fprintf(b, "\n%d round%s in %s.\n", c.settings.rounds, plural, took.Round(time.Second))
	return b.Flush()
}

func (c *comparison) percentiles(name string, system int) string {
	if c.of(name, system, figure.p99) == 0 {
		return "–" // a client of others does not tell
	}
	return fmt.Sprintf("%s / %s / %s",
		micros(c.of(name, system, func(f figure) float64 { return f.latency().P50 })),
		micros(c.of(name, system, figure.p99)),
		micros(c.of(name, system, func(f figure) float64 { return f.latency().P999 })))
}

// share is what part of the machine's limit Gantry and the official release reached.
func (c *comparison) share(r *row) string {
	of := func(system int) float64 {
		return 100 * c.of(r.name, system, func(f figure) float64 { return r.limit.share(f, c) })
	}
	switch r.limit {
	case loopback, smallLoopback:
		return fmt.Sprintf("loopback: %.0f %%, %.0f %%", of(1), of(0))
	case disk:
		return fmt.Sprintf("disk: %.0f %%, %.0f %%", of(1), of(0))
	}
	return ""
}

func (c *comparison) lifeOf(system int, what func(life) float64) float64 {
	var values []float64
	for _, l := range c.lives[system] {
		if v := what(l); v > 0 {
			values = append(values, v)
		}
	}
	return median(values)
}

// failures lists the failed requests of each row and system.
func (c *comparison) failures() []string {
	var list []string
	for _, r := range c.rows {
		for i, sys := range c.systems {
			sum := map[string]int64{}
			for _, pair := range c.figures[r.name] {
				if pair[i].report == nil {
					continue
				}
				for _, l := range pair[i].report.Loads {
					for name, n := range l.Failures {
						sum[name] += n
					}
				}
			}
			for name, n := range sum {
				list = append(list, fmt.Sprintf("%s, %s: %d %s", r.name, sys.name, n, name))
			}
		}
	}
	slices.Sort(list)
	return list
}

func ratio(ours, theirs float64) string {
	switch {
	case ours <= 0 || theirs <= 0:
		return "–"
	case ours > theirs:
		return fmt.Sprintf("%.1f ×", ours/theirs)
	}
	return fmt.Sprintf("1/%.1f", theirs/ours)
}

func micros(us float64) string {
	switch {
	case us >= 1e6:
		return fmt.Sprintf("%.2f s", us/1e6)
	case us >= 1e3:
		return fmt.Sprintf("%.1f ms", us/1e3)
	}
	return fmt.Sprintf("%.0f µs", us)
}

func mega(bytes float64) string { return fmt.Sprintf("%.0f MB", bytes/1e6) }

// writePage writes docs/performance.md, and beside it the plots of the rows.
func (c *comparison) writePage(path string, took time.Duration) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	command := "make bench"
	if c.settings.quick {
		command = "make bench-quick"
	}
	fmt.Fprintf(f, pageHead, command, time.Now().UTC().Format("2 January 2006"), machine(), c.load, c.settings.heap, c.settings.heap/2)
	if err := c.write(f, took); err != nil {
		return err
	}
	fmt.Fprint(f, "\n## Commands\n\nEach row is one call of `gantry bench`, or of a client whose messages are counted by what the queues grow by, with the addresses and times filled in:\n\n")
	for _, r := range c.rows {
		fmt.Fprintf(f, "- %s: `%s`\n", r.name, r.command())
	}
	plot := strings.TrimSuffix(path, ".md") + ".svg"
	if err := c.writePlot(plot); err != nil {
		return err
	}
	_, err = fmt.Fprintf(f, "\n## Course\n\nThe first row, second by second, in its last round:\n\n![rate and latency](%s)\n", filepath.Base(plot))
	return err
}

const pageHead = `# Performance

This page is written by ` + "`%s`" + `; do not edit it. Measured on %s, on %s; the load average before the run was %s.
Where that is not near 0, other programs had their share of the cores: rates and latencies are then lower bounds of what either system can do, and the CPU times are what to look at.

Both systems ran on this machine in turn, each with the load beside it on the same cores, so the figures are ratios
more than records. The official release is 5.5.0 with the collector's settings of its start scripts, a heap of %d MiB for the broker and
%d MiB for the name server (the scripts' AlwaysPreTouch is left out: it would count the whole heap as memory in use). Gantry is one
process. CPU is that of all processes of a system, for each message acknowledged or received. A latency of a closed
loop is the service time; that of an open loop starts when the request was due, so that a stall shows in every request it delays.
The last column is what part of the machine's limit, in the table below, Gantry and the official release reached.

`

// machine describes where the figures come from.
func machine() string {
	model := "an unknown processor"
	if text, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(text)) {
			if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
				model = strings.TrimSpace(value)
				break
			}
		}
	}
	kernel := "unknown"
	if out, err := exec.Command("uname", "-sr").Output(); err == nil {
		kernel = strings.TrimSpace(string(out))
	}
	return fmt.Sprintf("%d cores of %s, %d GiB of memory, %s, %s", runtime.NumCPU(), model, memoryMiB()>>10, kernel, runtime.Version())
}

// loadAverage is how many programs wanted to run in the last minute. A machine that
// is measured should have none besides.
func loadAverage() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	first, _, _ := strings.Cut(string(text), " ")
	return first
}

// writePlot plots the first row on both systems.
func (c *comparison) writePlot(path string) error {
	rate := bench.Chart{Title: c.rows[0].name, XLabel: "seconds", YLabel: "messages per second"}
	latency := bench.Chart{Title: "p99 latency", XLabel: "seconds", YLabel: "ms", Log: true}
	rounds := c.figures[c.rows[0].name]
	for i, sys := range c.systems {
		r, l := bench.Line{Name: sys.name}, bench.Line{Name: sys.name}
		if f := rounds[len(rounds)-1][i]; f.load != nil {
			for _, s := range f.load.Seconds {
				r.X, r.Y = append(r.X, s.At), append(r.Y, s.Rate)
				l.X, l.Y = append(l.X, s.At), append(l.Y, s.P99/1e3)
			}
		}
		rate.Lines, latency.Lines = append(rate.Lines, r), append(latency.Lines, l)
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	if err := bench.WriteCharts(f, rate, latency); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}
