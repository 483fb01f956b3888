package staticqueue

import (
	"maps"
	"slices"

	"github.com/gantrymq/gantry/logicqueue"
	"github.com/gantrymq/gantry/protocol"
)

// Place is a logical queue as a request means it, and the item of it that the
// request is about. The zero Place is that of a topic that is not static.
type Place struct {
	Mapping *Mapping // nil: the topic is not static, or the request means queues of the broker
	ID      int32    // of the logical queue
	Items   logicqueue.Queue
	Item    *logicqueue.Item // set by At
}

// Find looks a logical queue up. logical is the request's own word on what its queue
// id means: false says that another broker has found the place already.
func (m *Manager) Find(topic string, id int32, logical protocol.Opt[bool]) Place {
	mapping := m.Get(topic)
	if mapping == nil || logical.Set && !logical.V {
		return Place{}
	}
	return Place{Mapping: mapping, ID: id, Items: mapping.HostedQueues[id]}
}

// FindToSend is Find for a send, which may leave the choice of the queue to the
// broker by a negative id: that is the lowest one that the broker has a part in.
func (m *Manager) FindToSend(topic string, id int32, logical protocol.Opt[bool]) Place {
	p := m.Find(topic, id, logical)
	if p.Mapping != nil && id < 0 && len(p.Mapping.HostedQueues) > 0 {
		p.ID = slices.Min(slices.Collect(maps.Keys(p.Mapping.HostedQueues)))
		p.Items = p.Mapping.HostedQueues[p.ID]
	}
	return p
}

// Static reports whether there is a logical queue at all.
func (p *Place) Static() bool { return p.Mapping != nil }

// Led reports whether this broker leads the logical queue.
func (p *Place) Led() bool {
	leader := p.Items.Leader()
	return leader != nil && leader.BrokerName == p.Mapping.BrokerName
}

// Here reports whether an item lies at this broker.
func (p *Place) Here(item *logicqueue.Item) bool { return item.BrokerName == p.Mapping.BrokerName }

// AsBrokersOwn reports whether the logical queue and the broker's are the same but
// for their numbers, as they are until the queue moves.
func (p *Place) AsBrokersOwn() bool { return len(p.Items) == 1 && p.Items[0].LogicOffset == 0 }

// At makes the item that an offset lies in the one that the place is about, and
// returns it; nil when it is not decided of any item where it lies.
func (p *Place) At(offset int64) *logicqueue.Item {
	p.Item = p.Items.At(offset)
	return p.Item
}
