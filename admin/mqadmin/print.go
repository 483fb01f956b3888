package mqadmin

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/gantrymq/gantry/admin"
	"github.com/gantrymq/gantry/admin/cli"
	"github.com/gantrymq/gantry/protocol"
)

// pullBatch is how many messages one pull asks for, as in the official tool.
const pullBatch = 32

func printCommands() cli.Set {
	begin := cli.Value("b", "beginTimestamp", "stored from: ms, or yyyy-MM-dd#HH:mm:ss:SSS")
	end := cli.Value("e", "endTimestamp", "stored before")
	return in(areaMessages,
		&cli.Command{Name: "printMsg", Help: "all messages of a topic", Options: []cli.Option{
			needTopic, cli.Value("c", "charsetName", "UTF-8"), cli.Value("s", "subExpression", "only these tags: a || b"), begin, end,
			cli.Value("d", "printBody", "false: without bodies (true)"), cli.Value("l", "lmqParentTopic", "parent topic, of a queue without route"),
		}, Run: printMsg},
		&cli.Command{Name: "printMsgByQueue", Help: "messages of one queue, or how many there are of each tag", Options: []cli.Option{
			needTopic, cli.Need("a", "brokerName", "broker's name"), cli.Need("i", "queueId", "queue"), cli.Value("c", "charsetName", "UTF-8"),
			cli.Value("s", "subExpression", "only these tags: a || b"), begin, end, cli.Value("p", "print msg", "true: show the messages (false)"),
			cli.Value("d", "printBody", "true: with bodies (false)"), cli.Value("f", "calculate", "true: count by tag (false)"),
		}, Run: printMsgByQueue},
		&cli.Command{Name: "consumeMessage", Help: "messages of a topic, queue or offset", Options: []cli.Option{
			needTopic, cli.Value("b", "brokerName", "broker's name"), cli.Value("i", "queueId", "queue, with -b"), cli.Value("o", "offset", "from this offset, with -i"),
			cli.Value("g", "consumerGroup", "group to pull as (TOOLS_CONSUMER)"), cli.Value("s", "beginTimestamp", "stored from: ms, or yyyy-MM-dd#HH:mm:ss:SSS"),
			end, cli.Value("c", "MessageNumber", "at most this many (128)"),
		}, Run: consumeMessage},
	)
}

// reader reads stretches of queues.
type reader struct {
	c          *cli.Call
	route      *protocol.TopicRouteData
	group      string
	expression string
	begin, end int64 // ms, 0: not given
}

func newReader(ctx context.Context, c *cli.Call, routeTopic, begin, end string) (*reader, error) {
	r := &reader{c: c, expression: c.Value("s"), begin: c.Time(begin, 0), end: c.Time(end, 0)}
	if err := c.Bad(); err != nil {
		return nil, err
	}
	var err error
	r.route, err = c.Client.Route(ctx, routeTopic)
	return r, err
}

func (r *reader) addr(q protocol.MessageQueue) (string, error) {
	b := admin.BrokerIn(r.route, q.BrokerName)
	if b == nil || admin.Addr(b) == "" {
		return "", fmt.Errorf("topic %s does not lie on a broker %q; topicRoute shows where it lies", q.Topic, q.BrokerName)
	}
	return admin.Addr(b), nil
}

// bounds are the offsets between which a queue is to be read.
func (r *reader) bounds(ctx context.Context, q protocol.MessageQueue) (low, high int64, err error) {
	addr, err := r.addr(q)
	if err != nil {
		return 0, 0, err
	}
	if low, err = r.c.Client.MinOffset(ctx, addr, q); err == nil {
		high, err = r.c.Client.MaxOffset(ctx, addr, q)
	}
	if err == nil && r.begin > 0 {
		low, err = r.c.Client.SearchOffset(ctx, addr, q, r.begin)
	}
	if err == nil && r.end > 0 {
		high, err = r.c.Client.SearchOffset(ctx, addr, q, r.end)
	}
	return low, high, err
}

// read pulls from low up to, but not including, high. found is given what is found,
// other is told of each pull that found nothing.
func (r *reader) read(ctx context.Context, q protocol.MessageQueue, low, high int64, batch int32, found func([]*admin.Message) error, other func(*admin.PullResult)) error {
	addr, err := r.addr(q)
	if err != nil {
		return err
	}
	for offset := low; offset < high; {
		r.c.Progress("broker %s, queue %d: %d of %d", q.BrokerName, q.QueueID, offset-low, high-low)
		p, err := r.c.Client.PullMessages(ctx, addr, admin.Pull{Group: r.group, Queue: q, Offset: offset, Max: batch, Expression: r.expression})
		r.c.Done()
		if err != nil {
			return err
		}
		if p.Status != admin.PullFound {
			other(p)
		}
		if p.Status == admin.PullNoNew || p.Status == admin.PullBadOffset || p.Next <= offset {
			return nil
		}
		if err := found(p.Messages); err != nil {
			return err
		}
		offset = p.Next
	}
	return nil
}

// printMessages shows messages as lines, or gives each to programs at once.
func printMessages(c *cli.Call, body bool) func([]*admin.Message) error {
	return func(list []*admin.Message) error {
		for _, m := range list {
			text := "NOT PRINT BODY"
			if body {
				text = string(m.Body)
			}
			value := MessageValue(m)
			if !body {
				value.Body, value.BodyBase64 = nil, nil
			}
			if err := c.Out.Item(value, func() { c.Out.Printf("MSGID: %s %s BODY: %s\n", m.ID(), messageText(m), text) }); err != nil {
				return err
			}
		}
		return nil
	}
}

func printMsg(ctx context.Context, c *cli.Call) error {
	topic, body := c.Value("t"), c.Bool("d", true)
	if err := checkCharset(c, "c"); err != nil {
		return err
	}
	r, err := newReader(ctx, c, c.Or("l", topic), "b", "e")
	if err != nil {
		return err
	}
	for _, q := range admin.ReadQueues(r.route, topic) {
		low, high, err := r.bounds(ctx, q)
		if err != nil {
			return err
		}
		c.Out.Printf("minOffset=%d, maxOffset=%d, %s\n", low, high, admin.QueueString(q))
		if err := r.read(ctx, q, low, high, pullBatch, printMessages(c, body), func(p *admin.PullResult) {
			text := "print msg finished."
			if p.Status == admin.PullNoMatch {
				text = "no matched msg."
			}
			c.Out.Printf("%s %s status=%s, offset=%d\n", admin.QueueString(q), text, p.Status, p.Next)
		}); err != nil {
			return err
		}
		c.Out.Printf("--------------------------------------------------------\n")
	}
	return nil
}

func printMsgByQueue(ctx context.Context, c *cli.Call) error {
	q := protocol.MessageQueue{Topic: c.Value("t"), BrokerName: c.Value("a"), QueueID: c.Int32("i", 0)}
	show, body, count := c.Bool("p", false), c.Bool("d", false), c.Bool("f", false)
	if err := checkCharset(c, "c"); err != nil {
		return err
	}
	r, err := newReader(ctx, c, q.Topic, "b", "e")
	if err != nil {
		return err
	}
	low, high, err := r.bounds(ctx, q)
	if err != nil {
		return err
	}
	tags := map[string]int64{}
	printAll := printMessages(c, body)
	if err := r.read(ctx, q, low, high, pullBatch, func(list []*admin.Message) error {
		for _, m := range list {
			if tag, ok := m.Tags(); ok {
				tags[tag]++
			}
		}
		if show {
			return printAll(list)
		}
		return nil
	}, func(*admin.PullResult) {}); err != nil {
		return err
	}
	if count {
		names := slices.SortedFunc(maps.Keys(tags), func(a, b string) int { return cmp.Or(cmp.Compare(tags[b], tags[a]), cmp.Compare(a, b)) })
		for _, tag := range names {
			c.Out.Printf("Tag: %-30s Count: %d\n", tag, tags[tag])
		}
		c.Out.Set("tags", tags)
	}
	return nil
}

func consumeMessage(ctx context.Context, c *cli.Call) error {
	topic, count, queue, offset := c.Value("t"), c.Int("c", 128), c.Int32("i", -1), c.Int("o", 0)
	switch {
	case c.Has("i") && !c.Has("b"):
		return cli.Usagef("option -i (--queueId) needs -b (--brokerName)")
	case c.Has("o") && !c.Has("i"):
		return cli.Usagef("option -o (--offset) needs -i (--queueId)")
	case count <= 0 && c.Bad() == nil:
		return cli.Usagef("option -c (--MessageNumber) takes a number above 0")
	}
	r, err := newReader(ctx, c, topic, "s", "e")
	if err != nil {
		return err
	}
	r.group, r.expression = c.Value("g"), ""
	now := time.Now().UnixMilli()
	if r.begin > now || r.end > now || r.end > 0 && r.begin > r.end {
		return cli.Usagef("options -s and -e take times that lie before now, and -s before -e")
	}
	if queue >= 0 {
		q := protocol.MessageQueue{Topic: topic, BrokerName: c.Value("b"), QueueID: queue}
		low, high, err := r.bounds(ctx, q)
		if err != nil {
			return err
		}
		if offset > high {
			c.Out.Printf("%s no matched msg, offset=%d\n", admin.QueueString(q), offset)
			return nil
		}
		low = max(low, offset)
		if high-low > count {
			c.Out.Printf("The oldler %d message will be provided\n", count)
			high = low + count - 1
		}
		return r.consume(ctx, q, low, high)
	}
	for _, q := range admin.ReadQueues(r.route, topic) {
		if count <= 0 {
			return nil
		}
		low, high, err := r.bounds(ctx, q)
		if err != nil {
			return err
		}
		if high-low > count {
			c.Out.Printf("The older %d message of the %d queue will be provided\n", count, q.QueueID)
			high, count = low+count-1, 0
		} else {
			count -= high - low + 1
		}
		if err := r.consume(ctx, q, low, high); err != nil {
			return err
		}
	}
	return nil
}

// consume reads a queue from low to high, both included, which is one more than there
// is when high is the queue's end.
func (r *reader) consume(ctx context.Context, q protocol.MessageQueue, low, high int64) error {
	show := printMessages(r.c, true)
	return r.read(ctx, q, low, high+1, int32(min(high-low+1, 1<<20)), func(list []*admin.Message) error {
		if len(list) > 0 {
			r.c.Out.Printf("Consume ok\n")
		}
		return show(list)
	}, func(p *admin.PullResult) {
		text := "print msg finished."
		if p.Status == admin.PullNoMatch {
			text = "no matched msg."
		}
		r.c.Out.Printf("%s %s status=%s, offset=%d\n", admin.QueueString(q), text, p.Status, p.Next)
	})
}
