package javaclient

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/gantrymq/gantry/conformance/javadriver"
)

func tags(k *kit) {
	p := k.producer(nil)
	topic := k.topic(p, 2)
	// The first and the last tag have equal hash codes, and consume queues hold nothing else of a tag.
	for _, tag := range []string{"AaTag", "TagB", "TagC", "", "BBTag"} {
		k.send(p, message{Topic: topic, Body: []byte("tag " + tag), Tags: tag}, nil)
	}
	k.wantTexts(k.push(k.Group(), topic, args{"tags": "AaTag || TagC"}), []string{"tag AaTag", "tag TagC"})
	k.wantTexts(k.push(k.Group(), topic, args{"tags": "*"}), []string{"tag ", "tag AaTag", "tag BBTag", "tag TagB", "tag TagC"})
}

func sqlRefused(k *kit) {
	p := k.producer(nil)
	k.wantSQLRefused(k.Group(), k.topic(p, 1), nil)
}

// wantSQLRefused wants a consumer that subscribes by SQL not to start.
func (k *kit) wantSQLRefused(group, topic string, a args) {
	all := args{"sql": "colour = 'blue'"}
	maps.Copy(all, a)
	_, err := k.driver.Push(k.ctx, k.nameSrv, group, topic, all)
	e := k.wantError(err, "MQClientException", systemError)
	if want := "The broker does not support consumer to filter message by SQL92"; !strings.Contains(e.Remark, want) {
		k.Errorf("the client said %q, want %q", e.Remark, want)
	}
}

func orderedPush(k *kit) {
	const perKey = 10
	p := k.producer(nil)
	topic := k.topic(p, 4)
	keys := []string{"alice", "bob", "carol"}
	var want []string
	for i := range perKey {
		for _, key := range keys {
			body := fmt.Sprintf("%s-%03d", key, i)
			k.send(p, message{Topic: topic, Body: []byte(body)}, args{"shardingKey": key})
			want = append(want, body)
		}
	}
	const failures = 2
	c := k.push(k.Group(), topic, args{"orderly": true, "failures": failures, "suspendMs": 200})
	got, err := c.WaitCount(k.ctx, len(want)+failures)
	k.Check(err, "consume in order, with %d suspensions", failures)
	seen := map[string][]string{}
	for _, m := range got {
		key, _, _ := strings.Cut(m.Text(), "-")
		// A suspended message is given again before anything behind it.
		if n := len(seen[key]); n == 0 || seen[key][n-1] != m.Text() {
			seen[key] = append(seen[key], m.Text())
		}
	}
	for _, key := range keys {
		if len(seen[key]) != perKey || !slices.IsSorted(seen[key]) {
			k.Errorf("%s came as %q", key, seen[key])
		}
	}
}

func orderedTwoConsumers(k *kit) {
	p := k.producer(nil)
	topic := k.topic(p, 4)
	group := k.Group()
	cs := []*javadriver.PushConsumer{
		k.push(group, topic, args{"orderly": true}),
		k.push(group, topic, args{"orderly": true}),
	}
	k.shared(cs, 4)
	var want []string
	for i := range 40 {
		body := fmt.Sprintf("q%d-%03d", i%4, i)
		k.send(p, message{Topic: topic, Body: []byte(body)}, args{"selectQueue": i % 4})
		want = append(want, body)
	}
	k.Eventually(60*time.Second, "both consumers together get everything", func(context.Context) error {
		if n := len(cs[0].Messages()) + len(cs[1].Messages()); n < len(want) {
			return fmt.Errorf("%d of %d messages came", n, len(want))
		}
		return nil
	})
	var all []message
	for _, c := range cs {
		last := map[int]int64{}
		for _, m := range c.Messages() {
			if at, ok := last[m.Queue]; ok && m.QueueOffset != at+1 {
				k.Errorf("queue %d: %d came after %d", m.Queue, m.QueueOffset, at)
			}
			last[m.Queue] = m.QueueOffset
			all = append(all, m)
		}
	}
	if !slices.Equal(texts(all), slices.Sorted(slices.Values(want))) {
		k.Errorf("consumed %q, want %q", texts(all), want)
	}
}

func broadcast(k *kit) {
	p := k.producer(nil)
	topic := k.topic(p, 2)
	group := k.Group()
	a := k.push(group, topic, args{"model": "BROADCASTING"})
	b := k.push(group, topic, args{"model": "BROADCASTING"})
	want := bodies("broadcast", 6)
	k.sendTexts(p, topic, want)
	k.wantTexts(a, want)
	k.wantTexts(b, want)
}

func retryThenDeadLetter(k *kit) {
	const retries = 2
	p := k.producer(nil)
	topic := k.topic(p, 1)
	group := k.knownGroup(topic)
	r := k.send(p, message{Topic: topic, Body: []byte("doomed"), Tags: "TagA", Keys: "doomed-key", Properties: map[string]string{"colour": "blue"}}, nil)
	c := k.push(group, topic, args{"failures": 100, "maxReconsume": retries})
	got, err := c.WaitCount(k.ctx, 1+retries)
	k.Check(err, "be given the message once and again %d times", retries)
	for i, m := range got {
		// The client shows the topic that was subscribed, not the retry topic.
		if m.Reconsumed != i || m.Topic != topic || m.Text() != "doomed" || m.Keys != "doomed-key" || m.Properties["colour"] != "blue" || m.MsgID != r.MsgID {
			k.Errorf("delivery %d: %+v", i, m)
		}
		if i > 0 && m.Properties["ORIGIN_MESSAGE_ID"] != r.OffsetMsgID {
			k.Errorf("delivery %d names %q as its origin, want %s", i, m.Properties["ORIGIN_MESSAGE_ID"], r.OffsetMsgID)
		}
	}
	dead := k.deadLetter(group)
	if dead.Text() != "doomed" || dead.Keys != "doomed-key" || dead.Properties["ORIGIN_MESSAGE_ID"] != r.OffsetMsgID || dead.Properties["colour"] != "blue" {
		k.Errorf("the dead letter is %+v", dead)
	}
	// A listener can also say that there is no use in another attempt.
	straight := k.knownGroup(topic)
	once := k.push(straight, topic, args{"failures": 100, "delayLevel": -1})
	if dead := k.deadLetter(straight); dead.Text() != "doomed" || dead.Keys != "doomed-key" {
		k.Errorf("the dead letter without an attempt is %+v", dead)
	}
	k.Pause(2 * shortDelay)
	if n, m := len(c.Messages()), len(once.Messages()); n != 1+retries || m != 1 {
		k.Errorf("the message was given %d and %d times, want %d and once", n, m, 1+retries)
	}
}

// knownGroup returns a group whose retry topic exists and is routed. The first consumer of
// a group has the topic created, and learns of it only when it next asks for routes and
// divides queues, which takes up to 50 seconds.
func (k *kit) knownGroup(topic string) string {
	group := k.Group()
	k.meet(group, topic)
	return group
}

// meet has the broker know a group, and waits until its retry topic is routed.
func (k *kit) meet(group, topic string) {
	k.close(k.push(group, topic, nil))
	c := k.oldPull(k.Group(), nil)
	k.Eventually(20*time.Second, "the retry topic of "+group, func(ctx context.Context) error {
		qs, err := c.Queues(ctx, "%RETRY%"+group)
		if err == nil && len(qs) != 1 {
			err = fmt.Errorf("it has queues %v, want 1", qs)
		}
		return err
	})
}

// deadLetter waits for the first message of a group's dead-letter queue.
func (k *kit) deadLetter(group string) message {
	puller := k.oldPull(k.Group(), nil)
	q := queue{Topic: "%DLQ%" + group, Broker: k.Servers().Broker().Name()}
	var dead message
	k.Eventually(60*time.Second, "a dead letter", func(ctx context.Context) error {
		r, err := puller.Pull(ctx, q, 0, 1, nil)
		if err == nil && len(r.Messages) == 0 {
			err = fmt.Errorf("%s has nothing: %s", q.Topic, r.Status)
		}
		if err == nil {
			dead = r.Messages[0]
		}
		return err
	})
	return dead
}

func listenerThrows(k *kit) {
	p := k.producer(nil)
	topic := k.topic(p, 1)
	groups := map[string]string{"THROW": k.knownGroup(topic), "NULL": k.knownGroup(topic)}
	k.send(p, message{Topic: topic, Body: []byte("again")}, nil)
	for failure, group := range groups {
		c := k.push(group, topic, args{"failures": 1, "failure": failure})
		got, err := c.WaitCount(k.ctx, 2)
		k.Check(err, "be given a message again after %s", failure)
		if got[0].Reconsumed != 0 || got[1].Reconsumed != 1 {
			k.Errorf("after %s: reconsumeTimes %d and %d, want 0 and 1", failure, got[0].Reconsumed, got[1].Reconsumed)
		}
	}
}

// partOfBatch: a listener takes the messages of a batch up to its ackIndex. The others come again, and the
// group's offset goes on behind all of them.
func partOfBatch(k *kit) {
	const size = 5
	p := k.producer(nil)
	topic := k.topic(p, 1)
	groups := map[int]string{-1: k.knownGroup(topic), 1: k.knownGroup(topic), size: k.Group()} // by ackIndex
	sent := map[string]javadriver.SendResult{}
	for _, body := range bodies("part", size) {
		sent[body] = k.send(p, message{Topic: topic, Body: []byte(body)}, nil)
	}
	k.AwaitEnd(topic, 0, size) // they come to the listener as one batch
	consumers := map[int]*javadriver.PushConsumer{}
	for ackIndex, group := range groups {
		consumers[ackIndex] = k.push(group, topic, args{"consumeBatch": size, "failures": 1, "failure": "PART", "ackIndex": ackIndex})
	}
	for ackIndex, c := range consumers {
		want := bodies("part", size)
		want = append(want, want[min(ackIndex+1, size):]...)
		for i, m := range k.wantTexts(c, want) {
			again := i >= size
			if m.Topic != topic || again != (m.Reconsumed == 1) || again != (m.Properties["ORIGIN_MESSAGE_ID"] == sent[m.Text()].OffsetMsgID) {
				k.Errorf("after ackIndex %d, delivery %d is %+v", ackIndex, i, m)
			}
		}
		k.awaitPersisted(c, groups[ackIndex], topic, size)
	}
}

func delayedMessage(k *kit) {
	p := k.producer(nil)
	topic := k.topic(p, 1)
	c := k.push(k.Group(), topic, nil)
	start := time.Now()
	k.send(p, message{Topic: topic, Body: []byte("later"), Delay: 3}, nil)
	m := k.wantTexts(c, []string{"later"})[0]
	// The schedule stores the message anew; its clock is the broker's.
	if waited := time.Since(start); waited < shortDelay-100*time.Millisecond || waited > 8*shortDelay {
		k.Errorf("came after %v, want it soon after %v", waited, shortDelay)
	}
	if m.Properties["REAL_TOPIC"] != "" && m.Properties["REAL_TOPIC"] != topic {
		k.Errorf("came with REAL_TOPIC %q", m.Properties["REAL_TOPIC"])
	}
}

func rebalance(k *kit) {
	p := k.producer(nil)
	topic, group := k.topic(p, 4), k.Group()
	first := k.push(group, topic, nil)
	k.shared([]*javadriver.PushConsumer{first}, 4)
	second := k.push(group, topic, nil)
	k.shared([]*javadriver.PushConsumer{first, second}, 4)
	want := bodies("shared", 20)
	k.sendTexts(p, topic, want)
	k.Eventually(60*time.Second, "both consumers together get everything", func(context.Context) error {
		if n := len(first.Messages()) + len(second.Messages()); n < len(want) {
			return fmt.Errorf("%d of %d messages came", n, len(want))
		}
		return nil
	})
	if got := texts(append(first.Messages(), second.Messages()...)); !slices.Equal(got, want) {
		k.Errorf("consumed %q, want %q", got, want)
	}
	k.close(second)
	k.shared([]*javadriver.PushConsumer{first}, 4)
}

// shared waits until the consumers of a group have divided the n queues of their topic
// evenly among them, each queue to one.
func (k *kit) shared(cs []*javadriver.PushConsumer, n int) {
	k.Eventually(60*time.Second, "a rebalance", func(ctx context.Context) error {
		owners := map[queue]int{}
		var errs []error
		for _, c := range cs {
			qs, err := c.Assigned(ctx)
			errs = append(errs, err)
			qs = slices.DeleteFunc(qs, func(q queue) bool { return strings.HasPrefix(q.Topic, "%RETRY%") })
			if len(qs) != n/len(cs) {
				errs = append(errs, fmt.Errorf("a consumer owns %v", qs))
			}
			for _, q := range qs {
				owners[q]++
			}
		}
		if len(owners) != n {
			errs = append(errs, fmt.Errorf("%d of %d queues have an owner", len(owners), n))
		}
		return errors.Join(errs...)
	})
}

func heartbeatV2(k *kit) {
	p := k.producer(nil)
	topic, group := k.topic(p, 2), k.Group()
	beat := args{"heartbeatV2": true, "heartbeatMs": 500}
	first := k.push(group, topic, beat)
	want := bodies("before", 4)
	k.sendTexts(p, topic, want)
	k.wantTexts(first, want)
	// A changed group must still be noticed when most heartbeats carry a fingerprint only.
	k.Pause(2 * time.Second)
	second := k.push(group, topic, beat)
	k.shared([]*javadriver.PushConsumer{first, second}, 2)
	k.Pause(2 * time.Second)
	k.shared([]*javadriver.PushConsumer{first, second}, 2)
}

func byOffset(a, b message) int { return cmp.Compare(a.QueueOffset, b.QueueOffset) }
