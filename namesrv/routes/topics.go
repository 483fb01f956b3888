package routes

import (
	"strings"

	"github.com/gantrymq/gantry/protocol"
)

// RegisterTopic enters a single topic, as brokers with enableSingleTopicRegister
// send it. A share that names an unknown broker ends it there: the shares before
// it count for a topic that exists, and none for a new one, as upstream has it.
func (t *Table) RegisterTopic(name string, queues []*protocol.QueueData) {
	t.writers.Lock()
	defer t.writers.Unlock()

	known := t.topics[name]
	next := known
	for _, q := range queues {
		if q == nil || t.brokers[q.BrokerName] == nil {
			if known == nil {
				return
			}
			break
		}
		share := *q
		share.BrokerName = t.brokers[q.BrokerName].BrokerName
		if old, ok := next.queueOf(share.BrokerName); ok && old == share {
			continue
		}
		next = next.withQueue(strings.Clone(name), share)
	}
	if next != known {
		t.applyTopics([]topicChange{{name, next}})
	}
}

// DeleteTopic forgets a topic, or its share in one cluster when cluster is not
// empty. Brokers that still have it register it again.
func (t *Table) DeleteTopic(name, cluster string) {
	t.writers.Lock()
	defer t.writers.Unlock()

	tp := t.topics[name]
	if tp == nil {
		return
	}
	var next *topic
	if cluster != "" {
		names := t.clusters[cluster]
		next = tp.withoutQueues(func(broker string) bool { _, ok := names[broker]; return ok })
		if next != nil && len(next.queues) == len(tp.queues) {
			return
		}
	}
	t.applyTopics([]topicChange{{name, next}})
}

// WipeWritePerm takes the right to write from every topic of a broker, so that
// producers leave it before it stops. It returns how many topics the broker has.
// The next registration with a new data version brings the right back.
func (t *Table) WipeWritePerm(broker string) int {
	return t.changePerm(broker, func(perm int32) int32 { return perm &^ protocol.PermWrite })
}

// AddWritePerm makes every topic of a broker readable and writable, whatever it
// was before, and returns how many those are.
func (t *Table) AddWritePerm(broker string) int {
	return t.changePerm(broker, func(int32) int32 { return protocol.PermRead | protocol.PermWrite })
}

func (t *Table) changePerm(broker string, perm func(int32) int32) int {
	t.writers.Lock()
	defer t.writers.Unlock()

	n := 0
	var changes []topicChange
	for name, tp := range t.topics {
		q, ok := tp.queueOf(broker)
		if !ok {
			continue
		}
		n++
		if p := perm(q.Perm); p != q.Perm {
			q.Perm = p
			changes = append(changes, topicChange{name, tp.withQueue(name, q)})
		}
	}
	t.applyTopics(changes)
	return n
}
