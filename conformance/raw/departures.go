package raw

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/gantrymq/gantry/conformance"
	"github.com/gantrymq/gantry/conformance/wire"
	"github.com/gantrymq/gantry/protocol"
)

// departureCases show what is left when something has gone.
func departureCases() []conformance.Case {
	return []conformance.Case{
		{
			Name: "raw/differences/11-brokers-of-one-connection", Client: conformance.Raw, Feature: "name server: expiry",
			Topology: conformance.NameServerOnly, Difference: 11, Run: brokersOfOneConnection,
			Codes: []protocol.RequestCode{protocol.RegisterBroker, protocol.GetRouteinfoByTopic},
		},
		{
			Name: "raw/differences/14-refused-registration", Client: conformance.Raw, Feature: "name server: registration and routes",
			Topology: conformance.NameServerOnly, Difference: 14, Run: refusedRegistration,
			Codes: []protocol.RequestCode{protocol.RegisterBroker, protocol.GetBrokerClusterInfo},
		},
		{
			Name: "raw/differences/17-deleted-group", Client: conformance.Raw, Feature: "consumer groups by administrators",
			Topology: conformance.SingleBroker, Difference: 17, Run: deletedGroup,
			Codes: []protocol.RequestCode{protocol.UpdateAndCreateSubscriptiongroup, protocol.DeleteSubscriptiongroup, protocol.GetAllSubscriptiongroupConfig},
		},
		{
			Name: "raw/differences/31-cluster-test", Client: conformance.Raw, Feature: "name server: registration and routes",
			Topology: conformance.NameServerOnly, Needs: conformance.Control, Difference: 31, Run: clusterTest,
			Settings: conformance.Settings{NameServer: map[string]string{"clusterTest": "true", "rocketmq.namesrv.addr": "127.0.0.1:1"}},
			Codes:    []protocol.RequestCode{protocol.RegisterBroker, protocol.GetRouteinfoByTopic},
		},
		{
			Name: "raw/differences/32-short-waits", Client: conformance.Raw, Feature: "pulling",
			Topology: conformance.SingleBroker, Difference: 32, Run: shortWaits,
			Codes: []protocol.RequestCode{protocol.PullMessage},
		},
		{
			Name: "raw/differences/34-settings-of-tls", Client: conformance.Raw, Feature: "broker configuration",
			Topology: conformance.SingleBroker, Settings: tlsMode("disabled"), Difference: 34, Run: settingsOfTLS,
			Codes: []protocol.RequestCode{protocol.GetBrokerConfig, protocol.GetNamesrvConfig},
		},
		{
			Name: "raw/differences/38-others-messages", Client: conformance.Raw, Feature: "pulling",
			Topology: conformance.SingleBroker, Difference: 38, Run: othersMessages,
			Codes: []protocol.RequestCode{protocol.PullMessage},
		},
		{
			Name: "raw/differences/45-last-heartbeats", Client: conformance.Raw, Feature: "heartbeats and clients",
			Topology: conformance.SingleBroker, Difference: 45, Run: lastHeartbeats,
			Codes: []protocol.RequestCode{protocol.HeartBeat, protocol.GetConsumerListByGroup},
		},
	}
}

// deletedGroup: the official broker looks the group up once more after it has deleted it, and
// by that creates it again.
func deletedGroup(t *conformance.T) {
	group := t.Group()
	listed := func() bool {
		return strings.Contains(string(t.Call(&wire.Frame{Code: int32(protocol.GetAllSubscriptiongroupConfig)}).Body), `"`+group+`"`)
	}
	t.Call(&wire.Frame{Code: int32(protocol.UpdateAndCreateSubscriptiongroup), Body: fmt.Appendf(nil, `{"groupName":%q,"retryMaxTimes":3}`, group)})
	if !listed() {
		t.Fatalf("a created group is not listed")
	}
	t.Call(&wire.Frame{Code: int32(protocol.DeleteSubscriptiongroup), Ext: map[string]string{"groupName": group, "cleanOffset": "false"}})
	if listed() != t.Official() {
		t.Errorf("after its deletion the group is listed: %t", listed())
	}
}

// brokersOfOneConnection registers two brokers over one connection and hangs up: the official
// name server forgets one of them, the other only when its heartbeats stay away.
func brokersOfOneConnection(t *conformance.T) {
	address := t.Servers().NameServer().Address()
	brokers, err := wire.Dial(t.Context(), address)
	t.Check(err, "connect")
	t.Cleanup(brokers.Close)
	topics := []string{t.Topic(), t.Topic()}
	for i, topic := range topics {
		other := t.Topic() // a first registration has more than one topic
		r, err := brokers.Call(t.Context(), registration("B"+topic, fmt.Sprintf("10.0.0.%d:10911", i+1), topic, other))
		t.Check(err, "register")
		if r.Code != int32(protocol.ResponseSuccess) {
			t.Fatalf("the registration was answered %s", r)
		}
	}
	routed := func(ctx context.Context) (n int, err error) {
		for _, topic := range topics {
			r, err := wire.Call(ctx, address, &wire.Frame{Code: int32(protocol.GetRouteinfoByTopic), Ext: map[string]string{"topic": topic}})
			if err != nil {
				return 0, err
			}
			if r.Code == int32(protocol.ResponseSuccess) {
				n++
			}
		}
		return n, nil
	}
	if n, err := routed(t.Context()); err != nil || n != len(topics) {
		t.Fatalf("%d of %d topics have a route, %v", n, len(topics), err)
	}
	brokers.Close()
	left := len(topics)
	t.Eventually(30*time.Second, "the departure of a broker", func(ctx context.Context) (err error) {
		if left, err = routed(ctx); err == nil && left == len(topics) {
			err = fmt.Errorf("both topics have a route")
		}
		return err
	})
	t.Pause(2 * time.Second) // what was found together leaves together
	left, err = routed(t.Context())
	t.Check(err, "ask for routes")
	for i, topic := range topics {
		unregister(t, "B"+topic, fmt.Sprintf("10.0.0.%d:10911", i+1))
	}
	if want := map[bool]int{true: 1, false: 0}[t.Official()]; left != want {
		t.Errorf("%d of the topics have a route, want %d", left, want)
	}
}

// registration is a broker's first, with its topics.
func registration(broker, address string, topics ...string) *wire.Frame {
	var table []string
	for _, topic := range topics {
		table = append(table, fmt.Sprintf(`%q:{"perm":6,"readQueueNums":1,"topicName":%q,"writeQueueNums":1}`, topic, topic))
	}
	return &wire.Frame{
		Code: int32(protocol.RegisterBroker),
		Ext: map[string]string{
			"brokerName": broker, "brokerAddr": address, "clusterName": "C" + broker, "haServerAddr": "10.0.0.1:10912", "brokerId": "0",
		},
		Body: fmt.Appendf(nil, `{"filterServerList":[],"topicConfigSerializeWrapper":{"dataVersion":{"counter":1,"stateVersion":0,"timestamp":1700000000000},`+
			`"topicConfigTable":{%s}}}`, strings.Join(table, ",")),
	}
}

// refusedRegistration: a first registration with one topic only is refused, and the official name
// server lists the broker nevertheless, without an address.
func refusedRegistration(t *conformance.T) {
	address, broker := t.Servers().NameServer().Address(), t.Group()
	r, err := wire.Call(t.Context(), address, registration(broker, "10.0.0.1:10911", t.Topic()))
	t.Check(err, "register")
	if r.Code != int32(protocol.ResponseSystemError) {
		t.Errorf("the registration was answered %s", r)
	}
	r, err = wire.Call(t.Context(), address, &wire.Frame{Code: int32(protocol.GetBrokerClusterInfo)})
	t.Check(err, "list the brokers")
	if listed := strings.Contains(string(r.Body), `"`+broker+`"`); listed != t.Official() {
		t.Errorf("the broker is listed: %t", listed)
	}
	unregister(t, broker, "10.0.0.1:10911")
}

// unregister removes what is left of a broker, so that nobody asks it.
func unregister(t *conformance.T, broker, address string) {
	_, err := wire.Call(t.Context(), t.Servers().NameServer().Address(), &wire.Frame{
		Code: int32(protocol.UnregisterBroker),
		Ext:  map[string]string{"brokerName": broker, "brokerAddr": address, "clusterName": "C" + broker, "brokerId": "0"},
	})
	t.Check(err, "unregister")
}

// clusterTest has a broker register with a name server of a test environment, whose product
// environment (rocketmq.namesrv.addr) cannot be reached. The official one takes every request for
// a question for a route.
func clusterTest(t *conformance.T) {
	ns := t.Servers().NameServer()
	t.Check(ns.Launch(t.Context()), "launch the name server")
	var conn *wire.Conn // which the broker registers over, and stays as long as
	t.Eventually(time.Minute, "a connection to the name server", func(ctx context.Context) (err error) {
		conn, err = wire.Dial(ctx, ns.Address())
		return err
	})
	defer conn.Close()
	topic := t.Topic()
	r, err := conn.Call(t.Context(), registration(t.Group(), "10.0.0.1:10911", topic, t.Topic()))
	t.Check(err, "register")
	if refused := r.Code != int32(protocol.ResponseSuccess); refused != t.Official() {
		t.Errorf("the registration was answered %s", r)
	}
	for asked, known := range map[string]bool{topic: !t.Official(), t.Topic(): false} {
		r, err := conn.Call(t.Context(), &wire.Frame{Code: int32(protocol.GetRouteinfoByTopic), Ext: map[string]string{"topic": asked}})
		t.Check(err, "ask for a route")
		if want := map[bool]protocol.ResponseCode{true: protocol.ResponseSuccess, false: protocol.ResponseTopicNotExist}[known]; r.Code != int32(want) {
			t.Errorf("the question for a route was answered %s, want %s", r, want)
		}
	}
}

// shortWaits measures pulls that are to wait for 300 ms. The official broker answers the first one
// when it next looks, and so the second one five seconds later; a machine that is busy in
// between takes some of that away, or adds to Gantry's, so one of three attempts will do.
func shortWaits(t *conformance.T) {
	const between = 2500 * time.Millisecond // what Gantry takes at most, and the official broker at least
	topic, group := t.Topic(), t.Group()
	broker := t.Servers().Broker().Address()
	r, err := wire.Call(t.Context(), broker, sendFrame(topic, 1))
	t.Check(err, "send")
	if r.Code != int32(protocol.ResponseSuccess) {
		t.Fatalf("the first send was answered %s", r)
	}
	t.AwaitEnd(topic, 0, 1)
	conn, err := wire.Dial(t.Context(), broker)
	t.Check(err, "connect")
	defer conn.Close()
	wait := func() time.Duration {
		f := heldPull(group, topic)
		f.Ext["suspendTimeoutMillis"] = "300"
		began := time.Now()
		r, err := conn.Call(t.Context(), f)
		t.Check(err, "pull")
		if r.Code != int32(protocol.ResponsePullNotFound) {
			t.Fatalf("the pull was answered %s", r)
		}
		return time.Since(began)
	}
	wait()
	var took []time.Duration
	for range 3 {
		took = append(took, wait())
		if late := took[len(took)-1] > between; late == t.Official() {
			return
		}
	}
	t.Errorf("pulls that were to wait for 300 ms took %v", took)
}

// othersMessages pulls with a filter while messages come that it does not want. Gantry
// answers such a pull when it looks at those that wait, which may be at once; the next
// time it is not.
func othersMessages(t *conformance.T) {
	const soon = time.Second
	topic, group := t.Topic(), t.Group()
	conn, err := wire.Dial(t.Context(), t.Servers().Broker().Address())
	t.Check(err, "connect")
	defer conn.Close()
	call := func(what string, f *wire.Frame, want protocol.ResponseCode) *wire.Frame {
		r, err := conn.Call(t.Context(), f)
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		if r.Code != int32(want) {
			t.Fatalf("%s was answered %s", what, r)
		}
		return r
	}
	var took []time.Duration
	for i := range 4 {
		call("the send", sendFrame(topic, 1), protocol.ResponseSuccess)
		t.AwaitEnd(topic, 0, int64(i)+1)
		f := heldPull(group, topic)
		f.Ext["queueOffset"], f.Ext["subscription"], f.Ext["suspendTimeoutMillis"] = strconv.Itoa(i), "none", "15000"
		began := time.Now()
		r := call("the pull", f, protocol.ResponsePullRetryImmediately)
		took = append(took, time.Since(began))
		if next := r.Ext["nextBeginOffset"]; next != strconv.Itoa(i+1) {
			t.Fatalf("the pull from %d goes on at %s", i, next)
		}
		if i > 0 && took[i] > soon != t.Official() {
			break
		}
	}
	if last := len(took) - 1; took[last] > soon == t.Official() || took[0] > soon && !t.Official() {
		t.Errorf("the pulls took %v", took)
	}
}

// settingsOfTLS asks both servers for their settings, to which tls.server.mode belongs.
func settingsOfTLS(t *conformance.T) {
	for address, code := range map[string]protocol.RequestCode{
		t.Servers().Broker().Address(): protocol.GetBrokerConfig, t.Servers().NameServer().Address(): protocol.GetNamesrvConfig,
	} {
		r, err := wire.Call(t.Context(), address, &wire.Frame{Code: int32(code)})
		t.Check(err, "ask for the settings")
		if !strings.Contains(string(r.Body), "\nlistenPort=") {
			t.Errorf("the answer names no settings: %s", r)
		}
		if shown := strings.Contains(string(r.Body), "tls.server.mode="); shown != t.Official() {
			t.Errorf("%s shows tls.server.mode: %t", code, shown)
		}
	}
}

// lastHeartbeats: clients send a heartbeat and hang up. The official broker works on the heartbeat
// and on the lost connection at once, and whichever it ends last with counts; of some dozens the
// heartbeats are nearly all, and one will do.
func lastHeartbeats(t *conformance.T) {
	broker := t.Servers().Broker().Address()
	groups := make([]string, 30)
	for i := range groups {
		groups[i] = t.Group()
		conn, err := wire.Dial(t.Context(), broker)
		t.Check(err, "connect")
		err = conn.OneWay(&wire.Frame{
			Code: int32(protocol.HeartBeat),
			Body: fmt.Appendf(nil, `{"clientID":%q,"consumerDataSet":[{"groupName":%q,"consumeType":"CONSUME_PASSIVELY","messageModel":"CLUSTERING",`+
				`"consumeFromWhere":"CONSUME_FROM_FIRST_OFFSET","subscriptionDataSet":[],"unitMode":false}],"producerDataSet":[]}`, groups[i], groups[i]),
		})
		conn.Close()
		t.Check(err, "send a heartbeat")
	}
	listed := func(ctx context.Context) (n int, err error) {
		for _, group := range groups {
			r, err := wire.Call(ctx, broker, &wire.Frame{Code: int32(protocol.GetConsumerListByGroup), Ext: map[string]string{"consumerGroup": group}})
			if err != nil {
				return 0, err
			}
			if r.Code == int32(protocol.ResponseSuccess) {
				n++
			}
		}
		return n, nil
	}
	if t.Official() {
		t.Pause(3 * time.Second) // it does not take long to see a lost connection
		if n, err := listed(t.Context()); err != nil || n == 0 {
			t.Errorf("%d clients that have gone are listed, %v", n, err)
		}
		return
	}
	t.Eventually(30*time.Second, "the departure of all", func(ctx context.Context) error {
		n, err := listed(ctx)
		if err == nil && n > 0 {
			err = fmt.Errorf("%d are listed", n)
		}
		return err
	})
}
