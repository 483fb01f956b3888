package topics

import "github.com/gantrymq/gantry/protocol"

// addSystemTopics fills the table with what every broker of 5.5.0 has at start.
// Upstream does not count this as a change of the data version.
func (m *Manager) addSystemTopics() {
	const usable = protocol.PermRead | protocol.PermWrite
	o := &m.opts
	m.addSystemTopic(protocol.TopicSelfTest, 1, usable)
	if o.AutoCreate {
		m.addSystemTopic(protocol.TopicAutoCreate, o.DefaultQueues, usable|protocol.PermInherit)
	}
	m.addSystemTopic(protocol.TopicBenchmark, 1024, usable)
	m.addSystemTopic(o.ClusterName, 16, inheritable(o.ClusterTopic))
	m.addSystemTopic(o.BrokerName, 1, inheritable(o.BrokerTopic))
	m.addSystemTopic(protocol.TopicOffsetMoved, 1, usable)
	// Always 18 queues, however many levels messageDelayLevel has.
	m.addSystemTopic(protocol.TopicSchedule, 18, usable)
	if o.TraceTopic != "" {
		m.addSystemTopic(o.TraceTopic, 1, usable)
	}
	m.addSystemTopic(o.ClusterName+protocol.SuffixReplyTopic, 1, usable)
	m.addSystemTopic(protocol.PrefixReviveTopic+o.ClusterName, o.ReviveQueues, usable)
	m.addSystemTopic(protocol.PrefixSyncBrokerMember+o.BrokerName, 1, protocol.PermInherit)
	m.addSystemTopic(protocol.TopicTransHalf, 1, usable)
	m.addSystemTopic(protocol.TopicTransOpHalf, 1, usable)
	m.addSystemTopic(protocol.TopicRocksTransHalf, 1, usable)
	m.addSystemTopic(protocol.TopicRocksTransOpHalf, 1, usable)
	if o.TimerWheelTopic {
		m.addSystemTopic(protocol.TopicWheelTimer, 1, usable)
	}
}

func (m *Manager) addSystemTopic(name string, queues, perm int32) {
	c := protocol.DefaultTopicConfig(name)
	c.ReadQueueNums, c.WriteQueueNums = queues, queues
	c.Perm = perm
	m.table.Lay(name, &c)
	m.system[name] = true
}

// inheritable is the permission of a topic that others may be made after, and
// that may itself be used only when enabled.
func inheritable(enabled bool) int32 {
	if enabled {
		return protocol.PermInherit | protocol.PermRead | protocol.PermWrite
	}
	return protocol.PermInherit
}
