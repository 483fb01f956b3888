package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/gantrymq/gantry/bench"
)

// What -startup can be told to do.
const (
	startupAll     = "all"
	startupFill    = "fill"
	startupMeasure = "measure"
)

// What the directory holds, and what is sent before a kill.
const (
	startupTopics = 100 // with 8 queues each
	startupLoad   = 500_000
	fillArgs      = "produce -prefix StartUp -topics 100 -queues 8 -connections 8 -batch 32 -tags 16 -keys 1000000"
)

// situation is what a broker finds when it starts.
type situation struct{ name, short string }

// The situations, in the order in which each broker meets them.
var situations = []situation{
	{"after a clean stop of the other broker", "taken over"},
	{"after its own clean stop", "clean"},
	{fmt.Sprintf("after SIGKILL, %d messages after its start", startupLoad), "killed"},
}

// startupRun is a comparison of starts.
type startupRun struct {
	settings settings
	systems  []system // official, Gantry
	server   *server  // the name server that serves both; its broker changes
	load     string

	figures [][2][]time.Duration // by situation and system, one a round
	filled  time.Duration        // how long Gantry took to fill the directory, 0 when an earlier run did
	size    int64                // bytes of the directory's files that are in use
	verify  string               // what gantry store verify says in the end
}

// startups fills a directory with Gantry and lets both brokers start on it in turn.
func startups(ctx context.Context, s settings) (err error) {
	data := filepath.Join(s.dir, "data")
	if s.startup != startupMeasure {
		if err := os.RemoveAll(data); err != nil {
			return err
		}
	}
	srv, err := configure(data, false)
	if err != nil {
		return err
	}
	r := &startupRun{settings: s, systems: []system{official(s), gantry(s)}, server: srv, load: loadAverage(), figures: make([][2][]time.Duration, len(situations))}
	nameServer := exec.Command(s.gantry, "namesrv", "--listenPort", strconv.Itoa(srv.ports.nameServer))
	nameServer.Dir = data
	if err := nameServer.Start(); err != nil {
		return err
	}
	defer func() {
		err = errors.Join(err, nameServer.Process.Kill())
		_ = nameServer.Wait() // killed
		if s.startup == startupAll {
			err = errors.Join(err, os.RemoveAll(data))
		}
	}()
	if s.startup != startupMeasure {
		if err := r.fill(ctx); err != nil {
			return err
		}
	}
	if s.startup == startupFill {
		return nil
	}
	if err := r.measure(ctx); err != nil {
		return err
	}
	fmt.Print(r.table())
	if s.page == "" {
		return nil
	}
	return os.WriteFile(s.page, []byte(r.page()), 0o644)
}

// fill lets Gantry make the directory.
func (r *startupRun) fill(ctx context.Context) error {
	began := time.Now()
	say("filling %s with %d messages", r.server.dir, r.settings.messages)
	if err := r.start(ctx, 1); err != nil {
		return err
	}
	if err := r.produce(ctx, r.settings.messages); err != nil {
		return errors.Join(err, r.server.kill())
	}
	r.filled = time.Since(began)
	say("filled in %s", r.filled.Round(time.Second))
	return r.server.stop()
}

// start starts the broker of a system on the directory.
func (r *startupRun) start(ctx context.Context, system int) error {
	p, err := freePorts() // those of the start before may be somebody else's by now
	if err != nil {
		return err
	}
	r.server.system, r.server.ports.broker = r.systems[system], p.broker
	if err := r.server.writeConfig(false); err != nil {
		return err
	}
	return r.server.launch(ctx, []command{r.server.system.broker(r.server.dir, r.server.config)})
}

func (r *startupRun) produce(ctx context.Context, count int) error {
	c := &comparison{settings: r.settings}
	var report bench.Report
	return c.bench(ctx, &report, append(strings.Fields(fillArgs), "-b", r.server.broker(), "-count", strconv.Itoa(count), "-warmup", "0s", "-duration", "1h")...)
}

// measure lets both brokers start in each situation, the other one first in every second round.
func (r *startupRun) measure(ctx context.Context) error {
	for round := range r.settings.rounds {
		order := []int{0, 1}
		if round%2 == 1 {
			order = []int{1, 0}
		}
		for _, system := range order {
			say("round %d of %d: %s", round+1, r.settings.rounds, r.systems[system].name)
			if err := r.visit(ctx, system); err != nil {
				return err
			}
		}
	}
	out, err := exec.CommandContext(ctx, r.settings.gantry, "store", "verify", filepath.Join(r.server.dir, "store")).CombinedOutput()
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	r.verify = lines[len(lines)-1]
	if err != nil {
		return fmt.Errorf("after all starts the directory is not sound: %w\n%s", err, out)
	}
	r.size, err = bytesInUse(filepath.Join(r.server.dir, "store"))
	return err
}

// visit takes one system through the situations.
func (r *startupRun) visit(ctx context.Context, system int) error {
	for i, at := range situations {
		if err := r.start(ctx, system); err != nil {
			return err
		}
		r.figures[i][system] = append(r.figures[i][system], r.server.firstAck)
		say("  %-12s %s", at.short, r.server.firstAck.Round(time.Millisecond))
		if i != 1 { // the situation that follows is that of a kill
			if err := r.server.stop(); err != nil {
				return err
			}
			continue
		}
		err := r.produce(ctx, startupLoad)
		if err := errors.Join(err, r.server.kill()); err != nil {
			return err
		}
	}
	return nil
}

// of is the median of a situation's figures on a system, in microseconds.
func (r *startupRun) of(situation, system int) float64 {
	var values []float64
	for _, d := range r.figures[situation][system] {
		values = append(values, float64(d.Microseconds()))
	}
	return median(values)
}

func (r *startupRun) table() string {
	var b strings.Builder
	fmt.Fprintf(&b, "| start to the first acknowledged message | Gantry | official | ratio |\n|---|---:|---:|---:|\n")
	for i, at := range situations {
		ours, theirs := r.of(i, 1), r.of(i, 0)
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", at.name, micros(ours), micros(theirs), ratio(ours, theirs))
	}
	fmt.Fprintf(&b, "\nMedians of %d rounds. Every figure, in the order of the rounds:\n\n", len(r.figures[0][0]))
	for i, at := range situations {
		for system, sys := range r.systems {
			var list []string
			for _, d := range r.figures[i][system] {
				list = append(list, micros(float64(d.Microseconds())))
			}
			fmt.Fprintf(&b, "- %s, %s: %s\n", at.name, sys.name, strings.Join(list, ", "))
		}
	}
	return b.String()
}

func (r *startupRun) page() string {
	return fmt.Sprintf(startupHead, time.Now().UTC().Format("2 January 2006"), machine(), r.load,
		r.settings.messages, startupTopics, float64(r.size)/1e9, fillArgs, r.settings.heap, startupLoad, r.table(), r.verify)
}

const startupHead = `# Starting on a large directory

This page is written by ` + "`make bench-startup`" + `; do not edit it. Measured on %s, on %s; the load average before the run was %s.

Gantry filled one directory with %d messages of 1 KiB, each with a key and a tag, in %d topics with 8 queues: %.1f GB on the disk
(` + "`gantry bench %s`" + `). Then both brokers took turns on that same directory, with default settings, and the official one with a heap of %d MiB.
Each visit has three starts: on what the other broker left when it was stopped, on what the broker left itself when it was stopped, and on what it left when
it was killed with %d messages written since its start. A figure runs from the start of the broker's process to the first acknowledged message. A name server ran
before. The files are in the page cache as far as memory reaches, as they are after a restart of a process.

%s
After all of this ` + "`gantry store verify`" + ` reads every record, queue entry and index entry: %s.

## What takes the time

After a clean stop neither broker reads the log: Gantry lists the files and opens the newest of them, and the official broker maps each file and looks at the ends of
all queues. After a kill both go back to the last place that the checkpoint proves and check every record from there. The official broker can begin at a file of the log only, Gantry at
the record that its own part of the checkpoint names (see [format/checkpoint.md](format/checkpoint.md)); where the official broker wrote the checkpoint last, Gantry begins at a file too.
`

// bytesInUse adds up the blocks of all files below a directory.
func bytesInUse(dir string) (int64, error) {
	out, err := exec.Command("du", "-s", "-B1", dir).Output()
	if err != nil {
		return 0, fmt.Errorf("measure %s: %w", dir, err)
	}
	size, _, _ := strings.Cut(string(out), "\t")
	return strconv.ParseInt(size, 10, 64)
}
