package javaclient

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/gantrymq/gantry/conformance/javadriver"
	"github.com/gantrymq/gantry/conformance/wire"
	"github.com/gantrymq/gantry/protocol"
)

// popping lets a group pop a topic, as mqadmin setConsumeMode does.
func (k *kit) popping(topic, group string) {
	body := fmt.Sprintf(`{"consumerGroup":%q,"mode":"POP","popShareQueueNum":0,"topic":%q}`, group, topic)
	r, err := wire.Call(k.ctx, k.Servers().Broker().Address(), &wire.Frame{Code: int32(protocol.SetMessageRequestMode), Body: []byte(body)})
	if err == nil && r.Code != int32(protocol.ResponseSuccess) {
		err = fmt.Errorf("the broker answered %s", r)
	}
	k.Check(err, "let group %s pop topic %s", group, topic)
}

// popConsumers: the push consumers of a group that pops share everything, and
// nobody gets anything twice.
func popConsumers(k *kit) {
	p := k.producer(nil)
	topic, group := k.topic(p, 4), k.Group()
	k.popping(topic, group)
	consumers := []*javadriver.PushConsumer{
		k.push(group, topic, args{"clientRebalance": false}),
		k.push(group, topic, args{"clientRebalance": false}),
	}
	want := bodies("popped", 40)
	k.sendTexts(p, topic, want)
	received := func() (all []message) {
		for _, c := range consumers {
			all = append(all, c.Messages()...)
		}
		return all
	}
	k.Eventually(60*time.Second, "everything to be popped", func(context.Context) error {
		if n := len(received()); n < len(want) {
			return fmt.Errorf("%d of %d messages came", n, len(want))
		}
		return nil
	})
	if got := texts(received()); !slices.Equal(got, slices.Sorted(slices.Values(want))) {
		k.Errorf("popped %q, want %q", got, want)
	}
	for _, m := range received() {
		if m.Topic != topic || m.Reconsumed != 0 || m.Properties["POP_CK"] == "" {
			k.Errorf("popped %+v", m)
		}
	}
}

// popAgain: a message that fails comes again, with its count, to a group that
// pops.
func popAgain(k *kit) {
	p := k.producer(nil)
	topic, group := k.topic(p, 1), k.Group()
	k.popping(topic, group)
	c := k.push(group, topic, args{"clientRebalance": false, "failures": 1})
	r := k.send(p, message{Topic: topic, Body: []byte("again"), Tags: "TagA", Keys: "key", Properties: map[string]string{"colour": "blue"}}, nil)
	got, err := c.WaitCount(k.ctx, 2)
	k.Check(err, "be given the message twice")
	for i, m := range got {
		if m.Reconsumed != i || m.Topic != topic || m.Text() != "again" || m.Tags != "TagA" || m.Keys != "key" || m.Properties["colour"] != "blue" || m.MsgID != r.MsgID {
			k.Errorf("delivery %d: %+v", i, m)
		}
	}
}
