package mqadmin

import (
	"context"
	"embed"
	"errors"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/gantrymq/gantry/conformance"
	"github.com/gantrymq/gantry/conformance/javadriver"
	"github.com/gantrymq/gantry/protocol"
)

//go:embed testdata
var scripts embed.FS

// Cases lists the cases: each script is played by the official tool and by ours, so that the
// two are compared on the same servers. When rewrite is not empty it is the folder of this
// package in the source tree: outputs of the official tool, seen with the official server,
// are then recorded there.
func Cases(pool *javadriver.Pool, own *Tool, rewrite string) ([]conformance.Case, error) {
	var all []conformance.Case
	err := conformance.EachScript(scripts, func(file, name, text string) error {
		s, err := parseScript(file, text)
		if err != nil {
			return err
		}
		c := s.head
		c.Name = "mqadmin/" + name
		c.Timeout = 4 * time.Minute // commands of all cases run one at a time
		c.Run = func(t *conformance.T) {
			record := rewrite != "" && t.Official()
			play(t, s, pool, nil, record)
			if record && !t.Failed() {
				t.Check(os.WriteFile(filepath.Join(rewrite, filepath.FromSlash(file)), []byte(s.format()), 0o644), "record %s", file)
			}
		}
		all = append(all, c)
		if s.officialOnly == "" && rewrite == "" {
			c.Name, c.Client = "admin/"+name, conformance.Admin
			if s.alone { // settings of another set of servers, without effect on any script
				c.Settings.Broker = maps.Clone(c.Settings.Broker)
				if c.Settings.Broker == nil {
					c.Settings.Broker = map[string]string{}
				}
				c.Settings.Broker["flushDelayOffsetInterval"] = "10001"
			}
			c.Run = func(t *conformance.T) { play(t, s, pool, own, false) }
			all = append(all, c)
		}
		return nil
	})
	return append(all, conformance.Case{
		Name: "mqadmin/process", Client: conformance.MQAdmin, Feature: "name server: cluster and topic lists",
		Codes: []protocol.RequestCode{protocol.GetBrokerClusterInfo}, Topology: conformance.SingleBroker, Run: process,
	}), err
}

// process runs the tool as its users do, in a JVM of its own.
func process(t *conformance.T) {
	classPath, err := javadriver.Build(t.Context(), javadriver.V550)
	if errors.Is(err, javadriver.ErrLacking) {
		t.Skipf("%v", err)
	}
	t.Check(err, "find the tool")
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Second)
	defer cancel()
	home := t.TempDir()
	cmd := exec.CommandContext(ctx, "java", "-Xmx256m", "-XX:TieredStopAtLevel=1", "-Duser.home="+home, "-cp", classPath,
		"org.apache.rocketmq.tools.command.MQAdminStartup", "clusterList", "-n", t.Servers().NameServerList())
	cmd.Dir = home
	out, err := cmd.CombinedOutput()
	t.Check(err, "run mqadmin clusterList: %s", out)
	for _, want := range []string{"#Cluster Name", conformance.ClusterName, t.Servers().Broker().Name(), t.Servers().Broker().Address(), "V5_5_0"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("clusterList does not name %s:\n%s", want, out)
		}
	}
}
