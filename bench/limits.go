package bench

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Limits is what this machine can do at best, beside which the figures of a server
// are to be read: a bare exchange of messages over the loopback, with nothing done
// to them, and plain writing and syncing of a file.
type Limits struct {
	Size           int           `json:"size"`           // bytes of a request; an answer has answerSize
	Connections    int           `json:"connections"`    // one request in flight on each
	Paced          float64       `json:"paced,omitzero"` // exchanges per second that were asked for, 0 for as many as go
	Rate           float64       `json:"rate"`           // exchanges per second
	ServerCPU      time.Duration `json:"serverCPUNanos"`
	Exchanges      int64         `json:"exchanges"`
	Latency        *Latency      `json:"latency,omitempty"`
	WriteBytes     float64       `json:"writeBytesPerSecond"` // sequential, synced at the end
	WriteCPU       float64       `json:"writeCPUMicros"`      // for each KiB of that, the sync included
	SyncsPerSecond float64       `json:"syncsPerSecond"`      // of one page appended each
}

// PerExchange is what a bare exchange costs the answering side, in µs of CPU; 0 when none was made.
func (l *Limits) PerExchange() float64 {
	if l.Exchanges == 0 {
		return 0
	}
	return float64(l.ServerCPU.Nanoseconds()) / 1e3 / float64(l.Exchanges)
}

// answerSize is about the size of the answer to a send.
const answerSize = 300

// limitOptions are the flags of the workload limits.
type limitOptions struct {
	size, connections int
	rate              float64 // 0 for as many exchanges as go
	duration          time.Duration
	dir               string
	json              string
}

// runLimits is the workload "limits".
func runLimits(ctx context.Context, args []string, out, errOut io.Writer) error {
	var o limitOptions
	f := flag.NewFlagSet("gantry bench limits", flag.ContinueOnError)
	f.SetOutput(errOut)
	f.IntVar(&o.size, "size", 1400, "bytes of a request: a message with its header")
	f.IntVar(&o.connections, "connections", 16, "connections, each with one request in flight")
	f.Float64Var(&o.rate, "rate", 0, "exchanges per second over all connections (open loop); 0 for as many as go")
	f.DurationVar(&o.duration, "duration", 3*time.Second, "time for each measurement")
	f.StringVar(&o.dir, "dir", "", "folder on the disk to measure; none leaves it out")
	f.StringVar(&o.json, "json", "", "write the figures as JSON to this file, - for standard output")
	if err := f.Parse(args); err != nil {
		return err
	}
	if o.size < 1 || o.size > 16<<20 || o.connections < 1 || o.connections > 60_000 || !(o.rate == 0 || o.rate >= 1 && o.rate <= 1e9) || o.duration <= 0 || f.NArg() > 0 {
		fmt.Fprintln(errOut, "gantry bench limits: -size is from 1 to 16777216, -connections from 1 to 60000, -rate 0 or from 1 to 1e9, -duration positive, and there are no arguments")
		return ErrUsage
	}
	l, err := measureLimits(ctx, &o)
	if err != nil {
		return err
	}
	if o.json != "-" {
		fmt.Fprintf(out, "loopback   %s exchanges/s of %d bytes, %d connections; server CPU %.2f µs each; p50 %s p99 %s\n", thousands(int64(l.Rate)),
			l.Size, l.Connections, l.PerExchange(), span(l.Latency.P50), span(l.Latency.P99))
		if o.dir != "" {
			fmt.Fprintf(out, "disk       %s/s written in sequence for %.2f µs of CPU a KiB, %s syncs/s\n", size(l.WriteBytes), l.WriteCPU, thousands(int64(l.SyncsPerSecond)))
		}
	}
	if o.json == "" {
		return nil
	}
	return writeTo(o.json, out, func(w io.Writer) error { return json.NewEncoder(w).Encode(l) })
}

func measureLimits(ctx context.Context, o *limitOptions) (*Limits, error) {
	l := &Limits{Size: o.size, Connections: o.connections, Paced: o.rate}
	if err := l.measureLoopback(ctx, o.duration); err != nil {
		return nil, fmt.Errorf("the loopback cannot be measured: %w", err)
	}
	if o.dir != "" {
		if err := l.measureDisk(o.dir, o.duration); err != nil {
			return nil, fmt.Errorf("the disk cannot be measured: %w", err)
		}
	}
	return l, nil
}

// measureLoopback runs the answering side as a process of its own, so that its CPU
// time can be told.
func (l *Limits) measureLoopback(ctx context.Context, d time.Duration) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	server := exec.CommandContext(ctx, self, "bench", echoServer, strconv.Itoa(l.Size))
	server.Env = append(os.Environ(), echoVariable+"="+strconv.Itoa(l.Size))
	stdin, err := server.StdinPipe() // the server ends when it is closed
	if err != nil {
		return err
	}
	stdout, err := server.StdoutPipe()
	if err != nil {
		return err
	}
	if err := server.Start(); err != nil {
		return err
	}
	defer func() {
		stdin.Close()
		_ = server.Wait() // its exit says nothing about the measurement
	}()
	address, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		return fmt.Errorf("the answering process did not start: %w", err)
	}
	conns, err := dialAll(ctx, []string{strings.TrimSpace(address)}, l.Connections)
	if err != nil {
		return err
	}
	return l.exchange(conns, server.Process.Pid, d)
}

// exchange measures requests over all connections at once, and what the answering
// process pid needs for them.
func (l *Limits) exchange(conns []net.Conn, pid int, d time.Duration) error {
	before, err := readUsage(pid)
	if err != nil {
		return err
	}
	m := newMeter(l.Connections)
	paces := make([]*pace, l.Connections)
	if l.Paced > 0 {
		paces = newPaces(l.Connections, l.Paced)
	}
	var wg sync.WaitGroup
	start := time.Now()
	for i, c := range conns {
		if paces[i] != nil {
			paces[i].begin(start)
		}
		wg.Go(func() { pingPong(c, l.Size, m.shard(i), paces[i], start.Add(d)) })
	}
	wg.Wait()
	elapsed := time.Since(start)
	after, err := readUsage(pid)
	if err != nil {
		return err
	}
	h := newHistogram()
	c, _ := m.collect(h)
	if c.Requests == 0 {
		return errors.New("no exchange succeeded")
	}
	l.Exchanges, l.Rate, l.ServerCPU, l.Latency = c.Requests, float64(c.Requests)/elapsed.Seconds(), after.CPU-before.CPU, newLatency(h)
	return nil
}

// pingPong exchanges messages on one connection until the deadline: one after the other,
// or when they are due, where there is a pace.
func pingPong(c net.Conn, n int, m *shard, p *pace, deadline time.Time) {
	defer c.Close()
	request, answer := make([]byte, n), make([]byte, answerSize)
	for now := time.Now(); now.Before(deadline); {
		sent := now
		if p != nil {
			if p.due().After(deadline) {
				return
			}
			p.await()
			sent, _ = p.next(time.Now())
		}
		if _, err := c.Write(request); err != nil {
			return
		}
		if _, err := io.ReadFull(c, answer); err != nil {
			return
		}
		now = time.Now()
		m.begin()
		m.answered(now.Sub(sent), 1)
		m.end()
	}
}

// echoServer is the hidden workload that the answering process runs. The variable
// carries the same size for a test binary, which parses no arguments of ours.
const (
	echoServer   = "echo-server"
	echoVariable = "GANTRY_BENCH_ECHO"
)

// runEchoServer answers requests of a size until its standard input ends.
func runEchoServer(in io.Reader, out io.Writer, sizeText string) error {
	n, err := strconv.Atoi(sizeText)
	if err != nil || n < 1 {
		return fmt.Errorf("%s: %q is no size", echoServer, sizeText)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { answer(c, n) })
		}
	})
	fmt.Fprintln(out, l.Addr())
	_, err = io.Copy(io.Discard, in)
	err = errors.Join(err, l.Close())
	wg.Wait()
	return err
}

func answer(c net.Conn, n int) {
	defer c.Close()
	request, reply := make([]byte, n), make([]byte, answerSize)
	for {
		if _, err := io.ReadFull(c, request); err != nil {
			return
		}
		if _, err := c.Write(reply); err != nil {
			return
		}
	}
}

// measureDisk writes a file in sequence, then appends pages and syncs each. Half of
// the syncs' rate may come from the device's cache: so it does for a server.
func (l *Limits) measureDisk(dir string, d time.Duration) error {
	path := filepath.Join(dir, "gantry-bench-limits")
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer os.Remove(path)
	defer f.Close()
	block := slices.Repeat([]byte("0123456789abcdef"), 1<<16) // 1 MiB
	before, err := readUsage(os.Getpid())
	if err != nil {
		return err
	}
	start, written := time.Now(), 0
	for time.Since(start) < d && written < 4<<30 {
		n, err := f.Write(block)
		if err != nil {
			return err
		}
		written += n
	}
	if err := f.Sync(); err != nil {
		return err
	}
	l.WriteBytes = float64(written) / time.Since(start).Seconds()
	after, err := readUsage(os.Getpid())
	if err != nil {
		return err
	}
	l.WriteCPU = float64((after.CPU - before.CPU).Microseconds()) / float64(written>>10)

	start, syncs := time.Now(), 0
	for time.Since(start) < d {
		if _, err := f.Write(block[:4096]); err != nil {
			return err
		}
		if err := f.Sync(); err != nil {
			return err
		}
		syncs++
	}
	l.SyncsPerSecond = float64(syncs) / time.Since(start).Seconds()
	return nil
}
