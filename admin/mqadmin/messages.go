package mqadmin

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/gantrymq/gantry/admin"
	"github.com/gantrymq/gantry/admin/cli"
	"github.com/gantrymq/gantry/protocol"
)

const maxTime = 1<<63 - 1

func messageCommands() cli.Set {
	optGroup := cli.Value("g", "consumerGroup", "with -d: have this group's consumer consume it")
	optClient := cli.Value("d", "clientId", "with -g: the consumer")
	return in(areaMessages,
		&cli.Command{Name: "queryMsgById", Help: "a message by id", Options: []cli.Option{
			needTopic, cli.Need("i", "msgId", "id; several with commas between"), optGroup, optClient,
			cli.Value("s", "sendMessage", "true: send it again"), cli.Value("u", "unitName", "unit of the producer that sends again"),
			cli.Value("f", "bodyFormat", "show the body as text: UTF-8"), cli.Value("c", "cluster", "cluster, or parent topic, of a topic without route"),
		}, Run: queryMsgByID},
		&cli.Command{Name: "queryMsgByKey", Help: "messages with a key or tag", Options: []cli.Option{
			needTopic, cli.Need("k", "msgKey", "key"), cli.Value("b", "beginTimestamp", "stored from, ms"), cli.Value("e", "endTimestamp", "stored until, ms"),
			cli.Value("m", "maxNum", "at most this many of a broker (64)"), cli.Value("c", "cluster", "cluster, or parent topic, of a topic without route"),
			cli.Value("p", "keyType", "K: a key, T: a tag (K)"), cli.Value("l", "lastKey", "go on behind this key of the index"),
		}, Run: queryMsgByKey},
		&cli.Command{Name: "queryMsgByUniqueKey", Help: "a message by the id that its producer gave it", Options: []cli.Option{
			needTopic, cli.Need("i", "msgId", "id"), optGroup, optClient, cli.Flag("a", "showAll", "all messages with it, not the first only"),
			cli.Value("c", "cluster", "cluster, or parent topic, of a topic without route"),
			cli.Value("s", "startTime", "stored from, ms"), cli.Value("e", "endTime", "stored until, ms"),
		}, Run: queryMsgByUniqueKey},
		&cli.Command{Name: "queryMsgByOffset", Help: "a message by queue and offset", Options: []cli.Option{
			needTopic, cli.Need("b", "brokerName", "broker's name"), cli.Need("i", "queueId", "queue"), cli.Need("o", "offset", "offset"),
			cli.Value("f", "bodyFormat", "show the body as text: UTF-8"), cli.Value("r", "routeTopic", "topic whose route to use"),
		}, Run: queryMsgByOffset},
	)
}

func queryMsgByID(ctx context.Context, c *cli.Call) error {
	if err := checkCharset(c, "f"); err != nil {
		return err
	}
	resend := c.Bool("s", false)
	if err := c.Bad(); err != nil {
		return err
	}
	for _, id := range c.List("i") {
		m, err := c.Client.FindMessage(ctx, c.Value("c"), c.Value("t"), id)
		if err != nil {
			return err
		}
		switch {
		case c.Has("g") && c.Has("d"):
			err = consumeDirectly(ctx, c, m)
		case c.Has("s"):
			if resend {
				err = sendAgain(ctx, c, m, id)
			}
		default:
			err = showMessage(ctx, c, m, shown{offsetID: true, text: c.Has("f")})
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// checkCharset refuses what texts cannot be shown in.
func checkCharset(c *cli.Call, key string) error {
	switch strings.ToUpper(strings.ReplaceAll(c.Or(key, "UTF-8"), "_", "-")) {
	case "UTF-8", "UTF8", "US-ASCII", "ASCII":
		return nil
	}
	return cli.Usagef("text cannot be shown in %s, only in UTF-8", c.Value(key))
}

// consumeDirectly has one consumer consume a message now.
func consumeDirectly(ctx context.Context, c *cli.Call, m *admin.Message) error {
	group, client := c.Value("g"), c.Value("d")
	info, err := c.Client.RunningInfo(ctx, group, client, false)
	if err != nil {
		return err
	}
	if !info.IsPush() {
		return fmt.Errorf("client %s pulls its messages itself, so none can be pushed to it", client)
	}
	r, err := c.Client.ConsumeDirectly(ctx, m.StoreHost.String(), group, client, m.Topic, m.OffsetID())
	if err != nil {
		return err
	}
	c.Out.Printf("ConsumeMessageDirectlyResult [order=%t, autoCommit=%t, consumeResult=%s, remark=%s, spentTimeMills=%d]\n",
		r.Order, r.AutoCommit, r.ConsumeResult, orNull(r.Remark, r.Remark != ""), r.SpentTimeMills)
	c.Out.Add("results", r)
	if r.ConsumeResult != "CR_SUCCESS" && r.ConsumeResult != "CR_COMMIT" {
		c.Failed(fmt.Errorf("the consumer's result for %s is %s", m.ID(), r.ConsumeResult))
	}
	return nil
}

func sendAgain(ctx context.Context, c *cli.Call, m *admin.Message, id string) error {
	sender, err := c.Client.NewSender(ctx, m.Topic)
	if err != nil {
		return err
	}
	props := map[string]string{}
	for key, value := range m.Properties {
		switch key { // what brokers and clients add by themselves
		case protocol.PropertyMinOffset, protocol.PropertyMaxOffset, protocol.PropertyMsgRegion, protocol.PropertyTraceOn, protocol.PropertyCluster:
		default:
			props[key] = value
		}
	}
	r, err := sender.Send(ctx, &admin.Outgoing{Group: "ReSendMsgById", Topic: m.Topic, Body: m.Body, Flag: m.Flag, Properties: props})
	if err != nil {
		return err
	}
	c.Out.Printf("prepare resend msg. originalMsgId=%s%s\n", id, r)
	c.Out.Add("results", r)
	return nil
}

func queryMsgByKey(ctx context.Context, c *cli.Call) error {
	q := admin.Query{
		Cluster: c.Value("c"), Topic: c.Value("t"), Key: c.Value("k"), IndexType: c.Or("p", protocol.IndexTypeKey), LastKey: c.Value("l"),
		Max: c.Int32("m", 64), Begin: c.Int("b", 0), End: c.Int("e", maxTime),
	}
	if err := c.Bad(); err != nil {
		return err
	}
	if q.IndexType != protocol.IndexTypeKey && q.IndexType != protocol.IndexTypeTag {
		return cli.Usagef("%q is no kind of key; there are K for keys and T for tags", q.IndexType)
	}
	found, err := c.Client.QueryMessages(ctx, q)
	if err != nil {
		return err
	}
	t := c.Out.Table("messages", "%-50s %4s %40s %-200s", "%-50s %4d %40d %-200s", "#Message ID", "#QID=queueId", "#Offset", "#IndexKey")
	for _, m := range found {
		hour := m.StoreTimestamp - m.StoreTimestamp%time.Hour.Milliseconds()
		key := ""
		if unique := m.Properties[protocol.PropertyUniqueKey]; unique != "" {
			key = fmt.Sprintf("%d@%s@%s@%s@%s@%d", hour, q.Topic, q.IndexType, q.Key, unique, m.PhysicalOffset)
		}
		t.Row(m.ID(), m.QueueID, m.QueueOffset, key)
	}
	return nil
}

func queryMsgByUniqueKey(ctx context.Context, c *cli.Call) error {
	q := admin.Query{
		Cluster: c.Value("c"), Topic: c.Value("t"), Key: c.Value("i"), Unique: true, Max: 32,
		Begin: c.Int("s", 0), End: c.Int("e", maxTime),
	}
	if err := c.Bad(); err != nil {
		return err
	}
	found, err := c.Client.QueryMessages(ctx, q)
	if err != nil {
		return err
	}
	if c.Has("g") && c.Has("d") {
		return consumeDirectly(ctx, c, found[0])
	}
	slices.SortStableFunc(found, func(a, b *admin.Message) int { return cmp.Compare(a.StoreTimestamp, b.StoreTimestamp) })
	if !c.Has("a") {
		found = found[:1]
	}
	for i, m := range found {
		if err := showMessage(ctx, c, m, shown{number: i}); err != nil {
			return err
		}
	}
	return nil
}

func queryMsgByOffset(ctx context.Context, c *cli.Call) error {
	q := protocol.MessageQueue{Topic: c.Value("t"), BrokerName: c.Value("b"), QueueID: c.Int32("i", 0)}
	offset := c.Int("o", 0)
	if err := cmp.Or(c.Bad(), checkCharset(c, "f")); err != nil {
		return err
	}
	addr, err := addrOf(ctx, c, c.Or("r", q.Topic), q.BrokerName)
	if err != nil {
		return err
	}
	r, err := c.Client.PullMessages(ctx, addr, admin.Pull{Queue: q, Offset: offset, Max: 1})
	if err != nil {
		return err
	}
	if r.Status != admin.PullFound {
		return fmt.Errorf("queue %d of broker %s has no message at %d: it has those from %d to %d", q.QueueID, q.BrokerName, offset, r.Min, r.Max-1)
	}
	return showMessage(ctx, c, r.Messages[0], shown{offsetID: true, text: c.Has("f")})
}

// addrOf finds where to read a topic's queues of a broker.
func addrOf(ctx context.Context, c *cli.Call, topic, broker string) (string, error) {
	route, err := c.Client.Route(ctx, topic)
	if err != nil {
		return "", err
	}
	b := admin.BrokerIn(route, broker)
	if b == nil || admin.Addr(b) == "" {
		return "", fmt.Errorf("topic %s does not lie on a broker %q; topicRoute shows where it lies", topic, broker)
	}
	return admin.Addr(b), nil
}

// shown says how a message is shown.
type shown struct {
	offsetID bool // with the id of its place
	text     bool // with its body as text
	number   int  // tells bodies of messages with one id apart
}

// bodies is the folder that the official tool writes bodies to.
const bodies = "/tmp/rocketmq/msgbodys"

func showMessage(ctx context.Context, c *cli.Call, m *admin.Message, how shown) error {
	file := filepath.Join(bodies, filepath.Base(m.ID()))
	if how.number > 0 {
		file += fmt.Sprintf("_%d", how.number)
	}
	if err := writeBody(file, m.Body); err != nil {
		return err
	}
	line := func(name string, value any) { c.Out.Printf("%-20s %v\n", name, value) }
	if how.offsetID {
		line("OffsetID:", m.OffsetID())
	}
	line("Topic:", m.Topic)
	line("Tags:", "["+orNull(m.Tags())+"]")
	line("Keys:", "["+orNull(m.Keys())+"]")
	line("Queue ID:", m.QueueID)
	line("Queue Offset:", m.QueueOffset)
	line("CommitLog Offset:", m.PhysicalOffset)
	line("Reconsume Times:", m.ReconsumeTimes)
	line("Born Timestamp:", timeText(m.BornTimestamp))
	line("Store Timestamp:", timeText(m.StoreTimestamp))
	line("Born Host:", m.BornHost)
	line("Store Host:", m.StoreHost)
	line("System Flag:", m.SysFlag)
	line("Properties:", propertiesText(m))
	line("Message Body Path:", file)
	if how.text {
		line("Message Body:", string(m.Body))
	}
	value := MessageValue(m)
	tracks, err := c.Client.Tracks(ctx, m)
	switch {
	case err != nil:
		c.Failed(fmt.Errorf("who consumed message %s cannot be found out: %w", m.ID(), err))
	case len(tracks) == 0:
		c.Out.Printf("\n\nWARN: No Consumer\n")
	default:
		c.Out.Printf("\n\n")
		for _, t := range tracks {
			c.Out.Printf("MessageTrack [consumerGroup=%s, trackType=%s, exceptionDesc=%s]\n", t.Group, t.Type, orNull(t.Reason, t.Reason != ""))
		}
	}
	value.Tracks = tracks
	c.Out.Add("messages", value)
	return nil
}

// writeBody writes a body where only its reader may look at it: others may have made
// the folder.
func writeBody(file string, body []byte) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
		return err
	}
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("the message's body cannot be written: %w", err)
	}
	_, err = f.Write(body)
	return cmp.Or(err, f.Close())
}
