package logicqueue

import (
	"math"
	"strings"
	"testing"

	"github.com/gantrymq/gantry/protocol"
)

func stretch(gen, queue int32, broker string, logic int64) *Item {
	return &Item{Gen: gen, QueueID: queue, BrokerName: broker, LogicOffset: logic, EndOffset: -1, TimeOfStart: -1, TimeOfEnd: -1}
}

func TestAt(t *testing.T) {
	t.Parallel()
	q := Queue{stretch(2, 0, "a", 100), stretch(3, 1, "b", 10000), stretch(5, 2, "c", -1)}
	for offset, want := range map[int64]int32{0: 2, 99: 2, 100: 2, 9999: 2, 10000: 3, math.MaxInt64: 3, -5: 2} {
		if got := q.At(offset); got.Gen != want {
			t.Errorf("offset %d lies in generation %d, want %d", offset, got.Gen, want)
		}
	}
	if q.First().Gen != 2 || q.Last().Gen != 3 || q.Leader().Gen != 5 {
		t.Errorf("first %d, last %d, leader %d", q.First().Gen, q.Last().Gen, q.Leader().Gen)
	}
	if after := q.After(q[0]); after != q[1] {
		t.Errorf("after the first comes %v", after)
	}
	if after := q.After(q[1]); after != nil {
		t.Errorf("an item without a place follows: %v", after)
	}
	if q := (Queue{stretch(0, 0, "a", -1)}); q.At(0) != nil || q.First() != nil {
		t.Error("an item without a place was found")
	}
	if q := (Queue{}); q.At(0) != nil || q.Leader() != nil || q.KnownEnd() != -1 {
		t.Error("an empty queue has items")
	}
}

func TestOffsets(t *testing.T) {
	t.Parallel()
	item := &Item{LogicOffset: 10000, StartOffset: 5, EndOffset: 20}
	for _, c := range []struct{ physical, strict, loose int64 }{{0, 10000, 10000}, {5, 10000, 10000}, {7, 10002, 10002}, {20, 10015, 10015}, {30, 10025, 10015}} {
		if got := Logical(item, c.physical); got != c.strict {
			t.Errorf("Logical(%d) = %d, want %d", c.physical, got, c.strict)
		}
		if got := LogicalLoosely(item, c.physical); got != c.loose {
			t.Errorf("LogicalLoosely(%d) = %d, want %d", c.physical, got, c.loose)
		}
	}
	if got := Physical(item, 10002); got != 7 {
		t.Errorf("Physical = %d", got)
	}
	if Delta(item) != 9995 || KnownEnd(item) != 10015 || !EndDecided(item) {
		t.Errorf("delta %d, end %d", Delta(item), KnownEnd(item))
	}
	if got := LogicalLoosely(stretch(1, 0, "b", -1), 7); got != -1 {
		t.Errorf("an item without a place told %d", got)
	}
}

func TestNextBlock(t *testing.T) {
	t.Parallel()
	for end, want := range map[int64]int64{0: 10000, 4999: 10000, 5000: 20000, 9999: 20000, 10000: 20000, 15000: 30000} {
		if got := NextBlock(end, 10000); got != want {
			t.Errorf("behind %d comes %d, want %d", end, got, want)
		}
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	for want, q := range map[string]Queue{
		"":               {stretch(0, 0, "a", 0), stretch(1, 1, "b", 10000), stretch(4, 0, "c", -1)},
		"be negative":    {stretch(-1, 0, "a", 0)},
		"non-latest":     {stretch(0, 0, "a", -1), stretch(1, 0, "b", 5)},
		"gen does not":   {stretch(1, 0, "a", 0), stretch(1, 0, "b", 5)},
		"endOffset is":   {{StartOffset: 5, EndOffset: 2}},
		"base logic":     {stretch(0, 0, "a", 9), stretch(1, 0, "b", 9)},
		"max logic offs": {{EndOffset: 9, BrokerName: "a"}, stretch(1, 0, "b", 9)},
	} {
		if err := q.Check(); want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("want %q, got %v", want, err)
		}
	}
}

func TestCheckFollows(t *testing.T) {
	t.Parallel()
	old := Queue{stretch(0, 0, "a", 0), stretch(1, 1, "b", -1)}
	decided := Queue{old[0], stretch(1, 1, "b", 10000)}
	for _, c := range []struct {
		name     string
		old, new Queue
		same     bool
		refused  bool
	}{
		{"the place is decided", old, decided, true, false},
		{"the first is gone", decided, Queue{decided[1]}, true, false},
		{"the first was not known to be gone", Queue{decided[1]}, decided, true, false},
		{"another leader at the same epoch", decided, append(decided[:2:2], stretch(2, 0, "c", -1)), true, true},
		{"another leader", decided, append(decided[:2:2], stretch(2, 0, "c", -1)), false, false},
		{"nothing", decided, nil, false, true},
		{"a place changes", decided, Queue{old[0], stretch(1, 1, "b", 20000)}, true, true},
		{"an item moves", decided, Queue{stretch(0, 3, "a", 0), decided[1]}, true, true},
	} {
		if err := c.new.CheckFollows(c.old, c.same); (err != nil) != c.refused {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestMockBroker(t *testing.T) {
	t.Parallel()
	if got := MockBroker(protocol.MappingScopeGlobal); got != "__syslo__global__" {
		t.Errorf("the global scope's is %s", got)
	}
	if got := MockBroker("x"); got != "__syslo__x" {
		t.Errorf("another scope's is %s", got)
	}
}

func TestRouteLeaders(t *testing.T) {
	t.Parallel()
	route := &protocol.TopicRouteData{TopicQueueMappingByBroker: map[string]*protocol.TopicQueueMappingInfo{
		"a": {BrokerName: "a", Epoch: 2, Scope: protocol.MappingScopeGlobal, CurrIDMap: map[int32]int32{0: 0, 1: 1}},
		"b": {BrokerName: "b", Epoch: 3, Scope: protocol.MappingScopeGlobal, CurrIDMap: map[int32]int32{1: 0}},
		"c": {BrokerName: "c", Epoch: 9, Scope: "other", CurrIDMap: map[int32]int32{0: 0}},
	}}
	if got := RouteLeaders(route); len(got) != 2 || got[0] != "a" || got[1] != "b" {
		t.Errorf("leaders %v", got)
	}
}
