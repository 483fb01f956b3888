package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/protocol"
)

// queue is one queue on one broker.
type queue struct {
	broker string // address
	topic  string
	id     int32
}

// target is what a load is put on.
type target struct {
	brokers []string
	queues  []queue
}

// ownPrefix is what the names of the tool's own topics start with, unless told
// otherwise.
const ownPrefix = "GantryBench"

// ownTopic names the topics that the tool makes.
func ownTopic(prefix string, i int) string { return prefix + "_" + strconv.Itoa(i) }

// resolve finds the brokers and the queues, and makes the tool's own topics.
func resolve(ctx context.Context, o *options) (*target, error) {
	if o.Topic != "" {
		return existingTopic(ctx, o)
	}
	brokers := o.Brokers
	if len(brokers) == 0 {
		route, err := route(ctx, o.NameServers, protocol.TopicAutoCreate)
		if err != nil {
			return nil, fmt.Errorf("which brokers there are is read from the route of %s, which failed; name brokers with -b: %w", protocol.TopicAutoCreate, err)
		}
		brokers = masters(route)
	}
	t := &target{brokers: brokers}
	if o.Workload == workloadConnect || o.Workload == workloadHeartbeat {
		return t, nil
	}
	return t, t.makeTopics(ctx, o)
}

// existingTopic reads the queues of -topic from the name server, or from the brokers
// that were named.
func existingTopic(ctx context.Context, o *options) (*target, error) {
	t := &target{brokers: o.Brokers}
	counts := map[string]int32{} // of queues, by broker address
	if len(t.brokers) == 0 {
		r, err := route(ctx, o.NameServers, o.Topic)
		if err != nil {
			return nil, err
		}
		t.brokers = masters(r)
		for _, b := range r.BrokerDatas {
			for _, q := range r.QueueDatas {
				if q.BrokerName == b.BrokerName {
					counts[b.BrokerAddrs[protocol.MasterID]] = usedQueues(o, q.ReadQueueNums, q.WriteQueueNums)
				}
			}
		}
	}
	for _, b := range t.brokers {
		if _, known := counts[b]; !known {
			c, err := topicConfig(ctx, b, o.Topic)
			if err != nil {
				return nil, err
			}
			counts[b] = usedQueues(o, c.ReadQueueNums, c.WriteQueueNums)
		}
		for id := range counts[b] {
			t.queues = append(t.queues, queue{b, o.Topic, id})
		}
	}
	if len(t.queues) == 0 {
		return nil, fmt.Errorf("the topic %s has no queues to use", o.Topic)
	}
	return t, nil
}

// usedQueues is the number of queues that the workload can use of a topic.
func usedQueues(o *options, read, write int32) int32 {
	switch o.Workload {
	case workloadProduce:
		return write
	case workloadConsume:
		return read
	}
	return min(read, write)
}

// masters are the addresses of the brokers that take writes, in a fixed order.
func masters(r *protocol.TopicRouteData) []string {
	var addresses []string
	for _, b := range r.BrokerDatas {
		if a := b.BrokerAddrs[protocol.MasterID]; a != "" {
			addresses = append(addresses, a)
		}
	}
	slices.Sort(addresses)
	return addresses
}

// route asks the name servers one after another.
func route(ctx context.Context, nameServers []string, topic string) (*protocol.TopicRouteData, error) {
	var errs []error
	for _, address := range nameServers {
		h := &protocol.GetRouteInfoRequestHeader{Topic: topic, AcceptStandardJsonOnly: protocol.Some(true)}
		f, err := callOnce(ctx, address, protocol.GetRouteinfoByTopic, h)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		r := new(protocol.TopicRouteData)
		if err := json.Unmarshal(f.Body, r); err != nil {
			return nil, fmt.Errorf("name server %s answered a route that cannot be read: %w", address, err)
		}
		if len(masters(r)) == 0 {
			return nil, fmt.Errorf("name server %s knows no master for topic %s", address, topic)
		}
		return r, nil
	}
	return nil, errors.Join(errs...)
}

// topicConfig asks a broker for the settings of a topic.
func topicConfig(ctx context.Context, broker, topic string) (*protocol.TopicConfig, error) {
	f, err := callOnce(ctx, broker, protocol.GetTopicConfig, &protocol.GetTopicConfigRequestHeader{Topic: topic})
	if err != nil {
		return nil, err
	}
	c := new(protocol.TopicConfig)
	if err := json.Unmarshal(f.Body, c); err != nil {
		return nil, fmt.Errorf("broker %s answered settings of topic %s that cannot be read: %w", broker, topic, err)
	}
	return c, nil
}

// makeTopics creates the tool's own topics on every broker.
func (t *target) makeTopics(ctx context.Context, o *options) error {
	for _, broker := range t.brokers {
		c, err := dialCaller(ctx, broker)
		if err != nil {
			return err
		}
		for i := range o.Topics {
			h := &protocol.CreateTopicRequestHeader{
				Topic: ownTopic(o.Prefix, i), DefaultTopic: protocol.TopicAutoCreate, ReadQueueNums: int32(o.Queues), WriteQueueNums: int32(o.Queues),
				Perm: protocol.PermRead | protocol.PermWrite, TopicFilterType: "SINGLE_TAG",
			}
			if _, err := c.call(ctx, protocol.UpdateAndCreateTopic, h); err != nil {
				return errors.Join(fmt.Errorf("topic %s cannot be made: %w", h.Topic, err), c.close())
			}
			for id := range int32(o.Queues) {
				t.queues = append(t.queues, queue{broker, h.Topic, id})
			}
		}
		if err := c.close(); err != nil {
			return err
		}
	}
	return nil
}

// offsets asks for one end of every queue, in the order of t.queues.
func (t *target) offsets(ctx context.Context, last bool) ([]int64, error) {
	ends := make([]int64, len(t.queues))
	for _, broker := range t.brokers {
		c, err := dialCaller(ctx, broker)
		if err != nil {
			return nil, err
		}
		for i, q := range t.queues {
			if q.broker != broker {
				continue
			}
			if ends[i], err = c.offset(ctx, q, last); err != nil {
				return nil, errors.Join(err, c.close())
			}
		}
		if err := c.close(); err != nil {
			return nil, err
		}
	}
	return ends, nil
}

func (c *caller) offset(ctx context.Context, q queue, last bool) (int64, error) {
	code, h := protocol.GetMinOffset, protocol.Header(&protocol.GetMinOffsetRequestHeader{Topic: q.topic, QueueID: q.id})
	if last {
		code, h = protocol.GetMaxOffset, &protocol.GetMaxOffsetRequestHeader{Topic: q.topic, QueueID: q.id}
	}
	f, err := c.call(ctx, code, h)
	if err != nil {
		return 0, err
	}
	var answer protocol.GetMaxOffsetResponseHeader // the other one has the same field
	if err := codec.DecodeHeader(&answer, f.Ext); err != nil {
		return 0, fmt.Errorf("%s of %s queue %d: %w", code, q.topic, q.id, err)
	}
	return answer.Offset, nil
}

// topics yields the topics that the queues belong to, each once.
func (t *target) topics() iter.Seq[string] {
	return func(yield func(string) bool) {
		seen := map[string]bool{}
		for _, q := range t.queues {
			if seen[q.topic] {
				continue
			}
			if seen[q.topic] = true; !yield(q.topic) {
				return
			}
		}
	}
}

// held is how many messages the queues hold.
func (t *target) held(ctx context.Context) (int64, error) {
	starts, err := t.offsets(ctx, false)
	if err != nil {
		return 0, err
	}
	ends, err := t.offsets(ctx, true)
	if err != nil {
		return 0, err
	}
	n := sum(ends) - sum(starts)
	if n == 0 {
		return 0, errNothingHeld
	}
	return n, nil
}

// errNothingHeld refuses a catch-up without messages.
var errNothingHeld = errors.New("the queues hold no messages to catch up with; produce some first")

// brokerName asks a broker for its name.
func brokerName(ctx context.Context, address string) (string, error) {
	f, err := callOnce(ctx, address, protocol.GetBrokerConfig, nil)
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(string(f.Body)) {
		if name, ok := strings.CutPrefix(strings.TrimSpace(line), "brokerName="); ok {
			return name, nil
		}
	}
	return "", fmt.Errorf("the configuration of broker %s does not say its name", address)
}
