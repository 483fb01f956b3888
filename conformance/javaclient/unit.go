package javaclient

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/gantrymq/gantry/conformance/javadriver"
	"github.com/gantrymq/gantry/protocol"
)

// Bits of a topic's system flag.
const (
	unitTopic        = 1
	unitSubscription = 2
)

// unitMode: the topics that clients in unit mode have created are marked, and messages come, and come
// again, as to others.
func unitMode(k *kit) {
	inUnit := args{"unitMode": true}
	p := k.producer(inUnit)
	topic, group := k.Topic(), k.Group()
	k.send(p, message{Topic: topic, Body: []byte("first")}, nil) // creates it
	k.wantSysFlag(topic, unitTopic)
	k.close(k.push(group, topic, inUnit))
	k.wantSysFlag("%RETRY%"+group, unitSubscription)
	k.awaitQueues(p, "%RETRY%"+group, 1)
	c := k.push(group, topic, args{"unitMode": true, "failures": 1})
	k.send(p, message{Topic: topic, Body: []byte("second")}, nil)
	_, err := c.Wait(k.ctx, func(got []message) bool {
		again := slices.ContainsFunc(got, func(m message) bool { return m.Reconsumed == 1 && m.Topic == topic })
		return again && slices.Contains(texts(got), "second")
	})
	k.Check(err, "be given again what was refused")
	// A topic that a client outside of units has created, and its group, are not marked.
	outside := k.Topic()
	k.send(k.producer(nil), message{Topic: outside, Body: []byte("plain")}, nil)
	k.wantSysFlag(outside, 0)
}

// wantSysFlag wants a topic of the broker to carry a system flag.
func (k *kit) wantSysFlag(topic string, want int) {
	var c struct{ TopicSysFlag int }
	r := k.ask(protocol.GetTopicConfig, map[string]string{"topic": topic})
	if err := json.Unmarshal(r.Body, &c); err != nil || c.TopicSysFlag != want {
		k.Errorf("topic %s is %s, want topicSysFlag %d", topic, r.Body, want)
	}
}

// lightQueues: a message lies in each light queue that it names beside its own, at offsets of their own. The
// client pulls them like other queues.
func lightQueues(k *kit) {
	p := k.producer(nil)
	topic := k.topic(p, 1)
	q := func(name string) queue {
		return queue{Topic: "%LMQ%" + name + topic, Broker: k.Servers().Broker().Name()}
	}
	a, b := q("a"), q("b")
	var sent []javadriver.SendResult
	for _, x := range []struct{ body, to string }{{"both", a.Topic + "," + b.Topic}, {"none", ""}, {"b only", b.Topic}} {
		m := message{Topic: topic, Body: []byte(x.body), Tags: "TagA", Keys: "a key"}
		if x.to != "" {
			m.Raw = map[string]string{"INNER_MULTI_DISPATCH": x.to}
		}
		sent = append(sent, k.send(p, m, nil))
	}
	k.AwaitEnd(topic, 0, 3)
	k.AwaitEnd(a.Topic, 0, 1)
	k.AwaitEnd(b.Topic, 0, 2)
	group := k.Group()
	c := k.oldPull(group, nil)
	// The client asks for the brokers of the queue's topic, and name servers know none of a light queue.
	k.pulled(c, queue{Topic: topic, Broker: a.Broker}, 0, nil, "FOUND", 3, 3)
	for _, x := range []struct {
		q    queue
		want []int // of what was sent
	}{{a, []int{0}}, {b, []int{0, 2}}} {
		r, err := c.Pull(k.ctx, x.q, 0, 32, nil)
		k.Check(err, "pull from %s", x.q.Topic)
		if r.Status != "FOUND" || len(r.Messages) != len(x.want) || r.Next != int64(len(x.want)) || r.Max != int64(len(x.want)) {
			k.Fatalf("%s has %+v", x.q.Topic, r)
		}
		for i, m := range r.Messages {
			if m.MsgID != sent[x.want[i]].MsgID || m.Tags != "TagA" || m.Keys != "a key" {
				k.Errorf("%s has %+v at %d, want %s", x.q.Topic, m, i, sent[x.want[i]].MsgID)
			}
		}
		k.Check(c.Commit(k.ctx, x.q, 1), "commit")
		k.Eventually(20*time.Second, "the offset in "+x.q.Topic, k.offsetIs(c, x.q, 1))
	}
	k.pulled(c, b, 1, nil, "FOUND", 2, 1)
	k.pulled(c, b, 2, nil, "NO_NEW_MSG", 2, 0)
	k.pulled(c, b, 0, args{"tags": "TagX"}, "NO_MATCHED_MSG", 2, 0)
	if n, err := p.MaxOffset(k.ctx, b); err != nil || n != 2 {
		k.Errorf("the end of %s is %d (%v), want 2", b.Topic, n, err)
	}
}
