package javaclient

import (
	"slices"
	"sync"
	"time"

	"github.com/gantrymq/gantry/conformance/javadriver"
)

func oldPull(k *kit) {
	p := k.producer(nil)
	topic, group := k.topic(p, 1), k.Group()
	c := k.oldPull(group, args{"topic": topic})
	q := queue{Topic: topic, Broker: k.Servers().Broker().Name()}
	k.pulled(c, q, 0, nil, "NO_NEW_MSG", 0, 0)
	for _, tag := range []string{"TagA", "TagB", "TagA", "TagB", "TagA"} {
		k.send(p, message{Topic: topic, Body: []byte("pull " + tag), Tags: tag}, nil)
	}
	k.AwaitEnd(topic, 0, 5)
	k.pulled(c, q, 0, nil, "FOUND", 5, 5)
	k.pulled(c, q, 3, nil, "FOUND", 5, 2)
	k.pulled(c, q, 0, args{"tags": "TagB"}, "FOUND", 5, 2)
	k.pulled(c, q, 0, args{"tags": "TagX"}, "NO_MATCHED_MSG", 5, 0)
	k.pulled(c, q, 5, nil, "NO_NEW_MSG", 5, 0)
	k.pulled(c, q, 99, nil, "OFFSET_ILLEGAL", 5, 0)
	k.heldPull(c, p, q)
	// While a queue begins at 0 and its start is in memory, a group without an offset is at 0.
	if n, err := c.FetchOffset(k.ctx, q); err != nil || n != 0 {
		k.Errorf("the offset of a new group is %d (%v), want 0", n, err)
	}
	k.Check(c.Commit(k.ctx, q, 4), "commit")
	if n, err := c.FetchOffset(k.ctx, q); err != nil || n != 4 {
		k.Errorf("the committed offset is %d (%v), want 4", n, err)
	}
}

// sendBack: a consumer that pulls gives messages back by itself, with a delay of its choice or to be put aside, and
// finds them in the topic of its group's retries and among its dead letters.
func sendBack(k *kit) {
	p := k.producer(nil)
	topic, group := k.topic(p, 1), k.Group()
	k.meet(group, topic)
	c := k.oldPull(group, args{"topic": topic})
	broker := k.Servers().Broker().Name()
	later := k.send(p, message{Topic: topic, Body: []byte("later"), Tags: "TagA", Keys: "a key"}, nil)
	never := k.send(p, message{Topic: topic, Body: []byte("never")}, nil)
	k.AwaitEnd(topic, 0, 2)
	k.pulled(c, queue{Topic: topic, Broker: broker}, 0, nil, "FOUND", 2, 2)
	k.Check(c.SendBack(k.ctx, topic, later.OffsetMsgID, 2, broker), "send back")
	k.Check(c.SendBack(k.ctx, topic, never.OffsetMsgID, -1, broker), "have put aside")
	if dead := k.deadLetter(group); dead.Text() != "never" || dead.Properties["ORIGIN_MESSAGE_ID"] != never.OffsetMsgID {
		k.Errorf("the dead letter is %+v", dead)
	}
	retries := queue{Topic: "%RETRY%" + group, Broker: broker}
	k.AwaitEnd(retries.Topic, 0, 1)
	r, err := c.Pull(k.ctx, retries, 0, 32, nil)
	k.Check(err, "pull the retry")
	if len(r.Messages) != 1 {
		k.Fatalf("%d retries came, want 1", len(r.Messages))
	}
	if m := r.Messages[0]; m.Text() != "later" || m.Tags != "TagA" || m.Keys != "a key" || m.Reconsumed != 1 || m.MsgID != later.MsgID ||
		m.Properties["RETRY_TOPIC"] != topic || m.Properties["DELAY"] != "2" {
		k.Errorf("the retry is %+v", m)
	}
}

// pulled wants one pull to end with a status, a next offset and a number of messages.
func (k *kit) pulled(c *javadriver.OldPull, q queue, from int64, a args, status string, next int64, n int) {
	r, err := c.Pull(k.ctx, q, from, 32, a)
	k.Check(err, "pull from %d", from)
	if r.Status != status || r.Next != next || len(r.Messages) != n {
		k.Errorf("pull from %d with %v: %s, next %d, %d messages; want %s, %d, %d", from, a, r.Status, r.Next, len(r.Messages), status, next, n)
	}
	if !slices.IsSortedFunc(r.Messages, byOffset) {
		k.Errorf("pull from %d: the messages are not in order", from)
	}
}

// heldPull pulls at the end of the queue and sends while the broker holds the pull.
func (k *kit) heldPull(c *javadriver.OldPull, p *javadriver.Producer, q queue) {
	type outcome struct {
		r   javadriver.PullResult
		err error
	}
	done := make(chan outcome, 1)
	var wg sync.WaitGroup
	wg.Go(func() { // ends with the case's context at the latest
		r, err := c.Pull(k.ctx, q, 5, 32, args{"block": true})
		done <- outcome{r, err}
	})
	k.Cleanup(wg.Wait)
	k.Pause(time.Second)
	select {
	case o := <-done:
		k.Fatalf("a pull at the end was answered at once: %s %v", o.r.Status, o.err)
	default:
	}
	k.send(p, message{Topic: q.Topic, Body: []byte("awaited")}, nil)
	sent := time.Now()
	o := <-done
	k.Check(o.err, "pull and wait")
	if o.r.Status != "FOUND" || len(o.r.Messages) != 1 || o.r.Messages[0].Text() != "awaited" {
		k.Errorf("the held pull ended with %s and %q", o.r.Status, texts(o.r.Messages))
	}
	if waited := time.Since(sent); waited > 5*time.Second {
		k.Errorf("the held pull was answered %v after the send", waited)
	}
}

func litePull(k *kit) {
	p := k.producer(nil)
	topic, group := k.topic(p, 2), k.Group()
	want := bodies("lite", 12)
	k.sendTexts(p, topic, want)
	c := k.litePull(group, args{"topic": topic, "autoCommit": false})
	if got := texts(k.poll(c, len(want))); !slices.Equal(got, want) {
		k.Errorf("polled %q, want %q", got, want)
	}
	qs, err := c.Assigned(k.ctx)
	k.Check(err, "ask for the assignment")
	if len(qs) != 2 {
		k.Errorf("the consumer owns %v, want 2 queues", qs)
	}
	k.Check(c.Commit(k.ctx), "commit")
	k.committed(c, topic, int64(len(want)))
	k.close(c)
	k.AwaitConsumed(group, topic, 2, int64(len(want)))
	more := bodies("more", 4)
	k.sendTexts(p, topic, more)
	if got := texts(k.poll(k.litePull(group, args{"topic": topic}), len(more))); !slices.Equal(got, more) {
		k.Errorf("polled after a restart %q, want %q", got, more)
	}
	k.assigned(topic)
}

// committed wants what the client holds as the group's offsets of all queues to add up to n:
// it sends them to the broker on a timer and when it stops.
func (k *kit) committed(c *javadriver.LitePull, topic string, n int64) {
	qs, err := c.Queues(k.ctx, topic)
	k.Check(err, "ask for the queues")
	var sum int64
	for _, q := range qs {
		at, err := c.Committed(k.ctx, q)
		k.Check(err, "ask for the committed offset")
		sum += at
	}
	if sum != n {
		k.Errorf("the committed offsets add up to %d, want %d", sum, n)
	}
}

// assigned reads one queue again from its second message on.
func (k *kit) assigned(topic string) {
	c := k.litePull(k.Group(), nil)
	qs, err := c.Queues(k.ctx, topic)
	k.Check(err, "ask for the queues")
	k.Check(c.Assign(k.ctx, qs[:1]), "assign %v", qs[:1])
	k.Check(c.Seek(k.ctx, qs[0], 1), "seek")
	// What was fetched before the seek may still come first.
	for _, m := range k.poll(c, 1) {
		if m.Queue != qs[0].ID {
			k.Errorf("polled from queue %d, assigned was %d", m.Queue, qs[0].ID)
		}
	}
}

// poll polls until n messages have come.
func (k *kit) poll(c *javadriver.LitePull, n int) []message {
	var all []message
	for len(all) < n {
		ms, err := c.Poll(k.ctx, 2000)
		k.Check(err, "poll, %d of %d messages so far", len(all), n)
		all = append(all, ms...)
	}
	return all
}

func queueOffsets(k *kit) {
	p := k.producer(nil)
	topic := k.topic(p, 1)
	q := queue{Topic: topic, Broker: k.Servers().Broker().Name()}
	want := func(what string, n int64, err error, should int64) {
		if err != nil || n != should {
			k.Errorf("%s is %d (%v), want %d", what, n, err, should)
		}
	}
	n, err := p.MaxOffset(k.ctx, q)
	want("the end of an empty queue", n, err, 0)
	k.sendTexts(p, topic, bodies("old", 3))
	k.Pause(50 * time.Millisecond)
	middle := time.Now().UnixMilli() // the servers run on this machine
	k.Pause(50 * time.Millisecond)
	k.sendTexts(p, topic, bodies("new", 2))
	k.AwaitEnd(topic, 0, 5)
	n, err = p.MinOffset(k.ctx, q)
	want("the start", n, err, 0)
	n, err = p.MaxOffset(k.ctx, q)
	want("the end", n, err, 5)
	n, err = p.SearchOffset(k.ctx, q, middle)
	want("the first offset after a time", n, err, 3)
	n, err = p.SearchOffset(k.ctx, q, 1)
	want("the first offset of all time", n, err, 0)
	n, err = p.SearchOffset(k.ctx, q, middle+3_600_000)
	want("the first offset of the future", n, err, 5)
	ms, err := p.EarliestStoreTime(k.ctx, q)
	if err != nil || ms > middle || ms < middle-600_000 {
		k.Errorf("the first message was stored at %d (%v), want shortly before %d", ms, err, middle)
	}
}
