// Command sidebyside runs the same workloads on the official release and on Gantry,
// in turn on one machine, and writes the table of docs/performance.md. make bench
// and make bench-quick call it.
//
//	go run ./bench/sidebyside -gantry bin/gantry -lib LIB [-quick] [-page docs/performance.md]
//
// With -scale it measures on Gantry how cost grows, with -startup how long both take to start on a large directory.
//
// Each round starts one system on an empty directory, warms it up, puts every
// workload on it with "gantry bench", and stops it; then the other system has its
// turn, and the next round begins with the other one. Figures are the medians of the
// rounds.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"
)

// settings are the flags.
type settings struct {
	gantry, lib, java string
	heap              int // MiB, 0 to choose by the machine
	dir, page         string
	quick             bool
	rounds            int
	only              string
	within            time.Duration
	scale             bool
	startup           string        // fill, measure or all
	messages          int           // of the directory of startup
	settle            time.Duration // at rest before memory is read
	goClient          string        // be the load of the Go client instead
	self              string        // this program
}

func main() {
	var s settings
	flag.StringVar(&s.gantry, "gantry", "bin/gantry", "the binary, for both the server and the load")
	flag.StringVar(&s.lib, "lib", defaultLib(), "folder with the jars of the official release (conformance/prepare/prepare.sh jars)")
	flag.StringVar(&s.java, "java", "java", "the Java runtime")
	flag.IntVar(&s.heap, "heap", 0, "heap of the official broker in MiB; 0 takes a quarter of the memory, 8192 at most")
	flag.StringVar(&s.dir, "dir", "", "folder for the servers' data, on the disk to be measured; empty makes one and removes it")
	flag.StringVar(&s.page, "page", "", "write the page to this file; empty prints the tables only")
	flag.BoolVar(&s.quick, "quick", false, "the main rows only, in under five minutes")
	flag.DurationVar(&s.within, "within", 0, "begin no round that would not end within this time, by the longest so far; 0 takes 4m45s when quick and 38m otherwise")
	flag.IntVar(&s.rounds, "rounds", 0, "rounds; 0 makes 2 when quick and 3 otherwise")
	flag.StringVar(&s.only, "only", "", "run the rows whose name contains this text")
	flag.BoolVar(&s.scale, "scale", false, "instead, measure on Gantry how cost grows with connections, topics and the like, and write that page")
	flag.StringVar(&s.goClient, "go-client", "", "instead, send with the Go client to this name server and topic (host:port,topic) until interrupted; used by the rows of clients")
	flag.StringVar(&s.startup, "startup", "", "instead, measure starts on a directory of -messages and write that page: \"all\", or \"fill\" and then \"measure\", which leave the directory in -dir")
	flag.IntVar(&s.messages, "messages", 10_000_000, "messages in the directory of -startup, of 1 KiB")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	work := func() error { return run(ctx, s) }
	if s.goClient != "" {
		work = func() error { return sendWithGoClient(ctx, s.goClient, os.Stdout) }
	}
	if err := work(); err != nil {
		fmt.Fprintln(os.Stderr, "sidebyside:", err)
		os.Exit(1)
	}
}

// defaultLib is where prepare.sh leaves the jars.
func defaultLib() string {
	if lib := os.Getenv("GANTRY_CONFORMANCE_LIB"); lib != "" {
		return lib
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	return filepath.Join(cache, "gantry-conformance", "rocketmq-5.5.0", "lib")
}

func run(ctx context.Context, s settings) error {
	if err := s.complete(); err != nil {
		return err
	}
	if s.startup != "" {
		return startups(ctx, s)
	}
	defer os.RemoveAll(filepath.Join(s.dir, "data"))
	if s.scale {
		return scale(ctx, s)
	}
	began := time.Now()
	c := &comparison{settings: s, rows: chosenRows(s.quick, s.only), systems: []system{official(s), gantry(s)}}
	if len(c.rows) == 0 {
		return fmt.Errorf("no row's name contains %q", s.only)
	}
	if err := c.measure(ctx); err != nil {
		return err
	}
	if err := c.write(os.Stdout, time.Since(began)); err != nil || s.page == "" {
		return err
	}
	return c.writePage(s.page, time.Since(began))
}

// complete fills in what was left to choose and checks the rest.
func (s *settings) complete() error {
	if s.rounds == 0 {
		s.rounds = 3
		if s.quick {
			s.rounds = 2
		}
	}
	if s.within == 0 {
		s.within = 38 * time.Minute
		if s.quick {
			s.within = 4*time.Minute + 45*time.Second
		}
	}
	s.settle = 3 * time.Second
	var err error
	if s.gantry, err = filepath.Abs(s.gantry); err != nil {
		return err
	}
	if s.self, err = os.Executable(); err != nil {
		return err
	}
	if _, err := os.Stat(s.gantry); err != nil {
		return fmt.Errorf("there is no binary to measure: %w; make build makes one", err)
	}
	if s.scale && s.page == "" {
		return errors.New("-scale writes a page: name it with -page")
	}
	switch {
	case s.startup != "" && s.startup != startupAll && s.startup != startupFill && s.startup != startupMeasure:
		return fmt.Errorf("-startup is %s, %s or %s, not %q", startupAll, startupFill, startupMeasure, s.startup)
	case s.startup != "" && s.startup != startupAll && s.dir == "":
		return errors.New("-startup in two steps needs -dir, where the directory is left in between")
	}
	if jars, _ := filepath.Glob(filepath.Join(s.lib, "rocketmq-broker-*.jar")); len(jars) == 0 && !s.scale {
		return fmt.Errorf("the folder %q holds no jars of the official release: run conformance/prepare/prepare.sh jars, or name them with -lib", s.lib)
	}
	if s.heap == 0 {
		s.heap = min(memoryMiB()/4, 8192)
	}
	if s.heap < 256 {
		return errors.New("a heap below 256 MiB is no fair ground for the official broker: set -heap")
	}
	if s.dir == "" {
		s.dir, err = os.MkdirTemp("", "gantry-sidebyside-")
	} else if s.dir, err = filepath.Abs(s.dir); err == nil {
		err = os.MkdirAll(s.dir, 0o755)
	}
	return err
}
