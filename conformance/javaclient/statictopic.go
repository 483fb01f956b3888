package javaclient

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// staticTopicMoves: the queues of a static topic move to another broker while a consumer is
// at work, and messages are sent before and after. Nothing is lost, and each logical queue
// keeps the order in which it was sent to. It takes as long as a held pull at the old leader.
func staticTopicMoves(k *kit) {
	topic, brokers := k.Topic(), k.Servers().Brokers
	k.tool("updateStaticTopic", "-b", brokers[0].Name(), "-t", topic, "-qn", "2")
	p := k.producer(args{"pollNamesrvMs": 1000})
	k.Eventually(20*time.Second, "the logical queues of "+topic, func(ctx context.Context) error {
		qs, err := p.Queues(ctx, topic)
		if err == nil && len(qs) != 2 {
			err = fmt.Errorf("the topic has queues %v", qs)
		}
		return err
	})
	consumer := k.push(k.Group(), topic, args{"pollNamesrvMs": 1000})
	sent := [2][]string{}
	send := func(prefix string) {
		for i, body := range bodies(prefix, 20) {
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
	_, err := consumer.WaitCount(k.ctx, 20)
	k.Check(err, "consume what was sent before the move")
	k.tool("remappingStaticTopic", "-b", brokers[1].Name(), "-t", topic)
	send("after")
	all, err := consumer.Wait(k.ctx, func(ms []message) bool { return len(slices.Compact(texts(ms))) >= 40 })
	k.Check(err, "consume what was sent after the move")
	for id := range sent {
		if got := inOrder(all, id); !slices.Equal(got, sent[id]) {
			k.Errorf("queue %d has %q, was sent %q", id, got, sent[id])
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
