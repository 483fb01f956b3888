package javadriver

import (
	"context"
	"maps"
)

// client is what all clients of a driver have in common.
type client struct {
	driver *Driver
	name   string
	kind   string
}

func (d *Driver) begin(ctx context.Context, kind, namesrv, group string, args Args) (client, error) {
	c := client{driver: d, name: d.name(kind), kind: kind}
	all := Args{"namesrv": namesrv, "group": group}
	maps.Copy(all, args)
	return c, c.call(ctx, "start", all, nil)
}

func (c client) call(ctx context.Context, op string, args Args, result any) error {
	all := Args{"client": c.name}
	maps.Copy(all, args)
	return c.driver.Call(ctx, c.kind+"."+op, all, result)
}

// Close shuts the client down as its user would.
func (c client) Close(ctx context.Context) error {
	defer c.driver.listen(c.name, nil)
	return c.driver.Call(ctx, "shutdown", Args{"client": c.name}, nil)
}

// MinOffset asks the broker for a queue's first offset.
func (c client) MinOffset(ctx context.Context, q Queue) (n int64, err error) {
	return n, c.call(ctx, "minOffset", q.args(), &n)
}

// MaxOffset asks the broker for the offset that a queue's next message gets.
func (c client) MaxOffset(ctx context.Context, q Queue) (n int64, err error) {
	return n, c.call(ctx, "maxOffset", q.args(), &n)
}

// SearchOffset asks for the first offset stored at or after a time in milliseconds.
func (c client) SearchOffset(ctx context.Context, q Queue, ms int64) (n int64, err error) {
	args := q.args()
	args["timestamp"] = ms
	return n, c.call(ctx, "searchOffset", args, &n)
}

// EarliestStoreTime asks for the store time of a queue's first message, in milliseconds.
func (c client) EarliestStoreTime(ctx context.Context, q Queue) (ms int64, err error) {
	return ms, c.call(ctx, "earliestStoreTime", q.args(), &ms)
}

// View fetches one message by its offset id or its unique key.
func (c client) View(ctx context.Context, topic, msgID string) (m Message, err error) {
	return m, c.call(ctx, "view", Args{"topic": topic, "msgId": msgID}, &m)
}

// Query fetches the messages of a topic that carry a key.
func (c client) Query(ctx context.Context, topic, key string) (ms []Message, err error) {
	return ms, c.call(ctx, "query", Args{"topic": topic, "key": key}, &ms)
}

// Producer is a DefaultMQProducer or, with transaction=true, a TransactionMQProducer.
type Producer struct {
	client
	Checks *Inbox // messages whose transaction the broker asked about
}

// Producer starts a producer. args are those of Producer.start in the Java sources.
func (d *Driver) Producer(ctx context.Context, namesrv, group string, args Args) (*Producer, error) {
	c, err := d.begin(ctx, "producer", namesrv, group, args)
	if err != nil {
		return nil, err
	}
	p := &Producer{client: c, Checks: newInbox()}
	d.listen(c.name, p.Checks)
	return p, nil
}

// Send sends and waits. args choose the queue: queue with broker, selectQueue, or shardingKey.
func (p *Producer) Send(ctx context.Context, m Message, args Args) (r SendResult, err error) {
	return r, p.one(ctx, "send", m, args, &r)
}

// SendAsync sends with a callback and returns what the callback was given.
func (p *Producer) SendAsync(ctx context.Context, m Message, args Args) (r SendResult, err error) {
	return r, p.one(ctx, "async", m, args, &r)
}

// SendOneway sends without an answer.
func (p *Producer) SendOneway(ctx context.Context, m Message, args Args) error {
	return p.one(ctx, "oneway", m, args, nil)
}

// SendBatch sends several messages of one topic as one.
func (p *Producer) SendBatch(ctx context.Context, ms []Message, args Args) (r SendResult, err error) {
	all := Args{"messages": ms}
	maps.Copy(all, args)
	return r, p.call(ctx, "batch", all, &r)
}

// The user properties that script a transaction: the local executor's result and the
// check's, each COMMIT_MESSAGE, ROLLBACK_MESSAGE, UNKNOW or THROW.
const (
	ScriptLocal = "driver_local"
	ScriptCheck = "driver_check"
)

// SendTransaction sends a message in a transaction.
func (p *Producer) SendTransaction(ctx context.Context, m Message) (r SendResult, err error) {
	return r, p.one(ctx, "transaction", m, nil, &r)
}

// Request sends a message and waits for the consumer's reply.
func (p *Producer) Request(ctx context.Context, m Message, timeoutMs int) (reply Message, err error) {
	return reply, p.one(ctx, "request", m, Args{"timeoutMs": timeoutMs}, &reply)
}

// Recall takes a timed message back. Since 5.3.3.
func (p *Producer) Recall(ctx context.Context, topic, handle string) (msgID string, err error) {
	return msgID, p.call(ctx, "recall", Args{"topic": topic, "handle": handle}, &msgID)
}

// Queues are the queues of a topic that can be written.
func (p *Producer) Queues(ctx context.Context, topic string) (qs []Queue, err error) {
	return qs, p.call(ctx, "queues", Args{"topic": topic}, &qs)
}

// CreateTopic has the client create a topic with n queues on all brokers.
func (p *Producer) CreateTopic(ctx context.Context, topic string, n int) error {
	return p.call(ctx, "createTopic", Args{"topic": topic, "queues": n}, nil)
}

func (p *Producer) one(ctx context.Context, op string, m Message, args Args, result any) error {
	all := Args{"message": m}
	maps.Copy(all, args)
	return p.call(ctx, op, all, result)
}

// PushConsumer is a DefaultMQPushConsumer. Its Inbox holds each delivery.
type PushConsumer struct {
	client
	*Inbox
}

// Push starts a push consumer on a topic. args are those of PushConsumer.start in the Java sources.
func (d *Driver) Push(ctx context.Context, namesrv, group, topic string, args Args) (*PushConsumer, error) {
	c := client{driver: d, name: d.name("push"), kind: "push"}
	in := newInbox()
	d.listen(c.name, in) // before the start: the first message may come before the answer
	all := Args{"namesrv": namesrv, "group": group, "topic": topic}
	maps.Copy(all, args)
	if err := c.call(ctx, "start", all, nil); err != nil {
		d.listen(c.name, nil)
		return nil, err
	}
	return &PushConsumer{client: c, Inbox: in}, nil
}

// Assigned are the queues that the consumer owns by its last rebalance.
func (c *PushConsumer) Assigned(ctx context.Context) (qs []Queue, err error) {
	return qs, c.call(ctx, "assigned", nil, &qs)
}

// Persist stores what was consumed so far, as the consumer does by itself for the first time ten seconds after
// its start.
func (c *PushConsumer) Persist(ctx context.Context) error { return c.call(ctx, "persist", nil, nil) }

// Expire lets the consumer do at once what it does when consumeTimeout has passed: it takes each message that its
// listener has begun with for one that hangs, and gives it back to the broker.
func (c *PushConsumer) Expire(ctx context.Context) error { return c.call(ctx, "expire", nil, nil) }

// LitePull is a DefaultLitePullConsumer.
type LitePull struct{ client }

// LitePull starts a lite pull consumer; it subscribes if args name a topic, and can be
// given queues by Assign otherwise.
func (d *Driver) LitePull(ctx context.Context, namesrv, group string, args Args) (*LitePull, error) {
	c, err := d.begin(ctx, "lite", namesrv, group, args)
	if err != nil {
		return nil, err
	}
	return &LitePull{c}, nil
}

// Poll waits at most timeoutMs for messages.
func (c *LitePull) Poll(ctx context.Context, timeoutMs int) (ms []Message, err error) {
	return ms, c.call(ctx, "poll", Args{"timeoutMs": timeoutMs}, &ms)
}

// Queues are the queues of a topic that can be read.
func (c *LitePull) Queues(ctx context.Context, topic string) (qs []Queue, err error) {
	return qs, c.call(ctx, "queues", Args{"topic": topic}, &qs)
}

// Assign gives the consumer its queues.
func (c *LitePull) Assign(ctx context.Context, qs []Queue) error {
	return c.call(ctx, "assign", Args{"queues": qs}, nil)
}

// Assigned are the queues of the consumer.
func (c *LitePull) Assigned(ctx context.Context) (qs []Queue, err error) {
	return qs, c.call(ctx, "assigned", nil, &qs)
}

// Seek moves the consumer within a queue.
func (c *LitePull) Seek(ctx context.Context, q Queue, offset int64) error {
	args := q.args()
	args["offset"] = offset
	return c.call(ctx, "seek", args, nil)
}

// Commit stores what was polled as consumed.
func (c *LitePull) Commit(ctx context.Context) error { return c.call(ctx, "commit", nil, nil) }

// Committed asks for the group's stored offset of a queue.
func (c *LitePull) Committed(ctx context.Context, q Queue) (n int64, err error) {
	return n, c.call(ctx, "committed", q.args(), &n)
}

// OldPull is the deprecated DefaultMQPullConsumer.
type OldPull struct{ client }

// OldPull starts an old pull consumer.
func (d *Driver) OldPull(ctx context.Context, namesrv, group string, args Args) (*OldPull, error) {
	c, err := d.begin(ctx, "pull", namesrv, group, args)
	if err != nil {
		return nil, err
	}
	return &OldPull{c}, nil
}

// Queues are the queues of a topic that can be read.
func (c *OldPull) Queues(ctx context.Context, topic string) (qs []Queue, err error) {
	return qs, c.call(ctx, "queues", Args{"topic": topic}, &qs)
}

// Pull asks once for at most max messages from an offset on. args add tags, sql or block.
func (c *OldPull) Pull(ctx context.Context, q Queue, offset int64, max int, args Args) (r PullResult, err error) {
	all := q.args()
	all["offset"], all["max"] = offset, max
	maps.Copy(all, args)
	return r, c.call(ctx, "pull", all, &r)
}

// Commit stores a group's offset at once.
func (c *OldPull) Commit(ctx context.Context, q Queue, offset int64) error {
	args := q.args()
	args["offset"] = offset
	return c.call(ctx, "commit", args, nil)
}

// FetchOffset asks the broker for the group's stored offset; -1 is none.
func (c *OldPull) FetchOffset(ctx context.Context, q Queue) (n int64, err error) {
	args := q.args()
	args["fromStore"] = true
	return n, c.call(ctx, "fetchOffset", args, &n)
}

// SendBack has a message delivered to the group again after a delay level.
func (c *OldPull) SendBack(ctx context.Context, topic, msgID string, delayLevel int, broker string) error {
	return c.call(ctx, "sendBack", Args{"topic": topic, "msgId": msgID, "delayLevel": delayLevel, "broker": broker}, nil)
}

// Admin runs one mqadmin command inside the process and returns what it printed, both
// streams together. exits tells that the tool would have printed its usage and left, which
// only a process of its own shows. The driver must be of release 5.5.0, and commands run
// one at a time.
func (d *Driver) Admin(ctx context.Context, args ...string) (output string, exits bool, err error) {
	var r struct {
		Exits  bool   `json:"exits"`
		Output string `json:"output"`
	}
	err = d.Call(ctx, "mqadmin", Args{"args": args}, &r)
	return r.Output, r.Exits, err
}
