package javaclient

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/gantrymq/gantry/conformance/javadriver"
)

// sysFlagCompressionType are the bits of a stored message's system flag that say how its
// body is compressed. The bit that says that it is compressed is no use: 5.x clients clear
// it when they have unpacked the body.
const sysFlagCompressionType = 0x700

func sendSync(k *kit) {
	p := k.producer(nil)
	topic := k.topic(p, 2)
	sent := map[string]javadriver.SendResult{}
	next := map[int]int64{}
	want := bodies("sync", 10)
	for _, body := range want {
		r := k.send(p, message{Topic: topic, Body: []byte(body)}, nil)
		if r.QueueOffset != next[r.Queue] {
			k.Errorf("%s got offset %d in queue %d, want %d", body, r.QueueOffset, r.Queue, next[r.Queue])
		}
		next[r.Queue]++
		if len(r.OffsetMsgID) != 32 || r.RegionID != "DefaultRegion" || !r.TraceOn {
			k.Errorf("send answered offsetMsgId %q, region %q, trace %t", r.OffsetMsgID, r.RegionID, r.TraceOn)
		}
		sent[body] = r
	}
	for _, m := range k.wantTexts(k.push(k.Group(), topic, nil), want) {
		r := sent[m.Text()]
		if m.MsgID != r.MsgID || m.Queue != r.Queue || m.QueueOffset != r.QueueOffset || m.Broker != r.Broker {
			k.Errorf("consumed %s as %s from %s/%d at %d, the producer was told %+v", m.Text(), m.MsgID, m.Broker, m.Queue, m.QueueOffset, r)
		}
		if m.Reconsumed != 0 || m.Stored < m.Born-60_000 || m.SysFlag&sysFlagCompressionType != 0 {
			k.Errorf("consumed %s with reconsumeTimes %d, born %d, stored %d, sysFlag %d", m.Text(), m.Reconsumed, m.Born, m.Stored, m.SysFlag)
		}
	}
}

func sendAsync(k *kit) {
	p := k.producer(nil)
	topic := k.topic(p, 4)
	want := bodies("async", 20)
	var wg sync.WaitGroup
	for _, body := range want {
		wg.Go(func() {
			r, err := p.SendAsync(k.ctx, message{Topic: topic, Body: []byte(body)}, nil)
			if err != nil || r.Status != "SEND_OK" {
				k.Errorf("send %s: %v %s", body, err, r.Status)
			}
		})
	}
	wg.Wait()
	k.wantTexts(k.push(k.Group(), topic, nil), want)
}

func sendOneWay(k *kit) {
	p := k.producer(nil)
	topic := k.topic(p, 2)
	want := bodies("one-way", 10)
	for _, body := range want {
		k.Check(p.SendOneway(k.ctx, message{Topic: topic, Body: []byte(body)}, nil), "send one way")
	}
	k.wantTexts(k.push(k.Group(), topic, nil), want)
}

func sendVIP(k *kit) {
	p := k.producer(args{"vip": true})
	topic := k.topic(p, 1)
	k.send(p, message{Topic: topic, Body: []byte("through the VIP port")}, nil)
	k.wantTexts(k.push(k.Group(), topic, nil), []string{"through the VIP port"})
}

func sendWrongQueue(k *kit) {
	p := k.producer(nil)
	topic := k.topic(p, 2)
	broker := k.Servers().Broker().Name()
	_, err := p.Send(k.ctx, message{Topic: topic, Body: []byte("x")}, args{"broker": broker, "queue": 2})
	e := k.wantError(err, "MQBrokerException", illegalQueue)
	if want := fmt.Sprintf("request queueId[2] is illegal, TopicConfig [topicName=%s,", topic); !strings.HasPrefix(e.Remark, want) {
		k.Errorf("the broker said %q, want it to begin with %q", e.Remark, want)
	}
	k.send(p, message{Topic: topic, Body: []byte("right")}, args{"broker": broker, "queue": 1})
}

// Response codes that cases expect.
const (
	systemError    = 1
	noPermission   = 16
	messageIllegal = 13
	illegalQueue   = 29
)

func sendBatch(k *kit) {
	p := k.producer(nil)
	topic := k.topic(p, 2)
	want := bodies("batch", 5)
	var batch []message
	for i, body := range want {
		batch = append(batch, message{Topic: topic, Body: []byte(body), Tags: fmt.Sprintf("T%d", i), Keys: "K" + body})
	}
	r, err := p.SendBatch(k.ctx, batch, nil)
	k.Check(err, "send a batch")
	k.sent(r)
	if n := len(strings.Split(r.OffsetMsgID, ",")); n != len(want) {
		k.Errorf("the batch got %d offset ids (%s), want %d", n, r.OffsetMsgID, len(want))
	}
	ids := strings.Split(r.MsgID, ",")
	for _, m := range k.wantTexts(k.push(k.Group(), topic, nil), want) {
		i := m.QueueOffset - r.QueueOffset
		if i < 0 || int(i) >= len(want) || m.Queue != r.Queue || m.Text() != want[i] || m.Tags != batch[i].Tags || m.Keys != batch[i].Keys || m.MsgID != ids[i] {
			k.Errorf("consumed %s at %d of queue %d (tags %q, keys %q, id %s), the batch began at %d of queue %d with ids %v",
				m.Text(), m.QueueOffset, m.Queue, m.Tags, m.Keys, m.MsgID, r.QueueOffset, r.Queue, ids)
		}
	}
}

func keysAndProperties(k *kit) {
	p := k.producer(nil)
	topic := k.topic(p, 1)
	m := message{
		Topic: topic, Body: []byte("with properties"), Tags: "TagA", Keys: "order-1 order-2", Flag: 7,
		Properties: map[string]string{"colour": "blue", "unicode": "снег ☃", "long": strings.Repeat("x", 4000)},
	}
	r := k.send(p, m, nil)
	got := k.wantTexts(k.push(k.Group(), topic, nil), []string{"with properties"})[0]
	k.sameMessage("consumed", got, m)
	viewed, err := p.View(k.ctx, topic, r.OffsetMsgID)
	k.Check(err, "view by offset id")
	k.sameMessage("viewed", viewed, m)
	k.Eventually(20*time.Second, "the index of the unique id", func(ctx context.Context) error {
		viewed, err := p.View(ctx, topic, r.MsgID)
		if err == nil {
			k.sameMessage("viewed by its unique id", viewed, m)
		}
		return err
	})
	for _, key := range []string{"order-1", "order-2"} {
		k.Eventually(20*time.Second, "the index of "+key, func(ctx context.Context) error {
			found, err := p.Query(ctx, topic, key)
			if err == nil && len(found) != 1 {
				err = fmt.Errorf("found %d messages, want 1", len(found))
			}
			if err == nil {
				k.sameMessage("found", found[0], m)
			}
			return err
		})
	}
	if _, err := p.Query(k.ctx, topic, "order"); err == nil {
		k.Errorf("a query for a part of a key found something")
	}
}

// sameMessage compares what the producer has set.
func (k *kit) sameMessage(how string, got, want message) {
	if got.Topic != want.Topic || got.Text() != want.Text() || got.Tags != want.Tags || got.Keys != want.Keys || got.Flag != want.Flag {
		k.Errorf("%s %+v, want %+v", how, got, want)
	}
	for key, value := range want.Properties {
		if got.Properties[key] != value {
			k.Errorf("%s property %s = %.60q, want %.60q", how, key, got.Properties[key], value)
		}
	}
}

func bodySizes(k *kit) {
	p := k.producer(nil)
	topic := k.topic(p, 1)
	random := rand.NewChaCha8([32]byte{1})
	noise := func(n int) []byte {
		b := make([]byte, n)
		random.Read(b)
		return b
	}
	all := []struct {
		body       []byte
		compressed bool // the client compresses from 4 KiB on
	}{
		{noise(1), false},
		{noise(4095), false},
		{bytes.Repeat([]byte("compress me "), 10_000), true},
		{noise(100_000), true},
		{noise(3_900_000), true},
	}
	want := map[string]bool{}
	for _, b := range all {
		k.send(p, message{Topic: topic, Body: b.body}, nil)
		want[javadriver.Digest(b.body)] = b.compressed
	}
	got, err := k.push(k.Group(), topic, nil).WaitCount(k.ctx, len(all))
	k.Check(err, "consume bodies of all sizes")
	for _, m := range got {
		compressed, known := want[m.Digest]
		if !known {
			k.Errorf("consumed a body of %d bytes that was never sent", m.Size)
		}
		if known && compressed != (m.SysFlag&sysFlagCompressionType != 0) {
			k.Errorf("a body of %d bytes came with sysFlag %d, want compressed %t", m.Size, m.SysFlag, compressed)
		}
		delete(want, m.Digest)
	}
	if len(want) > 0 {
		k.Errorf("%d of the bodies did not come", len(want))
	}
}

func bodyTooLarge(k *kit) {
	p := k.producer(args{"compressOver": 64 << 20})
	topic := k.topic(p, 1)
	_, err := p.Send(k.ctx, message{Topic: topic, Body: make([]byte, 4<<20+1)}, nil)
	k.wantError(err, "MQBrokerException", messageIllegal)
	k.send(p, message{Topic: topic, Body: make([]byte, 4<<20)}, nil)
}

func autoCreation(k *kit) {
	p := k.producer(nil)
	topic := k.Topic()
	k.send(p, message{Topic: topic, Body: []byte("first")}, nil)
	c := k.push(k.Group(), topic, nil)
	k.wantTexts(c, []string{"first"})
	k.Eventually(20*time.Second, "the route of a topic created by sending", func(ctx context.Context) error {
		qs, err := k.litePull(k.Group(), nil).Queues(ctx, topic)
		if err == nil && len(qs) != 4 {
			err = fmt.Errorf("the topic has queues %v, want 4", qs)
		}
		return err
	})
}

func requestReply(k *kit) {
	p := k.producer(nil)
	topic := k.topic(p, 1)
	// Replies are pushed to where the producer's last heartbeat came from, and the first
	// one is a second after its start: the time-out outlasts it.
	var e *javadriver.Error
	if _, err := p.Request(k.ctx, message{Topic: topic, Body: []byte("anybody?")}, 3000); !errors.As(err, &e) ||
		!strings.HasSuffix(e.Class, ".RequestTimeoutException") {
		k.Fatalf("a request that nobody answers ended with %v, want RequestTimeoutException", err)
	}
	k.push(k.Group(), topic, args{"reply": "re: "})
	reply, err := p.Request(k.ctx, message{Topic: topic, Body: []byte("question")}, 30_000)
	k.Check(err, "request")
	if reply.Text() != "re: question" {
		k.Errorf("the reply is %q, want %q", reply.Text(), "re: question")
	}
}
