// Command conformance runs the conformance cases against Gantry, against the official release
// in containers or as plain JVMs, or against servers that somebody else runs, and prints which
// features and request codes work where.
//
//	go run ./cmd/conformance -target process,container
//	go run ./cmd/conformance -target process -client raw,go -quick
//	go run ./cmd/conformance -target process -feature pop,timer,transaction
//	go run ./cmd/conformance -target external -namesrv host:9876 -broker host:10911
//
// It ends with a line "N passed, N failed, N skipped" and a status that is not zero when a case
// failed.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/gantrymq/gantry/conformance"
	"github.com/gantrymq/gantry/conformance/javadriver"
	"github.com/gantrymq/gantry/conformance/mqadmin"
	"github.com/gantrymq/gantry/conformance/report"
)

// options are the flags.
type options struct {
	targets, clients, run          string
	features                       string
	gantry, image, lib, rewrite    string
	nameServers, brokers, external string
	json, junit, page, keep        string
	results                        string
	parallel, clusters, kills      int
	timeFactor                     float64
	linger                         time.Duration
	quick, list, verbose           bool
	random, recording              string
	count                          int
}

func parse() options {
	var o options
	flag.StringVar(&o.targets, "target", "process", "comma separated targets: process, container, jvm, external")
	flag.StringVar(&o.clients, "client", "", "comma separated clients whose cases are run; empty runs all")
	flag.StringVar(&o.features, "feature", "", "comma separated words; a case is run when its feature has one of them, whatever the case of letters; empty runs all")
	flag.StringVar(&o.run, "run", "", "regular expression that the names of the cases must match")
	flag.BoolVar(&o.quick, "quick", false, "leave out slow cases")
	flag.BoolVar(&o.list, "list", false, "list the cases and run nothing")
	flag.BoolVar(&o.verbose, "v", false, "print every case as it ends")
	flag.StringVar(&o.gantry, "gantry", "", "gantry binary of the target process; empty builds it")
	flag.StringVar(&o.image, "image", setting("GANTRY_CONFORMANCE_IMAGE", "gantry-conformance/rocketmq:5.5.0-archived"), "image of the official release")
	flag.StringVar(&o.lib, "lib", setting("GANTRY_CONFORMANCE_LIB", ""), "folder with the official jars")
	flag.StringVar(&o.nameServers, "namesrv", "", "name servers of the target external, host:port separated by semicolons")
	flag.StringVar(&o.brokers, "broker", "", "brokers of the target external, host:port separated by semicolons")
	flag.StringVar(&o.external, "implementation", "external", "what the target external runs, for the report")
	flag.StringVar(&o.json, "json", "", "write the results as JSON to this file")
	flag.StringVar(&o.junit, "junit", "", "write the results as JUnit to this file")
	flag.StringVar(&o.page, "page", "", "write the compatibility page to this file")
	flag.StringVar(&o.results, "results", "", "run nothing, and report what -json has written in earlier runs: files separated by commas, a later result of a case counts")
	flag.StringVar(&o.rewrite, "rewrite", "", "record the conversations of the official release into this folder (conformance/raw)")
	flag.StringVar(&o.keep, "keep", "conformance-report", "directory for the logs of servers behind failing cases")
	flag.IntVar(&o.parallel, "parallel", 16, "cases that run at once")
	flag.IntVar(&o.clusters, "clusters", 2, "sets of official servers that run at once; two more of Gantry, which are lighter")
	flag.IntVar(&o.kills, "kills", 20, "how often the cases go/kill-* kill Gantry's broker; the official one is killed twice")
	flag.Float64Var(&o.timeFactor, "time-factor", 1, "stretch the time limit of every case by this factor")
	flag.DurationVar(&o.linger, "linger", 0, "wait so long before every command of a conversation: what fails then depends on the machine's speed")
	flag.StringVar(&o.random, "random", "", "compare the targets on random sequences of this seed instead of running cases; SEED/N begins with sequence N")
	flag.StringVar(&o.recording, "recording", "", "file that keeps what the first target answers to random sequences, for later runs with the same seed")
	flag.IntVar(&o.count, "count", 100, "number of random sequences")
	flag.Parse()
	return o
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	counts, err := run(ctx, parse())
	if err != nil {
		fmt.Fprintln(os.Stderr, "conformance:", err)
		os.Exit(2)
	}
	if counts.Failed > 0 {
		os.Exit(1)
	}
}

func run(ctx context.Context, o options) (report.Counts, error) {
	var all report.Run
	var err error
	if o.results != "" {
		err = collect(&all, strings.Split(o.results, ","))
	} else {
		err = runCases(ctx, o, &all)
	}
	if len(all.Targets) == 0 {
		return report.Counts{}, err
	}
	return all.Counts(), errors.Join(err,
		writeFile(o.json, all.WriteJSON), writeFile(o.junit, all.WriteJUnit), writeFile(o.page, all.WritePage),
		all.Print(os.Stdout))
}

// collect reads the results of earlier runs.
func collect(all *report.Run, files []string) error {
	for _, name := range files {
		f, err := os.Open(name)
		if err != nil {
			return err
		}
		err = errors.Join(all.ReadJSON(f), f.Close())
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// runCases runs what the flags ask for, one target after the other.
func runCases(ctx context.Context, o options, all *report.Run) (err error) {
	java := &javadriver.Pool{}
	defer func() { err = errors.Join(err, java.Close()) }()
	own := &mqadmin.Tool{Make: func(ctx context.Context) (string, func(), error) { return gantryBinary(ctx, o.gantry) }}
	defer own.Close()
	cases, err := choose(o, java, own)
	if o.random != "" {
		cases, err = random(o)
	}
	if err != nil {
		return err
	}
	if o.list {
		for _, c := range cases {
			fmt.Println(c.Name)
		}
		return nil
	}
	if err := java.Prepare(ctx, javaReleases(cases)...); err != nil {
		return err
	}
	runner := &conformance.Runner{Parallel: o.parallel, Keep: o.keep, TimeFactor: o.timeFactor, Linger: o.linger}
	for _, kind := range strings.Split(o.targets, ",") {
		target, closeTarget, err := newTarget(ctx, conformance.Kind(kind), o)
		if err != nil {
			return err
		}
		runner.Clusters = o.clusters
		if target.Kind == conformance.KindProcess {
			runner.Clusters += 2
		}
		runner.Progress = func(r conformance.Result) {
			if o.verbose || r.Status == conformance.Failed {
				fmt.Printf("%-14s %6.1fs %s on %s\n", r.Status, r.Duration.Seconds(), r.Case.Name, r.Target)
			}
			if r.Status == conformance.Failed {
				fmt.Print(report.Brief(&r))
			}
		}
		all.Add(target.Name(), runner.Run(ctx, target, cases))
		closeTarget()
	}
	return nil
}

// choose selects the cases that the flags ask for. That none is left is an error: a run
// without a case must not look like one that passed.
func choose(o options, java *javadriver.Pool, own *mqadmin.Tool) ([]conformance.Case, error) {
	expr, err := regexp.Compile(o.run)
	if err != nil {
		return nil, fmt.Errorf("-run: %w", err)
	}
	all, err := cases(o, java, own)
	if err != nil {
		return nil, err
	}
	if err := known(o.features, all); err != nil {
		return nil, err
	}
	clients := strings.Split(o.clients, ",")
	names := map[string]bool{}
	var chosen []conformance.Case
	for _, c := range all {
		if names[c.Name] {
			return nil, fmt.Errorf("two cases are named %s", c.Name)
		}
		names[c.Name] = true
		if o.clients != "" && !slices.Contains(clients, string(c.Client)) || !expr.MatchString(c.Name) || !ofFeature(c, o.features) || o.quick && c.Slow {
			continue
		}
		chosen = append(chosen, c)
	}
	if len(chosen) == 0 {
		return nil, errors.New("no case matches -client, -feature, -run and -quick")
	}
	return chosen, nil
}

// ofFeature reports whether the case is about a feature that has one of the words, which are
// separated by commas. Without words every case is.
func ofFeature(c conformance.Case, words string) bool {
	if words == "" {
		return true
	}
	return slices.ContainsFunc(strings.Split(words, ","), func(word string) bool {
		return word != "" && strings.Contains(strings.ToLower(c.Feature), strings.ToLower(word))
	})
}

// known refuses words that no feature has: a run that leaves them out must not look complete.
func known(words string, all []conformance.Case) error {
	if words == "" {
		return nil
	}
	for word := range strings.SplitSeq(words, ",") {
		if word == "" || !slices.ContainsFunc(all, func(c conformance.Case) bool { return ofFeature(c, word) }) {
			return fmt.Errorf("-feature: no feature has the word %q; docs/compatibility.md lists them", word)
		}
	}
	return nil
}

// writeFile writes a report to a file when one is asked for.
func writeFile(path string, write func(w io.Writer) error) error {
	if path == "" {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(write(f), f.Close())
}
