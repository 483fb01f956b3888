package mqadmin

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/gantrymq/gantry/conformance"
	"github.com/gantrymq/gantry/conformance/javadriver"
	"github.com/gantrymq/gantry/protocol"
)

// processTime bounds a tool in a process of its own: a JVM starts slowly on a busy machine.
const processTime = 90 * time.Second

// endlessCommands go on until somebody ends them. Values are their options.
var endlessCommands = map[string][]string{
	"clusterRT":       {"-a", "2", "-s", "10", "-i", "1"},
	"startMonitoring": nil,
}

func endless(command, ns string) []string {
	return append([]string{command, "-n", ns}, endlessCommands[command]...)
}

// processCases run tools in processes of their own, as their users do. The monitor asks every consumer of a broker, so the servers
// are not those of other cases, but for the script upkeep.
func processCases(pool *javadriver.Pool, own *Tool) []conformance.Case {
	c := conformance.Case{
		Feature: "administration that goes on", Topology: conformance.SingleBroker, Timeout: 2 * processTime,
		Codes:    []protocol.RequestCode{protocol.GetBrokerClusterInfo, protocol.SendMessageV2, protocol.GetAllTopicListFromNameserver, protocol.GetConsumerConnectionList},
		Settings: conformance.Settings{Broker: map[string]string{"flushConsumerOffsetInterval": "4996"}},
	}
	theirs, ours := c, c
	theirs.Name, theirs.Client = "mqadmin/endless", conformance.MQAdmin
	theirs.Run = func(t *conformance.T) { endlessOfficial(t, pool) }
	ours.Name, ours.Client = "admin/endless", conformance.Admin
	ours.Run = func(t *conformance.T) {
		path, err := own.binary(t.Context())
		t.Check(err, "make our tool")
		ns := t.Servers().NameServerList()
		monitor := start(t, path, append([]string{"admin"}, endless("startMonitoring", ns)...)...)
		ended(t, start(t, path, append([]string{"admin"}, endless("clusterRT", ns)...)...), roundTripTable)
		ended(t, monitor, regexp.MustCompile(`beginRound\n(.*\n)*.*endRound\n`))
	}
	return []conformance.Case{theirs, ours}
}

// roundTripTable is the head and the first row of clusterRT: both messages were taken.
var roundTripTable = regexp.MustCompile(`#Cluster Name +#Broker Name +#RT +#successCount +#failCount *\n` +
	conformance.ClusterName + ` +\S+ +\d+\.\d\d +2 +0 *\n`)

// endlessOfficial starts both commands. The monitor prints nothing: it works when its consumer is connected.
func endlessOfficial(t *conformance.T, pool *javadriver.Pool) {
	p := &player{t: t, pool: pool}
	ns := t.Servers().NameServerList()
	monitor := official(t, endless("startMonitoring", ns)...)
	ended(t, official(t, endless("clusterRT", ns)...), roundTripTable)
	t.Eventually(processTime, "the monitor consumes", func(ctx context.Context) error {
		if err := monitor.alive(); err != nil {
			return err
		}
		out, _, err := p.driver().Admin(ctx, "consumerConnection", "-n", ns, "-g", "__MONITOR_CONSUMER")
		if err == nil && !strings.Contains(out, "V5_5_0") {
			err = fmt.Errorf("no consumer is shown: %s", out)
		}
		return err
	})
	monitor.end()
}

// running is a tool in a process of its own. It is ended with its case at the latest.
type running struct {
	cancel context.CancelFunc
	done   chan struct{} // closed when the process has ended
	err    error         // what it ended with; after done

	mu   sync.Mutex // guards text
	text strings.Builder
}

// Write takes what the process prints.
func (p *running) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.Write(b)
}

func (p *running) output() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.String()
}

func (p *running) alive() error {
	select {
	case <-p.done:
		return fmt.Errorf("the tool ended with %v and said\n%s", p.err, p.output())
	default:
		return nil
	}
}

func (p *running) end() {
	p.cancel()
	<-p.done
}

// official starts the official tool in a JVM of its own.
func official(t *conformance.T, args ...string) *running {
	classPath, err := javadriver.Build(t.Context(), javadriver.V550)
	if errors.Is(err, javadriver.ErrLacking) {
		t.Skipf("%v", err)
	}
	t.Check(err, "find the tool")
	return start(t, "java", append([]string{
		"-Xmx256m", "-XX:TieredStopAtLevel=1", "-Duser.home=" + t.TempDir(), "-cp", classPath,
		"org.apache.rocketmq.tools.command.MQAdminStartup",
	}, args...)...)
}

func start(t *conformance.T, name string, args ...string) *running {
	ctx, cancel := context.WithCancel(t.Context())
	p := &running{cancel: cancel, done: make(chan struct{})}
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stdout, cmd.Stderr, cmd.Dir = p, p, t.TempDir()
	if err := cmd.Start(); err != nil {
		cancel()
		t.Check(err, "start %s", name)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		p.err = cmd.Wait()
		close(p.done)
	})
	t.Cleanup(func() { cancel(); wg.Wait() })
	return p
}

// ended waits until a tool that goes on has printed what matches, and ends it.
func ended(t *conformance.T, p *running, want *regexp.Regexp) {
	t.Eventually(processTime, "the tool prints "+want.String(), func(context.Context) error {
		if want.MatchString(p.output()) {
			return nil
		}
		if err := p.alive(); err != nil {
			return err
		}
		return fmt.Errorf("it printed\n%s", p.output())
	})
	p.end()
}
