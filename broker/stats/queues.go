package stats

import (
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/gantrymq/gantry/protocol"
)

// latency is how long the calls on one queue took, in ms. It has one stripe only:
// calls on one queue wait for each other anyway.
type latency struct {
	sum, calls atomic.Int64
	windows    windows
}

func (l *latency) totals() totals { return totals{nums: l.sum.Load(), calls: l.calls.Load()} }

// queueLatencies are the latencies of a Flow's queues, found by index and without
// a lock. Queue -1, which stands for any queue in pops, has the first place.
type queueLatencies struct {
	list atomic.Pointer[[]*latency]
	mu   sync.Mutex // guards the making of a longer list
}

func (q *queueLatencies) at(queueID int32) *latency {
	list := q.list.Load()
	if at := int(queueID) + 1; list != nil && at >= 0 && at < len(*list) {
		return (*list)[at]
	}
	return nil
}

// mostQueues bounds the list: what a client says of a queue must not cost memory.
const mostQueues = 1 << 16

func (q *queueLatencies) add(queueID int32, ms int64) {
	l := q.at(queueID)
	if l == nil {
		if l = q.grow(queueID); l == nil {
			return
		}
	}
	l.sum.Add(ms)
	l.calls.Add(1)
}

// grow makes the latency of a queue; nil when there can be no such queue.
func (q *queueLatencies) grow(queueID int32) *latency {
	at := int(queueID) + 1
	if at < 0 || at > mostQueues {
		return nil
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	var longer []*latency
	if list := q.list.Load(); list != nil {
		longer = append(longer, *list...)
	}
	for len(longer) <= at {
		longer = append(longer, nil)
	}
	if longer[at] == nil {
		longer[at] = &latency{}
	}
	q.list.Store(&longer)
	return longer[at]
}

func (q *queueLatencies) sample(now int64, hour, day bool) {
	list := q.list.Load()
	if list == nil {
		return
	}
	for _, l := range *list {
		if l != nil {
			l.windows.sample(now, l.totals(), hour, day)
		}
	}
}

// viewLatency returns what View shows of TOPIC_PUT_LATENCY (key queueId@topic) and
// GROUP_GET_LATENCY (key queueId@topic@group).
func (m *Manager) viewLatency(name, key string) (protocol.BrokerStatsData, bool) {
	flow, queueID, ok := m.flowOfQueue(name, key)
	if !ok {
		return protocol.BrokerStatsData{}, false
	}
	if l := flow.queues.at(queueID); l != nil {
		return l.windows.view(nums), true
	}
	return protocol.BrokerStatsData{}, false
}

func (m *Manager) flowOfQueue(name, key string) (*Flow, int32, bool) {
	id, rest, ok := strings.Cut(key, "@")
	if name == GroupGetLatency && !m.byQueue {
		id, rest, ok = "-1", key, true
	}
	queueID, err := strconv.ParseInt(id, 10, 32)
	if !ok || err != nil || strconv.FormatInt(queueID, 10) != id {
		return nil, 0, false
	}
	var v any
	if name == TopicPutLatency {
		v, ok = m.topics.Load(rest)
	} else {
		topic, group, _ := strings.Cut(rest, "@")
		v, ok = m.groups.Load(groupTopic{group, topic})
	}
	if !ok {
		return nil, 0, false
	}
	return v.(*Flow), int32(queueID), true
}
