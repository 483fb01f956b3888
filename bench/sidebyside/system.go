package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/gantrymq/gantry/bench"
	"github.com/gantrymq/gantry/protocol"
)

// system is one of the two that are compared.
type system struct {
	name string
	// commands start it: processes in order, each ready when the line says so, or at
	// once when ready is empty. The last one is the broker, or has it inside.
	commands func(p ports, dir, config string) []command
	// broker starts a broker alone.
	broker func(dir, config string) command
	warmup time.Duration // of sends before anything is measured
}

// command is one process of a system.
type command struct {
	args  []string
	ready string // what its output says when it is ready
}

// ports of one start.
type ports struct{ nameServer, broker int }

// server is a system that runs.
type server struct {
	system system
	ports  ports
	dir    string
	config string // broker.conf
	log    string

	processes []*exec.Cmd
	firstAck  time.Duration // from the start of the first process of the latest launch
	stopped   time.Duration // how long a clean stop took, 0 before it
}

func (s *server) nameServer() string { return "127.0.0.1:" + strconv.Itoa(s.ports.nameServer) }
func (s *server) broker() string     { return "127.0.0.1:" + strconv.Itoa(s.ports.broker) }

func (s *server) pids() string {
	var list []string
	for _, p := range s.processes {
		list = append(list, strconv.Itoa(p.Process.Pid))
	}
	return strings.Join(list, ",")
}

// gantry is our system: one process.
func gantry(s settings) system {
	return system{
		name: "Gantry", warmup: time.Second,
		commands: func(p ports, dir, config string) []command {
			return []command{{args: []string{s.gantry, "server", "--data", dir, "--namesrvPort", strconv.Itoa(p.nameServer), "-c", config}}}
		},
		broker: func(_, config string) command { return command{args: []string{s.gantry, "broker", "-c", config}} },
	}
}

// official is the release 5.5.0: two processes, with the collector's settings of its
// start scripts. AlwaysPreTouch is left out, which would count the whole heap as used.
func official(s settings) system {
	java := func(dir string, heap int, part, main, config string) []string {
		return []string{
			s.java, "-server", fmt.Sprintf("-Xms%dm", heap), fmt.Sprintf("-Xmx%dm", heap),
			"-XX:+UseG1GC", "-XX:G1HeapRegionSize=16m", "-XX:G1ReservePercent=25", "-XX:InitiatingHeapOccupancyPercent=30",
			"-XX:SoftRefLRUPolicyMSPerMB=0", "-XX:-OmitStackTraceInFastThrow", "-XX:MaxDirectMemorySize=15g",
			"--add-exports=java.base/sun.nio.ch=ALL-UNNAMED", "--add-exports=java.base/sun.security.x509=ALL-UNNAMED",
			"-Dfile.encoding=UTF-8", "-Drocketmq.home.dir=" + dir, "-Duser.home=" + filepath.Join(dir, part),
			"-Drmq.logback.configurationFile=rmq." + part + ".logback.xml",
			"-cp", filepath.Join(s.lib, "*"), main, "-c", config,
		}
	}
	broker := func(dir, config string) command {
		return command{java(dir, s.heap, "broker", "org.apache.rocketmq.broker.BrokerStartup", config), ""}
	}
	return system{
		name: "official", warmup: 10 * time.Second,
		commands: func(p ports, dir, config string) []command {
			nameServer := filepath.Join(dir, "namesrv.conf")
			text := fmt.Sprintf("listenPort=%d\n", p.nameServer)
			if err := os.WriteFile(nameServer, []byte(text), 0o644); err != nil {
				text = "" // the name server's start fails with the file's name
			}
			return []command{
				{java(dir, s.heap/2, "namesrv", "org.apache.rocketmq.namesrv.NamesrvStartup", nameServer), "boot success"},
				broker(dir, config),
			}
		},
		broker: broker,
	}
}

// start runs a system on an empty directory and waits for its first acknowledgement.
func start(ctx context.Context, sys system, dir string, syncFlush bool) (*server, error) {
	if err := os.RemoveAll(dir); err != nil {
		return nil, err
	}
	s, err := configure(dir, syncFlush)
	if err != nil {
		return nil, err
	}
	s.system = sys
	return s, s.launch(ctx, sys.commands(s.ports, dir, s.config))
}

// configure chooses ports and writes a broker's configuration.
func configure(dir string, syncFlush bool) (*server, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	p, err := freePorts()
	if err != nil {
		return nil, err
	}
	s := &server{ports: p, dir: dir, config: filepath.Join(dir, "broker.conf"), log: dir + ".log"}
	return s, s.writeConfig(syncFlush)
}

// writeConfig writes the broker's configuration for the ports.
func (s *server) writeConfig(syncFlush bool) error {
	flush := "ASYNC_FLUSH"
	if syncFlush {
		flush = "SYNC_FLUSH"
	}
	text := fmt.Sprintf("brokerClusterName=SideBySide\nbrokerName=bench-a\nbrokerId=0\nbrokerIP1=127.0.0.1\nlistenPort=%d\nnamesrvAddr=%s\nstorePathRootDir=%s\nflushDiskType=%s\nenablePropertyFilter=true\n",
		s.ports.broker, s.nameServer(), filepath.Join(s.dir, "store"), flush)
	return os.WriteFile(s.config, []byte(text), 0o644)
}

// launch starts processes and waits for the first acknowledgement. After an error none of them runs.
func (s *server) launch(ctx context.Context, commands []command) error {
	log, err := os.Create(s.log)
	if err != nil {
		return err
	}
	defer log.Close()
	began := time.Now()
	for _, c := range commands {
		cmd := exec.Command(c.args[0], c.args[1:]...)
		cmd.Dir, cmd.Stdout, cmd.Stderr = s.dir, log, log
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // a Ctrl-C ends us, and we end them
		if err := cmd.Start(); err != nil {
			return errors.Join(fmt.Errorf("%s: %w", s.system.name, err), s.kill())
		}
		s.processes = append(s.processes, cmd)
		if err := s.await(ctx, c.ready); err != nil {
			return errors.Join(err, s.kill())
		}
	}
	ackCtx, cancel := context.WithTimeout(ctx, ackTime)
	var watch sync.WaitGroup
	watch.Go(func() { s.watch(ackCtx, cancel) })
	err = bench.FirstAck(ackCtx, s.broker(), "FirstAck")
	cancel()
	watch.Wait()
	if err != nil {
		return errors.Join(fmt.Errorf("%s did not start, see %s: %w", s.system.name, s.log, err), s.kill())
	}
	s.firstAck = time.Since(began)
	routeCtx, cancelRoute := context.WithTimeout(ctx, time.Minute)
	defer cancelRoute()
	if err := bench.AwaitRoute(routeCtx, s.nameServer(), protocol.TopicAutoCreate); err != nil { // gantry bench finds the broker by it
		return errors.Join(err, s.kill())
	}
	return nil
}

// watch calls ended when the broker's process has ended, and returns then or with ctx.
func (s *server) watch(ctx context.Context, ended func()) {
	broker := s.processes[len(s.processes)-1].Process.Pid
	for {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", broker))
		if _, state, _ := strings.Cut(string(stat), ") "); err != nil || strings.HasPrefix(state, "Z") {
			ended()
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// ackTime bounds a start; one on a large directory after a kill takes a while.
const ackTime = 5 * time.Minute

// await waits until the log holds a text.
func (s *server) await(ctx context.Context, text string) error {
	for deadline := time.Now().Add(time.Minute); text != ""; {
		log, err := os.ReadFile(s.log)
		if err != nil || strings.Contains(string(log), text) {
			return err
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%s did not start, see %s", s.system.name, s.log)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(5 * time.Millisecond):
		}
	}
	return nil
}

// stop asks the processes to end, the last one first, and waits.
func (s *server) stop() error {
	began := time.Now()
	var errs []error
	for i := len(s.processes) - 1; i >= 0; i-- {
		p := s.processes[i]
		if err := p.Process.Signal(syscall.SIGTERM); err != nil {
			errs = append(errs, err)
		}
		_ = p.Wait() // a JVM that was asked to end exits with 143
	}
	s.stopped = time.Since(began)
	s.processes = nil
	return errors.Join(errs...)
}

// kill ends the processes at once.
func (s *server) kill() error {
	var errs []error
	for _, p := range s.processes {
		errs = append(errs, p.Process.Kill())
		_ = p.Wait() // killed
	}
	s.processes = nil
	return errors.Join(errs...)
}

// freePorts finds a port for the name server, and one for the broker whose fast port
// (minus 2) and replication port (plus 1) are free too.
func freePorts() (ports, error) {
	nameServer, err := freePort()
	if err != nil {
		return ports{}, err
	}
	for range 100 {
		// Below those that connections take: a JVM binds its port many seconds from now.
		if p := 10000 + rand.IntN(20000); isFree(p) && isFree(p-2) && isFree(p+1) && nameServer != p-2 && nameServer != p+1 {
			return ports{nameServer, p}, nil
		}
	}
	return ports{}, errors.New("no free ports were found in a hundred tries")
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

func isFree(port int) bool {
	l, err := net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(port))
	if err != nil {
		return false
	}
	return l.Close() == nil
}
