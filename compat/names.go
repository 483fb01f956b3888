package compat

import (
	"maps"
	"slices"
	"strings"
	"unicode"

	"github.com/gantrymq/gantry/protocol"
)

// Limits on names (upstream's TopicValidator). Names are ASCII once their
// characters have been judged, so bytes and Java's chars are the same count.
const (
	MaxTopicLength      = 127
	MaxRetryTopicLength = 255 // %RETRY% and %DLQ% topics, which contain a group
	MaxGroupLength      = 120
)

// nameRule is quoted in upstream's remarks as if a regular expression were used.
const nameRule = "^[%|a-zA-Z0-9_-]+$"

// IsIllegalName reports whether a topic or group contains a character outside
// letters, digits, %, |, _ and -. The empty name contains none.
func IsIllegalName(name string) bool {
	for i := 0; i < len(name); i++ {
		switch c := name[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case c == '%', c == '|', c == '_', c == '-':
		default:
			return true
		}
	}
	return false
}

// CheckTopic judges a topic name by its characters and length, with upstream's
// remark for a name that is refused. It does not look for system topics. The
// remark is empty when ok.
func CheckTopic(topic string) (remark string, ok bool) {
	switch {
	case isBlank(topic):
		return "The specified topic is blank.", false
	case IsIllegalName(topic):
		return "The specified topic: " + topic + ", contains illegal characters, allowing only " + nameRule, false
	case IsRetryTopic(topic) || IsDLQTopic(topic):
		if len(topic) > MaxRetryTopicLength {
			return "The specified topic is DLQ or Retry topic: " + topic + ", and it's longer than topic max length: 255", false
		}
	case len(topic) > MaxTopicLength:
		return "The specified topic: " + topic + ", is longer than topic max length: 127", false
	}
	return "", true
}

// CheckGroup judges a producer or consumer group as CheckTopic judges topics.
func CheckGroup(group string) (remark string, ok bool) {
	switch {
	case isBlank(group):
		return "The specified group is blank.", false
	case IsIllegalName(group):
		return "The specified group: " + group + ", contains illegal characters, allowing only " + nameRule, false
	case len(group) > MaxGroupLength:
		return "The specified group: " + group + ", is longer than group max length: 120", false
	}
	return "", true
}

// systemTopics are the names of system topics that are fixed; the topics with
// protocol.PrefixSystemTopic belong to them too, and a broker adds its own name,
// its cluster's and others at start.
var systemTopics = map[string]struct{}{
	protocol.TopicAutoCreate:        {},
	protocol.TopicSchedule:          {},
	protocol.TopicBenchmark:         {},
	protocol.TopicTransHalf:         {},
	protocol.TopicTrace:             {},
	protocol.TopicTransOpHalf:       {},
	protocol.TopicTransCheckMaxTime: {},
	protocol.TopicSelfTest:          {},
	protocol.TopicOffsetMoved:       {},
	protocol.TopicCheckpoint:        {},
	protocol.TopicRocksTransHalf:    {},
	protocol.TopicRocksTransOpHalf:  {},
}

// FixedSystemTopics lists the system topics that every broker has, sorted.
func FixedSystemTopics() []string { return slices.Sorted(maps.Keys(systemTopics)) }

// IsSystemTopic reports whether a topic is one of the fixed system topics or
// carries their prefix. A broker's further system topics (its name, its
// cluster) are the broker's to know.
func IsSystemTopic(topic string) bool {
	if strings.HasPrefix(topic, protocol.PrefixSystemTopic) {
		return true
	}
	_, ok := systemTopics[topic]
	return ok
}

// IsSendForbidden reports whether clients may not send to a topic because the
// broker writes it itself.
func IsSendForbidden(topic string) bool {
	switch topic {
	case protocol.TopicSchedule, protocol.TopicTransHalf, protocol.TopicTransOpHalf, protocol.TopicTransCheckMaxTime,
		protocol.TopicSelfTest, protocol.TopicOffsetMoved, protocol.TopicRocksTransHalf, protocol.TopicRocksTransOpHalf:
		return true
	}
	return false
}

// isBlank is upstream's test for an empty name: nothing but what Java's
// Character.isWhitespace accepts, which leaves out the no-break spaces and
// includes the four ASCII separators.
func isBlank(s string) bool {
	for _, r := range s {
		switch {
		case r >= 0x1C && r <= 0x1F:
		case r == 0x85, r == 0xA0, r == 0x2007, r == 0x202F:
			return false
		case !unicode.IsSpace(r):
			return false
		}
	}
	return true
}
