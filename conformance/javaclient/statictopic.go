package javaclient

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gantrymq/gantry/conformance/javadriver"
)

// staticTopicMoves: the queues of a static topic move to another broker while a consumer is
// at work, and messages are sent before and after. Nothing is lost, and each logical queue
// keeps the order in which it was sent to. It takes as long as a held pull at the old leader.
// Clients with a namespace of the second kind have the same queues, mapped for them too.
func staticTopicMoves(k *kit) {
	topic, brokers := k.Topic(), k.Servers().Brokers
	k.tool("updateStaticTopic", "-b", brokers[0].Name(), "-t", topic, "-qn", "2")
	p := k.producer(args{"pollNamesrvMs": 1000})
	inSpace := args{"pollNamesrvMs": 1000, "namespaceV2": "spaceA"}
	spaced := k.producer(inSpace)
	k.Eventually(20*time.Second, "the logical queues of "+topic, func(ctx context.Context) error {
		qs, err := p.Queues(ctx, topic)
		if err == nil && len(qs) != 2 {
			err = fmt.Errorf("the topic has queues %v", qs)
		}
		return err
	})
	consumers := []*javadriver.PushConsumer{k.push(k.Group(), topic, args{"pollNamesrvMs": 1000}), k.push(k.Group(), topic, inSpace)}
	sent := [2][]string{}
	send := func(prefix string) {
		for i, body := range bodies(prefix, 20) {
			p := []*javadriver.Producer{p, spaced}[i/2%2]
			k.Eventually(30*time.Second, "a send to "+topic, func(ctx context.Context) error {
				r, err := p.Send(ctx, message{Topic: topic, Body: []byte(body)}, args{"selectQueue": i % 2})
				if err == nil && r.Status != "SEND_OK" {
					err = fmt.Errorf("the answer is %s", r.Status)
				}
				return err
			})
			sent[i%2] = append(sent[i%2], body)
		}
	}
	send("before")
	await := func(n int) {
		for _, c := range consumers {
			_, err := c.Wait(k.ctx, func(ms []message) bool { return len(slices.Compact(texts(ms))) >= n })
			k.Check(err, "consume %d messages", n)
		}
	}
	await(20)
	k.tool("remappingStaticTopic", "-b", brokers[1].Name(), "-t", topic)
	send("after")
	await(40)
	for _, c := range consumers {
		for id := range sent {
			if got := inOrder(c.Messages(), id); !slices.Equal(got, sent[id]) {
				k.Errorf("queue %d has %q, was sent %q", id, got, sent[id])
			}
		}
	}
}

// inOrder are the bodies of a queue's messages by their offsets. A send that was not answered
// may have been made twice.
func inOrder(all []message, queue int) (bodies []string) {
	all = slices.DeleteFunc(slices.Clone(all), func(m message) bool { return m.Queue != queue })
	slices.SortFunc(all, func(a, b message) int { return int(a.QueueOffset - b.QueueOffset) })
	for _, m := range all {
		bodies = append(bodies, m.Text())
	}
	return slices.Compact(bodies)
}

// tool runs a command of the official admin tool, which must not fail, and returns what it printed.
func (k *kit) tool(command string, options ...string) string {
	out, exits, err := k.driver.Admin(k.ctx, append([]string{command, "-n", k.nameSrv}, options...)...)
	k.Check(err, "run mqadmin %s", command)
	if exits || strings.Contains(out, "Exception") {
		k.Fatalf("mqadmin %s printed\n%s", command, out)
	}
	return out
}
