package topics

import (
	"strings"

	"github.com/gantrymq/gantry/compat"
	"github.com/gantrymq/gantry/protocol"
)

// isLight reports whether a topic is a light message queue.
func (m *Manager) isLight(topic string) bool { return m.opts.LightQueues && compat.IsLMQ(topic) }

// lightConfig is the configuration of every light message queue (upstream's
// LmqTopicConfigManager): one queue, to be read and written. There may be
// thousands of them, so none is in the table, registered, or ever created.
func lightConfig(topic string) *protocol.TopicConfig {
	c := protocol.DefaultTopicConfig(strings.Clone(topic))
	c.ReadQueueNums, c.WriteQueueNums = 1, 1
	c.Perm = protocol.PermRead | protocol.PermWrite
	return &c
}
