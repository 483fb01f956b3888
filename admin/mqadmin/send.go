package mqadmin

import (
	"bytes"
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/gantrymq/gantry/admin"
	"github.com/gantrymq/gantry/admin/cli"
	"github.com/gantrymq/gantry/protocol"
)

func sendCommands() cli.Set {
	return in(areaMessages,
		&cli.Command{Name: "sendMessage", Help: "send one message", Options: []cli.Option{
			needTopic, cli.Need("p", "body", "body, as text"), cli.Value("k", "key", "keys"), cli.Value("c", "tags", "tag"),
			cli.Value("b", "broker", "to this broker, by name"), cli.Value("i", "qid", "to this queue, with -b"),
			cli.Value("m", "msgTraceEnable", "true: also record a trace (false)"),
		}, Run: sendMessage},
		&cli.Command{Name: "checkMsgSendRT", Help: "how long sends to a topic take", Options: []cli.Option{
			needTopic, cli.Value("a", "amount", "messages (100)"), cli.Value("s", "size", "bytes of a message (128)"),
		}, Run: checkMsgSendRT},
		&cli.Command{Name: "sendMsgStatus", Help: "how long sends to a broker take, and what it answers", Options: []cli.Option{
			cli.Need("b", "brokerName", "broker's name, which is also a topic"), cli.Value("s", "messageSize", "bytes of a message (128)"),
			cli.Value("c", "count", "messages (50)"),
		}, Run: sendMsgStatus},
	)
}

func sendMessage(ctx context.Context, c *cli.Call) error {
	m := &admin.Outgoing{Topic: c.Value("t"), Body: []byte(c.Value("p")), Properties: map[string]string{protocol.PropertyWait: "true"}}
	queue, traced := c.Int32("i", -1), c.Bool("m", false)
	switch {
	case c.Bad() != nil:
		return c.Bad()
	case c.Has("i") && !c.Has("b"):
		return cli.Usagef("option -i (--qid) needs -b (--broker)")
	}
	if c.Has("k") {
		m.Properties[protocol.PropertyKeys] = c.Value("k")
	}
	if c.Has("c") {
		m.Properties[protocol.PropertyTags] = c.Value("c")
	}
	sender, err := c.Client.NewSender(ctx, m.Topic)
	if err != nil {
		return err
	}
	began := time.Now()
	var r *admin.SendResult
	if queue >= 0 {
		r, err = sender.SendTo(ctx, protocol.MessageQueue{Topic: m.Topic, BrokerName: c.Value("b"), QueueID: queue}, m)
	} else {
		r, err = sender.Send(ctx, m)
	}
	if err != nil {
		return err
	}
	t := c.Out.Table("messages", "%-32s  %-4s  %-20s    %s", "%-32s  %-4d  %-20s    %s", "#Broker Name", "#QID=queueId", "#Send Result", "#MsgId")
	t.Row(r.Queue.BrokerName, r.Queue.QueueID, r.Status, r.MsgID)
	if traced {
		if err := sendTrace(ctx, c, m, r, began); err != nil {
			return fmt.Errorf("the message was sent, but not its trace: %w", err)
		}
	}
	return nil
}

// sendTrace records a send in the trace topic, in the form that upstream's
// TraceDataEncoder gives it.
func sendTrace(ctx context.Context, c *cli.Call, m *admin.Outgoing, r *admin.SendResult, began time.Time) error {
	sender, err := c.Client.NewSender(ctx, traceTopic)
	if err != nil {
		return err
	}
	fields := []string{
		"Pub", strconv.FormatInt(began.UnixMilli(), 10), "DefaultRegion", admin.ToolsProducer, m.Topic, r.MsgID,
		m.Properties[protocol.PropertyTags], m.Properties[protocol.PropertyKeys], "", strconv.Itoa(len(m.Body)),
		strconv.FormatInt(time.Since(began).Milliseconds(), 10), "0", r.OffsetMsgID, strconv.FormatBool(r.Status == "SEND_OK"), "",
	}
	keys := strings.TrimSpace(r.MsgID + " " + m.Properties[protocol.PropertyKeys])
	_, err = sender.Send(ctx, &admin.Outgoing{
		Topic: traceTopic, Body: []byte(strings.Join(fields, "\x01") + "\x02"),
		Properties: map[string]string{protocol.PropertyKeys: keys, protocol.PropertyWait: "true"},
	})
	return err
}

// filler is a body of a size.
func filler(n int64) []byte { return bytes.Repeat([]byte{'a'}, int(n)) }

// checkSize refuses bodies that no broker takes.
func checkSize(c *cli.Call, key string, size int64) error {
	if size < 1 || size > 4<<20 {
		return cli.Usagef("option -%s takes bytes, from 1 to 4194304", key)
	}
	return nil
}

func checkMsgSendRT(ctx context.Context, c *cli.Call) error {
	topic, amount, size := c.Value("t"), c.Int("a", 100), c.Int("s", 128)
	if err := c.Bad(); err != nil {
		return err
	}
	if err := checkSize(c, "s", size); err != nil {
		return err
	}
	sender, err := c.Client.NewSender(ctx, topic)
	if err != nil {
		return err
	}
	t := c.Out.Table("sends", "%-32s  %-4s  %-20s    %s", "%-32s  %-4d  %-20t    %d", "#Broker Name", "#QID=queueId", "#Send Result=success", "#RT=ms")
	var total time.Duration
	queues := sender.Queues()
	for i := range amount {
		q := queues[int(i)%len(queues)]
		began := time.Now()
		_, err := sender.SendTo(ctx, q, &admin.Outgoing{Topic: topic, Body: filler(size), Properties: map[string]string{protocol.PropertyWait: "true"}})
		took := time.Since(began)
		if i > 0 { // the first one pays for the connection
			total += took
		}
		if err != nil {
			c.Failed(err)
		}
		t.Row(q.BrokerName, q.QueueID, err == nil, took.Milliseconds())
	}
	average := 0.0
	if amount > 1 {
		average = total.Seconds() * 1000 / float64(amount-1)
	}
	c.Out.Printf("Avg RT: %.2f\n", average)
	c.Out.Set("averageMs", average)
	return nil
}

func sendMsgStatus(ctx context.Context, c *cli.Call) error {
	broker, size, count := c.Value("b"), c.Int("s", 128), c.Int("c", 50)
	if err := c.Bad(); err != nil {
		return err
	}
	if err := checkSize(c, "s", size); err != nil {
		return err
	}
	sender, err := c.Client.NewSender(ctx, broker)
	if err != nil {
		return err
	}
	if _, err := sender.Send(ctx, &admin.Outgoing{Group: "PID_SMSC", Topic: broker, Body: filler(16)}); err != nil {
		return err
	}
	for range count {
		began := time.Now()
		r, err := sender.Send(ctx, &admin.Outgoing{Group: "PID_SMSC", Topic: broker, Body: filler(size)})
		if err != nil {
			return err
		}
		ms := time.Since(began).Milliseconds()
		c.Out.Printf("rt=%dms, SendResult=%s\n", ms, r)
		c.Out.Add("sends", map[string]any{"ms": ms, "result": r})
	}
	return nil
}

func clusterRT(ctx context.Context, c *cli.Call) error {
	amount, size, interval, asLog := c.Int("a", 100), c.Int("s", 128), c.Int("i", 10), c.Bool("p", false)
	if err := c.Bad(); err != nil {
		return err
	}
	if amount < 2 || interval < 1 {
		return cli.Usagef("option -a takes at least 2 messages and -i at least 1 second")
	}
	if err := checkSize(c, "s", size); err != nil {
		return err
	}
	cluster, err := c.Client.Cluster(ctx)
	if err != nil {
		return err
	}
	names := cluster.Names()
	if c.Has("c") {
		names = []string{c.Value("c")}
	}
	if !asLog {
		c.Out.Printf("%-24s  %-24s  %-4s  %-8s  %-8s\n", "#Cluster Name", "#Broker Name", "#RT", "#successCount", "#failCount")
	}
	for {
		for _, name := range names {
			brokers, err := cluster.Brokers(name)
			if err != nil {
				return err
			}
			for _, b := range brokers {
				m := measure(ctx, c, name, b.BrokerName, amount, size)
				if err := c.Out.Item(m, func() { m.show(c, asLog) }); err != nil {
					return err
				}
			}
		}
		if !cli.Sleep(ctx, time.Duration(interval)*time.Second) {
			return nil
		}
	}
}

// roundTrip is what clusterRT found of one broker.
type roundTrip struct {
	Cluster    string  `json:"cluster"`
	BrokerName string  `json:"brokerName"`
	AverageMs  float64 `json:"averageMs"`
	Succeeded  int     `json:"succeeded"`
	Failed     int     `json:"failed"`
}

// measure sends to the topic that each broker has under its own name.
func measure(ctx context.Context, c *cli.Call, cluster, broker string, amount, size int64) roundTrip {
	r := roundTrip{Cluster: cluster, BrokerName: broker}
	sender, err := c.Client.NewSender(ctx, broker)
	if err != nil {
		c.Failed(err)
		r.Failed = int(amount)
		return r
	}
	var total time.Duration
	for i := range amount {
		began := time.Now()
		_, err := sender.Send(ctx, &admin.Outgoing{Topic: broker, Body: filler(size), Properties: map[string]string{protocol.PropertyWait: "true"}})
		if err != nil {
			r.Failed++
		} else {
			r.Succeeded++
		}
		if i > 0 {
			total += time.Since(began)
		}
		if ctx.Err() != nil {
			break
		}
	}
	r.AverageMs = total.Seconds() * 1000 / float64(amount-1)
	return r
}

func (r roundTrip) show(c *cli.Call, asLog bool) {
	if asLog {
		beijing := time.Now().In(time.FixedZone("GMT+8", 8*60*60)).Format(time.DateTime)
		c.Out.Printf("%s|%s|%s|%s|%.0f\n", beijing, c.Or("m", "noname"), r.Cluster, r.BrokerName, r.AverageMs)
		return
	}
	c.Out.Printf("%-24s  %-24s  %-8s  %-16d  %-16d\n", r.Cluster, r.BrokerName, strconv.FormatFloat(r.AverageMs, 'f', 2, 64), r.Succeeded, r.Failed)
}
