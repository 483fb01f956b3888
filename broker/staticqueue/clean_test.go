package staticqueue

import (
	"context"
	"errors"
	"testing"

	"github.com/gantrymq/gantry/logicqueue"
	"github.com/gantrymq/gantry/protocol"
)

// peers answers from tables; what it lacks is an error.
type peers struct {
	bounds   map[string]map[int32]protocol.TopicOffset
	mappings map[string]*Mapping
	leaders  map[int32]string
}

var errSilent = errors.New("no answer")

func (p *peers) Bounds(_ context.Context, broker, _ string) (map[int32]protocol.TopicOffset, error) {
	if b, ok := p.bounds[broker]; ok {
		return b, nil
	}
	return nil, errSilent
}

func (p *peers) MappingAt(_ context.Context, broker, _ string) (*Mapping, error) {
	if m, ok := p.mappings[broker]; ok {
		return m, nil
	}
	return nil, errSilent
}

func (p *peers) LeadersOf(context.Context, string) (map[int32]string, error) {
	if p.leaders == nil {
		return nil, errSilent
	}
	return p.leaders, nil
}

func TestClean(t *testing.T) {
	t.Parallel()
	empty, full := protocol.TopicOffset{MinOffset: 7, MaxOffset: 7}, protocol.TopicOffset{MaxOffset: 7}
	queue := func(items ...*logicqueue.Item) map[int32][]*logicqueue.Item {
		return map[int32][]*logicqueue.Item{0: items}
	}
	led := queue(stretch(0, 0, "b", 0), stretch(1, 0, "a", 10000))
	given := queue(stretch(0, 0, "a", 0), stretch(1, 0, "b", 10000))
	onward := queue(stretch(0, 0, "a", 0), stretch(1, 0, "b", 10000), stretch(2, 0, "c", 20000))
	for _, c := range []struct {
		name   string
		queues map[int32][]*logicqueue.Item
		peers  peers
		items  int // that are left of queue 0
		faults int
	}{
		{"the first is empty", led, peers{bounds: map[string]map[int32]protocol.TopicOffset{"b": {0: empty}}}, 1, 0},
		{"the first has messages", led, peers{bounds: map[string]map[int32]protocol.TopicOffset{"b": {0: full}}}, 2, 0},
		{"nobody knows of the first", led, peers{}, 2, 1},
		{"the first is another queue", led, peers{bounds: map[string]map[int32]protocol.TopicOffset{"b": {1: empty}}}, 2, 0},
		{"the last has no place yet", queue(stretch(0, 0, "b", 0), stretch(1, 0, "a", -1)),
			peers{bounds: map[string]map[int32]protocol.TopicOffset{"b": {0: empty}}}, 2, 0},
		{"the only one is empty", queue(stretch(0, 0, "a", 0)), peers{bounds: map[string]map[int32]protocol.TopicOffset{"a": {0: empty}}}, 1, 0},
		{"it was given on", given, peers{leaders: map[int32]string{0: "c"}, mappings: map[string]*Mapping{"c": mappingOf("c", 5, onward)}}, 0, 0},
		{"the new leader has an older epoch", given, peers{leaders: map[int32]string{0: "c"}, mappings: map[string]*Mapping{"c": mappingOf("c", 4, onward)}}, 2, 0},
		{"the new leader does not say so", given, peers{leaders: map[int32]string{0: "c"}, mappings: map[string]*Mapping{"c": mappingOf("c", 5, given)}}, 2, 0},
		{"it is where it was given", given, peers{leaders: map[int32]string{0: "b"}}, 2, 0},
		{"the leader does not answer", given, peers{leaders: map[int32]string{0: "c"}}, 2, 1},
		{"no name server answers", given, peers{}, 2, 1},
	} {
		d := newDisk()
		m, _ := open(t, d)
		if err := m.Update(mappingOf("a", 5, c.queues), false); err != nil {
			t.Fatal(err)
		}
		faults := 0
		cleaner := Cleaner{Manager: m, Broker: "a", Peers: &c.peers, OnError: func(error) { faults++ }}
		if err := cleaner.Clean(t.Context()); err != nil {
			t.Fatal(err)
		}
		again, _ := open(t, d)
		if got := len(again.Get("T").HostedQueues[0]); got != c.items || faults != c.faults {
			t.Errorf("%s: %d items and %d faults, want %d and %d", c.name, got, faults, c.items, c.faults)
		}
	}
}

// A mapping that is replaced while its items are asked about stays as it is then.
func TestCleanYields(t *testing.T) {
	t.Parallel()
	m, _ := open(t, newDisk())
	queues := func() map[int32][]*logicqueue.Item {
		return map[int32][]*logicqueue.Item{0: {stretch(0, 0, "b", 0), stretch(1, 0, "a", 10000)}}
	}
	if err := m.Update(mappingOf("a", 5, queues()), false); err != nil {
		t.Fatal(err)
	}
	was := m.Get("T")
	if err := m.Update(mappingOf("a", 6, queues()), false); err != nil {
		t.Fatal(err)
	}
	if m.change(was, func(next *Mapping) { clear(next.HostedQueues) }) || len(m.Get("T").HostedQueues[0]) != 2 {
		t.Error("an old look at the mapping changed the new one")
	}
}
