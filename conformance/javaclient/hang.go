package javaclient

import (
	"context"
	"fmt"
	"time"

	"github.com/gantrymq/gantry/conformance/javadriver"
	"github.com/gantrymq/gantry/conformance/wire"
	"github.com/gantrymq/gantry/protocol"
)

// listenerHangs: a listener does not come back with a message. While it has it the group's offset stays
// before it; when consumeTimeout is over the client gives the message back to the broker, and goes on
// without it.
func listenerHangs(k *kit) {
	p := k.producer(nil)
	topic := k.topic(p, 1)
	group := k.knownGroup(topic)
	k.sendTexts(p, topic, []string{"before"})
	sent := k.send(p, message{Topic: topic, Body: []byte("stuck"), Tags: "TagA", Keys: "a key"}, nil)
	k.sendTexts(p, topic, []string{"after"})
	c := k.push(group, topic, args{"hang": "stuck"})
	k.wantTexts(c, []string{"before", "stuck", "after"})
	k.awaitPersisted(c, group, topic, 1)
	k.Check(c.Expire(k.ctx), "have consumeTimeout pass")
	got, err := c.WaitCount(k.ctx, 4)
	k.Check(err, "be given again what hung")
	again := got[3]
	if again.Text() != "stuck" || again.Topic != topic || again.Reconsumed != 1 || again.MsgID != sent.MsgID || again.Tags != "TagA" ||
		again.Keys != "a key" || again.Properties["ORIGIN_MESSAGE_ID"] != sent.OffsetMsgID {
		k.Errorf("was given again %+v, sent as %+v", again, sent)
	}
	k.awaitPersisted(c, group, topic, 3)
}

// awaitPersisted waits until a consumer, which is told to store what it has done with, has stored offset n
// of the only queue of a topic.
func (k *kit) awaitPersisted(c *javadriver.PushConsumer, group, topic string, n int64) {
	k.Eventually(20*time.Second, "the offset of "+group, func(ctx context.Context) error {
		if err := c.Persist(ctx); err != nil {
			return err
		}
		r, err := wire.Call(ctx, k.Servers().Broker().Address(), &wire.Frame{Code: int32(protocol.QueryConsumerOffset), Ext: map[string]string{
			"consumerGroup": group, "topic": topic, "queueId": "0",
		}})
		if err == nil && r.Ext["offset"] != fmt.Sprint(n) {
			err = fmt.Errorf("answered %s, want offset %d", r, n)
		}
		return err
	})
}
