package logicqueue

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// TestPlans makes, grows and moves static topics at random, and holds each plan against
// what a plan is for.
func TestPlans(t *testing.T) {
	t.Parallel()
	brokers := []string{"a", "b", "c", "d"}
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(seed, 1))
		some := func() []string {
			chosen := slices.Clone(brokers)
			rng.Shuffle(len(chosen), func(i, j int) { chosen[i], chosen[j] = chosen[j], chosen[i] })
			return chosen[:1+rng.IntN(len(chosen))]
		}
		parts, now, total := Parts{}, int64(1_000_000), int32(0)
		for step := range 12 {
			now += rng.Int64N(3000)
			before, err := parts.Leaders()
			if err != nil {
				t.Fatal(err)
			}
			var plan *Plan
			if total == 0 || rng.IntN(3) == 0 {
				total += 1 + rng.Int32N(5)
				targets := append(some(), parts.brokers()...)
				plan, err = Grow("T", total, targets, parts, now)
			} else {
				targets := some()
				if plan, err = Move("T", parts, targets, now); err == nil {
					checkMove(t, plan, before, targets)
					err = plan.Decide(func(*Item) (int64, error) { return rng.Int64N(20000), nil })
				}
			}
			if err != nil {
				t.Fatalf("seed %d, step %d: %v", seed, step, err)
			}
			plan.Complete("T", brokers)
			epoch, err := plan.Parts.Check("T")
			if err != nil {
				t.Fatalf("seed %d, step %d: %v", seed, step, err)
			}
			if epoch < now || len(parts) > 0 && epoch < parts["a"].MappingDetail.Epoch+epochStep {
				t.Fatalf("seed %d, step %d: epoch %d at %d", seed, step, epoch, now)
			}
			after, err := plan.Parts.Leaders()
			if err != nil || len(after) != int(total) {
				t.Fatalf("seed %d, step %d: %d queues of %d, %v", seed, step, len(after), total, err)
			}
			for id, items := range before {
				if err := after[id].CheckFollows(items, false); err != nil {
					t.Fatalf("seed %d, step %d, queue %d: %v", seed, step, id, err)
				}
			}
			parts = plan.Parts
		}
	}
}

// checkMove wants every queue at the targets, evenly, no broker that both gives and takes,
// and no more on the move than necessary.
func checkMove(t *testing.T, plan *Plan, before map[int32]Queue, targets []string) {
	t.Helper()
	after, err := plan.Parts.Leaders()
	if err != nil {
		t.Fatal(err)
	}
	load, had, moved := map[string]int{}, map[string]int{}, 0
	for id, items := range after {
		load[items.Leader().BrokerName]++
		if items.Leader() != before[id].Leader() {
			moved++
		}
	}
	for _, items := range before {
		had[items.Leader().BrokerName]++
	}
	must := 0
	for broker, n := range had {
		if n > load[broker] {
			must += n - load[broker]
		}
	}
	if moved != must {
		t.Fatalf("%d queues move where %d would do", moved, must)
	}
	for broker, n := range load {
		if !slices.Contains(targets, broker) {
			t.Fatalf("queues stay at %s, which is no target of %v", broker, targets)
		}
		if n > (len(after)+len(targets)-1)/len(targets) {
			t.Fatalf("broker %s leads %d of %d queues at %d brokers", broker, n, len(after), len(targets))
		}
	}
	for _, broker := range plan.In {
		if slices.Contains(plan.Out, broker) {
			t.Fatalf("broker %s both takes queues and gives some away", broker)
		}
	}
}

func TestPlansRefused(t *testing.T) {
	t.Parallel()
	plan, err := Grow("T", 2, []string{"a", "b"}, Parts{}, 1)
	if err != nil {
		t.Fatal(err)
	}
	change := func(edit func(Parts)) Parts {
		p := plan.Parts.Clone()
		edit(p)
		return p
	}
	for want, f := range map[string]func() (*Plan, error){
		"Cannot decrease": func() (*Plan, error) { return Grow("T", 1, []string{"a", "b"}, plan.Parts, 2) },
		"do nothing":      func() (*Plan, error) { return Grow("T", 2, []string{"a", "b"}, plan.Parts, 2) },
		"target brokers":  func() (*Plan, error) { return Grow("T", 3, []string{"a"}, plan.Parts, 2) },
		"not match for":   func() (*Plan, error) { return Move("U", plan.Parts, []string{"a"}, 2) },
		"should not be null": func() (*Plan, error) {
			return Move("T", change(func(p Parts) { p["a"].MappingDetail = nil }), []string{"a"}, 2)
		},
		"epoch does not match": func() (*Plan, error) {
			return Move("T", change(func(p Parts) { p["a"].MappingDetail.Epoch++ }), []string{"a"}, 2)
		},
		"real hosted queues": func() (*Plan, error) {
			return Move("T", change(func(p Parts) { clear(p["a"].MappingDetail.HostedQueues) }), []string{"a"}, 2)
		},
		"dirty": func() (*Plan, error) {
			return Move("T", change(func(p Parts) { p["a"].MappingDetail.Dirty = true }), []string{"a"}, 2)
		},
		"overflow": func() (*Plan, error) {
			return Move("T", change(func(p Parts) { p["a"].WriteQueueNums = 0 }), []string{"a"}, 2)
		},
	} {
		if _, err := f(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		}
	}
}

// A move whose old leader cannot say where it ends is not decided, and can be tried again.
func TestDecideFails(t *testing.T) {
	t.Parallel()
	plan, err := Grow("T", 1, []string{"a"}, Parts{}, 1)
	if err != nil {
		t.Fatal(err)
	}
	move, err := Move("T", plan.Parts, []string{"b"}, 2)
	if err != nil {
		t.Fatal(err)
	}
	if err := move.Decide(func(*Item) (int64, error) { return 0, fmt.Errorf("no answer") }); err == nil {
		t.Fatal("decided without an end")
	}
	if leader := Queue(move.Parts["b"].MappingDetail.HostedQueues[0]).Leader(); Decided(leader) {
		t.Errorf("the new leader begins at %d", leader.LogicOffset)
	}
	if err := move.Decide(func(*Item) (int64, error) { return 7, nil }); err != nil {
		t.Fatal(err)
	}
	for _, broker := range []string{"a", "b"} {
		if leader := Queue(move.Parts[broker].MappingDetail.HostedQueues[0]).Leader(); leader.LogicOffset != 10000 {
			t.Errorf("at %s the new leader begins at %d", broker, leader.LogicOffset)
		}
	}
}
