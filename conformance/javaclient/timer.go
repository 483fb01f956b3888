package javaclient

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// timerMessages: messages come at their own times, by each of the client's three ways to say them,
// and not in the order in which they were sent.
func timerMessages(k *kit) {
	p := k.producer(nil)
	topic := k.topic(p, 1)
	c := k.push(k.Group(), topic, nil)
	due := map[string]int64{}
	for _, m := range []message{
		{Body: []byte("last"), DelaySec: 12},
		{Body: []byte("second"), DelayMs: 8900},
		{Body: []byte("first"), DeliverMs: time.Now().Add(6100 * time.Millisecond).UnixMilli()},
		{Body: []byte("at once"), DeliverMs: time.Now().Add(-time.Hour).UnixMilli()},
	} {
		m.Topic = topic
		due[m.Text()] = max(m.DeliverMs, time.Now().UnixMilli()+m.DelaySec*1000+m.DelayMs)
		if m.DeliverMs > 0 {
			due[m.Text()] = m.DeliverMs
		}
		r := k.send(p, m, nil)
		if waits := m.Text() != "at once"; waits != (r.RecallHandle != "") {
			k.Errorf("%s was answered with the handle %q", m.Text(), r.RecallHandle)
		}
	}
	var order []string
	got := k.wantTexts(c, []string{"at once", "first", "second", "last"})
	slices.SortFunc(got, func(a, b message) int { return int(a.QueueOffset - b.QueueOffset) })
	for _, m := range got {
		order = append(order, m.Text())
		// Precision and clock of the broker, and a busy machine.
		if late := m.Stored - due[m.Text()]; late < 0 || m.Text() != "at once" && late > 10_000 {
			k.Errorf("%s was stored %d ms after it was due", m.Text(), late)
		}
	}
	if text := strings.Join(order, ", "); text != "at once, first, second, last" {
		k.Errorf("the messages came in the order %s", text)
	}
}

// recall: a message that waits does not come when it was recalled, and its recall is among its traces.
func recall(k *kit) {
	p := k.producer(args{"trace": true})
	topic := k.topic(p, 1)
	c := k.push(k.Group(), topic, nil)
	recalled := k.send(p, message{Topic: topic, Body: []byte("recalled"), DelayMs: 8000}, nil)
	k.send(p, message{Topic: topic, Body: []byte("stays"), DelayMs: 10_000}, nil)
	id, err := p.Recall(k.ctx, topic, recalled.RecallHandle)
	k.Check(err, "recall")
	if id != recalled.MsgID {
		k.Errorf("the recall of %s answered %s", recalled.MsgID, id)
	}
	k.awaitTraces(p, traceTopic, id, id, func(found map[string]string) error {
		if !strings.Contains(found["Recall"], "\x01"+topic+"\x01"+id+"\x01true") || !strings.Contains(found["Pub"], "\x01"+topic+"\x01"+id+"\x01") {
			return fmt.Errorf("found %q", found)
		}
		return nil
	})
	k.wantTexts(c, []string{"stays"})
}

// recallForbidden: recalls are off by default.
func recallForbidden(k *kit) {
	p := k.producer(nil)
	topic := k.topic(p, 1)
	r := k.send(p, message{Topic: topic, Body: []byte("x"), DelayMs: 1000}, nil)
	_, err := p.Recall(k.ctx, topic, r.RecallHandle)
	e := k.wantError(err, "MQBrokerException", noPermission)
	if e.Remark != "recall failed, operation is forbidden" {
		k.Errorf("the broker said %q", e.Remark)
	}
}
