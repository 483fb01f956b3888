package longpoll

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// counted is a filter that counts how often it is asked.
type counted struct {
	tag   int64
	asked *int
}

func (f counted) MatchUnit(tagsCode int64) bool { *f.asked++; return tagsCode == f.tag }

func (f counted) MatchRecord([]byte) bool { return true }

// A message is judged once for all that want the same.
func TestEqualKindsAreJudgedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := run(t, nil)
		asked := 0
		for i := range 100 {
			tag := int64(i % 2)
			b.Park(&Waiter[string]{Topic: "T", Deadline: now() + 60_000, Filter: counted{tag, &asked}, Kind: tag, Request: fmt.Sprint(tag)})
		}
		b.Park(&Waiter[string]{Topic: "T", Deadline: now() + 60_000, Filter: counted{2, &asked}, Request: "alone"})
		b.arrive("T", 7)
		if asked != 3 {
			t.Errorf("filters were asked %d times, want 3", asked)
		}
		b.arrive("T", 1)
		b.expect(t, slices.Repeat([]string{"1 arrived 0"}, 50)...)
		if b.Waiting() != 51 {
			t.Errorf("%d wait", b.Waiting())
		}
		b.arrive("T", 2)
		b.expect(t, "alone arrived 0")
	})
}

// What was told of is not to be read again; from a gap on everything is.
func TestSeen(t *testing.T) {
	for name, c := range map[string]struct {
		from, seen int64
		offsets    []int64 // of messages that come while it waits
		want       int64
	}{
		"nothing comes":            {from: 3, seen: 3, want: 3},
		"one after the other":      {from: 3, seen: 3, offsets: []int64{3, 4, 5}, want: 6},
		"looked further":           {from: 3, seen: 5, offsets: []int64{5, 6}, want: 7},
		"told of late":             {from: 3, seen: 5, offsets: []int64{3, 4, 5}, want: 5},
		"one is missing":           {from: 3, seen: 3, offsets: []int64{3, 5, 6}, want: 3},
		"one is missing at first":  {from: 3, seen: 3, offsets: []int64{4, 5}, want: 3},
		"one comes out of its row": {from: 3, seen: 3, offsets: []int64{3, 5, 4}, want: 3},
	} {
		t.Run(name, func(t *testing.T) {
			var q queue[int]
			h := New(Options[int]{Now: now})
			w := &Waiter[int]{From: c.from, Seen: c.seen, Filter: tag(1)}
			q.link(w)
			for _, o := range c.offsets {
				q.offer(h, o, 0, nil)
			}
			q.remove(w, h)
			if w.Seen != c.want {
				t.Errorf("seen up to %d, want %d", w.Seen, c.want)
			}
		})
	}
}

// Offsets of a topic that is deleted and made again begin anew.
func TestSeenOfAnotherTopic(t *testing.T) {
	var q queue[int]
	h := New(Options[int]{Now: now})
	w := &Waiter[int]{Seen: 3, Filter: tag(1)}
	q.link(w)
	q.offer(h, 3, 0, nil)
	q.offer(h, 0, 1, nil)
	if w.class != nil || w.Seen != 0 {
		t.Errorf("a message at 0 is not given: waits %t, seen up to %d", w.class != nil, w.Seen)
	}
}

// Many pulls that are to learn of an end that is none of theirs come back a few at a
// time, and a message for them does not wait for their turn.
func TestRoundInPortions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const pulls = 10 * roundSmall
		b := run(t, nil)
		time.Sleep(time.Second)
		for range pulls {
			b.Park(&Waiter[string]{Topic: "T", Deadline: now() + 60_000, Filter: tag(7), Kind: 7, Request: "p"})
		}
		b.arrive("T", 0)
		time.Sleep(4*time.Second + roundStep/2)
		synctest.Wait()
		if n := pulls - b.Waiting(); n != roundSmall {
			t.Errorf("%d pulls came back at once", n)
		}
		time.Sleep(roundStep)
		synctest.Wait()
		if n := pulls - b.Waiting(); n != 2*roundSmall {
			t.Errorf("%d pulls came back in two steps", n)
		}
		b.arrive("T", 7)
		synctest.Wait()
		if n := b.Waiting(); n != 0 {
			t.Errorf("%d wait for a message that has come", n)
		}
	})
}

// However many wait, a round is over before the next begins.
func TestRoundEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const pulls = 300 * roundSmall
		b := run(t, nil)
		for range pulls {
			b.Park(&Waiter[string]{Topic: "T", Deadline: now() + 60_000, Filter: tag(7), Kind: 7, Request: "p"})
		}
		b.arrive("T", 0)
		time.Sleep(DefaultRecheck + DefaultRecheck/2 + tick)
		if n := b.Waiting(); n != 0 {
			t.Errorf("%d still wait", n)
		}
	})
}

// No message that a pull wants is ever taken for seen, in whatever order pulls come and
// the store tells of messages.
func TestNothingIsSkipped(t *testing.T) {
	for seed := range uint64(300) {
		synctest.Test(t, func(t *testing.T) { skipping(t, rand.New(rand.NewPCG(seed, 1))) })
	}
}

func skipping(t *testing.T, rnd *rand.Rand) {
	var mu sync.Mutex                     // guards tags and parked, which Run's goroutine sees too
	var tags []int64                      // of the messages in the queue
	var untold []int64                    // offsets that the store has not told of yet
	next := func(from, tag int64) int64 { // where the first message with a tag lies, or the end
		for from < int64(len(tags)) && tags[from] != tag {
			from++
		}
		return from
	}
	parked := map[*Waiter[int64]]bool{}
	h := New(Options[int64]{
		Now:       now,
		MaxOffset: func(string, int32) int64 { mu.Lock(); defer mu.Unlock(); return int64(len(tags)) },
		Resume: func(woken []*Waiter[int64]) {
			mu.Lock()
			defer mu.Unlock()
			for _, w := range woken {
				if !parked[w] {
					t.Errorf("a pull came back twice")
				}
				delete(parked, w)
				if first := next(w.From, w.Request); first < w.Seen {
					t.Errorf("a pull from %d is said to have seen all before %d, the message at %d is for it", w.From, w.Seen, first)
				}
			}
		},
	})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); _ = h.Run(ctx) }()
	for range 200 {
		switch rnd.IntN(6) {
		case 0, 1: // the store makes a message visible
			mu.Lock()
			tags = append(tags, rnd.Int64N(3))
			mu.Unlock()
			untold = append(untold, int64(len(tags)-1))
		case 2: // and tells of it, as a rule in order
			if len(untold) > 0 {
				i := 0
				if rnd.IntN(8) == 0 {
					i = rnd.IntN(len(untold))
				}
				offset := untold[i]
				untold = slices.Delete(untold, i, i+1)
				if rnd.IntN(16) > 0 { // or forgets to
					h.Notify("T", 0, offset, tags[offset], nil)
				}
			}
		case 3, 4:
			want := rnd.Int64N(4) // nobody sends 3
			from := rnd.Int64N(int64(len(tags)) + 1)
			w := &Waiter[int64]{Topic: "T", From: from, Deadline: now() + 1 + rnd.Int64N(20_000), Filter: tag(want), Kind: want, Request: want}
			if free := next(from, want); rnd.IntN(2) == 0 {
				w.Seen = from + rnd.Int64N(free-from+1)
			}
			mu.Lock()
			parked[w] = true
			mu.Unlock()
			h.Park(w)
		case 5:
			time.Sleep(time.Duration(rnd.IntN(4000)) * time.Millisecond)
		}
		synctest.Wait()
	}
	cancel()
	<-done
	if len(parked) != 0 || h.Waiting() != 0 {
		t.Errorf("%d pulls were never handed back, %d wait", len(parked), h.Waiting())
	}
}

// Notify with five thousand pulls, all of which want something else.
func BenchmarkNotifyManyOfOneKind(b *testing.B) {
	h := New(Options[int]{Now: now, MaxOffset: func(string, int32) int64 { return 0 }})
	for range 5000 {
		h.Park(&Waiter[int]{Topic: "T", Filter: tag(7), Kind: 7})
	}
	b.ReportAllocs()
	for b.Loop() {
		h.Notify("T", 0, 0, 0, nil)
	}
}
