package lite

import (
	"fmt"
	"testing"
)

// delivery is a message that a group has and has not acknowledged.
type delivery struct {
	popTime int64
	until   int64
}

// history drives a Manager through random operations of several clients of two
// groups, and knows what each group may be given.
type history struct {
	*world
	names []string
	held  map[windowKey]map[int64]delivery
}

var historyClients = map[string][]string{"g": {"c1", "c2", "c3"}, "h": {"d1", "d2"}}

func (h *history) step() {
	name := h.names[h.rng.IntN(len(h.names))]
	group := []string{"g", "h"}[h.rng.IntN(2)]
	client := historyClients[group][h.rng.IntN(len(historyClients[group]))]
	id := Who{Client: client, Group: group, Topic: parent}
	switch h.rng.IntN(12) {
	case 0, 1, 2:
		h.send(name)
	case 3:
		if err := h.m.Add(id, lmqs(name), nil); err != nil {
			h.t.Fatal(err)
		}
	case 4:
		h.m.Remove(id, lmqs(name))
	case 5:
		h.m.Replace(id, lmqs(name))
	case 6:
		if h.rng.IntN(4) == 0 {
			h.m.Drop(client)
		}
	case 7, 8:
		h.take(client, group, 1+h.rng.IntN(6), int64(100+h.rng.IntN(3000)))
	case 9:
		h.ackSome(group, 3)
	case 10:
		h.now += int64(h.rng.IntN(500))
		h.m.freeWindows()
	case 11:
		h.now += int64(h.rng.IntN(3000))
		h.m.freeWindows()
		h.m.Scan()
	}
}

// take pops, and checks that nothing comes twice inside of its time, or out of
// order.
func (h *history) take(client, group string, most int, invisible int64) int {
	h.t.Helper()
	h.now++
	at, _, got := h.pop(client, group, most, invisible)
	n := 0
	for _, part := range got {
		k := windowKey{part.lmq, group}
		committed := h.offsets[k]
		for i, off := range part.offsets {
			n++
			if off != committed+int64(i) {
				h.t.Fatalf("%s was given %v of %s, and is at %d", group, part.offsets, part.lmq, committed)
			}
		}
		for off, d := range h.held[k] {
			if h.now < d.until {
				h.t.Fatalf("%s was given %v of %s while it holds %d until %d (now %d)", group, part.offsets, part.lmq, off, d.until, h.now)
			}
		}
		h.held[k] = map[int64]delivery{}
		for _, off := range part.offsets {
			h.held[k][off] = delivery{at, at + invisible}
		}
	}
	if n > most {
		h.t.Fatalf("%d messages of at most %d", n, most)
	}
	return n
}

// ackSome acknowledges a few messages that a group holds, in no order.
func (h *history) ackSome(group string, most int) {
	for _, name := range h.names {
		k := windowKey{lmq(name), group}
		for off, d := range h.held[k] {
			if most--; most < 0 {
				return
			}
			if r := h.m.Ack(group, k.lmq, off, d.popTime); r != Acked {
				h.t.Fatalf("%s cannot acknowledge %d of %s", group, off, k.lmq)
			}
			delete(h.held[k], off)
		}
	}
}

// settle has one client of each group subscribe to everything and consume it.
func (h *history) settle() {
	for group, clients := range historyClients {
		for _, c := range clients {
			h.m.Drop(c)
		}
		h.m.Replace(Who{Client: clients[0], Group: group, Topic: parent}, lmqs(fmt.Sprint(h.names[0], " ", h.names[1], " ", h.names[2], " ", h.names[3])))
	}
	for range 400 {
		h.now += 250
		h.m.freeWindows()
		h.m.Scan()
		for group, clients := range historyClients {
			h.take(clients[0], group, 4, 1000)
			h.ackSome(group, 100)
		}
	}
	for group := range historyClients {
		for _, name := range h.names {
			if end := h.ends[lmq(name)]; end > 0 && h.offsets[windowKey{lmq(name), group}] != end {
				h.t.Fatalf("%s is at %d of %s, which ends at %d", group, h.offsets[windowKey{lmq(name), group}], name, end)
			}
		}
	}
	pairs, _, _ := h.m.Counts()
	if want := len(h.names) * len(historyClients); pairs != want {
		h.t.Fatalf("%d pairs of client and lite topic are counted, want %d", pairs, want)
	}
}

// TestHistories: whatever clients do, nothing is given twice inside of its time or
// out of order, and everything is given in the end.
func TestHistories(t *testing.T) {
	for seed := range uint64(300) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			h := &history{world: newWorld(t, seed), names: []string{"a", "b", "x", "y"}, held: map[windowKey]map[int64]delivery{}}
			h.groups["h"] = Group{Bound: parent}
			h.settings.Events = int32(1 + h.rng.IntN(4))
			for range 200 {
				h.step()
			}
			h.settle()
		})
	}
}
