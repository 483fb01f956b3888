package goclient

import (
	"context"
	"fmt"

	"github.com/apache/rocketmq-client-go/v2/primitive"

	"github.com/gantrymq/gantry/conformance"
	"github.com/gantrymq/gantry/conformance/wire"
	"github.com/gantrymq/gantry/protocol"
)

// nameServerRestart: a name server that is killed and started again has its key-value store,
// and its routes as soon as the brokers have registered again.
func nameServerRestart(t *conformance.T) {
	t.StartServers()
	topic := newTopic(t, 1)
	ns := t.Servers().NameServer()
	fields := map[string]string{"namespace": "restart", "key": "k", "value": "v"}
	call := func(code protocol.RequestCode) *wire.Frame {
		r, err := wire.Call(t.Context(), ns.Address(), &wire.Frame{Code: int32(code), Ext: fields})
		t.Check(err, "call %s", code)
		return r
	}
	if r := call(protocol.PutKVConfig); r.Code != int32(protocol.ResponseSuccess) {
		t.Fatalf("putting a value was answered %s", r)
	}
	t.Check(ns.Kill(), "kill the name server")
	t.Check(ns.Start(t.Context()), "start the name server")
	if r := call(protocol.GetKVConfig); r.Ext["value"] != "v" {
		t.Errorf("the stored value is answered %s", r)
	}
	awaitRoute(t, topic)
	send(t, newProducer(t), primitive.NewMessage(topic, []byte("after")))
}

// oneNameServerDown: with two name servers, clients find brokers while one of them is away.
func oneNameServerDown(t *conformance.T) {
	t.StartServers()
	topic := newTopic(t, 1)
	t.Check(t.Servers().NameServers[0].Kill(), "kill the first name server")
	p := newProducer(t)
	var want []string
	t.Eventually(deliveryTime, "a send over the other name server", func(ctx context.Context) error {
		body := fmt.Sprintf("survives %d", len(want))
		r, err := p.SendSync(ctx, primitive.NewMessage(topic, []byte(body)))
		if err == nil && r.Status == primitive.SendOK {
			want = append(want, body)
		}
		return err
	})
	in := newInbox()
	startConsumer(t, t.Group(), topic, everything, intoInbox(in))
	in.await(t, want)
}
