package compat

import (
	"strings"

	"github.com/gantrymq/gantry/protocol"
)

// Names that are made out of other names: retry and dead-letter topics, light
// message queues, lite topics and namespaces (upstream's KeyBuilder, MixAll,
// LiteUtil and NamespaceUtil).

const (
	popRetryV1  = "_"
	popRetryV2  = "+"
	liteSep     = "$"
	liteTopic   = protocol.PrefixLMQ + liteSep
	nsSeparator = "%"
)

// IsRetryTopic reports whether a topic holds messages to be tried again.
func IsRetryTopic(topic string) bool { return strings.HasPrefix(topic, protocol.PrefixRetry) }

// IsDLQTopic reports whether a topic holds messages that were given up.
func IsDLQTopic(topic string) bool { return strings.HasPrefix(topic, protocol.PrefixDLQ) }

// IsLMQ reports whether a topic or group names a light message queue.
func IsLMQ(name string) bool { return strings.HasPrefix(name, protocol.PrefixLMQ) }

// AllowsLMQ reports whether messages of a topic may also be dispatched to light
// message queues.
func AllowsLMQ(topic string) bool {
	return !IsRetryTopic(topic) && !IsDLQTopic(topic) &&
		!strings.HasPrefix(topic, protocol.PrefixSystemTopic) && topic != protocol.TopicSchedule
}

// PopRetryTopic is the topic of a group's POP retries. The second form has a
// separator that no name contains, so that it can be taken apart again; the
// broker's enableRetryTopicV2 chooses it.
func PopRetryTopic(topic, group string, v2 bool) string {
	if v2 {
		return protocol.PrefixRetry + group + popRetryV2 + topic
	}
	return protocol.PrefixRetry + group + popRetryV1 + topic
}

// RetryGroup is the group of a retry topic. Of a POP retry topic of the first
// form it returns group and topic together, as upstream does.
func RetryGroup(retryTopic string) string {
	if group, _, ok := splitPopRetryV2(retryTopic); ok {
		return group
	}
	return strings.TrimPrefix(retryTopic, protocol.PrefixRetry)
}

// splitPopRetryV2 follows Java's String.split, which drops empty strings at the end.
func splitPopRetryV2(topic string) (group, origin string, ok bool) {
	if !IsRetryTopic(topic) {
		return "", "", false
	}
	group, origin, ok = strings.Cut(strings.TrimRight(topic, popRetryV2), popRetryV2)
	if !ok || strings.Contains(origin, popRetryV2) {
		return "", "", false
	}
	return group[len(protocol.PrefixRetry):], origin, true
}

// LiteTopicName is the light message queue that stores a lite topic of a
// parent; "" when either is empty.
func LiteTopicName(parent, lite string) string {
	if parent == "" || lite == "" {
		return ""
	}
	return liteTopic + parent + liteSep + lite
}

// IsLiteTopicName reports whether a light message queue stores a lite topic.
func IsLiteTopicName(lmq string) bool { return strings.HasPrefix(lmq, liteTopic) }

// SplitLiteTopicName takes apart what LiteTopicName made.
func SplitLiteTopicName(lmq string) (parent, lite string, ok bool) {
	rest, ok := strings.CutPrefix(lmq, liteTopic)
	if !ok {
		return "", "", false
	}
	parent, lite, ok = strings.Cut(rest, liteSep)
	if !ok || parent == "" || lite == "" || strings.Contains(lite, liteSep) {
		return "", "", false
	}
	return parent, lite, true
}
