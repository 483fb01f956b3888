package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/gantrymq/gantry/bench"
)

// client is a program of others that sends messages: what is measured is what the
// broker's queues grow by, and what that costs its processes.
type client struct {
	name    string // of the topic, too
	about   string // what is run, for people
	command func(s *settings, nameServer, topic string) []string
	failed  *regexp.Regexp // finds how many sends have failed so far in its output; nil where it does not say
}

// The topics of client loads have as many queues as those of gantry bench.
const clientQueues = 8

// The official benchmark programs print their totals each second; failed answers
// stand behind failed sends.
var officialFailures = regexp.MustCompile(`Send Failed: (\d+)\s*(?:\|\s*)?Response Failed: (\d+)`)

var clients = []client{
	{
		name: "JavaProducer", about: "java org.apache.rocketmq.example.benchmark.Producer -t {topic} -w 16 -s 1024 -ri 1000", failed: officialFailures,
		command: func(s *settings, nameServer, topic string) []string {
			return s.official("Producer", "-n", nameServer, "-t", topic, "-w", "16", "-s", "1024", "-ri", "1000")
		},
	},
	{
		name: "JavaBatchProducer", about: "java org.apache.rocketmq.example.benchmark.BatchProducer -t {topic} -w 16 -s 1024 -b 32 -ri 1000", failed: officialFailures,
		command: func(s *settings, nameServer, topic string) []string {
			return s.official("BatchProducer", "-n", nameServer, "-t", topic, "-w", "16", "-s", "1024", "-b", "32", "-ri", "1000")
		},
	},
	{
		name: "GoProducer", about: "rocketmq-client-go v2.1.2, one producer, 16 goroutines that send 1 KiB", failed: regexp.MustCompile(`Send Failed: (\d+)()`),
		command: func(s *settings, nameServer, topic string) []string {
			return []string{s.self, "-go-client", nameServer + "," + topic}
		},
	},
}

// official is the command of one of the release's benchmark programs.
func (s *settings) official(program string, args ...string) []string {
	return append([]string{
		s.java, "-Xms512m", "-Xmx512m", "-Dfile.encoding=UTF-8", "-Duser.home=" + s.dir, "-Drocketmq.client.logUseSlf4j=true",
		"-cp", filepath.Join(s.lib, "*"), "org.apache.rocketmq.example.benchmark." + program,
	}, args...)
}

// clientNamed finds a client.
func clientNamed(name string) *client {
	for i := range clients {
		if clients[i].name == name {
			return &clients[i]
		}
	}
	return nil
}

// clientTimes are how long a client warms up once its messages arrive, and how long
// it is measured then.
const (
	clientWarmup  = 4 * time.Second
	clientMeasure = 5 * time.Second
)

// clientLoad runs a client against a system and measures what arrives.
func (c *comparison) clientLoad(ctx context.Context, s *server, cl *client) (figure, error) {
	topic := cl.name + "_0" // as gantry bench names its topics
	var rep bench.Report
	if err := c.bench(ctx, &rep, "produce", "-prefix", cl.name, "-connections", "1", "-count", "1", "-n", s.nameServer()); err != nil {
		return figure{}, err
	}
	log := filepath.Join(c.settings.dir, cl.name+".log")
	out, err := os.Create(log)
	if err != nil {
		return figure{}, err
	}
	defer out.Close()
	args := cl.command(&c.settings, s.nameServer(), topic)
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = c.settings.dir, out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		return figure{}, err
	}
	r, err := watchGrowth(ctx, s, topic)
	_ = cmd.Process.Kill()
	_ = cmd.Wait() // killed
	if err != nil {
		return figure{}, fmt.Errorf("%w; its output is in %s", err, log)
	}
	if text, err := os.ReadFile(log); err == nil && cl.failed != nil {
		if n := lastFailures(cl.failed, string(text)); n > 0 {
			r.Loads[0].Failures = map[string]int64{"failed sends, as the client counts them": n}
		}
	}
	return figure{report: r, load: &r.Loads[0]}, nil
}

// lastFailures is the last count of failures that an output tells.
func lastFailures(count *regexp.Regexp, text string) (n int64) {
	if all := count.FindAllStringSubmatch(text, -1); len(all) > 0 {
		for _, group := range all[len(all)-1][1:] {
			if v, err := strconv.ParseInt(group, 10, 64); err == nil {
				n += v
			}
		}
	}
	return n
}

// watchGrowth waits until messages arrive in a topic, then for the warm-up, and
// measures.
func watchGrowth(ctx context.Context, s *server, topic string) (*bench.Report, error) {
	pids, err := s.processIDs()
	if err != nil {
		return nil, err
	}
	first, err := bench.Ends(ctx, s.broker(), topic, clientQueues)
	if err != nil {
		return nil, err
	}
	for deadline := time.Now().Add(30 * time.Second); ; {
		n, err := bench.Ends(ctx, s.broker(), topic, clientQueues)
		if err != nil {
			return nil, err
		}
		if n > first {
			break
		}
		if time.Now().After(deadline) {
			return nil, errors.New("the client sent nothing within 30 s")
		}
		if err := sleep(ctx, 50*time.Millisecond); err != nil {
			return nil, err
		}
	}
	if err := sleep(ctx, clientWarmup); err != nil {
		return nil, err
	}
	type mark struct {
		at   time.Time
		ends int64
		cpu  time.Duration
	}
	take := func() (m mark, err error) {
		if m.cpu, err = bench.CPU(pids); err != nil {
			return m, err
		}
		m.at = time.Now()
		m.ends, err = bench.Ends(ctx, s.broker(), topic, clientQueues)
		return m, err
	}
	a, err := take()
	if err != nil {
		return nil, err
	}
	if err := sleep(ctx, clientMeasure); err != nil {
		return nil, err
	}
	b, err := take()
	if err != nil {
		return nil, err
	}
	n, took := b.ends-a.ends, b.at.Sub(a.at)
	if n <= 0 {
		return nil, errors.New("the client stopped sending")
	}
	return &bench.Report{
		Started: a.at, Measured: took,
		Loads:  []bench.LoadReport{{Name: "produce", What: "messages", Messages: n, Requests: n, Rate: float64(n) / took.Seconds()}},
		Target: []bench.ProcessReport{{CPU: b.cpu - a.cpu}},
	}, nil
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// processIDs are those of the system's processes.
func (s *server) processIDs() ([]int, error) {
	var pids []int
	for text := range strings.SplitSeq(s.pids(), ",") {
		pid, err := strconv.Atoi(text)
		if err != nil {
			return nil, fmt.Errorf("the system has no process: %w", err)
		}
		pids = append(pids, pid)
	}
	return pids, nil
}
