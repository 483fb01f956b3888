package javaclient

import (
	"context"
	"fmt"

	"github.com/gantrymq/gantry/conformance/javadriver"
)

// offsetContinuation: a group continues where its last consumer stopped.
func offsetContinuation(k *kit) {
	p := k.producer(nil)
	topic, group := k.topic(p, 2), k.Group()
	first, second := bodies("first", 10), bodies("second", 10)
	k.sendTexts(p, topic, first)
	c := k.push(group, topic, nil)
	k.wantTexts(c, first)
	k.close(c)
	k.AwaitConsumed(group, topic, 2, int64(len(first)))
	k.sendTexts(p, topic, second)
	k.wantTexts(k.push(group, topic, nil), second)
}

// fromLastOffset shows upstream's rule for a group without offsets: while a queue still
// begins at 0 and its start is in memory, consumption starts there whatever the client asks.
func fromLastOffset(k *kit) {
	p := k.producer(nil)
	topic := k.topic(p, 1)
	want := bodies("before", 3)
	k.sendTexts(p, topic, want)
	c := k.push(k.Group(), topic, args{"from": "CONSUME_FROM_LAST_OFFSET"})
	k.wantTexts(c, want)
}

// offsetIs wants the broker to have an offset of a consumer's group.
func (k *kit) offsetIs(c *javadriver.OldPull, q queue, want int64) func(context.Context) error {
	return func(ctx context.Context) error {
		n, err := c.FetchOffset(ctx, q)
		if err == nil && n != want {
			err = fmt.Errorf("it is %d, want %d", n, want)
		}
		return err
	}
}
