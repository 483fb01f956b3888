package logicqueue

import (
	"math"

	"github.com/gantrymq/gantry/protocol"
)

// Item maps one stretch of a logical queue to a queue of a broker.
type Item = protocol.LogicQueueMappingItem

// Queue is a logical queue: its stretches, oldest first. The last is the one that
// is written to.
type Queue []*Item

// Leader is the item that is written to; nil when there is none.
func (q Queue) Leader() *Item {
	if len(q) == 0 {
		return nil
	}
	return q[len(q)-1]
}

// At is the item that an offset of the logical queue lies in. An offset before the
// first item lies in the first, one behind the end in the last. Items whose place
// is not decided yet are passed over; nil when no item's is.
func (q Queue) At(offset int64) *Item {
	for i := len(q) - 1; i >= 0; i-- {
		if Decided(q[i]) && offset >= q[i].LogicOffset {
			return q[i]
		}
	}
	for _, item := range q {
		if Decided(item) {
			return item
		}
	}
	return nil
}

// First is the oldest item whose place is decided, nil when there is none.
func (q Queue) First() *Item { return q.At(0) }

// Last is the newest item whose place is decided, nil when there is none. It is
// not the leader while the queue moves to another broker.
func (q Queue) Last() *Item { return q.At(math.MaxInt64) }

// After is the item that follows another, nil when there is none or when its place
// is not decided yet.
func (q Queue) After(item *Item) *Item {
	for i := range q {
		if q[i].Gen == item.Gen {
			if i+1 < len(q) && Decided(q[i+1]) {
				return q[i+1]
			}
			return nil
		}
	}
	return nil
}

// Decided reports whether it is known where in the logical queue an item begins.
// While a queue moves, its new leader is written to before that is known.
func Decided(i *Item) bool { return i.LogicOffset >= 0 }

// EndDecided reports whether it is known where an item ends.
func EndDecided(i *Item) bool { return i.EndOffset > i.StartOffset }

// Delta is what has to be added to an offset in the broker's queue.
func Delta(i *Item) int64 { return i.LogicOffset - i.StartOffset }

// Logical is the place in the logical queue of an offset in the broker's queue.
// What lies before the item counts as its beginning.
func Logical(i *Item, physical int64) int64 {
	return i.LogicOffset + max(0, physical-i.StartOffset)
}

// LogicalLoosely is Logical for answers in which a number may be missing: -1 while
// the item's place is not decided, and no offset beyond the item's end where that
// is known.
func LogicalLoosely(i *Item, physical int64) int64 {
	if !Decided(i) {
		return -1
	}
	if i.EndOffset >= i.StartOffset {
		physical = min(physical, i.EndOffset)
	}
	return Logical(i, physical)
}

// Physical is the offset in the broker's queue of a place in the logical queue. It
// may be negative, or lie behind the queue's end.
func Physical(i *Item, logical int64) int64 { return logical - i.LogicOffset + i.StartOffset }

// KnownEnd is where an item ends as far as the mapping tells, otherwise where it begins.
func KnownEnd(i *Item) int64 {
	if i.EndOffset >= i.StartOffset {
		return i.LogicOffset + i.EndOffset - i.StartOffset
	}
	return i.LogicOffset
}

// KnownEnd is the KnownEnd of the leader, -1 of a queue without items.
func (q Queue) KnownEnd() int64 {
	if leader := q.Leader(); leader != nil {
		return KnownEnd(leader)
	}
	return -1
}

// NextBlock is where the next item of a logical queue begins whose items so far end
// at an offset: at a multiple of size that leaves room behind the end, for messages
// that were on their way to the old leader.
func NextBlock(end, size int64) int64 {
	blocks := end/size + 1
	if end%size >= size/2 {
		blocks++
	}
	return blocks * size
}

// MockBroker is the name under which clients know the broker of a logical queue.
func MockBroker(scope string) string {
	if scope == protocol.MappingScopeGlobal {
		scope = scope[2:]
	}
	return MockBrokerPrefix + scope
}

// MockBrokerPrefix begins the names that MockBroker makes.
const MockBrokerPrefix = "__syslo__"

// Led are the logical queues that a broker leads, and its own queues that they lie in
// (upstream's TopicQueueMappingDetail.buildIdMap).
func Led(m *protocol.TopicQueueMappingDetail) map[int32]int32 {
	led := map[int32]int32{}
	for id, items := range m.HostedQueues {
		if leader := Queue(items).Leader(); leader != nil && leader.BrokerName == m.BrokerName {
			led[id] = leader.QueueID
		}
	}
	return led
}

// Info is what the name servers are told of a broker's part of a static topic.
func Info(m *protocol.TopicQueueMappingDetail) *protocol.TopicQueueMappingInfo {
	return &protocol.TopicQueueMappingInfo{
		BrokerName: m.BrokerName, CurrIDMap: Led(m), Epoch: m.Epoch, Scope: protocol.MappingScopeGlobal, Topic: m.Topic, TotalQueues: m.TotalQueues,
	}
}
