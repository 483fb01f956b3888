package staticqueue

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/gantrymq/gantry/logicqueue"
	"github.com/gantrymq/gantry/protocol"
)

// world is some brokers with one static topic: their tables, and their queues as lists
// of messages.
type world struct {
	t        *testing.T
	rng      *rand.Rand
	managers map[string]*Manager
	queues   map[string]map[int32][]string
	sent     map[int32][]string // by logical queue, of those that were taken
	routes   map[int32]string   // what clients believe of the leaders
}

const worldTopic = "T"

func newWorld(t *testing.T, seed uint64) *world {
	w := &world{
		t: t, rng: rand.New(rand.NewPCG(seed, 2)), managers: map[string]*Manager{}, queues: map[string]map[int32][]string{},
		sent: map[int32][]string{}, routes: map[int32]string{},
	}
	for _, broker := range []string{"a", "b", "c"} {
		w.managers[broker], _ = open(t, newDisk())
		w.queues[broker] = map[int32][]string{}
	}
	return w
}

func (w *world) parts() logicqueue.Parts {
	parts := logicqueue.Parts{}
	for broker, m := range w.managers {
		if mapping := m.Get(worldTopic); mapping != nil {
			part := logicqueue.NewPart(worldTopic, broker, 0, 0)
			part.MappingDetail = mapping
			for _, items := range mapping.HostedQueues { // as many queues as are used
				for _, item := range items {
					if item.BrokerName == broker {
						part.WriteQueueNums = max(part.WriteQueueNums, item.QueueID+1)
					}
				}
			}
			part.ReadQueueNums = part.WriteQueueNums
			parts[broker] = part
		}
	}
	return parts
}

func (w *world) give(plan *logicqueue.Plan, brokers []string) {
	for _, broker := range brokers {
		mapping := *plan.Parts[broker].MappingDetail
		if err := w.managers[broker].Update(&mapping, false); err != nil {
			w.t.Fatalf("broker %s refuses %+v: %v", broker, mapping, err)
		}
		w.traffic(3)
	}
}

// traffic sends to queues as clients see them, whose routes are old or new.
func (w *world) traffic(n int) {
	for range n {
		if len(w.routes) == 0 || w.rng.IntN(2) == 0 {
			w.learn()
		}
		for id, broker := range w.routes {
			p := w.managers[broker].FindToSend(worldTopic, id, protocol.Opt[bool]{})
			if !p.Led() {
				continue // refused; the client asks for the route
			}
			text := fmt.Sprintf("%d of queue %d", len(w.sent[id]), id)
			at := p.Items.Leader().QueueID
			w.queues[broker][at] = append(w.queues[broker][at], text)
			w.sent[id] = append(w.sent[id], text)
		}
	}
}

// learn takes the routes from the brokers, as name servers do.
func (w *world) learn() {
	route := &protocol.TopicRouteData{TopicQueueMappingByBroker: map[string]*protocol.TopicQueueMappingInfo{}}
	for broker, m := range w.managers {
		if info := m.Infos(nil)[worldTopic]; info != nil {
			route.TopicQueueMappingByBroker[broker] = info
		}
	}
	w.routes = logicqueue.RouteLeaders(route)
}

func (w *world) move() {
	targets := []string{"a", "b", "c"}
	w.rng.Shuffle(len(targets), func(i, j int) { targets[i], targets[j] = targets[j], targets[i] })
	chosen := targets[:1+w.rng.IntN(3)]
	plan, err := logicqueue.Move(worldTopic, w.parts(), chosen, 0)
	if err != nil {
		w.t.Fatal(err)
	}
	undecided := &logicqueue.Plan{Parts: plan.Parts.Clone()} // as its file has it
	w.give(plan, plan.In)
	w.give(plan, plan.Out)
	w.decide(plan)
	if w.rng.IntN(3) == 0 { // the administrator's tool ended somewhere, and carries out the plan again
		w.give(undecided, plan.In)
		w.give(undecided, plan.Out)
		w.decide(plan)
	}
	w.give(plan, plan.In)
	w.give(plan, slices.DeleteFunc([]string{"a", "b", "c"}, func(b string) bool { return slices.Contains(plan.In, b) }))
	if w.rng.IntN(3) == 0 {
		w.give(undecided, plan.In)
	}
}

func (w *world) decide(plan *logicqueue.Plan) {
	if err := plan.Decide(func(old *logicqueue.Item) (int64, error) {
		return int64(len(w.queues[old.BrokerName][old.QueueID])), nil
	}); err != nil {
		w.t.Fatal(err)
	}
}

// consume reads a logical queue from its beginning as a client does, at the leader, and
// returns what it was given.
func (w *world) consume(id int32) (got []string) {
	offset := int64(0)
	for range 10000 {
		m := w.managers[w.routes[id]]
		p := m.Find(worldTopic, id, protocol.Opt[bool]{})
		item := p.At(offset)
		physical := logicqueue.Physical(item, offset)
		queue := w.queues[item.BrokerName][item.QueueID]
		a := Pulled{Code: protocol.ResponsePullNotFound, Next: physical, Max: int64(len(queue))}
		switch {
		case physical < int64(len(queue)):
			n := min(1+w.rng.Int64N(4), int64(len(queue))-physical)
			got = append(got, queue[physical:physical+n]...)
			a.Code, a.Next = protocol.ResponseSuccess, physical+n
		case physical > int64(len(queue)):
			a.Code, a.Next = protocol.ResponsePullOffsetMoved, a.Max
		}
		p.Translate(physical, &a)
		if a.Code == protocol.ResponsePullNotFound {
			return got
		}
		if a.Code == protocol.ResponsePullOffsetMoved || a.Next < offset {
			w.t.Fatalf("queue %d: at offset %d the answer is %+v", id, offset, a)
		}
		offset = a.Next
	}
	w.t.Fatalf("queue %d has no end", id)
	return nil
}

// TestNothingIsLostInMoves moves queues to and fro while messages are sent by clients
// that know of it late, and plans are carried out again, and reads them: each message once.
func TestNothingIsLostInMoves(t *testing.T) {
	t.Parallel()
	for seed := range uint64(60) {
		w := newWorld(t, seed)
		plan, err := logicqueue.Grow(worldTopic, 1+w.rng.Int32N(6), []string{"a", "b"}, logicqueue.Parts{}, 1000)
		if err != nil {
			t.Fatal(err)
		}
		plan.Complete(worldTopic, []string{"a", "b", "c"})
		w.give(plan, []string{"a", "b", "c"})
		for range 6 {
			w.traffic(5)
			w.move()
		}
		w.learn()
		for id, sent := range w.sent {
			got := w.consume(id)
			slices.Sort(got)
			slices.Sort(sent)
			if !slices.Equal(got, sent) {
				t.Fatalf("seed %d, queue %d: %d messages were sent and %d read", seed, id, len(sent), len(got))
			}
		}
	}
}
