package javaclient

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/gantrymq/gantry/conformance/javadriver"
	"github.com/gantrymq/gantry/conformance/wire"
	"github.com/gantrymq/gantry/protocol"
)

// wholeBatches: the batches of a topic with queue.type=BatchCQ stay whole until the consumer takes them apart. One message is
// not handled at first: the broker does not take it back, and the client sends it to the retry topic by itself.
func wholeBatches(k *kit) {
	p := k.producer(nil)
	topic := k.Topic()
	r, err := wire.Call(k.ctx, k.Servers().Broker().Address(), &wire.Frame{Code: int32(protocol.UpdateAndCreateTopic), Ext: map[string]string{
		"topic": topic, "defaultTopic": "TBW102", "readQueueNums": "1", "writeQueueNums": "1", "perm": "6",
		"topicFilterType": "SINGLE_TAG", "topicSysFlag": "0", "order": "false", "attributes": "+queue.type=BatchCQ",
	}})
	k.Check(err, "create the topic")
	if r.Code != int32(protocol.ResponseSuccess) {
		k.Fatalf("creating the topic was answered %s", r)
	}
	const batches, size = 3, 4
	var want []string
	for b := range batches {
		var batch []message
		for i := range size {
			body := fmt.Sprintf("batch %d, message %d", b, i)
			want = append(want, body)
			batch = append(batch, message{Topic: topic, Body: []byte(body), Tags: fmt.Sprintf("T%d", i), Keys: "K"})
		}
		r, err := p.SendBatch(k.ctx, batch, nil)
		k.Check(err, "send a batch")
		k.sent(r)
		if r.QueueOffset != int64(b*size) || strings.Contains(r.MsgID, ",") || strings.Contains(r.OffsetMsgID, ",") {
			k.Errorf("batch %d was stored at %d with the ids %s and %s", b, r.QueueOffset, r.MsgID, r.OffsetMsgID)
		}
	}
	group := k.Group()
	c := k.push(group, topic, args{"failures": 1})
	got, err := c.WaitCount(k.ctx, len(want)+1)
	k.Check(err, "consume %d messages, one of them twice", len(want))
	for _, m := range got {
		i := slices.Index(want, m.Text())
		if i < 0 || m.Reconsumed == 0 && (m.QueueOffset != int64(i) || m.Tags != fmt.Sprintf("T%d", i%size) || m.Keys != "K") {
			k.Errorf("consumed %s at %d, with tags %q and keys %q", m.Text(), m.QueueOffset, m.Tags, m.Keys)
		}
	}
	if all := slices.Compact(texts(got)); !slices.Equal(all, want) {
		k.Errorf("consumed %q, want %q", all, want)
	}
	k.AwaitConsumed(group, topic, 1, batches*size)
}

// autoBatch: a producer that puts messages together by itself tells each sender of its own message.
func autoBatch(k *kit) {
	p := k.producer(args{"autoBatch": true})
	topic := k.topic(p, 2)
	want := bodies("together", 30)
	var mu sync.Mutex
	sent := map[string]javadriver.SendResult{}
	var wg sync.WaitGroup
	for i, body := range want {
		send := []func(context.Context, message, args) (javadriver.SendResult, error){p.Send, p.SendAsync}[i%2]
		wg.Go(func() {
			r, err := send(k.ctx, message{Topic: topic, Body: []byte(body), Tags: "TagA", Keys: "key of " + body}, nil)
			if err != nil || r.Status != "SEND_OK" {
				k.Errorf("send %s: %v %s", body, err, r.Status)
			}
			mu.Lock()
			defer mu.Unlock()
			sent[body] = r
		})
	}
	wg.Wait()
	for _, m := range k.wantTexts(k.push(k.Group(), topic, nil), want) {
		r := sent[m.Text()]
		if m.MsgID != r.MsgID || m.Queue != r.Queue || m.QueueOffset != r.QueueOffset || m.Tags != "TagA" || m.Keys != "key of "+m.Text() {
			k.Errorf("%+v was sent as %+v", m, r)
		}
	}
}
