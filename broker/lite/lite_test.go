package lite

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

func who(client string) Who { return Who{Client: client, Group: "g", Topic: parent} }

func (w *world) add(client, names string) {
	w.t.Helper()
	if err := w.m.Add(who(client), lmqs(names), nil); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) wantPop(client string, most int, want string) int64 {
	w.t.Helper()
	w.now++
	at, _, got := w.pop(client, "g", most, 60_000)
	text := ""
	for _, part := range got {
		text += fmt.Sprintf("%s%v", part.lmq[len(lmq("")+"%LMQ%$P$"):], part.offsets)
	}
	if text != want {
		w.t.Fatalf("a pop of %s gave %s, want %s", client, text, want)
	}
	return at
}

// TestOrder: a lite topic gives nothing more before all is acknowledged.
func TestOrder(t *testing.T) {
	w := newWorld(t, 1)
	w.add("c", "a b")
	w.send("a")
	w.send("a")
	at := w.wantPop("c", 32, "a[0 1]")
	w.send("a")
	w.wantPop("c", 32, "")
	w.m.Ack("g", lmq("a"), 1, at)
	w.wantPop("c", 32, "")
	if w.offsets[windowKey{lmq("a"), "g"}] != 0 {
		t.Error("the offset moved beyond what is not acknowledged")
	}
	w.send("b")
	w.wantPop("c", 32, "b[0]")
	w.m.Ack("g", lmq("a"), 0, at)
	w.wantPop("c", 32, "a[2]")
	if r := w.m.Ack("g", lmq("a"), 9, w.now); r != NotHeld {
		t.Errorf("an offset that was not popped: %v", r)
	}
	if r := w.m.Ack("g", lmq("a"), 2, at); r != Acked || w.offsets[windowKey{lmq("a"), "g"}] != 2 {
		t.Errorf("a receipt of an earlier pop: %v", r)
	}
}

// TestAgain: what is not acknowledged in time comes again, and is counted.
func TestAgain(t *testing.T) {
	w := newWorld(t, 2)
	w.add("c", "a")
	w.send("a")
	w.send("a")
	at := w.wantPop("c", 1, "a[0]")
	w.m.Delay("g", lmq("a"), 0, at, w.now+500, false)
	w.now += 499
	if more := w.m.freeWindows(); !more {
		t.Error("nothing is waited for")
	}
	w.wantPop("c", 32, "") // at the very moment, and nobody has looked yet
	w.m.freeWindows()
	w.wantPop("c", 32, "a[0 1]")
	w.now += 60_001
	if more := w.m.freeWindows(); more {
		t.Error("there is something to wait for")
	}
	_, counts, got := w.pop("c", "g", 32, 60_000)
	if counts != "0 qo0%0 2;0 qo0%1 1" || len(got) != 1 {
		t.Errorf("given again: %q %v", counts, got)
	}
	// A suspension does not count.
	w.m.Delay("g", lmq("a"), 0, w.now, w.now+10, true)
	w.now += 11
	w.m.freeWindows()
	if _, counts, _ = w.pop("c", "g", 32, 60_000); counts != "0 qo0%0 2;0 qo0%1 1" {
		t.Errorf("after a suspension: %q", counts)
	}
}

// The time that a client asks for may be over when its request is carried out: the
// message is given again all the same.
func TestTimeOverAtOnce(t *testing.T) {
	for _, suspend := range []bool{false, true} {
		w := newWorld(t, 1)
		w.add("c", "a")
		w.send("a")
		at, _, got := w.pop("c", "g", 1, 60_000)
		if len(got) != 1 {
			t.Fatalf("the pop gave %v", got)
		}
		w.m.Delay("g", lmq("a"), 0, at, w.now, suspend)
		w.m.freeWindows()
		if !w.m.Ready("c") {
			t.Errorf("suspend=%v: the message is not ready for anybody", suspend)
		}
	}
}

func TestQuotaAndWildcard(t *testing.T) {
	w := newWorld(t, 3)
	w.settings.Subscriptions = 2
	w.groups["w"] = Group{Bound: parent, Wildcard: true}
	w.foreign[lmq("far")] = true
	w.add("c", "far a b")
	if got, _, _ := w.m.Subscription("c"); !slices.Equal(got, lmqs("a b")) {
		t.Errorf("subscribed to %q", got)
	}
	if err := w.m.Add(who("c"), lmqs("x"), nil); !errors.Is(err, ErrQuota) {
		t.Errorf("too many: %v", err)
	}
	w.settings.Subscriptions = 100
	wild := Who{Client: "wc", Group: "w", Topic: parent}
	if err := w.m.Add(wild, lmqs("a"), nil); !errors.Is(err, ErrWildcard) {
		t.Errorf("a wildcard group: %v", err)
	}
	w.send("old")
	w.m.Replace(wild, nil)
	w.send("new")
	if _, _, got := w.pop("wc", "w", 32, 1000); len(got) != 1 || got[0].lmq != lmq("new") {
		t.Errorf("the wildcard client was given %v", got)
	}
	w.now += wildcardDelay
	w.m.Scan()
	if _, _, got := w.pop("wc", "w", 32, 1000); len(got) != 2 || got[1].lmq != lmq("old") {
		t.Errorf("what was there before was not found: %v", got)
	}
	if subs := w.m.Subscribers(lmq("any")); !slices.Equal(subs["w"], []string{"wc"}) {
		t.Errorf("subscribers %v", subs)
	}
	w.m.Drop("wc")
	if subs := w.m.Subscribers(lmq("any")); len(subs) != 0 || !slices.Equal(w.gone, []string{"wc"}) {
		t.Errorf("subscribers %v after the client has gone (%v)", subs, w.gone)
	}
}

// TestNoEvents: a pop looks for itself, and nobody is woken.
func TestNoEvents(t *testing.T) {
	w := newWorld(t, 4)
	w.settings.NoEvents = true
	w.groups["w"] = Group{Bound: parent, Wildcard: true}
	w.send("b")
	w.add("c", "b a")
	w.send("a")
	w.send("elsewhere")
	w.m.LookThroughGroup("g")
	w.now += w.settings.FullDelay
	w.m.Scan()
	if len(w.woken) != 0 || w.m.Ready("c") {
		t.Errorf("woken %q", w.woken)
	}
	at := w.wantPop("c", 1, "a[0]")
	w.wantPop("c", 32, "b[0]")
	w.wantPop("c", 32, "")
	w.send("a")
	w.m.Ack("g", lmq("a"), 0, at)
	w.wantPop("c", 32, "a[1]")
	w.m.Replace(Who{Client: "wc", Group: "w", Topic: parent}, nil)
	w.m.LookThroughGroup("w")
	if _, _, got := w.pop("wc", "w", 32, 1000); len(got) != 0 {
		t.Errorf("a wildcard group was given %v", got)
	}
	w.settings.NoEvents = false
	w.now += 60_000
	w.m.LookThrough("c", "g")
	w.wantPop("c", 32, "a[1]b[0]")
}

func TestExclusive(t *testing.T) {
	w := newWorld(t, 4)
	w.groups["g"] = Group{Bound: parent, Exclusive: true, ResetWhenExcluded: true}
	w.add("c", "a b")
	w.send("a")
	w.m.Ack("g", lmq("a"), 0, w.wantPop("c", 32, "a[0]"))
	w.add("d", "a")
	if !slices.Equal(w.excluded, []exclusion{{"c", "g", lmq("a")}}) {
		t.Errorf("excluded %v", w.excluded)
	}
	w.wantPop("d", 32, "a[0]")
	w.add("d", "a") // the same client again excludes nobody
	if len(w.excluded) != 1 {
		t.Errorf("excluded %v", w.excluded)
	}
}

func TestReset(t *testing.T) {
	for _, tt := range []struct {
		reset Reset
		want  string
	}{
		{Reset{"POLICY", 0}, ""}, {Reset{"POLICY", 1}, "a[0 1 2 3]"}, {Reset{"POLICY", 2}, ""}, {Reset{"OFFSET", 2}, "a[2 3]"},
		{Reset{"TAIL_N", 1}, "a[3]"}, {Reset{"TAIL_N", 99}, "a[0 1 2 3]"}, {Reset{"OFFSET", -5}, ""}, {Reset{"TIMESTAMP", 1}, ""},
	} {
		w := newWorld(t, 5)
		w.ends[lmq("a")] = 4
		w.offsets[windowKey{lmq("a"), "g"}] = 4
		if err := w.m.Add(who("c"), lmqs("a"), &tt.reset); err != nil {
			t.Fatal(err)
		}
		w.wantPop("c", 32, tt.want)
	}
}

// TestFullQueue: what a ready queue has no room for is found later.
func TestFullQueue(t *testing.T) {
	w := newWorld(t, 6)
	w.settings.Events = 2
	w.add("c", "a b d e")
	for _, name := range []string{"a", "b", "d", "e"} {
		w.send(name)
	}
	w.wantPop("c", 32, "a[0]b[0]")
	w.wantPop("c", 32, "")
	w.now += w.settings.FullDelay
	w.pop("c", "g", 32, 60_000) // the client is alive
	w.m.Scan()
	w.wantPop("c", 32, "d[0]e[0]")
}

// TestStuckClient: what is ready for a client that does not pop goes to another.
func TestStuckClient(t *testing.T) {
	w := newWorld(t, 7)
	w.add("c", "a")
	w.send("a")
	w.add("d", "a")
	w.wantPop("d", 32, "")
	w.now += stuckAfter + 1
	w.m.Scan()
	w.wantPop("d", 32, "a[0]")
	w.now += 200_000
	w.m.dropSilent()
	if subs, _, _ := w.m.Counts(); subs != 0 || len(w.gone) != 2 {
		t.Errorf("%d subscriptions of silent clients, gone %v", subs, w.gone)
	}
}

// TestRun: messages come again by themselves, and Run ends.
func TestRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 8)
		ready := make(chan string, 8)
		w.m.opts.Now = func() int64 { return time.Now().UnixMilli() }
		w.m.opts.Wake = func(client string) { ready <- client }
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- w.m.Run(ctx) }()
		w.add("c", "a")
		w.send("a")
		<-ready
		began := time.Now()
		if _, _, got := w.pop("c", "g", 1, 5000); len(got) != 1 {
			t.Fatal("nothing is popped")
		}
		<-ready
		if late := time.Since(began) - 5*time.Second; late < 0 || late > 2*freeTick {
			t.Errorf("the message comes again %v late", late)
		}
		stop()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("Run ends with %v", err)
		}
	})
}
