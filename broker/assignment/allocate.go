package assignment

import (
	"cmp"
	"slices"

	"github.com/gantrymq/gantry/protocol"
)

// Names of the strategies that a broker knows.
const (
	averagely = "AVG"
	byCircle  = "AVG_BY_CIRCLE"
)

// AnyQueue is the queue of an assignment that lets a client pop all queues of a
// broker.
const AnyQueue int32 = -1

// Share is one question: what a client gets.
type Share struct {
	Strategy string
	Client   string
	Clients  []string // of the group
	Queues   []protocol.MessageQueue
	Pop      bool
	// ShareQueues is, of a group that pops, how many other members' queues each
	// member pops too; 0 or less, or nearly all of them: all.
	ShareQueues int32
}

// Allocate answers it. ok is false when the strategy is not known or the client
// is none of the group: then the client keeps what it has.
func (s Share) Allocate() (queues []protocol.MessageQueue, ok bool) {
	allocate := allocateAveragely
	switch s.Strategy {
	case averagely:
	case byCircle:
		allocate = allocateByCircle
	default:
		return nil, false
	}
	if s.Client == "" || len(s.Clients) == 0 || len(s.Queues) == 0 {
		return nil, s.Pop && len(s.Queues) == 0 && s.all()
	}
	clients := slices.Sorted(slices.Values(s.Clients))
	all := slices.SortedFunc(slices.Values(s.Queues), func(a, b protocol.MessageQueue) int {
		return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.BrokerName, b.BrokerName), cmp.Compare(a.QueueID, b.QueueID))
	})
	at := slices.Index(clients, s.Client)
	switch {
	case !s.Pop:
		return allocate(at, len(clients), all), true
	case s.all():
		for _, q := range all {
			q.QueueID = AnyQueue
			if !slices.Contains(queues, q) {
				queues = append(queues, q)
			}
		}
		return queues, true
	case at < 0:
		return nil, true
	case len(clients) > len(all):
		return []protocol.MessageQueue{all[at%len(all)]}, true
	}
	for i := range int(s.ShareQueues) + 1 {
		for _, q := range allocate((at+i)%len(clients), len(clients), all) {
			if !slices.Contains(queues, q) {
				queues = append(queues, q)
			}
		}
	}
	return queues, true
}

// all reports whether each client pops every queue.
func (s Share) all() bool {
	return s.ShareQueues <= 0 || int(s.ShareQueues) >= len(s.Clients)-1
}

// allocateAveragely gives each client a run of queues, the first ones one more
// where they do not come out even.
func allocateAveragely(at, clients int, all []protocol.MessageQueue) []protocol.MessageQueue {
	if at < 0 {
		return nil
	}
	each, rest := len(all)/clients, len(all)%clients
	from := at*each + min(at, rest)
	to := from + each
	if at < rest {
		to++
	}
	return all[from:to]
}

// allocateByCircle deals the queues out one by one.
func allocateByCircle(at, clients int, all []protocol.MessageQueue) []protocol.MessageQueue {
	var queues []protocol.MessageQueue
	if at < 0 {
		return nil
	}
	for i := at; i < len(all); i += clients {
		queues = append(queues, all[i])
	}
	return queues
}
