package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/gantrymq/gantry/bench"
)

// comparison is the whole of a run.
type comparison struct {
	settings    settings
	rows        []row
	systems     []system     // two
	limits      bench.Limits // of messages of 1 KiB, and of the disk
	smallLimits bench.Limits // of messages of 128 B
	slowLimits  bench.Limits // of messages of 1 KiB as often as the row endToEndRow exchanges some
	halfLimits  bench.Limits // the same at the rate of the row halfRateRow
	load        string       // load average before the run

	figures map[string][][2]figure // by row: one pair a round, in the order of systems
	lives   [2][]life              // by system: one each start
}

// figure is what one workload did on one system in one round.
type figure struct {
	report *bench.Report
	load   *bench.LoadReport // of report, the one that counts
}

// life is what a system did apart from workloads.
type life struct {
	stage          stage
	firstAck, stop time.Duration // stop is 0 when it was killed
	atRest         int64         // bytes of anonymous memory
	underLoad      int64
}

// stopIn is how long the stop took, in µs, after one of some stages.
func stopIn(stages ...stage) func(life) float64 {
	return func(l life) float64 {
		if !slices.Contains(stages, l.stage) {
			return 0
		}
		return float64(l.stop.Microseconds())
	}
}

// measure runs all rounds.
func (c *comparison) measure(ctx context.Context) error {
	c.figures, c.load = map[string][][2]figure{}, loadAverage()
	began := time.Now()
	var longest time.Duration // of the rounds
	if err := c.bench(ctx, &c.limits, "limits", "-duration", "2s", "-dir", c.settings.dir); err != nil {
		return err
	}
	if err := c.bench(ctx, &c.smallLimits, "limits", "-duration", "2s", "-size", "500"); err != nil {
		return err
	}
	if err := c.bench(ctx, &c.slowLimits, "limits", "-duration", "4s", "-rate", strconv.Itoa(endToEndExchanges)); err != nil {
		return err
	}
	for round := range c.settings.rounds {
		if round > 0 && time.Since(began)+longest > c.settings.within {
			say("no time is left for round %d", round+1)
			c.settings.rounds = round
			break
		}
		roundBegan := time.Now()
		order := []int{0, 1}
		if round%2 == 1 {
			order = []int{1, 0}
		}
		for _, stage := range []stage{ordinary, many, syncFlush} {
			chosen := slices.DeleteFunc(slices.Clone(c.rows), func(r row) bool { return r.stage != stage })
			if len(chosen) == 0 || stage == syncFlush && c.settings.quick && round > 0 {
				continue
			}
			for _, i := range order {
				say("round %d of %d: %s%s", round+1, c.settings.rounds, c.systems[i].name, stage)
				if err := c.visit(ctx, round, i, chosen, stage); err != nil {
					return err
				}
			}
		}
		longest = max(longest, time.Since(roundBegan))
	}
	if len(c.figures[halfRateRow]) == 0 {
		return nil
	}
	return c.bench(ctx, &c.halfLimits, "limits", "-duration", "5s", "-rate", c.halfRate())
}

// visit runs the rows on one system.
func (c *comparison) visit(ctx context.Context, round, i int, chosen []row, stage stage) (err error) {
	sys := c.systems[i]
	s, err := start(ctx, sys, filepath.Join(c.settings.dir, "data"), stage == syncFlush)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = s.kill() // the error at hand says more than one from cleaning up
		}
	}()
	l := life{stage: stage, firstAck: s.firstAck}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(c.settings.settle):
	}
	l.atRest = anonymous(s.pids())
	if err := c.warm(ctx, s); err != nil {
		return err
	}
	for _, r := range chosen {
		f, err := c.workload(ctx, s, &r, round)
		if err != nil {
			return fmt.Errorf("%s: %s: %w", sys.name, r.name, err)
		}
		for len(c.figures[r.name]) <= round {
			c.figures[r.name] = append(c.figures[r.name], [2]figure{})
		}
		c.figures[r.name][round][i] = f
		l.underLoad = max(l.underLoad, peak(f.report))
		say("  %-60s %s", r.name, f)
	}
	if round == 0 || !c.settings.quick {
		err = s.stop()
		l.stop = s.stopped
	} else {
		err = s.kill()
	}
	c.lives[i] = append(c.lives[i], l)
	return err
}

// warm puts load on a system until it is as fast as it gets: the JVM compiles.
func (c *comparison) warm(ctx context.Context, s *server) error {
	d := s.system.warmup
	var r bench.Report
	for _, load := range []string{"produce -connections 16", "produce -connections 16 -batch 16", "mixed -rate 500"} {
		args := append(strings.Fields(load), "-n", s.nameServer(), "-duration", (d / 3).String(), "-warmup", "0s", "-prefix", "WarmUp")
		if err := c.bench(ctx, &r, args...); err != nil {
			return err
		}
	}
	return nil
}

// workload puts one row on a system.
func (c *comparison) workload(ctx context.Context, s *server, r *row, round int) (figure, error) {
	var rep bench.Report
	if r.before != "" {
		if err := c.bench(ctx, &rep, append(strings.Fields(r.before), "-n", s.nameServer())...); err != nil {
			return figure{}, err
		}
		rep = bench.Report{}
	}
	syscall.Sync() // what the row before has written is not this row's burden
	if cl := clientNamed(r.client); cl != nil {
		return c.clientLoad(ctx, s, cl)
	}
	args := append(strings.Fields(strings.ReplaceAll(r.args, ratePlace, c.halfRate())), "-n", s.nameServer(), "-pid", s.pids())
	if !r.timed {
		d, w := 5*time.Second, 2*time.Second
		if c.settings.quick {
			d, w = 3*time.Second, time.Second
		}
		args = append(args, "-duration", d.String(), "-warmup", w.String())
	}
	if err := c.bench(ctx, &rep, args...); err != nil {
		return figure{}, err
	}
	f := figure{report: &rep, load: &rep.Loads[0]}
	for i := range rep.Loads {
		if rep.Loads[i].Name == r.load {
			f.load = &rep.Loads[i]
		}
	}
	return f, nil
}

// halfRate is half of the lowest rate that the official broker has reached in the row
// halfOf so far; before it has run, a rate that any broker can take.
func (c *comparison) halfRate() string {
	rate := 0.0
	for _, pair := range c.figures[halfOf] {
		if f := pair[0]; f.load != nil && (rate == 0 || f.load.Rate < rate) {
			rate = f.load.Rate
		}
	}
	if rate == 0 {
		rate = 4000
	}
	return strconv.Itoa(int(rate / 2))
}

// bench runs "gantry bench" and reads its figures.
func (c *comparison) bench(ctx context.Context, into any, args ...string) error {
	cmd := exec.CommandContext(ctx, c.settings.gantry, append([]string{"bench"}, append(args, "-json", "-")...)...)
	var out, errOut bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errOut
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w: %s", strings.Join(cmd.Args, " "), err, strings.TrimSpace(errOut.String()))
	}
	return json.Unmarshal(out.Bytes(), into)
}

// peak is the most anonymous memory that the target's processes held together, by
// their own peaks.
func peak(r *bench.Report) (sum int64) {
	for _, p := range r.Target {
		sum += p.PeakAnonymous
	}
	return sum
}

// anonymous adds up the anonymous memory of processes, in bytes.
func anonymous(pids string) (sum int64) {
	for pid := range strings.SplitSeq(pids, ",") {
		sum += statusKiB("/proc/"+pid+"/status", "RssAnon:") << 10
	}
	return sum
}

// memoryMiB is the memory of this machine.
func memoryMiB() int { return int(statusKiB("/proc/meminfo", "MemTotal:") >> 10) }

// statusKiB reads one line of a file of the proc file system.
func statusKiB(path, name string) int64 {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if fields := strings.Fields(line); len(fields) > 1 && fields[0] == name {
			n, _ := strconv.ParseInt(fields[1], 10, 64)
			return n
		}
	}
	return 0
}

func say(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }

func (f figure) String() string {
	return fmt.Sprintf("%10.0f/s  %8.2f µs CPU  p99 %s", f.load.Rate, f.cpu(), micros(f.p99()))
}

// cpu is the target's CPU time for each message, sent or received, in microseconds.
func (f figure) cpu() float64 {
	if n := f.report.Messages(); n > 0 {
		return float64(f.report.TargetCPU().Nanoseconds()) / 1e3 / float64(n)
	}
	return 0
}

func (f figure) latency() bench.Latency {
	if f.load.Latency == nil {
		return bench.Latency{}
	}
	return *f.load.Latency
}

func (f figure) p99() float64 { return f.latency().P99 }
