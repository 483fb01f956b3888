package staticqueue

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/gantrymq/gantry/logicqueue"
	"github.com/gantrymq/gantry/protocol"
)

// Peers are the other brokers of a static topic, and this one.
type Peers interface {
	// Bounds are the queues of a topic at a broker.
	Bounds(ctx context.Context, broker, topic string) (map[int32]protocol.TopicOffset, error)
	// MappingAt is the mapping of a topic as a broker has it, nil when it has none.
	MappingAt(ctx context.Context, broker, topic string) (*Mapping, error)
	// LeadersOf are the brokers that lead a topic's logical queues by the name servers' word.
	LeadersOf(ctx context.Context, topic string) (map[int32]string, error)
}

// Cleaner removes from the mappings what they no longer need.
type Cleaner struct {
	Manager *Manager
	Broker  string // this broker's name
	Peers   Peers
	// OnError is told what could not be found out; the mapping stays as it is then.
	OnError func(error)
}

// Clean goes once through all static topics.
func (c *Cleaner) Clean(ctx context.Context) error {
	changed := false
	table, _ := c.Manager.Snapshot()
	for _, topic := range slices.Sorted(maps.Keys(table)) {
		if ctx.Err() != nil {
			break
		}
		if table[topic].BrokerName != c.Broker {
			c.OnError(fmt.Errorf("the mapping of topic %s is that of broker %s, not of this one", topic, table[topic].BrokerName))
			continue
		}
		expired := c.dropExpired(ctx, c.Manager.Get(topic))
		foreign := c.dropForeign(ctx, c.Manager.Get(topic))
		changed = changed || expired || foreign
	}
	if !changed {
		return nil
	}
	return c.Manager.file.Persist()
}

// dropExpired removes the earliest item of the queues that this broker leads when it
// has no message left (upstream's cleanItemExpired). It stays while no later item
// says where it begins.
func (c *Cleaner) dropExpired(ctx context.Context, mapping *Mapping) bool {
	if mapping == nil {
		return false
	}
	bounds := map[string]map[int32]protocol.TopicOffset{}
	empty := map[int32][]*logicqueue.Item{}
	for id, items := range mapping.HostedQueues {
		if len(items) < 2 || !logicqueue.Decided(items[1]) || logicqueue.Queue(items).Leader().BrokerName != mapping.BrokerName {
			continue
		}
		first := items[0]
		at, asked := bounds[first.BrokerName]
		if !asked {
			var err error
			if at, err = c.Peers.Bounds(ctx, first.BrokerName, mapping.Topic); err != nil {
				c.OnError(fmt.Errorf("the queues of topic %s at broker %s are not known: %w", mapping.Topic, first.BrokerName, err))
			}
			bounds[first.BrokerName] = at
		}
		if o, known := at[first.QueueID]; known && (o.MinOffset == o.MaxOffset || o.MaxOffset == 0) {
			empty[id] = items[1:]
		}
	}
	return len(empty) > 0 && c.Manager.change(mapping, func(m *Mapping) { maps.Copy(m.HostedQueues, empty) })
}

// dropForeign forgets queues that have moved on from the broker to which this one
// gave them: nobody asks here any more (upstream's cleanItemListMoreThanSecondGen).
func (c *Cleaner) dropForeign(ctx context.Context, mapping *Mapping) bool {
	if mapping == nil {
		return false
	}
	given := map[int32]string{}
	for id, items := range mapping.HostedQueues {
		if leader := logicqueue.Queue(items).Leader(); leader != nil && leader.BrokerName != mapping.BrokerName {
			given[id] = leader.BrokerName
		}
	}
	if len(given) == 0 {
		return false
	}
	leaders, err := c.Peers.LeadersOf(ctx, mapping.Topic)
	if err != nil {
		c.OnError(fmt.Errorf("the leaders of static topic %s are not known: %w", mapping.Topic, err))
		return false
	}
	known := map[string]*Mapping{}
	var gone []int32
	for id, broker := range given {
		leader, ok := leaders[id]
		if !ok || leader == broker {
			continue
		}
		at, asked := known[leader]
		if !asked {
			if at, err = c.Peers.MappingAt(ctx, leader, mapping.Topic); err != nil {
				c.OnError(fmt.Errorf("the mapping of static topic %s at broker %s is not known: %w", mapping.Topic, leader, err))
			}
			known[leader] = at
		}
		if at == nil || at.BrokerName != leader || at.TotalQueues != mapping.TotalQueues || at.Epoch != mapping.Epoch {
			continue
		}
		if last := logicqueue.Queue(at.HostedQueues[id]).Leader(); last != nil && last.BrokerName == leader {
			gone = append(gone, id)
		}
	}
	return len(gone) > 0 && c.Manager.change(mapping, func(m *Mapping) {
		for _, id := range gone {
			delete(m.HostedQueues, id)
		}
	})
}
