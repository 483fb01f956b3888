// Package docker starts the official release in containers, through testcontainers-go.
//
// It is a package of its own so that only the conformance runner pays for its dependencies.
// Containers use the host's network and loopback addresses: servers and clients then agree on
// every address, and nothing leaves the machine. A server's directory is mounted at the path it
// has outside, so that configuration files mean the same inside and out.
package docker

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"
	"github.com/testcontainers/testcontainers-go/log"

	"github.com/gantrymq/gantry/conformance"
)

// script starts the server of the arguments with whichever official jars the image has: those
// of the built image, or those of the published one, whose configuration folder with the
// logging set-up lies beside the jars. The built image also has an archive of loaded classes.
// Everything printed goes to the file named first.
const script = `log=$1; shift
for lib in "${ROCKETMQ_HOME:-/opt/rocketmq}/lib" /opt/rocketmq/lib /home/rocketmq/*/lib; do
	[ -d "$lib" ] && break
done
export CLASSPATH="$lib/*"
[ -d "$lib/../conf" ] && CLASSPATH="$lib/../conf:$CLASSPATH"
[ -e "$lib/../classes.jsa" ] && set -- "-XX:SharedArchiveFile=$lib/../classes.jsa" "$@"
exec java "$@" >>"$log" 2>&1`

// Launcher starts servers of the official release from an image.
type Launcher struct {
	image    string
	provider *testcontainers.DockerProvider
	client   client.APIClient
}

var _ conformance.Launcher = (*Launcher)(nil)

// NewLauncher checks that the Docker daemon answers and that the image is there; an error is
// one line that says what this machine lacks.
func NewLauncher(ctx context.Context, image string) (*Launcher, error) {
	// The helper container that testcontainers would start for cleaning up needs an image from
	// a registry; the runner removes its containers itself.
	if err := os.Setenv("TESTCONTAINERS_RYUK_DISABLED", "true"); err != nil {
		return nil, err
	}
	log.SetDefault(silent{})
	// With the host's network as the default one, no bridge is looked for or made.
	provider, err := testcontainers.NewDockerProvider(testcontainers.WithDefaultBridgeNetwork("host"))
	if err == nil {
		err = provider.Health(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("no Docker daemon answers (conformance/prepare/prepare.sh starts one): %s", firstLine(err))
	}
	cli := provider.Client()
	if _, err := cli.ImageInspect(ctx, image); err != nil {
		return nil, fmt.Errorf("no image %s (conformance/prepare/prepare.sh builds it): %s", image, firstLine(err))
	}
	return &Launcher{image: image, provider: provider, client: cli}, nil
}

// silent drops what testcontainers tells about each step.
type silent struct{}

func (silent) Printf(string, ...any) {}

func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}

// Implementation is the official one.
func (*Launcher) Implementation() string { return conformance.Official }

// AllInOne is false: the official system is always two processes.
func (*Launcher) AllInOne() bool { return false }

// Launch creates and starts a container for the server.
func (l *Launcher) Launch(ctx context.Context, s conformance.Spec) (conformance.Instance, error) {
	args, err := conformance.JavaArgs(s)
	if err != nil {
		return nil, err
	}
	log := filepath.Join(s.Dir, s.Name+".log")
	c, err := l.provider.RunContainer(ctx, testcontainers.ContainerRequest{
		Image:      l.image,
		Entrypoint: []string{"/bin/sh", "-c", script, "sh", log},
		Cmd:        args,
		ConfigModifier: func(c *container.Config) {
			c.User = "0" // owner of the mounted directory
			c.WorkingDir = s.Dir
		},
		HostConfigModifier: func(h *container.HostConfig) {
			h.NetworkMode = "host"
			h.Binds = []string{s.Dir + ":" + s.Dir}
		},
	})
	if err != nil {
		return nil, fmt.Errorf("docker: cannot start %s: %w", s.Name, err)
	}
	inspect, err := c.Inspect(ctx)
	if err != nil {
		return nil, errors.Join(err, c.Terminate(ctx))
	}
	i := &instance{client: l.client, c: c, pid: inspect.State.Pid, log: log, exited: make(chan struct{})}
	i.waiter.Go(i.await)
	return i, nil
}

// instance is one container. It is removed when it has ended.
type instance struct {
	client client.APIClient
	c      testcontainers.Container
	pid    int
	log    string
	exited chan struct{}
	waiter sync.WaitGroup // the goroutine of await
}

// await closes exited when the container is gone, and removes what is left of it. It ends with
// the container.
func (i *instance) await() {
	defer close(i.exited)
	ctx := context.Background()
	w := i.client.ContainerWait(ctx, i.c.GetContainerID(), client.ContainerWaitOptions{Condition: container.WaitConditionNotRunning})
	select {
	case <-w.Result:
	case <-w.Error:
	}
	// The container has ended; that it cannot be removed is no fault of the case.
	_, _ = i.client.ContainerRemove(ctx, i.c.GetContainerID(), client.ContainerRemoveOptions{Force: true, RemoveVolumes: true})
}

func (i *instance) PID() int                { return i.pid }
func (i *instance) Exited() <-chan struct{} { return i.exited }
func (i *instance) Log() string             { return i.log }

// Stop sends SIGTERM and waits until ctx ends.
func (i *instance) Stop(ctx context.Context) error {
	if err := i.signal(ctx, "SIGTERM"); err != nil {
		return err
	}
	select {
	case <-i.exited:
		return nil
	case <-ctx.Done():
		return errors.Join(fmt.Errorf("docker: container did not end after SIGTERM: %w", ctx.Err()), i.Kill())
	}
}

// killTime bounds the wait for a killed container.
const killTime = 20 * time.Second

// Kill sends SIGKILL and waits.
func (i *instance) Kill() error {
	ctx, cancel := context.WithTimeout(context.Background(), killTime)
	defer cancel()
	if err := i.signal(ctx, "SIGKILL"); err != nil {
		return err
	}
	select {
	case <-i.exited:
		i.waiter.Wait()
		return nil
	case <-ctx.Done():
		return fmt.Errorf("docker: container is still there %v after SIGKILL", killTime)
	}
}

// signal reaches the server, which is process 1 of the container. A container that has ended
// already is no error.
func (i *instance) signal(ctx context.Context, name string) error {
	select {
	case <-i.exited:
		return nil
	default:
	}
	_, err := i.client.ContainerKill(ctx, i.c.GetContainerID(), client.ContainerKillOptions{Signal: name})
	select {
	case <-i.exited: // it ended while we asked
		return nil
	default:
		return err
	}
}
