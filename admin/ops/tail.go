package ops

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/gantrymq/gantry/admin"
	"github.com/gantrymq/gantry/admin/cli"
	"github.com/gantrymq/gantry/admin/mqadmin"
	"github.com/gantrymq/gantry/protocol"
)

func tailCommand() *cli.Command {
	return &cli.Command{
		Name: "tail", Help: "the last messages of a topic, and those that come",
		Options: []cli.Option{
			cli.Need("t", "topic", "topic"), cli.Flag("f", "follow", "wait for more, until interrupted"),
			cli.Value("c", "count", "how many of each queue (10)"), cli.Value("b", "brokerName", "only this broker"), cli.Value("i", "queueId", "only this queue"),
			cli.Value("s", "subExpression", "only these tags: a || b"), cli.Value("q", "sql", "only what this SQL92 expression takes"),
			cli.Value("k", "key", "only messages with this key"), cli.Value("e", "body", "only bodies that match this regular expression"),
		},
		Run: tail,
	}
}

// follower reads the queues of one topic.
type follower struct {
	client *admin.Client
	route  *protocol.TopicRouteData
	filter admin.Pull // its Expression and Type
	key    string
	body   *regexp.Regexp
	mu     sync.Mutex // guards emit, which queues share
	emit   func(*admin.Message) error
	follow bool
}

const (
	followWait = 15 * time.Second       // how long a broker may hold a pull until a message comes
	askPause   = 200 * time.Millisecond // between pulls that found nothing
)

func tail(ctx context.Context, c *cli.Call) error {
	count, queue := c.Int("c", 10), c.Int32("i", -1)
	if err := c.Bad(); err != nil {
		return err
	}
	if c.Has("s") && c.Has("q") {
		return cli.Usagef("only one of -s (--subExpression) and -q (--sql) may be given")
	}
	f, queues, err := newFollower(ctx, c, queue)
	if err != nil {
		return err
	}
	f.follow = c.Has("f")
	f.emit = func(m *admin.Message) error {
		return c.Out.Item(mqadmin.MessageValue(m), func() { c.Out.Printf("%s\n", messageLine(m)) })
	}
	return f.run(ctx, queues, func(low, high int64) int64 { return max(low, high-count) })
}

func newFollower(ctx context.Context, c *cli.Call, queue int32) (*follower, []protocol.MessageQueue, error) {
	f := &follower{client: c.Client, key: c.Value("k"), filter: admin.Pull{Expression: c.Value("s")}}
	if c.Has("q") {
		f.filter.Expression, f.filter.Type = c.Value("q"), protocol.ExpressionSQL92
	}
	if c.Has("e") {
		expr, err := regexp.Compile(c.Value("e"))
		if err != nil {
			return nil, nil, cli.Usagef("option -e is no regular expression: %v", err)
		}
		f.body = expr
	}
	var err error
	if f.route, err = c.Client.Route(ctx, c.Value("t")); err != nil {
		return nil, nil, err
	}
	var queues []protocol.MessageQueue
	for _, q := range admin.ReadQueues(f.route, c.Value("t")) {
		if (!c.Has("b") || q.BrokerName == c.Value("b")) && (queue < 0 || q.QueueID == queue) {
			queues = append(queues, q)
		}
	}
	if len(queues) == 0 {
		return nil, nil, fmt.Errorf("topic %s has no such queue that can be read; topicRoute shows what it has", c.Value("t"))
	}
	return f, queues, nil
}

// run reads all queues from where start says, each with its bounds. Following, it reads
// them side by side until ctx ends; otherwise one after the other up to their ends.
func (f *follower) run(ctx context.Context, queues []protocol.MessageQueue, start func(low, high int64) int64) error {
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	var wg sync.WaitGroup
	for _, q := range queues {
		b := admin.BrokerIn(f.route, q.BrokerName)
		addr := admin.Addr(b)
		low, err := f.client.MinOffset(ctx, addr, q)
		if err != nil {
			return err
		}
		high, err := f.client.MaxOffset(ctx, addr, q)
		if err != nil {
			return err
		}
		from := start(low, high)
		if !f.follow {
			if err := f.read(ctx, addr, q, from, high); err != nil {
				return err
			}
			continue
		}
		wg.Go(func() {
			if err := f.read(ctx, addr, q, from, -1); err != nil {
				fail(err)
			}
		})
	}
	wg.Wait()
	return notCanceled(context.Cause(ctx))
}

func notCanceled(err error) error {
	if err == context.Canceled {
		return nil
	}
	return err
}

// read reads one queue from an offset up to another, or with -1 on and on.
func (f *follower) read(ctx context.Context, addr string, q protocol.MessageQueue, from, to int64) error {
	p := f.filter
	p.Queue, p.Offset, p.Max = q, from, 32
	if to < 0 {
		p.Wait = followWait
	}
	for to < 0 || p.Offset < to {
		asked := time.Now()
		r, err := f.client.PullMessages(ctx, addr, p)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		for _, m := range r.Messages {
			if to >= 0 && m.QueueOffset >= to {
				return nil
			}
			if f.takes(m) {
				if err := f.out(m); err != nil {
					return err
				}
			}
		}
		if to >= 0 && r.Status != admin.PullFound && r.Next <= p.Offset {
			return nil
		}
		p.Offset = max(r.Next, p.Offset)
		if r.Status == admin.PullBadOffset {
			p.Offset = r.Next
		}
		// A broker that does not hold pulls must not be asked without a pause.
		if r.Status != admin.PullFound && time.Since(asked) < askPause && !cli.Sleep(ctx, askPause) {
			return nil
		}
	}
	return nil
}

func (f *follower) takes(m *admin.Message) bool {
	if f.key != "" {
		keys, _ := m.Keys()
		found := false
		for k := range strings.FieldsSeq(keys) {
			found = found || k == f.key
		}
		if !found {
			return false
		}
	}
	return f.body == nil || f.body.Match(m.Body)
}

func (f *follower) out(m *admin.Message) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.emit(m)
}

// messageLine shows a message on one line.
func messageLine(m *admin.Message) string {
	tag, _ := m.Tags()
	keys, _ := m.Keys()
	body := string(m.Body)
	if !utf8.Valid(m.Body) {
		body = fmt.Sprintf("%d bytes, no text", len(m.Body))
	} else if strings.ContainsAny(body, "\n\r\x1b\x00") {
		quoted, _ := json.Marshal(body)
		body = string(quoted)
	}
	var extra strings.Builder
	if tag != "" {
		extra.WriteString(" tag=" + tag)
	}
	if keys != "" {
		extra.WriteString(" keys=" + keys)
	}
	return fmt.Sprintf("%s %s/%d@%d%s %s", time.UnixMilli(m.StoreTimestamp).Format("15:04:05.000"), m.BrokerName, m.QueueID, m.QueueOffset, extra.String(), body)
}
