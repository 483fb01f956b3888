package logicqueue

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/gantrymq/gantry/protocol"
)

// Part is what one broker has of a static topic: its settings, and its mapping, which
// is missing where the topic is not static.
type Part = protocol.TopicConfigAndQueueMapping

// Parts are the parts of one topic by broker.
type Parts map[string]*Part

// led is a logical queue with the broker that leads it.
type led struct {
	broker string
	items  Queue
}

// checkAgreement wants the same topic, scope, epoch and number of queues from all
// parts, and returns the latter two.
func (p Parts) checkAgreement(topic string) (epoch int64, total int32, err error) {
	epoch, total = -1, -1
	scope := ""
	for _, broker := range p.brokers() {
		m := p[broker].MappingDetail
		switch {
		case m == nil:
			return 0, 0, fmt.Errorf("Mapping info should not be null in broker %s", broker)
		case m.BrokerName != broker:
			return 0, 0, fmt.Errorf("The broker name is not equal %s != %s ", broker, m.BrokerName)
		case m.Dirty:
			return 0, 0, fmt.Errorf("The mapping info is dirty in broker  %s", broker)
		case p[broker].TopicName != m.Topic:
			return 0, 0, fmt.Errorf("The topic name is inconsistent in broker  %s", broker)
		case topic != m.Topic:
			return 0, 0, fmt.Errorf("The topic name is not match for broker  %s", broker)
		case scope != "" && scope != m.Scope:
			return 0, 0, fmt.Errorf("scope does not match %s != %s in %s", m.Scope, scope, broker)
		case epoch != -1 && epoch != m.Epoch:
			return 0, 0, fmt.Errorf("epoch does not match %d != %d in %s", epoch, m.Epoch, broker)
		case total != -1 && total != m.TotalQueues:
			return 0, 0, fmt.Errorf("total queue number does not match %d != %d in %s", total, m.TotalQueues, broker)
		}
		scope, epoch, total = m.Scope, m.Epoch, m.TotalQueues
	}
	return epoch, total, nil
}

// leaders finds the broker that leads each logical queue, and wants all of them.
func (p Parts) leaders() (map[int32]led, error) {
	all, total, err := p.leadersFound(false)
	if err != nil {
		return nil, err
	}
	if int(total) != len(all) {
		return nil, fmt.Errorf("The total queue number in config does not match the real hosted queues %d != %d", total, len(all))
	}
	for id := range total {
		if _, ok := all[id]; !ok {
			return nil, fmt.Errorf("The queue number %d is not in globalIdMap", id)
		}
	}
	return all, nil
}

// leadersFound finds who leads which logical queue. Of two brokers that both say so,
// the one with the higher epoch is believed when newest is set.
func (p Parts) leadersFound(newest bool) (map[int32]led, int32, error) {
	brokers := p.brokers()
	brokers = slices.DeleteFunc(brokers, func(b string) bool { return p[b].MappingDetail == nil })
	slices.SortStableFunc(brokers, func(a, b string) int {
		return int(max(-1, min(1, p[b].MappingDetail.Epoch-p[a].MappingDetail.Epoch)))
	})
	all, total := map[int32]led{}, int32(0)
	for _, broker := range brokers {
		m := p[broker].MappingDetail
		total = max(total, m.TotalQueues)
		for _, id := range slices.Sorted(maps.Keys(m.HostedQueues)) {
			items := Queue(m.HostedQueues[id])
			if err := items.Check(); err != nil {
				return nil, 0, err
			}
			if leader := items.Leader(); leader == nil || leader.BrokerName != m.BrokerName {
				continue
			}
			if other, twice := all[id]; twice {
				if !newest {
					return nil, 0, fmt.Errorf("The queue id is duplicated in broker %s %s", m.BrokerName, other.broker)
				}
				continue
			}
			all[id] = led{m.BrokerName, items}
		}
	}
	return all, total, checkUsedOnce(all)
}

// checkUsedOnce wants no queue of a broker to be part of two logical queues.
func checkUsedOnce(all map[int32]led) error {
	type place struct {
		broker string
		queue  int32
	}
	used := map[place]int32{}
	for _, id := range slices.Sorted(maps.Keys(all)) {
		for _, item := range all[id].items {
			at := place{item.BrokerName, item.QueueID}
			if other, twice := used[at]; twice {
				return fmt.Errorf("global queue id %d and %d shared the same physical queue %s-%d", other, id, at.broker, at.queue)
			}
			used[at] = id
		}
	}
	return nil
}

// checkQueuesExist wants every item in a queue that its broker has.
func (p Parts) checkQueuesExist() error {
	for _, broker := range p.brokers() {
		part := p[broker]
		if part.ReadQueueNums < part.WriteQueueNums {
			return errors.New("Read queues is smaller than write queues")
		}
		for _, items := range part.MappingDetail.HostedQueues {
			for _, item := range items {
				home := p[item.BrokerName]
				switch {
				case item.StartOffset != 0:
					return errors.New("The start offset does not begin from 0")
				case home == nil:
					return errors.New("The broker of item does not exist")
				case item.QueueID >= home.WriteQueueNums:
					return errors.New("The physical queue id is overflow the write queues")
				}
			}
		}
	}
	return nil
}

// check wants everything that a static topic must keep to, and returns its epoch,
// its number of queues and their leaders.
func (p Parts) check(topic string) (epoch int64, total int32, all map[int32]led, err error) {
	if epoch, total, err = p.checkAgreement(topic); err != nil {
		return 0, 0, nil, err
	}
	if all, err = p.leaders(); err != nil {
		return 0, 0, nil, err
	}
	return epoch, total, all, p.checkQueuesExist()
}

// Check finds what is wrong with a static topic, its parts at all brokers taken
// together, and returns its epoch.
func (p Parts) Check(topic string) (epoch int64, err error) {
	epoch, _, _, err = p.check(topic)
	return epoch, err
}

// CheckAgreement is the part of Check that upstream's tool demands before it plans:
// the same topic, scope, epoch and number of queues everywhere. It returns the epoch.
func (p Parts) CheckAgreement(topic string) (epoch int64, err error) {
	epoch, _, err = p.checkAgreement(topic)
	return epoch, err
}

// Leaders are the logical queues as their leaders know them. Of two brokers that both
// claim to lead one, the one with the higher epoch is believed.
func (p Parts) Leaders() (map[int32]Queue, error) {
	all, _, err := p.leadersFound(true)
	queues := make(map[int32]Queue, len(all))
	for id, l := range all {
		queues[id] = l.items
	}
	return queues, err
}

func (p Parts) brokers() []string { return slices.Sorted(maps.Keys(p)) }

// Clone copies the parts and the mappings down to the lists of items, not the items.
func (p Parts) Clone() Parts {
	out := make(Parts, len(p))
	for broker, part := range p {
		c := new(Part)
		*c = *part
		c.Attributes = maps.Clone(part.Attributes)
		if part.MappingDetail != nil {
			m := *part.MappingDetail
			m.HostedQueues = maps.Clone(m.HostedQueues)
			if m.HostedQueues == nil {
				m.HostedQueues = map[int32][]*Item{}
			}
			c.MappingDetail = &m
		}
		out[broker] = c
	}
	return out
}

// set gives all parts an epoch and a number of queues.
func (p Parts) set(epoch int64, total int32) {
	for _, part := range p {
		part.MappingDetail.Epoch, part.MappingDetail.TotalQueues = epoch, total
	}
}

// NewPart is the part of a broker that has none yet, without queues.
func NewPart(topic, broker string, total int32, epoch int64) *Part {
	return &Part{
		Attributes: map[string]string{}, Perm: protocol.PermRead | protocol.PermWrite, TopicFilterType: protocol.FilterSingleTag, TopicName: topic,
		MappingDetail: &protocol.TopicQueueMappingDetail{
			BrokerName: broker, CurrIDMap: map[int32]int32{}, Epoch: epoch, HostedQueues: map[int32][]*Item{},
			Scope: protocol.MappingScopeGlobal, Topic: topic, TotalQueues: total,
		},
	}
}
