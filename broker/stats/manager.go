// Package stats counts what the broker does and keeps the sums of the last
// minute, hour and day of each count, which VIEW_BROKER_STATS_DATA and the
// run-time information show.
//
// Names, keys and windows are those of upstream's BrokerStatsManager in 5.5.0.
// Upstream knows more names that nothing in 5.5.0 ever counts under (COMMERCIAL_…,
// …_FROM_DISK_…, DLQ_PUT_NUMS): they do not exist when they are asked for, there and
// here.
package stats

import (
	"context"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/gantrymq/gantry/protocol"
)

// Names of statistics. The key is a topic for TOPIC_…, "topic@group" for
// GROUP_… and SNDBCK_PUT_NUMS, the cluster's name for BROKER_… and …_REGISTER_TIME;
// other keys are given beside the name. Latencies and times are in ms.
const (
	TopicPutNums = "TOPIC_PUT_NUMS"
	TopicPutSize = "TOPIC_PUT_SIZE"
	GroupGetNums = "GROUP_GET_NUMS"
	GroupGetSize = "GROUP_GET_SIZE"
	GroupAckNums = "GROUP_ACK_NUMS"
	GroupCkNums  = "GROUP_CK_NUMS"
	SendBackNums = "SNDBCK_PUT_NUMS"

	BrokerPutNums         = "BROKER_PUT_NUMS"
	BrokerGetNums         = "BROKER_GET_NUMS"
	BrokerPutNumsNoSystem = "BROKER_PUT_NUMS_WITHOUT_SYSTEM_TOPIC"
	BrokerGetNumsNoSystem = "BROKER_GET_NUMS_WITHOUT_SYSTEM_TOPIC"
	BrokerAckNums         = "BROKER_ACK_NUMS"
	BrokerCkNums          = "BROKER_CK_NUMS"

	TopicPutLatency = "TOPIC_PUT_LATENCY" // key queueId@topic
	GroupGetLatency = "GROUP_GET_LATENCY" // key queueId@topic@group, or topic@group

	// Of the queues of delayed messages only.
	QueuePutNums = "QUEUE_PUT_NUMS" // key topic@queueId
	QueuePutSize = "QUEUE_PUT_SIZE" // key topic@queueId
	QueueGetNums = "QUEUE_GET_NUMS" // key topic@queueId@group
	QueueGetSize = "QUEUE_GET_SIZE" // key topic@queueId@group

	SendBackToDLQ        = "SNDBCK2DLQ_TIMES" // key owner@topic@group@type
	ConsumerRegisterTime = "CONSUMER_REGISTER_TIME"
	ProducerRegisterTime = "PRODUCER_REGISTER_TIME"
	ChannelActivity      = "CHANNEL_ACTIVITY" // keys CONNECT, IDLE, EXCEPTION, CLOSE
)

// Manager holds the statistics. It is safe for concurrent use.
//
// The hot path asks Topic or Group for the Flow and adds to it: a look-up
// without a lock and a few atomic additions, no allocation.
type Manager struct {
	cluster  string
	byQueue  bool
	now      func() int64
	isSystem func(topic string) bool

	topics sync.Map // topic → *Flow, messages put
	groups sync.Map // groupTopic → *Flow, messages got
	items  sync.Map // itemKey → *Item, everything else

	put, get whole // of the whole broker
	rates    Rates

	days days
}

type groupTopic struct{ group, topic string }

type itemKey struct{ name, key string }

// New makes a Manager without statistics. cluster is the key of what concerns
// the whole broker, byQueue has statistics by single queue too (upstream's
// enableDetailStat), now is in ms since 1970, isSystem tells the topics of the
// broker itself.
func New(cluster string, byQueue bool, now func() int64, isSystem func(topic string) bool) *Manager {
	m := &Manager{cluster: cluster, byQueue: byQueue, now: now, isSystem: isSystem}
	m.put.flows, m.get.flows = &m.topics, &m.groups
	return m
}

// Topic returns the Flow of messages put into a topic. It may be kept until the
// topic is deleted. The name may be a view into a request.
func (m *Manager) Topic(topic string) *Flow {
	if v, ok := m.topics.Load(topic); ok {
		return v.(*Flow)
	}
	topic = strings.Clone(topic)
	v, _ := m.topics.LoadOrStore(topic, &Flow{system: m.isSystem(topic)})
	return v.(*Flow)
}

// Group returns the Flow of messages that a group got from a topic. It may be
// kept until either is deleted. The names may be views into a request.
func (m *Manager) Group(group, topic string) *Flow {
	if v, ok := m.groups.Load(groupTopic{group, topic}); ok {
		return v.(*Flow)
	}
	key := groupTopic{strings.Clone(group), strings.Clone(topic)}
	v, _ := m.groups.LoadOrStore(key, &Flow{system: m.isSystem(key.topic)})
	return v.(*Flow)
}

// Item returns the statistic of that name and key, of those that are neither a
// topic's nor a group's Flow. It may be kept. The strings may be views into a
// request.
func (m *Manager) Item(name, key string) *Item {
	if v, ok := m.items.Load(itemKey{name, key}); ok {
		return v.(*Item)
	}
	v, _ := m.items.LoadOrStore(itemKey{strings.Clone(name), strings.Clone(key)}, &Item{})
	return v.(*Item)
}

// GroupItem is Item with the key "topic@group".
func (m *Manager) GroupItem(name, group, topic string) *Item { return m.Item(name, topic+"@"+group) }

// PutLatency counts how many ms it took to store a message for a queue.
func (m *Manager) PutLatency(topic string, queueID int32, ms int64) {
	m.Topic(topic).queues.add(queueID, ms)
}

// GetLatency counts how many ms it took to find messages of a queue for a group.
func (m *Manager) GetLatency(group, topic string, queueID int32, ms int64) {
	if !m.byQueue {
		queueID = -1
	}
	m.Group(group, topic).queues.add(queueID, ms)
}

// QueuePut counts messages that wait in a queue of the broker's own.
func (m *Manager) QueuePut(topic string, queueID int32, messages, bytes int) {
	if m.byQueue {
		key := topic + "@" + strconv.Itoa(int(queueID))
		m.Item(QueuePutNums, key).Add(int64(messages), 1)
		m.Item(QueuePutSize, key).Add(int64(bytes), 1)
	}
}

// QueueGet counts messages that the broker took out of such a queue, as a group.
func (m *Manager) QueueGet(group, topic string, queueID int32, messages, bytes int) {
	if m.byQueue {
		key := topic + "@" + strconv.Itoa(int(queueID)) + "@" + group
		m.Item(QueueGetNums, key).Add(int64(messages), 1)
		m.Item(QueueGetSize, key).Add(int64(bytes), 1)
	}
	m.GroupItem(GroupGetNums, group, topic).Add(int64(messages), 1)
	m.GroupItem(GroupGetSize, group, topic).Add(int64(bytes), 1)
}

// Registered counts registrations of consumers or producers in a heartbeat, and how
// long all of them took.
func (m *Manager) Registered(name string, ms int64, times int) {
	m.Item(name, m.cluster).Add(ms, int64(times))
}

// BrokerAcked and BrokerCheckPoints count, for the whole broker, POP
// acknowledgements, and check points of pops and of changed invisible times.
func (m *Manager) BrokerAcked(n int) { m.Item(BrokerAckNums, m.cluster).Add(int64(n), 0) }

// BrokerCheckPoints see BrokerAcked.
func (m *Manager) BrokerCheckPoints(n int) { m.Item(BrokerCkNums, m.cluster).Add(int64(n), 0) }

// View returns the sums of the last minute, hour and day, and false when nothing
// has ever been counted under that name and key.
func (m *Manager) View(name, key string) (protocol.BrokerStatsData, bool) {
	switch name {
	case TopicPutNums, TopicPutSize:
		if v, ok := m.topics.Load(key); ok {
			return v.(*Flow).view(name == TopicPutSize), true
		}
		return protocol.BrokerStatsData{}, false
	case GroupGetNums, GroupGetSize:
		topic, group, _ := strings.Cut(key, "@")
		if v, ok := m.groups.Load(groupTopic{group, topic}); ok {
			return v.(*Flow).view(name == GroupGetSize), true
		}
	case TopicPutLatency, GroupGetLatency:
		return m.viewLatency(name, key)
	}
	if w := m.whole(name); w != nil {
		if key != m.cluster {
			return protocol.BrokerStatsData{}, false
		}
		return w.view(nums), true
	}
	if v, ok := m.items.Load(itemKey{name, key}); ok {
		return v.(*Item).windows.view(nums), true
	}
	return protocol.BrokerStatsData{}, false
}

// whole returns the windows of what concerns the whole broker.
func (m *Manager) whole(name string) *windows {
	switch name {
	case BrokerPutNums:
		return &m.put.all
	case BrokerPutNumsNoSystem:
		return &m.put.noSystem
	case BrokerGetNums:
		return &m.get.all
	case BrokerGetNumsNoSystem:
		return &m.get.noSystem
	}
	return nil
}

// TopicPutTPS is the number of messages a second that were put into a topic in
// the last minute.
func (m *Manager) TopicPutTPS(topic string) float64 {
	data, _ := m.View(TopicPutNums, topic)
	return data.StatsMinute.TPS
}

// GroupGetTPS is the number of messages a second that a group got from a topic
// in the last minute.
func (m *Manager) GroupGetTPS(group, topic string) float64 {
	data, _ := m.View(GroupGetNums, topic+"@"+group)
	return data.StatsMinute.TPS
}

// Rates are the calls a second that the run-time information shows.
func (m *Manager) Rates() *Rates { return &m.rates }

// PutTotal and GetTotal count the messages since the start that were put into
// and got from topics other than the broker's own.
func (m *Manager) PutTotal() int64 {
	_, n := m.put.totals()
	return n
}

// GetTotal see PutTotal.
func (m *Manager) GetTotal() int64 {
	_, n := m.get.totals()
	return n
}

// RemoveTopic forgets a topic's statistics.
func (m *Manager) RemoveTopic(topic string) {
	m.put.remove(topic)
	m.removeGroups(func(k groupTopic) bool { return k.topic == topic }, func(key string) bool { return strings.HasPrefix(key, topic+"@") })
}

// RemoveGroup forgets a group's statistics.
func (m *Manager) RemoveGroup(group string) {
	m.removeGroups(func(k groupTopic) bool { return k.group == group }, func(key string) bool { return strings.HasSuffix(key, "@"+group) })
}

func (m *Manager) removeGroups(flow func(groupTopic) bool, key func(string) bool) {
	m.groups.Range(func(k, _ any) bool {
		if flow(k.(groupTopic)) {
			m.get.remove(k)
		}
		return true
	})
	m.items.Range(func(k, _ any) bool {
		switch at := k.(itemKey); at.name {
		case GroupAckNums, GroupCkNums, SendBackNums:
			if key(at.key) {
				m.items.Delete(k)
			}
		}
		return true
	})
}

// Run samples the statistics until ctx is done: every 10 s for the last minute,
// every 10 min for the last hour, every hour for the last day.
func (m *Manager) Run(ctx context.Context) error {
	const perMinute, perHour, perDay = 6, 60, 360 // in steps of 10 s
	m.days.start(m)
	m.sample(false, true, true)
	ticker := time.NewTicker(10 * time.Second)
	defer ticker.Stop()
	for step := 1; ; step++ {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-ticker.C:
		}
		m.sample(step%perMinute == 0, step%perHour == 0, step%perDay == 0)
		m.days.check(m)
	}
}

func (m *Manager) sample(minute, hour, day bool) {
	now := m.now()
	visit := func(_, v any) bool {
		switch c := v.(type) {
		case *Flow:
			c.windows.sample(now, c.totals(), hour, day)
			c.queues.sample(now, hour, day)
		case *Item:
			c.windows.sample(now, c.totals(), hour, day)
		}
		return true
	}
	m.topics.Range(visit)
	m.groups.Range(visit)
	m.items.Range(visit)
	m.put.sample(now, hour, day)
	m.get.sample(now, hour, day)
	m.rates.sample(now, minute)
}
