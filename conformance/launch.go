package conformance

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"time"
)

// GantryLauncher starts our binary.
type GantryLauncher struct {
	Binary string // path of the gantry binary
}

var _ Launcher = (*GantryLauncher)(nil)

// Implementation is Gantry.
func (*GantryLauncher) Implementation() string { return Gantry }

// AllInOne is true: "gantry server" is both.
func (*GantryLauncher) AllInOne() bool { return true }

// Launch starts "gantry namesrv|broker|server -c file" with the server's own directory as its
// home, so that default paths of the configuration lead there too.
func (l *GantryLauncher) Launch(_ context.Context, s Spec) (Instance, error) {
	args := []string{string(s.Role), "-c", s.Config}
	if s.Role == RoleAllInOne {
		args = append(args, "--data", s.Dir, "--namesrvPort", s.NameServerPort)
	}
	cmd := exec.Command(l.Binary, args...)
	cmd.Dir = s.Dir
	cmd.Env = append(os.Environ(), "HOME="+s.Dir, "ROCKETMQ_HOME="+s.Dir, "NAMESRV_ADDR=")
	return startProcess(cmd, s)
}

// JVMLauncher starts the official jars as plain processes of this machine.
type JVMLauncher struct {
	Lib string // folder with the official jars
}

var _ Launcher = (*JVMLauncher)(nil)

// Implementation is Official.
func (*JVMLauncher) Implementation() string { return Official }

// AllInOne is false: the official system is always two processes.
func (*JVMLauncher) AllInOne() bool { return false }

// Launch starts the official server of the role.
func (l *JVMLauncher) Launch(_ context.Context, s Spec) (Instance, error) {
	args, err := JavaArgs(s)
	if err != nil {
		return nil, err
	}
	cmd := exec.Command("java", args...)
	cmd.Dir = s.Dir
	cmd.Env = append(os.Environ(), "CLASSPATH="+filepath.Join(l.Lib, "*"))
	return startProcess(cmd, s)
}

// JavaArgs is the command line of the official server of a role, without the name of the
// java program itself; the class path is left to the environment. The heap is small on purpose: several servers run side by side.
// The compiler of long-lived code is left out: these servers live for seconds, and it costs a fifth of their time on the processor.
func JavaArgs(s Spec) ([]string, error) {
	var main, logback string
	switch s.Role {
	case RoleNameServer:
		main, logback = "org.apache.rocketmq.namesrv.NamesrvStartup", "rmq.namesrv.logback.xml"
	case RoleBroker:
		main, logback = "org.apache.rocketmq.broker.BrokerStartup", "rmq.broker.logback.xml"
	default:
		return nil, fmt.Errorf("conformance: the official release has no process for the role %s", s.Role)
	}
	args := []string{
		"-Xms128m", "-Xmx512m", "-XX:MaxDirectMemorySize=512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
		"-Drocketmq.home.dir=" + s.Dir, "-Duser.home=" + s.Dir, "-Dfile.encoding=UTF-8",
		"-Drmq.logback.configurationFile=" + logback,
		"--add-exports=java.base/sun.nio.ch=ALL-UNNAMED", "--add-exports=java.base/sun.security.x509=ALL-UNNAMED",
	}
	for _, key := range slices.Sorted(maps.Keys(s.Properties)) {
		args = append(args, "-D"+key+"="+s.Properties[key])
	}
	return append(args, main, "-c", s.Config), nil
}

// process is an [Instance] that is a child of this process.
type process struct {
	cmd    *exec.Cmd
	log    string
	exited chan struct{}
	waiter sync.WaitGroup // the goroutine that waits for the process, and ends with it
}

// startProcess starts cmd with its output appended to the server's log file, and notes its end.
func startProcess(cmd *exec.Cmd, s Spec) (Instance, error) {
	p := &process{cmd: cmd, log: filepath.Join(s.Dir, s.Name+".log"), exited: make(chan struct{})}
	out, err := os.OpenFile(p.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	defer out.Close()
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C reaches us alone; we stop the servers in order
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("conformance: cannot start %s: %w", s.Name, err)
	}
	p.waiter.Go(func() {
		defer close(p.exited)
		_ = cmd.Wait()
	})
	return p, nil
}

func (p *process) PID() int                { return p.cmd.Process.Pid }
func (p *process) Exited() <-chan struct{} { return p.exited }
func (p *process) Log() string             { return p.log }

func (p *process) Stop(ctx context.Context) error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-p.exited:
		return nil
	case <-ctx.Done():
		_ = p.Kill()
		return fmt.Errorf("conformance: process %d did not end after SIGTERM and was killed: %w", p.PID(), ctx.Err())
	}
}

func (p *process) Kill() error {
	if err := p.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-p.exited:
		p.waiter.Wait()
		return nil
	case <-time.After(10 * time.Second):
		return fmt.Errorf("conformance: process %d is still there ten seconds after SIGKILL", p.PID())
	}
}
