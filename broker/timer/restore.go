package timer

import (
	"fmt"
	"math"
	"strconv"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/protocol"
)

// neverEnqueued is the time of entry of a message that was due when it arrived.
const neverEnqueued = math.MaxInt64

// restore turns a message that has waited to the topic and queue that it is for, or,
// when it rolls, readies it for the timer topic again. Its properties keep what Divert
// noted, as upstream leaves them.
func restore(m *codec.Message, entered, now int64, roll bool) error {
	props := codec.SetProperty(m.Properties, protocol.PropertyTimerEnqueueMs, strconv.FormatInt(entered, 10))
	if roll {
		times := 0
		if text, ok := codec.Property(props, protocol.PropertyTimerRollTimes); ok {
			n, err := strconv.Atoi(text)
			if err != nil {
				return fmt.Errorf("%w: its property %s is %q, not a number", ErrSkip, protocol.PropertyTimerRollTimes, text)
			}
			times = n
		}
		props = codec.SetProperty(props, protocol.PropertyTimerRollTimes, strconv.Itoa(times+1))
	}
	m.Properties = codec.SetProperty(props, protocol.PropertyTimerDequeueMs, strconv.FormatInt(now, 10))
	m.QueueOffset, m.PhysicalOffset, m.PreparedTransactionOffset = 0, 0, 0
	if roll {
		return nil
	}
	if err := codec.TakeRealQueue(m); err != nil {
		return fmt.Errorf("%w: %w", ErrSkip, err)
	}
	return nil
}

// outTime is the slot's time that Divert noted.
func outTime(m *codec.Message) (int64, error) {
	text, _ := codec.Property(m.Properties, protocol.PropertyTimerOutMs)
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%w: its property %s is %q, not a number", ErrSkip, protocol.PropertyTimerOutMs, text)
	}
	return n, nil
}

// deleteKey is how a message that is deleted is named by the one that deletes it
// (appendTopicForTimerDeleteKey).
func deleteKey(topic, uniqueKey string, withTopic bool) string {
	if withTopic {
		return topic + "+" + uniqueKey
	}
	return uniqueKey
}
