package javadriver

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"time"
)

// stopGrace is how long a JVM has to end by itself once its input has ended.
const stopGrace = 10 * time.Second

// Options describe one driver process.
type Options struct {
	Release    string            // V498 or V550
	Properties map[string]string // Java system properties, for what the client fixes per process
}

// Driver is one running JVM. Its methods may be called by several goroutines at a time.
type Driver struct {
	Release string

	cmd  *exec.Cmd
	in   io.WriteCloser
	dir  string // home of the JVM: logs, local offset files
	wg   sync.WaitGroup
	done chan struct{} // closed when standard output has ended

	mu      sync.Mutex // guards in's lines and what follows
	next    int64
	clients int
	waiting map[int64]chan<- answer
	sinks   map[string]*Inbox
	dead    error
}

// Args are the fields of a command; see the driver's Java sources for each command's.
type Args map[string]any

type answer struct {
	ID     int64           `json:"id"`
	Result json.RawMessage `json:"result"`
	Error  *Error          `json:"error"`
}

// event is what a client reports by itself.
type event struct {
	Event    string    `json:"event"`
	Client   string    `json:"client"`
	Messages []Message `json:"messages"`
	Message  *Message  `json:"message"`
	Thread   string    `json:"thread"`
	Error    *Error    `json:"error"`
}

// Start builds the driver if the cache lacks it and starts a process. Close must be called.
func Start(ctx context.Context, o Options) (*Driver, error) {
	classPath, err := Build(ctx, o.Release)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "gantry-java-")
	if err != nil {
		return nil, fmt.Errorf("make a home for the driver: %w", err)
	}
	d := &Driver{
		Release: o.Release, dir: dir,
		done: make(chan struct{}), waiting: map[int64]chan<- answer{}, sinks: map[string]*Inbox{},
	}
	d.cmd = exec.Command("java", append(javaFlags(dir, o.Properties), "-cp", classPath, "gantry.driver.Main")...)
	if err := d.start(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return d, nil
}

// javaFlags keep a JVM small and quick to start: only the first compiler, one collector thread.
func javaFlags(home string, properties map[string]string) []string {
	flags := []string{
		"-Xms64m", "-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Dfile.encoding=UTF-8",
		"-Duser.home=" + home, "-Duser.timezone=UTC",
		"--add-exports=java.base/sun.nio.ch=ALL-UNNAMED",
		"-Drmq.logback.configurationFile=rmq.client.logback.xml",
		"-Drocketmq.client.logRoot=" + filepath.Join(home, "logs"),
		"-Drocketmq.client.localOffsetStoreDir=" + filepath.Join(home, "offsets"),
	}
	for key, value := range properties {
		flags = append(flags, "-D"+key+"="+value)
	}
	return flags
}

func (d *Driver) start() error {
	log, err := os.Create(filepath.Join(d.dir, "stderr.log"))
	if err != nil {
		return fmt.Errorf("make the driver's log: %w", err)
	}
	defer log.Close() // the process has its own descriptor
	d.cmd.Dir, d.cmd.Stderr = d.dir, log
	if d.in, err = d.cmd.StdinPipe(); err != nil {
		return fmt.Errorf("start the Java driver: %w", err)
	}
	out, err := d.cmd.StdoutPipe()
	if err != nil {
		return fmt.Errorf("start the Java driver: %w", err)
	}
	if err := d.cmd.Start(); err != nil {
		return fmt.Errorf("start the Java driver: %w", err)
	}
	d.wg.Go(func() { d.read(out) })
	return nil
}

// Call has the driver carry out one command and decodes its result into result, if that
// is not nil. What the Java client threw comes back as an *Error.
func (d *Driver) Call(ctx context.Context, op string, args Args, result any) error {
	reply := make(chan answer, 1)
	id, err := d.send(op, args, reply)
	if err != nil {
		return err
	}
	select {
	case a := <-reply:
		switch {
		case a.Error != nil:
			return a.Error
		case result == nil:
			return nil
		}
		if err := json.Unmarshal(a.Result, result); err != nil {
			return fmt.Errorf("result of %s: %w", op, err)
		}
		return nil
	case <-d.done:
		return d.failure()
	case <-ctx.Done():
		d.mu.Lock()
		delete(d.waiting, id)
		d.mu.Unlock()
		return fmt.Errorf("wait for the Java client's %s: %w", op, ctx.Err())
	}
}

func (d *Driver) send(op string, args Args, reply chan<- answer) (int64, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.next++
	command := Args{"id": d.next, "op": op}
	maps.Copy(command, args)
	line, err := json.Marshal(command)
	if err != nil {
		return 0, fmt.Errorf("encode %s: %w", op, err)
	}
	// Lines of two commands must not mix, and the driver always reads, so the write is
	// the one I/O that happens under the lock.
	if _, err := d.in.Write(append(line, '\n')); err != nil {
		return 0, fmt.Errorf("command the Java driver: %w", err)
	}
	d.waiting[d.next] = reply
	return d.next, nil
}

// read takes the driver's lines until its output ends.
func (d *Driver) read(out io.Reader) {
	defer close(d.done)
	r := bufio.NewReaderSize(out, 1<<20)
	for {
		line, err := r.ReadBytes('\n')
		if err == nil {
			err = d.take(line)
		}
		if err != nil {
			d.mu.Lock()
			if !errors.Is(err, io.EOF) {
				d.dead = err
			}
			d.mu.Unlock()
			_, _ = io.Copy(io.Discard, out)
			return
		}
	}
}

func (d *Driver) take(line []byte) error {
	var e event
	if err := json.Unmarshal(line, &e); err == nil && e.Event != "" {
		d.mu.Lock()
		sink := d.sinks[e.Client]
		d.mu.Unlock()
		if sink != nil {
			sink.put(e)
		}
		return nil
	}
	var a answer
	if err := json.Unmarshal(line, &a); err != nil {
		return fmt.Errorf("the Java driver wrote %.200q: %w", line, err)
	}
	d.mu.Lock()
	reply := d.waiting[a.ID]
	delete(d.waiting, a.ID)
	d.mu.Unlock()
	if reply != nil {
		reply <- a
	}
	return nil
}

// failure says why the process is gone.
func (d *Driver) failure() error {
	d.mu.Lock()
	dead := d.dead
	d.mu.Unlock()
	text, _ := os.ReadFile(filepath.Join(d.dir, "stderr.log"))
	return fmt.Errorf("the Java driver %s has ended (%v); it last said:\n%s", d.Release, dead, tail(string(text), 20))
}

// name gives a client a name of its own within the process.
func (d *Driver) name(kind string) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.clients++
	return fmt.Sprintf("%s-%d", kind, d.clients)
}

func (d *Driver) listen(client string, in *Inbox) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if in == nil {
		delete(d.sinks, client)
		return
	}
	d.sinks[client] = in
}

// Close ends the process, clients that still run included, and removes its files.
func (d *Driver) Close() error {
	_ = d.in.Close()
	timer := time.AfterFunc(stopGrace, func() { _ = d.cmd.Process.Kill() })
	defer timer.Stop()
	d.wg.Wait()
	err := d.cmd.Wait()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		err = fmt.Errorf("the Java driver ended with %s", exit.ProcessState)
	}
	return errors.Join(err, os.RemoveAll(d.dir))
}
