package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/gantrymq/gantry/conformance/javadriver"
)

// phase is one client whose frames are recorded.
type phase struct {
	label      string
	release    string
	properties map[string]string
	record     func(ctx context.Context, nameServer, broker string, p phase) error
}

// binaryHeader makes the Java library write ROCKETMQ headers where the code fits.
const binaryHeader = "rocketmq.serialize.type"

// phases are recorded one after the other.
var phases = []phase{
	{"java-4.9.8-json", javadriver.V498, nil, clients},
	{"java-4.9.8-binary", javadriver.V498, map[string]string{binaryHeader: "ROCKETMQ"}, clients},
	{"java-5.5.0-json", javadriver.V550, nil, clients},
	{"java-5.5.0-binary", javadriver.V550, map[string]string{binaryHeader: "ROCKETMQ"}, clients},
	{"java-4.9.8-plain-send", javadriver.V498, map[string]string{"org.apache.rocketmq.client.sendSmartMsg": "false"}, plainSend},
	{"mqadmin-5.5.0", javadriver.V550, nil, admin},
}

// plainSend has the client use SEND_MESSAGE where it would use SEND_MESSAGE_V2.
func plainSend(ctx context.Context, nameServer, _ string, p phase) error {
	d, err := javadriver.Start(ctx, javadriver.Options{Release: p.release, Properties: p.properties})
	if err != nil {
		return err
	}
	defer d.Close()
	prod, err := d.Producer(ctx, nameServer, "golden_plain", nil)
	if err != nil {
		return err
	}
	_, err = prod.Send(ctx, message("golden_plain", "plain"), nil)
	return err
}

func message(topic, body string) javadriver.Message {
	return javadriver.Message{Topic: topic, Body: []byte(body), Tags: "TagA", Keys: "key1 key2", Properties: map[string]string{"colour": "blue"}}
}

// step is one thing a client does; its failure is reported and the recording goes on,
// because refusals are frames worth keeping as well.
func step(what string, err error) {
	if err != nil {
		fmt.Fprintf(os.Stderr, "  %s: %.200s\n", what, strings.ReplaceAll(err.Error(), "\n", " "))
	}
}

// clients does with one release of the client library whatever it can do.
func clients(ctx context.Context, ns, _ string, p phase) error {
	d, err := javadriver.Start(ctx, javadriver.Options{Release: p.release, Properties: p.properties})
	if err != nil {
		return err
	}
	defer d.Close()
	tag := strings.NewReplacer(".", "_", "-", "_").Replace(p.label)
	topic, group := "T_"+tag, "G_"+tag
	prod, err := d.Producer(ctx, ns, "P_"+tag, javadriver.Args{"compressOver": 200})
	if err != nil {
		return err
	}
	step("createTopic", prod.CreateTopic(ctx, topic, 2))
	first := sends(ctx, prod, topic)
	queue := javadriver.Queue{Topic: topic, Broker: "broker-a", ID: first.Queue}
	queries(ctx, prod, queue, first)
	pulls(ctx, d, ns, group, queue, first)
	pushes(ctx, d, ns, group, topic, prod)
	transactions(ctx, d, ns, tag, topic)
	requests(ctx, d, ns, tag)
	step("close", prod.Close(ctx))
	return nil
}

func sends(ctx context.Context, p *javadriver.Producer, topic string) javadriver.SendResult {
	first, err := p.Send(ctx, message(topic, "hello"), nil)
	step("send", err)
	_, err = p.SendAsync(ctx, javadriver.Message{Topic: topic, Body: []byte("bare")}, nil)
	step("async", err)
	step("oneway", p.SendOneway(ctx, message(topic, "oneway"), nil))
	_, err = p.SendBatch(ctx, []javadriver.Message{message(topic, "b1"), message(topic, "b2")}, nil)
	step("batch", err)
	_, err = p.Send(ctx, javadriver.Message{Topic: topic, Body: []byte(strings.Repeat("compress me ", 50))}, nil)
	step("compressed", err)
	delayed := message(topic, "later")
	delayed.Delay = 1
	_, err = p.Send(ctx, delayed, nil)
	step("delayed", err)
	_, err = p.Send(ctx, message(topic, "wrong queue"), javadriver.Args{"broker": "broker-a", "queue": 99})
	step("wrong queue", err)
	timed := message(topic, "timed")
	timed.Raw = map[string]string{"TIMER_DELIVER_MS": fmt.Sprint(time.Now().Add(time.Hour).UnixMilli())}
	r, err := p.Send(ctx, timed, nil)
	step("timed", err)
	_, err = p.Recall(ctx, topic, r.RecallHandle)
	step("recall", err)
	return first
}

func queries(ctx context.Context, p *javadriver.Producer, q javadriver.Queue, sent javadriver.SendResult) {
	_, err := p.MinOffset(ctx, q)
	step("minOffset", err)
	_, err = p.MaxOffset(ctx, q)
	step("maxOffset", err)
	_, err = p.SearchOffset(ctx, q, time.Now().Add(-time.Minute).UnixMilli())
	step("searchOffset", err)
	_, err = p.EarliestStoreTime(ctx, q)
	step("earliestStoreTime", err)
	_, err = p.View(ctx, q.Topic, sent.OffsetMsgID)
	step("view by offset id", err)
	_, err = p.View(ctx, q.Topic, sent.MsgID)
	step("view by key", err)
	_, err = p.Query(ctx, q.Topic, "key1")
	step("query", err)
	_, err = p.Query(ctx, q.Topic, "nokey")
	step("query nothing", err)
	_, err = p.Queues(ctx, "T_not_there")
	step("route of nothing", err)
}

func pulls(ctx context.Context, d *javadriver.Driver, ns, group string, q javadriver.Queue, sent javadriver.SendResult) {
	c, err := d.OldPull(ctx, ns, group+"_pull", javadriver.Args{"topic": q.Topic})
	if err != nil {
		step("old pull", err)
		return
	}
	for _, args := range []javadriver.Args{nil, {"tags": "TagA"}, {"tags": "NoSuchTag"}, {"sql": "colour = 'blue'"}} {
		_, err = c.Pull(ctx, q, 0, 4, args)
		step("pull", err)
	}
	_, err = c.Pull(ctx, q, 1000000, 4, nil)
	step("pull beyond", err)
	_, err = c.FetchOffset(ctx, q)
	step("fetch offset", err)
	step("commit", c.Commit(ctx, q, 1))
	_, err = c.FetchOffset(ctx, q)
	step("fetch offset", err)
	step("send back", c.SendBack(ctx, q.Topic, sent.OffsetMsgID, 1, q.Broker))
	step("close", c.Close(ctx))
	l, err := d.LitePull(ctx, ns, group+"_lite", javadriver.Args{"topic": q.Topic})
	if err != nil {
		step("lite pull", err)
		return
	}
	_, err = l.Poll(ctx, 5000)
	step("poll", err)
	step("commit", l.Commit(ctx))
	step("close", l.Close(ctx))
}

func pushes(ctx context.Context, d *javadriver.Driver, ns, group, topic string, p *javadriver.Producer) {
	for i, args := range []javadriver.Args{
		{"failures": 2, "heartbeatMs": 1000, "persistMs": 1000},
		{"orderly": true, "persistMs": 1000},
		{"model": "BROADCASTING"},
		{"sql": "colour = 'blue'"},
		{"tags": "TagA || TagB", "heartbeatV2": true, "heartbeatMs": 1000},
	} {
		if _, v2 := args["heartbeatV2"]; v2 && d.Release == javadriver.V498 {
			continue
		}
		own := fmt.Sprintf("%s_push%d", group, i)
		c, err := d.Push(ctx, ns, own, topic, args)
		if err != nil {
			step("push", err)
			continue
		}
		wait, cancel := context.WithTimeout(ctx, 20*time.Second)
		_, err = c.WaitCount(wait, 3)
		step("push", err)
		if i == 0 {
			second, err := d.Push(wait, ns, own, topic, javadriver.Args{"heartbeatMs": 1000})
			step("second of a group", err)
			_, err = p.Send(wait, message(topic, "again"), nil)
			step("send", err)
			hold(ctx, 3*time.Second) // rebalance, retries, heartbeats and offset timers
			if second != nil {
				step("close", second.Close(ctx))
			}
		}
		cancel()
		hold(ctx, 2*time.Second)
		step("close", c.Close(ctx))
	}
}

func transactions(ctx context.Context, d *javadriver.Driver, ns, tag, topic string) {
	p, err := d.Producer(ctx, ns, "TX_"+tag, javadriver.Args{"transaction": true, "heartbeatMs": 1000})
	if err != nil {
		step("transactions", err)
		return
	}
	for _, script := range [][2]string{{"COMMIT_MESSAGE", ""}, {"ROLLBACK_MESSAGE", ""}, {"UNKNOW", "COMMIT_MESSAGE"}} {
		m := message(topic, "in transaction")
		m.Properties[javadriver.ScriptLocal] = script[0]
		if script[1] != "" {
			m.Properties[javadriver.ScriptCheck] = script[1]
		}
		_, err := p.SendTransaction(ctx, m)
		step("transaction", err)
	}
	wait, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	_, err = p.Checks.WaitCount(wait, 1)
	step("check", err)
	hold(ctx, time.Second)
	step("close", p.Close(ctx))
}

func requests(ctx context.Context, d *javadriver.Driver, ns, tag string) {
	topic := "RPC_" + tag
	p, err := d.Producer(ctx, ns, "RPC_P_"+tag, javadriver.Args{"heartbeatMs": 1000})
	if err != nil {
		step("request", err)
		return
	}
	step("createTopic", p.CreateTopic(ctx, topic, 1))
	c, err := d.Push(ctx, ns, "RPC_G_"+tag, topic, javadriver.Args{"reply": "re: "})
	if err != nil {
		step("request", err)
		return
	}
	_, err = p.Request(ctx, message(topic, "question"), 15000)
	step("request", err)
	step("close", c.Close(ctx))
	step("close", p.Close(ctx))
}

func hold(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
