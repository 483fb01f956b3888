// Command goldenrec records the golden frames of codec/testdata/golden: it starts the
// official name server and broker behind taps, has the official clients of each release
// and mqadmin talk to them, and keeps a small, varied set of the requests and replies.
//
// It needs what the conformance run needs on the official server: java, mvn and the
// official jars. Everything stays on loopback addresses.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
)

func main() {
	lib := flag.String("lib", "", "folder with the official jars")
	out := flag.String("out", "codec/testdata/golden", "folder that gets the frames; *.req and *.resp in it are replaced")
	port := flag.Int("port", 25900, "first of 40 free ports")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *lib, *out, *port); err != nil {
		fmt.Fprintln(os.Stderr, "goldenrec:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, lib, out string, port int) (err error) {
	k := newKeeper()
	s, err := startServers(ctx, lib, port, k.see)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	for _, phase := range phases {
		k.label(phase.label)
		fmt.Println("recording", phase.label)
		if err := phase.record(ctx, s.nameServer, s.broker, phase); err != nil {
			return fmt.Errorf("record %s: %w", phase.label, err)
		}
	}
	if err := s.closeTaps(); err != nil {
		return err
	}
	return k.write(out)
}
