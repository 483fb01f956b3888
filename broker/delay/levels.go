// Package delay delivers messages that were sent with a delay level, retries
// among them: they wait in the schedule topic, one queue a level, and are put
// where they belong when their time has come.
//
// The rules are those of upstream's ScheduleMessageService, but one goroutine
// sleeps until the next message of any level is due, where upstream looks at
// every level ten times a second. The store is behind an interface; the package
// knows no requests.
package delay

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/protocol"
)

// DefaultLevels are the delays of levels 1 to 18 (messageDelayLevel).
const DefaultLevels = "1s 5s 10s 30s 1m 2m 3m 4m 5m 6m 7m 8m 9m 10m 20m 30m 1h 2h"

// Levels are the delays in ms; level n is at index n-1, and waits in queue n-1.
type Levels []int64

var unitMillis = map[byte]int64{'s': 1000, 'm': 60_000, 'h': 3_600_000, 'd': 86_400_000}

// ParseLevels reads the setting messageDelayLevel: numbers with a unit s, m, h
// or d, one space between them.
func ParseLevels(setting string) (Levels, error) {
	var levels Levels
	for text := range strings.SplitSeq(setting, " ") {
		fault := func() error {
			return fmt.Errorf("messageDelayLevel %q: level %d is %q, want a number followed by s, m, h or d, and one space between levels",
				setting, len(levels)+1, text)
		}
		if len(text) < 2 {
			return nil, fault()
		}
		unit, ok := unitMillis[text[len(text)-1]]
		n, err := strconv.ParseInt(text[:len(text)-1], 10, 64)
		if !ok || err != nil || n < 0 || n > (1<<62)/unit {
			return nil, fault()
		}
		levels = append(levels, n*unit)
	}
	return levels, nil
}

// Max is the highest level.
func (l Levels) Max() int { return len(l) }

// DeliverAt is when a message of a level that was stored then is due, both in ms
// since 1970. Upstream gives levels that there are not a second.
func (l Levels) DeliverAt(level int, storeTimestamp int64) int64 {
	if level < 1 || level > len(l) {
		return storeTimestamp + 1000
	}
	return storeTimestamp + l[level-1]
}

// LevelOf returns the delay level that a message's properties ask for, 0 when
// they ask for none. Text that is no number is an error, as it is upstream.
func LevelOf(properties string) (int, error) {
	text, ok := codec.Property(properties, protocol.PropertyDelayLevel)
	if !ok {
		return 0, nil
	}
	n, err := strconv.ParseInt(text, 10, 32)
	if err != nil {
		return 0, fmt.Errorf("property %s is %q, not a number", protocol.PropertyDelayLevel, text)
	}
	return int(n), nil
}

// Defer makes a message wait: it notes the topic and queue that the message is
// for in its properties, which lose any delivery time of its own, and turns it to the
// queue of the level in the schedule topic. A level beyond the highest becomes the highest, in the properties too.
// level must be positive.
func (l Levels) Defer(m *codec.Message, level int) {
	properties := m.Properties
	if level > l.Max() {
		level = l.Max()
		properties = codec.SetProperty(properties, protocol.PropertyDelayLevel, strconv.Itoa(level))
	}
	for _, name := range [...]string{protocol.PropertyTimerDeliverMs, protocol.PropertyTimerDelaySec, protocol.PropertyTimerDelayMs} {
		properties = codec.DeleteProperty(properties, name)
	}
	properties = codec.SetProperty(properties, protocol.PropertyRealTopic, m.Topic)
	m.Properties = codec.SetProperty(properties, protocol.PropertyRealQueueID, strconv.Itoa(int(m.QueueID)))
	m.Topic = protocol.TopicSchedule
	m.QueueID = int32(level - 1)
}

// Restore turns a message that has waited to the topic and queue that it is for.
// Its properties keep what Defer noted, and DELAY itself, as upstream leaves
// them: it must be appended without being deferred again. The topic is a view
// into the properties.
func Restore(m *codec.Message) error {
	if topic, _ := codec.Property(m.Properties, protocol.PropertyRealTopic); topic == protocol.TopicTransHalf {
		// A half message must not be seen before its transaction ends.
		return fmt.Errorf("%w: the message is a half message", ErrSkip)
	}
	if err := codec.TakeRealQueue(m); err != nil {
		return fmt.Errorf("%w: %w", ErrSkip, err)
	}
	m.QueueOffset, m.PhysicalOffset, m.PreparedTransactionOffset = 0, 0, 0
	return nil
}
