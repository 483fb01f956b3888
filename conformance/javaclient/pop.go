package javaclient

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
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

// popAcrossKill: a broker is killed under a group that pops. The group goes on popping from the broker's next life,
// without being told, and misses nothing.
func popAcrossKill(k *kit) {
	k.StartServers()
	p := k.producer(args{"pollNamesrvMs": 500})
	topic, group := k.topic(p, 2), k.Group()
	k.popping(topic, group)
	c := k.push(group, topic, args{"clientRebalance": false, "pollNamesrvMs": 500})
	all := func(want []string) func([]message) bool {
		return func(got []message) bool {
			return slices.Equal(slices.Compact(texts(got)), slices.Sorted(slices.Values(want)))
		}
	}
	before, after := bodies("before", 20), bodies("after", 20)
	k.sendTexts(p, topic, before)
	_, err := c.Wait(k.ctx, all(before))
	k.Check(err, "pop what was sent before")
	broker := k.Servers().Broker()
	k.Check(broker.Kill(), "kill the broker")
	k.Check(broker.Start(k.ctx), "start the broker")
	for _, body := range after {
		k.Eventually(20*time.Second, "a send", func(ctx context.Context) error {
			r, err := p.Send(ctx, message{Topic: topic, Body: []byte(body)}, nil)
			if err == nil && r.Status != "SEND_OK" {
				err = fmt.Errorf("the answer is %s", r.Status)
			}
			return err
		})
	}
	got, err := c.Wait(k.ctx, all(slices.Concat(before, after)))
	k.Check(err, "pop everything")
	for _, m := range got {
		if m.Topic != topic || m.Properties["POP_CK"] == "" {
			k.Errorf("popped %+v", m)
		}
	}
}

// popAgain: what fails comes again, with its count, to a group that pops: all of a batch, or what lies
// behind the listener's ackIndex, or all that the group's SQL selects.
func popAgain(k *kit) {
	p := k.producer(nil)
	topic := k.topic(p, 1)
	sent := map[string]javadriver.SendResult{}
	for i, colour := range []string{"blue", "red", "blue"} {
		body := fmt.Sprint(i)
		sent[body] = k.send(p, message{Topic: topic, Body: []byte(body), Tags: "TagA", Keys: "key", Properties: map[string]string{"colour": colour}}, nil)
	}
	k.AwaitEnd(topic, 0, int64(len(sent))) // they are popped together
	poppers := []struct {
		args     args
		want     []string
		consumer *javadriver.PushConsumer
	}{
		{args: args{}, want: []string{"0", "0", "1", "1", "2", "2"}},
		{args: args{"failure": "PART", "ackIndex": 0}, want: []string{"0", "1", "1", "2", "2"}},
		{args: args{"sql": "colour = 'blue'"}, want: []string{"0", "0", "2", "2"}},
	}
	for i := range poppers {
		group, a := k.Group(), args{"clientRebalance": false, "consumeBatch": len(sent), "failures": 1}
		k.popping(topic, group)
		maps.Copy(a, poppers[i].args)
		poppers[i].consumer = k.push(group, topic, a)
	}
	for _, c := range poppers {
		times := map[string]int{}
		for _, m := range k.wantTexts(c.consumer, c.want) {
			if m.Reconsumed != times[m.Text()] || m.Topic != topic || m.Tags != "TagA" || m.Keys != "key" || m.Properties["POP_CK"] == "" || m.MsgID != sent[m.Text()].MsgID {
				k.Errorf("with %v, delivery %d of %+v", c.args, times[m.Text()], m)
			}
			times[m.Text()]++
		}
	}
}

// popSQL: a group that pops is given what its SQL selects of what is there, and of what comes while it waits.
func popSQL(k *kit) {
	p := k.producer(nil)
	topic, group := k.topic(p, 2), k.Group()
	k.popping(topic, group)
	send := func(prices ...string) {
		for _, price := range prices {
			k.send(p, message{Topic: topic, Body: []byte(price), Properties: map[string]string{"price": price}}, nil)
		}
	}
	send("5", "15", "25.5", "much")
	c := k.push(group, topic, args{"clientRebalance": false, "sql": "price BETWEEN 4.5 AND 20.5"})
	_, err := c.WaitCount(k.ctx, 2)
	k.Check(err, "pop what is there")
	send("6", "16", "26.5", "little")
	for _, m := range k.wantTexts(c, []string{"5", "15", "6", "16"}) {
		if m.Topic != topic || m.Reconsumed != 0 || m.Properties["POP_CK"] == "" {
			k.Errorf("popped %+v", m)
		}
	}
}

// popSQLRefused: a group that pops is refused SQL like others. The client asks before its first pop.
func popSQLRefused(k *kit) {
	p := k.producer(nil)
	topic, group := k.topic(p, 1), k.Group()
	k.popping(topic, group)
	k.wantSQLRefused(group, topic, args{"clientRebalance": false})
}

// popOrderly: this client has no way of its own to pop in order. A consumer with a listener in order pulls, and
// locks its queues, whatever the request mode of its group says.
func popOrderly(k *kit) {
	const queues, each, failures = 2, 5, 2
	p := k.producer(nil)
	topic, group := k.topic(p, queues), k.Group()
	k.popping(topic, group)
	c := k.push(group, topic, args{"clientRebalance": false, "orderly": true, "failures": failures, "suspendMs": 200})
	k.shared([]*javadriver.PushConsumer{c}, queues)
	k.WantLocked(k.Servers().Broker(), group, topic, queues)
	for i := range queues * each {
		k.send(p, message{Topic: topic, Body: fmt.Appendf(nil, "%03d", i)}, args{"selectQueue": i % queues})
	}
	got, err := c.WaitCount(k.ctx, queues*each+failures)
	k.Check(err, "consume in order, with %d suspensions", failures)
	next := map[int]int64{}
	for _, m := range got {
		if m.Topic != topic || m.Properties["POP_CK"] != "" || m.QueueOffset != next[m.Queue] && m.QueueOffset != next[m.Queue]-1 {
			k.Errorf("consumed %+v, want offset %d of the queue", m, next[m.Queue])
		}
		next[m.Queue] = m.QueueOffset + 1
	}
	for id, n := range next {
		if n != each {
			k.Errorf("queue %d ended at %d, want %d", id, n, each)
		}
	}
}

// popPriority: a group that pops a topic of priorities is given the highest first, and within one the oldest.
// A priority beyond the highest is the highest.
func popPriority(k *kit) {
	const queues = 4
	p := k.producer(nil)
	topic, group := k.Topic(), k.Group()
	r, err := wire.Call(k.ctx, k.Servers().Broker().Address(), &wire.Frame{Code: int32(protocol.UpdateAndCreateTopic), Ext: map[string]string{
		"topic": topic, "defaultTopic": "TBW102", "readQueueNums": strconv.Itoa(queues), "writeQueueNums": strconv.Itoa(queues), "perm": "6",
		"topicFilterType": "SINGLE_TAG", "topicSysFlag": "0", "order": "false", "attributes": "+message.type=PRIORITY",
	}})
	if err == nil && r.Code != int32(protocol.ResponseSuccess) {
		err = fmt.Errorf("the broker answered %s", r)
	}
	k.Check(err, "create a topic of priorities")
	k.awaitQueues(p, topic, queues)
	k.popping(topic, group)
	ends := map[int]int64{}
	priorities := []int{0, 2, 3, 1, 2, 9, 0}
	for i, priority := range priorities {
		queue := min(priority, queues-1)
		sent := k.send(p, message{Topic: topic, Body: fmt.Append(nil, i), Priority: &priority}, nil)
		if sent.Queue != queue {
			k.Errorf("priority %d went to queue %d, want %d", priority, sent.Queue, queue)
		}
		ends[queue]++
	}
	for queue, n := range ends { // they are popped together
		k.AwaitEnd(topic, queue, n)
	}
	c := k.push(group, topic, args{"clientRebalance": false, "threads": 1})
	got, err := c.WaitCount(k.ctx, len(priorities))
	k.Check(err, "pop by priority")
	var order []string
	for _, m := range got {
		order = append(order, m.Text())
		if i, _ := strconv.Atoi(m.Text()); m.Properties["_SYS_MSG_PRIORITY_"] != strconv.Itoa(priorities[i]) || m.Reconsumed != 0 || m.Properties["POP_CK"] == "" {
			k.Errorf("popped %+v, want priority %d", m, priorities[i])
		}
	}
	if want := []string{"2", "5", "1", "4", "3", "0", "6"}; !slices.Equal(order, want) {
		k.Errorf("popped %q, want %q", order, want)
	}
}
