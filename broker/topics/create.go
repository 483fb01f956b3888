package topics

import (
	"fmt"
	"strings"

	"github.com/gantrymq/gantry/protocol"
)

// CreateOnSend gives a topic that a producer sends to: the one there is, or a
// new one in the image of defaultTopic, which the producer names (TBW102 unless
// it was set otherwise). The new topic inherits the permissions without
// PermInherit, and the lesser of the template's write queues and wantQueues.
//
// It fails when the template does not exist or may not be inherited from. The
// names may be views into a request: they are copied when they are kept.
func (m *Manager) CreateOnSend(topic, defaultTopic string, wantQueues, sysFlag int32) (*protocol.TopicConfig, error) {
	return m.create(topic, func() (*protocol.TopicConfig, error) {
		template := m.Get(defaultTopic)
		if template == nil {
			return nil, fmt.Errorf("topic %s is not created: the default topic %s does not exist", topic, defaultTopic)
		}
		perm := template.Perm
		if defaultTopic == protocol.TopicAutoCreate && !m.autoCreate.Load() {
			// The file may still have TBW102 from a time when it was allowed.
			perm = protocol.PermRead | protocol.PermWrite
		}
		if perm&protocol.PermInherit == 0 {
			return nil, fmt.Errorf("topic %s is not created: the default topic %s may not be inherited from (perm %d)",
				topic, defaultTopic, perm)
		}
		queues := max(0, min(wantQueues, template.WriteQueueNums))
		c := protocol.DefaultTopicConfig(strings.Clone(topic))
		c.ReadQueueNums, c.WriteQueueNums = queues, queues
		c.Perm = perm &^ protocol.PermInherit
		c.TopicSysFlag = sysFlag
		c.TopicFilterType = template.TopicFilterType
		return &c, nil
	})
}

// CreateOnSendBack gives a retry or dead-letter topic: the one there is, or a
// new one of that shape. An existing topic whose order mark differs is changed
// to match. The name may be a view into a request.
func (m *Manager) CreateOnSendBack(topic string, queues, perm int32, order bool, sysFlag int32) *protocol.TopicConfig {
	if c := m.Get(topic); c != nil {
		if c.Order == order || m.isLight(topic) {
			return c
		}
		return m.setOrder(topic, order)
	}
	c, _ := m.create(topic, func() (*protocol.TopicConfig, error) {
		c := protocol.DefaultTopicConfig(strings.Clone(topic))
		c.ReadQueueNums, c.WriteQueueNums = queues, queues
		c.Perm = perm
		c.Order = order
		c.TopicSysFlag = sysFlag
		return &c, nil
	})
	return c
}

// setOrder returns the topic with the order mark set so, or nil when it was
// deleted meanwhile. Upstream does not register such a change with the name
// servers before the next full registration.
func (m *Manager) setOrder(topic string, order bool) *protocol.TopicConfig {
	m.table.Lock()
	c := m.Get(topic)
	if c == nil || c.Order == order {
		m.table.Unlock()
		return c
	}
	c = c.Clone()
	c.Order = order
	m.store(c)
	m.table.Unlock()
	m.report(m.file.Persist())
	return c
}

// CreateTransCheckMaxTime gives the topic of half messages that were checked too
// often, creating it at need.
func (m *Manager) CreateTransCheckMaxTime(queues, perm int32) *protocol.TopicConfig {
	return m.CreateIfAbsent(func() *protocol.TopicConfig {
		c := protocol.DefaultTopicConfig(protocol.TopicTransCheckMaxTime)
		c.ReadQueueNums, c.WriteQueueNums = queues, queues
		c.Perm = perm
		return &c
	}())
}

// CreateIfAbsent gives the topic named by c, making it c when there is none. The
// Manager owns c from now on.
func (m *Manager) CreateIfAbsent(c *protocol.TopicConfig) *protocol.TopicConfig {
	c, _ = m.create(c.TopicName, func() (*protocol.TopicConfig, error) { return c, nil })
	return c
}

// create gives the topic there is, or adds the one that build makes, writes the
// table and tells of it. build is called with the table's lock held.
func (m *Manager) create(topic string, build func() (*protocol.TopicConfig, error)) (*protocol.TopicConfig, error) {
	if c := m.Get(topic); c != nil {
		return c, nil
	}
	m.table.Lock()
	// Several producers may send the first message at once.
	if c := m.Get(topic); c != nil {
		m.table.Unlock()
		return c, nil
	}
	c, err := build()
	if err == nil {
		m.store(c)
	}
	m.table.Unlock()
	if err != nil {
		return nil, err
	}
	m.created(c)
	return c, nil
}
