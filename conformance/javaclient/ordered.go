package javaclient

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/gantrymq/gantry/conformance"
	"github.com/gantrymq/gantry/conformance/javadriver"
	"github.com/gantrymq/gantry/conformance/wire"
	"github.com/gantrymq/gantry/protocol"
)

// quickRebalance lets a consumer divide queues, and renew its locks on them, every second.
var quickRebalance = map[string]string{"rocketmq.client.rebalance.waitInterval": "1000", "rocketmq.client.rebalance.lockInterval": "1000"}

// orderedDeadLetter: an ordered consumer is given a message that it refuses again and again, and nothing
// behind it. When that has been often enough the client sends it to the topic of retries, and the broker,
// which sees that the group consumes in order, puts it aside at once.
func orderedDeadLetter(k *kit) {
	const retries = 2
	p := k.producer(nil)
	topic, group := k.topic(p, 1), k.Group()
	r := k.send(p, message{Topic: topic, Body: []byte("doomed"), Tags: "TagA", Keys: "doomed-key"}, nil)
	k.sendTexts(p, topic, []string{"behind"})
	c := k.push(group, topic, args{"orderly": true, "failures": 1 + retries, "suspendMs": 100, "maxReconsume": retries})
	got, err := c.WaitCount(k.ctx, 2+retries)
	k.Check(err, "consume in order, after %d retries", retries)
	dead := k.deadLetter(group)
	if dead.Text() != "doomed" || dead.Tags != "TagA" || dead.Keys != "doomed-key" || dead.Properties["RETRY_TOPIC"] != topic || dead.Properties["ORIGIN_MESSAGE_ID"] != r.MsgID {
		k.Errorf("the dead letter is %+v", dead)
	}
	for i, m := range got {
		want := "doomed"
		if i > retries {
			want, i = "behind", 0
		}
		if m.Text() != want || m.Reconsumed != i || m.Topic != topic {
			k.Errorf("consumed %+v, want %s after %d retries", m, want, i)
		}
	}
	k.Pause(300 * time.Millisecond)
	if n := len(c.Messages()); n != len(got) {
		k.Errorf("%d messages were given in the end, want %d", n, len(got))
	}
}

// orderedBrokerReturns: of two brokers one goes and comes back under an ordered consumer. Each queue
// is consumed in its order throughout, and the returned broker, which has forgotten its locks, is
// asked for them anew before anything of it is consumed.
func orderedBrokerReturns(k *kit) {
	k.StartServers()
	const queues = 2 // of each broker
	brokers := k.Servers().Brokers
	p := k.producer(args{"pollNamesrvMs": 500, "retries": 2})
	topic, group := k.Topic(), k.Group()
	k.createTopic(p, topic, queues, len(brokers))
	c := k.push(group, topic, args{"orderly": true, "pollNamesrvMs": 500, "persistMs": 500})
	sent, total := map[string][]string{}, 0
	send := func(prefix string, to int) {
		for _, b := range brokers[:to] {
			for id := range queues {
				for _, body := range bodies(fmt.Sprintf("%s-%s-%d", prefix, b.Name(), id), 5) {
					k.Eventually(20*time.Second, "a send to "+b.Name(), func(ctx context.Context) error {
						r, err := p.Send(ctx, message{Topic: topic, Body: []byte(body)}, args{"broker": b.Name(), "queue": id})
						if err == nil && r.Status != "SEND_OK" {
							err = fmt.Errorf("the answer is %s", r.Status)
						}
						return err
					})
					at := fmt.Sprint(b.Name(), id)
					sent[at] = append(sent[at], body)
					total++
				}
			}
		}
		_, err := c.Wait(k.ctx, func(ms []message) bool { return len(slices.Compact(texts(ms))) == total })
		k.Check(err, "consume what was sent %s", prefix)
	}
	send("before", 2)
	k.Check(brokers[1].Stop(k.ctx), "stop a broker")
	k.shared([]*javadriver.PushConsumer{c}, queues)
	send("meanwhile", 1)
	k.Check(brokers[1].Start(k.ctx), "start the broker")
	k.shared([]*javadriver.PushConsumer{c}, queues*len(brokers))
	k.WantLocked(brokers[1], group, topic, queues)
	k.awaitQueues(p, topic, queues*len(brokers))
	send("after", 2)
	first := map[string][]string{} // what was given again is not counted
	for _, m := range c.Messages() {
		at := fmt.Sprint(m.Broker, m.Queue)
		if !slices.Contains(first[at], m.Text()) {
			first[at] = append(first[at], m.Text())
		}
	}
	for at, want := range sent {
		if !slices.Equal(first[at], want) {
			k.Errorf("queue %s came as %q, want %q", at, first[at], want)
		}
	}
}

// orderTopics makes name servers hand out the order configuration of topics.
var orderTopics = conformance.Settings{NameServer: map[string]string{"orderMessageEnable": "true"}}

// orderTopic: producers send to the queues that a topic's order configuration names, whatever queues there
// are, so that a key keeps its queue; a consumer in order consumes all queues. Without the
// configuration the producers send to all queues again.
func orderTopic(k *kit) {
	const all, ordered = 4, 2
	p := k.producer(args{"pollNamesrvMs": 500})
	topic := k.topic(p, all)
	names := map[string]string{"namespace": "ORDER_TOPIC_CONFIG", "key": topic}
	configured := map[string]string{"value": fmt.Sprintf("%s:%d", k.Servers().Broker().Name(), ordered)}
	maps.Copy(configured, names)
	k.askNameServer(protocol.PutKVConfig, configured)
	k.awaitQueues(p, topic, ordered)
	c := k.push(k.Group(), topic, args{"orderly": true})
	keys, perKey := 8, 5
	queues := map[string]int{}
	for i := range keys * perKey {
		key := fmt.Sprint("key", i%keys)
		r := k.send(p, message{Topic: topic, Body: fmt.Appendf(nil, "%s-%03d", key, i)}, args{"shardingKey": key})
		if at, ok := queues[key]; r.Queue >= ordered || ok && at != r.Queue {
			k.Errorf("%s was sent to queue %d", key, r.Queue)
		}
		queues[key] = r.Queue
	}
	got, err := c.WaitCount(k.ctx, keys*perKey)
	k.Check(err, "consume in order")
	last := map[string]string{}
	for _, m := range got {
		key, _, _ := strings.Cut(m.Text(), "-")
		if m.Text() <= last[key] {
			k.Errorf("%s came after %s", m.Text(), last[key])
		}
		last[key] = m.Text()
	}
	k.askNameServer(protocol.DeleteKVConfig, names)
	k.awaitQueues(p, topic, all)
}

// askNameServer asks the name server, which must succeed.
func (k *kit) askNameServer(code protocol.RequestCode, ext map[string]string) {
	r, err := wire.Call(k.ctx, k.Servers().NameServer().Address(), &wire.Frame{Code: int32(code), Ext: ext})
	k.Check(err, "ask %s", code)
	if r.Code != int32(protocol.ResponseSuccess) {
		k.Fatalf("%s was answered %s", code, r)
	}
}
