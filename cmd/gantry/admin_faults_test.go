package main

import (
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gantrymq/gantry/admin"
	"github.com/gantrymq/gantry/admin/cli"
	"github.com/gantrymq/gantry/broker/registration"
	"github.com/gantrymq/gantry/protocol"
	"github.com/gantrymq/gantry/remoting"
)

// addressOf is an address of this machine: one that nobody listens at, or one that takes
// connections and never answers.
func addressOf(t *testing.T, silent bool) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if silent {
		t.Cleanup(func() { l.Close() })
	} else {
		l.Close()
	}
	return l.Addr().String()
}

// registerBroker enters a broker into a name server, which keeps it until the end of the test.
func registerBroker(t *testing.T, namesrv, name, addr string) {
	t.Helper()
	client := remoting.NewClient(remoting.ClientOptions{})
	t.Cleanup(func() { client.Close() })
	topics := registration.Topics{Table: map[string]*protocol.TopicConfig{}, Version: protocol.DataVersion{Timestamp: 1}}
	for _, topic := range []string{name, "orders"} {
		c := protocol.DefaultTopicConfig(topic)
		topics.Table[topic] = &c
	}
	r := registration.New(registration.Identity{Cluster: "DefaultCluster", Name: name, Addr: addr}, client, []string{namesrv}, registration.Form{Timeout: 5 * time.Second})
	if _, err := r.Register(t.Context(), topics); err != nil {
		t.Fatal(err)
	}
}

// TestBrokerThatIsDown: of a cluster in which one broker does not answer, the others are still
// asked; what failed is said in a line, by its address, and the exit code tells.
func TestBrokerThatIsDown(t *testing.T) {
	t.Setenv("HOME", t.TempDir())
	t.Setenv("NAMESRV_ADDR", "")
	// want is printed of the broker that answers. A broker that takes connections and is silent is waited for: two
	// commands show it.
	for _, c := range []struct {
		args, want string
		silent     bool
	}{
		{"brokerStatus -c DefaultCluster", "brokerVersionDesc", true},
		{"clusterList", "broker-a", true},
		{"brokerStatus -c DefaultCluster", "brokerVersionDesc", false},
		{"clusterList", "broker-a", false},
		{"updateTopic -c DefaultCluster -t invoices", "create topic to BROKER", false},
		{"updateSubGroup -c DefaultCluster -g invoices", "BROKER", false},
		{"updateBrokerConfig -c DefaultCluster -k traceOn -v true", "BROKER", false},
		{"cleanUnusedTopic -c DefaultCluster", "", false},
		{"topicStatus -t orders", "", false},
	} {
		server, dead := startServer(t, t.TempDir()), addressOf(t, c.silent)
		registerBroker(t, server.namesrv, "broker-down", dead)
		out, said, code := adminRun(t, t.Context(), append(adminArgs(c.args, server, ""), "--timeout", "2s")...)
		want := strings.ReplaceAll(c.want, "BROKER", server.broker)
		if code != cli.ExitFailed || !strings.Contains(out, want) || !strings.Contains(said, dead) || strings.Count(said, "\n") != 1 {
			t.Errorf("%s, silent %v: ended with %d, printed\n%sand said\n%s", c.args, c.silent, code, out, said)
		}
		server.end()
	}
}

// TestConcurrentChanges: administrators who work at the same time lose nothing of each other's work.
func TestConcurrentChanges(t *testing.T) {
	server := startServer(t, t.TempDir())
	const people, each = 8, 10
	var wg sync.WaitGroup
	for p := range people {
		wg.Go(func() {
			client := admin.New(admin.Options{NameServers: []string{server.namesrv}})
			defer client.Close()
			for i := range each {
				name := fmt.Sprintf("t-%d-%d", p, i)
				topic := protocol.DefaultTopicConfig(name)
				group := protocol.SubscriptionGroupConfig{GroupName: name, ConsumeEnable: true, RetryQueueNums: 1, RetryMaxTimes: int32(i)}
				for what, err := range map[string]error{
					"topic":         client.UpdateTopic(t.Context(), server.broker, &topic),
					"group":         client.UpdateGroup(t.Context(), server.broker, &group),
					"configuration": client.UpdateBrokerConfig(t.Context(), server.broker, map[string]string{"maxMessageSize": fmt.Sprint(65536 + p), "regionId": fmt.Sprint("r", p)}),
					"key":           client.PutKV(t.Context(), "people", name, "here"),
				} {
					if err != nil {
						t.Errorf("%s of %s: %v", what, name, err)
					}
				}
				if i%2 == 1 {
					if err := client.DeleteTopicOnBroker(t.Context(), server.broker, name); err != nil {
						t.Errorf("delete %s: %v", name, err)
					}
				}
			}
		})
	}
	wg.Wait()
	client := admin.New(admin.Options{NameServers: []string{server.namesrv}})
	defer client.Close()
	topics, err := client.AllTopicConfigs(t.Context(), server.broker)
	if err != nil {
		t.Fatal(err)
	}
	groups, err := client.AllGroups(t.Context(), server.broker)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := client.ListKV(t.Context(), "people")
	if err != nil {
		t.Fatal(err)
	}
	for p := range people {
		for i := range each {
			name := fmt.Sprintf("t-%d-%d", p, i)
			if _, there := topics.TopicConfigTable[name]; there != (i%2 == 0) {
				t.Errorf("topic %s: there %v", name, there)
			}
			if g := groups.SubscriptionGroupTable[name]; g == nil || g.RetryMaxTimes != int32(i) {
				t.Errorf("group %s is %+v", name, g)
			}
			if keys[name] != "here" {
				t.Errorf("key %s is %q", name, keys[name])
			}
		}
	}
	// Each change is made as a whole: both settings are of the same person.
	values, err := client.BrokerConfig(t.Context(), server.broker)
	if err != nil {
		t.Fatal(err)
	}
	if size, region := values["maxMessageSize"], values["regionId"]; !strings.HasPrefix(region, "r") || size != fmt.Sprint(65536+int(region[1]-'0')) {
		t.Errorf("maxMessageSize is %s and regionId %s", size, region)
	}
}
