package main

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/gantrymq/gantry/bench"
)

// series is one way in which a load grows. Each point of it is one call of gantry
// bench; the figure is what a message then costs.
type series struct {
	name   string
	of     string // what grows
	values []int
	args   string // {n} is the value
	load   string // the load whose latency counts
	before string // a load whose figures are of no interest, put on first
}

// allSeries are the directions of growth that a broker meets.
var allSeries = []series{
	{name: "connections", of: "connections with one send in flight each", values: []int{1, 4, 16, 64, 256, 1000, 4000}, args: "produce -prefix Connections -connections {n}"},
	{name: "message size", of: "bytes of a body", values: []int{100, 1000, 4000, 16000, 64000, 256000}, args: "produce -prefix Size -connections 16 -size {n}"},
	{name: "topics", of: "topics with 8 queues that are sent to", values: []int{1, 10, 100, 1000, 10000}, args: "produce -prefix Topics -connections 16 -topics {n}"},
	{name: "groups", of: "consumer groups that receive each message, at 500 messages a second", values: []int{1, 4, 16, 64}, args: "mixed -prefix Groups{n} -queues 2 -connections 2 -consumers {n} -groups {n} -window 32 -rate 500", load: "consume"},
	{name: "waiting connections", of: "connections in long polls on a queue that gets 500 messages a second, none of which they want", values: []int{10, 100, 1000, 5000}, args: "mixed -prefix Waiting{n} -queues 1 -connections 1 -consumers {n} -groups {n} -suspend 30s -window 32 -rate 500 -filter-tags NONE", load: "produce"},
	{name: "retained messages", of: "messages of 1 KiB that lie in the log", values: []int{1000, 100000, 1000000}, before: "produce -prefix Retained -connections 16 -batch 32 -count {n}", args: "produce -prefix Retained -connections 16"},
}

// point is what one value of a series came to.
type point struct {
	x         int
	rate, cpu float64 // messages a second, µs each
	p99       float64 // µs
	anonymous int64   // bytes, the peak so far
}

// scale measures all series on Gantry alone and writes the page on growth.
func scale(ctx context.Context, s settings) error {
	c := &comparison{settings: s, load: loadAverage()}
	srv, err := start(ctx, gantry(s), filepath.Join(s.dir, "data"), false)
	if err != nil {
		return err
	}
	points, err := c.grow(ctx, srv)
	if err != nil {
		_ = srv.kill() // the error at hand says more
		return err
	}
	if err := srv.stop(); err != nil {
		return err
	}
	return writeScale(s.page, points, c.load)
}

func (c *comparison) grow(ctx context.Context, srv *server) (map[string][]point, error) {
	if err := c.warm(ctx, srv); err != nil {
		return nil, err
	}
	points := map[string][]point{}
	for i := range allSeries {
		s := &allSeries[i]
		for _, x := range s.values {
			p, err := c.point(ctx, srv, s, x)
			if err != nil {
				return nil, fmt.Errorf("%s, %d: %w", s.name, x, err)
			}
			say("%-20s %8d  %10.0f/s  %8.2f µs CPU  p99 %s  %s", s.name, x, p.rate, p.cpu, micros(p.p99), mega(float64(p.anonymous)))
			points[s.name] = append(points[s.name], p)
		}
	}
	return points, nil
}

func (c *comparison) point(ctx context.Context, srv *server, s *series, x int) (point, error) {
	fill := func(args string) []string {
		return append(strings.Fields(strings.ReplaceAll(args, "{n}", strconv.Itoa(x))), "-n", srv.nameServer())
	}
	var r bench.Report
	if s.before != "" {
		if err := c.bench(ctx, &r, fill(s.before)...); err != nil {
			return point{}, err
		}
		r = bench.Report{}
	}
	syscall.Sync()
	if err := c.bench(ctx, &r, append(fill(s.args), "-pid", srv.pids(), "-duration", "2s", "-warmup", "500ms")...); err != nil {
		return point{}, err
	}
	f := figure{report: &r, load: &r.Loads[0]}
	for i := range r.Loads {
		if r.Loads[i].Name == s.load {
			f.load = &r.Loads[i]
		}
	}
	return point{x: x, rate: f.load.Rate, cpu: f.cpu(), p99: f.p99(), anonymous: peak(&r)}, nil
}

// writeScale writes the page and, beside it, the curves.
func writeScale(path string, points map[string][]point, load string) error {
	var b strings.Builder
	fmt.Fprintf(&b, scaleHead, time.Now().UTC().Format("2 January 2006"), machine(), load)
	for _, s := range allSeries {
		fmt.Fprintf(&b, "\n## %s\n\n`gantry bench %s`\n\n| %s | a second | CPU each | p99 | anonymous memory, peak |\n|---:|---:|---:|---:|---:|\n",
			strings.ToUpper(s.name[:1])+s.name[1:], s.args, s.of)
		for _, p := range points[s.name] {
			fmt.Fprintf(&b, "| %d | %.0f | %.2f µs | %s | %s |\n", p.x, p.rate, p.cpu, micros(p.p99), mega(float64(p.anonymous)))
		}
	}
	plot := strings.TrimSuffix(path, ".md") + ".svg"
	fmt.Fprintf(&b, "\n![CPU for each message](%s)\n", filepath.Base(plot))
	b.WriteString(planning(points))
	if err := writeCurves(plot, points); err != nil {
		return err
	}
	return os.WriteFile(path, []byte(b.String()), 0o644)
}

func writeCurves(path string, points map[string][]point) error {
	cpu := bench.Chart{Title: "CPU for each message", XLabel: "connections, bytes, topics, groups, messages", YLabel: "µs", Log: true, LogX: true}
	for _, s := range allSeries {
		l := bench.Line{Name: s.name}
		for _, p := range points[s.name] {
			l.X, l.Y = append(l.X, float64(p.x)), append(l.Y, p.cpu)
		}
		cpu.Lines = append(cpu.Lines, l)
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	if err := bench.WriteCharts(f, cpu); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}

const scaleHead = `# How cost grows, and how many brokers a load needs

This page is written by ` + "`make bench-scale`" + `; do not edit it. Measured on %s, on %s; the load average before the run was %s.
The load ran on the same cores as the broker, so rates are lower bounds; the CPU for each message is what to plan with.
`

// planning is the arithmetic from a load to a number of brokers, with this run's
// figures in it.
func planning(points map[string][]point) string {
	at := func(name string, x int) float64 {
		for _, p := range points[name] {
			if p.x == x {
				return p.cpu
			}
		}
		return 0
	}
	send, large := at("connections", 64), at("message size", 64000)
	perKiB := max(large-at("message size", 1000), 0) / 63000 * 1024
	receive := at("groups", 64)
	return fmt.Sprintf(`
## Planning past one machine

Brokers share nothing: a topic's queues are spread over them, clients choose among the queues, and twice the brokers are twice the capacity. So a load is
added up, divided by what one broker gives, and rounded up. Three things run out, and the largest number of brokers counts.

1. **CPU.** A message of 1 KiB costs %.0f µs when it is sent on its own, each further KiB %.1f µs, and about %.0f µs for each group that receives it at once;
   batches and consumers that are behind cost a part of that. With N cores, planned to be half idle: messages a second × cost ÷ 1,000,000 ÷ (N × 0.5).
   100,000 messages a second of 1 KiB with three groups are 100,000 × (%.0f + 3 × %.0f) ÷ 1,000,000 = %.1f cores at work: brokers of 4 cores, half idle: %.0f.
2. **Disk.** Each message is written once, with about 300 bytes besides its body, and read from memory while its consumers keep up.
   100,000 a second of 1 KiB are 130 MB/s. Retention decides the size: 130 MB/s × 72 hours are 34 TB.
3. **Network.** Body in once, out once for each group: 100 MB/s in and 300 MB/s out in the example, a quarter of what a card of 10 Gbit/s takes.

With SYNC_FLUSH a sync serves every message that arrived during the one before, so the disk bounds latency sooner than rate: p50 is one to two syncs.
Idle topics, queues, groups and connections cost memory and no time; the tables above say how much.
`, send, perKiB, receive, send, receive, 1e5*(send+3*receive)/1e6, math.Ceil(1e5*(send+3*receive)/1e6/2))
}
