package broadcast

import (
	"fmt"
	"maps"
	"testing"
	"time"
	"unsafe"
)

// fixture is a Manager with a clock of its own, and what its sweeps commit.
type fixture struct {
	*Manager
	now       time.Time
	present   []string // clients with a connection
	committed map[string]int64
}

func newFixture(limit int) *fixture {
	f := &fixture{now: time.Unix(1000, 0), committed: map[string]int64{}}
	f.Manager = New(Options{
		Now:    func() time.Time { return f.now },
		Expiry: func() (absent, present time.Duration) { return 120 * time.Second, 300 * time.Second },
		Limit:  limit,
	})
	return f
}

func (f *fixture) sweep() {
	f.Sweep(func(string) []string { return f.present }, func(topic, group string, queue int32, offset int64) {
		f.committed[fmt.Sprintf("%s@%s/%d", topic, CommitGroup(group), queue)] = offset
	})
}

func proxied(id string) Client { return Client{"T", "G", id, true} }
func direct(id string) Client  { return Client{"T", "G", id, false} }

func (f *fixture) begins(t *testing.T, c Client, queue int32, offset, known int64, elsewhere bool) {
	t.Helper()
	gotKnown, gotElsewhere := f.Begin(c, queue, offset)
	if gotKnown != known || gotElsewhere != elsewhere {
		t.Errorf("%+v pulls queue %d from %d: known %d, elsewhere %v; want %d, %v", c, queue, offset, gotKnown, gotElsewhere, known, elsewhere)
	}
}

func TestProxyAsksWhereToBegin(t *testing.T) {
	f := newFixture(0)
	f.begins(t, proxied("a"), 0, -1, Unknown, true)
	f.begins(t, proxied("a"), 0, 7, Unknown, false)
	f.Pulled(proxied("a"), 0, 7)
	f.begins(t, proxied("a"), 0, -1, 7, true)
	f.begins(t, proxied("a"), 1, -1, Unknown, true)
	f.begins(t, proxied("b"), 0, -1, Unknown, true)
	f.begins(t, direct("c"), 0, -1, Unknown, false)
}

func TestChangeBetweenProxyAndBroker(t *testing.T) {
	f := newFixture(0)
	f.Pulled(proxied("a"), 0, 5)
	f.begins(t, direct("a"), 0, 2, 5, true)
	f.begins(t, direct("a"), 3, 2, Unknown, true)
	f.Pulled(direct("a"), 0, 5)
	f.begins(t, direct("a"), 0, 2, Unknown, false)
	f.begins(t, direct("a"), 0, -1, Unknown, false)
	f.Pulled(direct("a"), 0, 2) // back, which the broker does not follow
	f.begins(t, proxied("a"), 0, 2, 5, true)
}

// A client that asks before it is noted counts by the way that it asked.
func TestFirstQuestionSaysTheWay(t *testing.T) {
	f := newFixture(0)
	f.Pulled(proxied("other"), 0, 1)
	f.begins(t, proxied("a"), 0, 4, Unknown, false)
	f.begins(t, direct("a"), 0, 4, Unknown, true)
}

func TestNamesAreApart(t *testing.T) {
	f := newFixture(0)
	f.Pulled(Client{"T", "G", "a", true}, 0, 5)
	f.begins(t, Client{"T", "H", "a", false}, 0, 1, Unknown, false)
	f.begins(t, Client{"U", "G", "a", false}, 0, 1, Unknown, false)
}

func TestSweepCommitsTheLeast(t *testing.T) {
	f := newFixture(0)
	f.Pulled(proxied("a"), 0, 5)
	f.Pulled(proxied("a"), 1, 6)
	f.Pulled(direct("b"), 0, 3)
	f.sweep()
	if want := (map[string]int64{"T@G@broadcast/0": 3, "T@G@broadcast/1": 6}); !maps.Equal(f.committed, want) {
		t.Errorf("committed %v, want %v", f.committed, want)
	}
}

func TestAbsentClientsAreForgotten(t *testing.T) {
	f := newFixture(0)
	f.Pulled(proxied("a"), 0, 3)
	f.now = f.now.Add(119 * time.Second)
	f.Pulled(proxied("b"), 0, 9)
	f.sweep()
	if got := f.committed["T@G@broadcast/0"]; got != 3 {
		t.Errorf("committed %d before the end of a client's time, want 3", got)
	}
	f.now = f.now.Add(time.Second)
	f.sweep()
	if got := f.committed["T@G@broadcast/0"]; got != 9 {
		t.Errorf("committed %d after the end of a client's time, want 9", got)
	}
	f.begins(t, proxied("a"), 0, -1, Unknown, true)
}

func TestPresentClientsAreKeptLonger(t *testing.T) {
	f := newFixture(0)
	f.present = []string{"a"}
	f.Pulled(direct("a"), 0, 3)
	f.now = f.now.Add(299 * time.Second)
	f.sweep()
	f.begins(t, proxied("a"), 0, 1, 3, true)
	f.now = f.now.Add(time.Second)
	clear(f.committed)
	f.sweep()
	if got, ok := f.committed["T@G@broadcast/0"]; !ok || got != 3 {
		t.Errorf("committed %d with the sweep that forgets a client that is present, want 3", got)
	}
	f.begins(t, proxied("a"), 0, 1, Unknown, false)
	if len(f.parts) != 0 || f.kept != 0 {
		t.Errorf("%d groups and %d entries are left of clients that are forgotten", len(f.parts), f.kept)
	}
}

func TestLimit(t *testing.T) {
	f := newFixture(5)
	for i := range 10 {
		f.Pulled(proxied(fmt.Sprint(i)), 0, int64(i))
	}
	if f.kept != 5 {
		t.Errorf("%d entries are kept, with a limit of 5", f.kept)
	}
	f.begins(t, proxied("0"), 0, -1, 0, true)
	f.begins(t, proxied("9"), 0, -1, Unknown, true)
	f.begins(t, direct("9"), 0, 4, Unknown, false)
	f.Pulled(proxied("0"), 0, 8) // is known, and goes on
	f.begins(t, proxied("0"), 0, -1, 8, true)
	f.Pulled(proxied("0"), 1, 8) // a queue more
	f.begins(t, proxied("0"), 1, -1, Unknown, true)
	f.now = f.now.Add(time.Hour)
	f.sweep()
	f.Pulled(proxied("9"), 0, 2)
	f.begins(t, proxied("9"), 0, -1, 2, true)
}

// The names of a pull are views into its frame.
func TestNamesAreCopied(t *testing.T) {
	f := newFixture(0)
	frame := []byte("TGab")
	view := func(i int) string { return unsafe.String(&frame[i], 1) }
	f.Pulled(Client{view(0), view(1), view(2), true}, 0, 3)
	f.Begin(Client{view(0), view(1), view(3), true}, 0, 3)
	clear(frame)
	f.begins(t, proxied("a"), 0, -1, 3, true)
	f.begins(t, direct("b"), 0, 1, Unknown, true)
}

func TestKnownClientAllocatesNothing(t *testing.T) {
	f := newFixture(0)
	c := proxied("a")
	f.Pulled(c, 0, 3)
	if n := testing.AllocsPerRun(100, func() { f.Begin(c, 0, 4); f.Pulled(c, 0, 4) }); n != 0 {
		t.Errorf("a pull of a client that is known allocates %v times", n)
	}
}
