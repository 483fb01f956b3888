package pop

import (
	"strings"

	"github.com/gantrymq/gantry/protocol"
)

// ReviveTopic is the topic of check points and acknowledgements of a cluster.
func ReviveTopic(cluster string) string { return protocol.PrefixReviveTopic + cluster }

// ReviveGroup is the group whose offsets tell how far the revive topic is
// handled. Unlike those of other groups they name the record handled last.
const ReviveGroup = protocol.GroupSysRevive

// RetryTopic is where messages of a topic come again for a group: by default
// with an underscore between the names, with a plus sign (v2) under
// enableRetryTopicV2.
func RetryTopic(topic, group string, v2 bool) string {
	if v2 {
		return protocol.PrefixRetry + group + "+" + topic
	}
	return protocol.PrefixRetry + group + "_" + topic
}

// NormalTopic is the topic that a group's messages in a retry topic came from;
// any other topic is itself.
func NormalTopic(topic, group string) string {
	rest, ok := strings.CutPrefix(topic, protocol.PrefixRetry)
	if !ok {
		return topic
	}
	for _, separator := range []string{"+", "_"} {
		if normal, ok := strings.CutPrefix(rest, group+separator); ok {
			return normal
		}
	}
	return topic
}

// Origin tells in texts what kind of topic a message was read from.
type Origin string

// The kinds.
const (
	FromTopic   Origin = "0"
	FromRetry   Origin = "1"
	FromRetryV2 Origin = "2"
)

// Known reports whether o is one of the kinds.
func (o Origin) Known() bool { return o == FromTopic || o == FromRetry || o == FromRetryV2 }

// OriginOf tells the kind of a topic by its name.
func OriginOf(topic string) Origin {
	rest, ok := strings.CutPrefix(topic, protocol.PrefixRetry)
	switch {
	case !ok:
		return FromTopic
	case strings.Contains(rest, "+"):
		return FromRetryV2
	}
	return FromRetry
}

// Topic is the topic that a message of this kind was read from.
func (o Origin) Topic(topic, group string) string {
	switch o {
	case FromRetry:
		return RetryTopic(topic, group, false)
	case FromRetryV2:
		return RetryTopic(topic, group, true)
	}
	return topic
}
