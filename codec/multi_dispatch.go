package codec

import (
	"iter"
	"strconv"
	"strings"

	"github.com/gantrymq/gantry/compat"
	"github.com/gantrymq/gantry/protocol"
)

// A message may lie in light message queues besides its own: the property INNER_MULTI_DISPATCH names them, with commas
// between, and INNER_MULTI_QUEUE_OFFSET has its offset in each, in the same order (upstream's LmqDispatch). Whoever sends the
// message writes the first, the store writes the second.

const listSeparator = ","

// DispatchNames yields the names in the value of INNER_MULTI_DISPATCH. Empty ones at its end do not count, as in Java's
// String.split. The names are views into the list.
func DispatchNames(list string) iter.Seq[string] {
	return strings.SplitSeq(strings.TrimRight(list, listSeparator), listSeparator)
}

// MultiDispatch yields the light queues that a stored message lies in besides its own, and its offset in each. topic is the
// message's own. Nothing is yielded for topics that take no part (compat.AllowsLMQ), nor when the two lists are of different
// length; a place without a number, or of a queue that cannot have a directory, is passed over. The names are views into the
// properties.
func MultiDispatch(topic, properties string) iter.Seq2[string, int64] {
	return func(yield func(queue string, offset int64) bool) {
		list, ok := Property(properties, protocol.PropertyInnerMultiDispatch)
		if !ok || !compat.AllowsLMQ(topic) {
			return
		}
		list = strings.TrimRight(list, listSeparator)
		offsets, _ := Property(properties, protocol.PropertyInnerMultiQueueOffset)
		if strings.Count(list, listSeparator) != strings.Count(offsets, listSeparator) {
			return
		}
		for name := range DispatchNames(list) {
			text, rest, _ := strings.Cut(offsets, listSeparator)
			offsets = rest
			offset, err := strconv.ParseInt(text, 10, 64)
			if err == nil && offset >= 0 && LightQueueName(name) && !yield(name, offset) {
				return
			}
		}
	}
}

// LightQueueName reports whether a light message queue may have the name: it begins as such names do and can be the name of
// a directory. Upstream passes over names with a slash; one that is longer than a file system allows stops its dispatcher for
// good.
func LightQueueName(name string) bool {
	const longest = 255
	return compat.IsLMQ(name) && len(name) <= longest && strings.IndexByte(name, '/') < 0 && strings.IndexByte(name, 0) < 0
}
