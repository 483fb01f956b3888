package raw

import (
	"context"
	"fmt"
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
	}
}

// deletedGroup: the official broker looks the group up once more after it has deleted it, and
// by that creates it again.
func deletedGroup(t *conformance.T) {
	broker, group := t.Servers().Broker().Address(), t.Group()
	call := func(f *wire.Frame) *wire.Frame {
		r, err := wire.Call(t.Context(), broker, f)
		t.Check(err, "call")
		if r.Code != int32(protocol.ResponseSuccess) {
			t.Fatalf("request %d was answered %s", f.Code, r)
		}
		return r
	}
	listed := func() bool {
		return strings.Contains(string(call(&wire.Frame{Code: int32(protocol.GetAllSubscriptiongroupConfig)}).Body), `"`+group+`"`)
	}
	call(&wire.Frame{Code: int32(protocol.UpdateAndCreateSubscriptiongroup), Body: fmt.Appendf(nil, `{"groupName":%q,"retryMaxTimes":3}`, group)})
	if !listed() {
		t.Fatalf("a created group is not listed")
	}
	call(&wire.Frame{Code: int32(protocol.DeleteSubscriptiongroup), Ext: map[string]string{"groupName": group, "cleanOffset": "false"}})
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
