package transaction

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/protocol"
)

// start runs the service and returns its stop.
func (b *bench) start() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { _ = b.Run(ctx) })
	return func() { cancel(); wg.Wait() }
}

func TestOldHalfMessagesAreAskedAbout(t *testing.T) {
	b := newBench(t)
	b.half("one")
	b.advance(6 * time.Second)
	b.wantAsked()
	b.wantProgress(0, 0)
	b.advance(time.Millisecond)
	b.half("young")
	ends := b.wantAsked("one 1")
	b.wantProgress(1, 0)
	half := b.queue(protocol.TopicTransHalf, 0)
	if got := bodies(half); !slices.Equal(got, []string{"one", "young", "one"}) {
		t.Fatalf("half messages %q", got)
	}
	if got := half[2].Properties; got != half[0].Properties+"TRANSACTION_CHECK_TIMES\x011\x02" || half[2].Flag != 7 || half[2].BornTimestamp != beginning {
		t.Errorf("put back %+v", half[2])
	}
	must(t, b.Service.Commit(ends[0]))
	b.advance(time.Minute)
	b.wantAsked("young 1")
	if got := bodies(b.queue("Orders", 2)); !slices.Equal(got, []string{"one"}) {
		t.Errorf("delivered %q", got)
	}
}

func TestQuestion(t *testing.T) {
	b := newBench(t)
	b.half("one")
	b.advance(7 * time.Second)
	b.check()
	m := b.asked[0]
	if m.Topic != "Orders" || m.QueueID != 2 || m.QueueOffset != 1 || m.PhysicalOffset != 1 || m.StoreTimestamp != beginning {
		t.Errorf("asked about %+v", m)
	}
	if wait, _ := codec.Property(m.Properties, protocol.PropertyWait); wait != "false" {
		t.Errorf("properties %q", m.Properties)
	}
}

func TestEndedTransactionsAreNotAskedAbout(t *testing.T) {
	b := newBench(t)
	var ends []End
	for _, body := range []string{"a", "b", "c", "d", "e"} {
		ends = append(ends, b.half(body))
	}
	must(t, b.Rollback(ends[3]))
	must(t, b.ops.flush(true))
	must(t, b.Rollback(ends[0]))
	must(t, b.ops.flush(true))
	must(t, b.Rollback(ends[4])) // waits to be noted
	b.advance(7 * time.Second)
	b.wantAsked("b 1", "c 1")
	b.wantProgress(5, 3)
	b.advance(time.Second)
	b.wantAsked("b 2", "c 2")
}

// TestEndDuringTheWalk: what ends after the walk has begun and before it comes to
// that half message is known to it.
func TestEndDuringTheWalk(t *testing.T) {
	b := newBench(t)
	b.half("a")
	end := b.half("b")
	second := b.half("c")
	ask := b.opts.Ask
	b.opts.Ask = func(q Question) bool {
		if string(q.Message.Body) == "a" {
			must(t, b.Rollback(end))
			must(t, b.ops.flush(true))
			must(t, b.Rollback(second))
		}
		return ask(q)
	}
	b.advance(7 * time.Second)
	b.wantAsked("a 1")
	b.wantProgress(3, 1)
}

// TestOpMessagesThatCannotBeReadYet: the walk waits for them, and gives up for
// this time rather than ask in vain.
func TestOpMessagesThatCannotBeReadYet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		must(t, b.Rollback(b.half("one")))
		b.advance(time.Minute)
		b.visible[protocol.TopicTransOpHalf] = 0
		b.wantAsked()
		b.wantProgress(0, 0)
		if len(b.faults) != 1 || !errors.Is(b.faults[0], errLater) {
			t.Errorf("told %v", b.faults)
		}
		go func() {
			time.Sleep(time.Second)
			b.mu.Lock()
			defer b.mu.Unlock()
			delete(b.visible, protocol.TopicTransOpHalf)
		}()
		b.wantAsked()
		b.wantProgress(1, 1)
	})
}

func TestHalfMessagesThatNobodyEnds(t *testing.T) {
	b := newBench(t)
	b.half("one")
	for _, want := range []string{"one 1", "one 2", "one 3"} {
		b.advance(30 * time.Second)
		b.wantAsked(want)
	}
	b.advance(30 * time.Second)
	b.wantAsked()
	aside := b.queue(protocol.TopicTransCheckMaxTime, 0)
	if !slices.Equal(bodies(aside), []string{"one"}) || !b.opened {
		t.Fatalf("put aside %q, topic made: %t", bodies(aside), b.opened)
	}
	if times, _ := codec.Property(aside[0].Properties, protocol.PropertyTransactionCheckTimes); times != "3" {
		t.Errorf("put aside after %s checks", times)
	}
	if n := b.HalfMessages()["Orders"]; n != 0 {
		t.Errorf("%d half messages are open", n)
	}
	b.wantProgress(4, 0)
	must(t, b.Resume(aside[0].PhysicalOffset))
	b.advance(30 * time.Second)
	b.wantAsked("one 1")
}

func TestProducersThatAreGone(t *testing.T) {
	b := newBench(t)
	b.half("one")
	b.alive = false
	for range 2 {
		b.advance(30 * time.Second)
		b.wantAsked()
	}
	b.alive = true
	b.advance(30 * time.Second)
	b.wantAsked("one 3") // the checks in vain count, as upstream
}

func TestCountsOfChecks(t *testing.T) {
	b := newBench(t)
	b.settings.CheckMax = 0
	b.half("one")
	b.half("odd", protocol.PropertyTransactionCheckTimes, "x")
	b.half("many", protocol.PropertyTransactionCheckTimes, "7")
	b.advance(30 * time.Second)
	b.wantAsked("one 1", "odd 0") // the first check is for everyone
	b.advance(30 * time.Second)
	b.wantAsked()
	if got := bodies(b.queue(protocol.TopicTransCheckMaxTime, 0)); !slices.Equal(got, []string{"many", "one", "odd"}) {
		t.Errorf("put aside %q", got)
	}
}

func TestHalfMessagesThatExpire(t *testing.T) {
	b := newBench(t)
	b.half("one")
	b.advance(73 * time.Hour)
	b.wantAsked()
	aside := b.queue(protocol.TopicTransCheckMaxTime, 0)
	if got := bodies(aside); !slices.Equal(got, []string{"one"}) {
		t.Fatalf("put aside %q", got)
	}
	if times, _ := codec.Property(aside[0].Properties, protocol.PropertyTransactionCheckTimes); times != "1" {
		t.Errorf("put aside after %s checks", times)
	}
}

// TestClockSetBack: half messages of a time that is yet to come are asked about all
// the same.
func TestClockSetBack(t *testing.T) {
	b := newBench(t)
	b.half("one")
	b.advance(-time.Hour)
	b.wantAsked("one 1")
	b.advance(30 * time.Second)
	b.wantAsked("one 2")
}

func TestBornInTheFuture(t *testing.T) {
	b := newBench(t)
	b.now += 3_600_000
	b.half("one")
	b.now -= 3_599_000 // the producer's clock is an hour ahead
	b.wantAsked("one 1")
}

func TestImmunity(t *testing.T) {
	b := newBench(t)
	b.settings.CheckMax = 15
	b.half("spared", protocol.PropertyCheckImmunityTimeInSeconds, "60")
	b.half("ordinary")
	b.advance(30 * time.Second)
	b.wantAsked("ordinary 1") // the one in front of it does not hold it up
	half := b.queue(protocol.TopicTransHalf, 0)
	if want := half[0].Properties + "TRANSACTION_CHECK_TIMES\x011\x02WAIT\x01false\x02TRAN_PREPARED_QUEUE_OFFSET\x010\x02"; half[2].Properties != want {
		t.Errorf("put back with %q, want %q", half[2].Properties, want)
	}
	b.advance(30 * time.Second)
	b.wantAsked("ordinary 2")
	b.advance(30 * time.Second)
	b.wantAsked("spared 3", "ordinary 3")
	if first, _ := codec.Property(b.queue(protocol.TopicTransHalf, 0)[6].Properties, protocol.PropertyTransactionPreparedQueueOffset); first != "0" {
		t.Errorf("its first offset became %q", first)
	}
}

// TestImmunityEndsByFirstOffset: the producer knows the half message by its first
// offset. Upstream does not find an end under an offset that it has passed, asks
// when the time is over, and delivers the message twice.
func TestImmunityEndsByFirstOffset(t *testing.T) {
	b := newBench(t)
	end := b.half("spared", protocol.PropertyCheckImmunityTimeInSeconds, "60")
	b.advance(29 * time.Second)
	b.half("young")
	b.advance(time.Second)
	b.wantAsked()
	must(t, b.Service.Commit(end))
	b.advance(time.Second)
	b.wantAsked() // it reads the op message, and does not come as far as the half message that was put back
	b.wantProgress(1, 0)
	b.advance(30 * time.Second)
	b.wantAsked("young 1")
	b.wantProgress(3, 0) // half messages that were put back before the end was noted may be ahead
	for range 2 {
		b.advance(30 * time.Second)
		b.check()
	}
	if op := b.at(protocol.TopicTransOpHalf); op != 1 {
		t.Errorf("progress is %d of the op messages", op)
	}
	if got := bodies(b.queue("Orders", 2)); !slices.Equal(got, []string{"spared"}) {
		t.Errorf("delivered %q", got)
	}
	if texts, _ := b.questions(); slices.Contains(texts, "spared 3") {
		t.Errorf("asked about %q", texts)
	}
}

func TestImmunityThatIsNonsense(t *testing.T) {
	b := newBench(t)
	b.half("one", protocol.PropertyCheckImmunityTimeInSeconds, "soon")
	b.advance(time.Second)
	b.wantAsked()
	b.advance(6 * time.Second)
	b.wantAsked("one 2")
	b.half("two", protocol.PropertyCheckImmunityTimeInSeconds, "60", protocol.PropertyTransactionPreparedQueueOffset, "x")
	b.advance(time.Minute)
	b.check()
	if at := b.at(protocol.TopicTransHalf); at != 3 {
		t.Errorf("progress %d, want it to wait at 3", at)
	}
}

// TestProgressWaitsForTheDisk: when the log loses what the walk has put back, the
// walk must meet it again.
func TestProgressWaitsForTheDisk(t *testing.T) {
	b := newBench(t)
	b.half("one")
	b.advance(7 * time.Second)
	b.syncs = errDisk
	b.check()
	b.wantProgress(0, 0)
	if len(b.faults) != 1 || !errors.Is(b.faults[0], errDisk) {
		t.Errorf("told %v", b.faults)
	}
	b.syncs = nil
	b.advance(time.Second)
	b.check()
	if b.at(protocol.TopicTransHalf) == 0 || b.synced != len(b.log) {
		t.Errorf("progress %d with %d of %d messages on the disk", b.at(protocol.TopicTransHalf), b.synced, len(b.log))
	}
}

// TestProgressIsWrittenWhenSomethingWasPutBack, and otherwise when others are.
func TestProgressIsWrittenWhenSomethingWasPutBack(t *testing.T) {
	b := newBench(t)
	must(t, b.Rollback(b.half("ended")))
	b.wantAsked()
	b.wantProgress(1, 1)
	if b.persisted != nil {
		t.Errorf("written %v", b.persisted)
	}
	b.half("one")
	b.advance(7 * time.Second)
	b.wantAsked("one 1")
	if !maps.Equal(b.persisted, b.progress) {
		t.Errorf("written %v, want %v", b.persisted, b.progress)
	}
}

// TestEndWhileTheWalkWaits: it waits for op messages to become readable, and in
// that time the producer ends the transaction that it looks at.
func TestEndWhileTheWalkWaits(t *testing.T) {
	for _, noted := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t)
			must(t, b.Rollback(b.half("a")))
			end := b.half("b")
			b.advance(7 * time.Second)
			b.visible[protocol.TopicTransOpHalf] = 0
			go func() {
				time.Sleep(lookAgain / 2)
				must(t, b.Rollback(end))
				if noted {
					must(t, b.ops.flush(true))
				}
				b.mu.Lock()
				delete(b.visible, protocol.TopicTransOpHalf)
				b.mu.Unlock()
			}()
			b.wantAsked()
		})
	}
}

func TestWalkStopsWhenItCannotWrite(t *testing.T) {
	b := newBench(t)
	b.half("one")
	b.advance(7 * time.Second)
	b.appends = errDisk
	b.wantAsked()
	b.wantProgress(0, 0)
	b.appends = nil
	b.wantAsked("one 1")
}

func TestProgressOutsideOfTheQueue(t *testing.T) {
	b := newBench(t)
	for _, topic := range []string{protocol.TopicTransHalf, protocol.TopicTransOpHalf} {
		b.Commit(protocol.GroupSysTrans, topic, 0, 100)
	}
	b.open(b.opts.Path) // a queue that is shorter than the progress: the log was cut
	b.wantProgress(0, 0)
	b.half("one")
	b.half("two")
	b.advance(7 * time.Second)
	b.first = 1 // and one whose beginning has expired
	b.wantAsked("two 1")
}

func TestSeveralNotesOfOneEnd(t *testing.T) {
	b := newBench(t)
	end := b.half("one")
	for range 3 {
		must(t, b.Service.Commit(end))
		must(t, b.ops.flush(true))
	}
	b.check()
	b.wantProgress(1, 3)
}

func TestForeignOpMessages(t *testing.T) {
	b := newBench(t)
	b.half("one")
	for _, m := range []codec.Message{
		{Body: []byte("0,")},
		{Body: []byte("0,"), Properties: "TAGS\x01x\x02"},
		{Body: []byte("nonsense,,-3,"), Properties: "TAGS\x01d\x02"},
		{Properties: "TAGS\x01d\x02"},
	} {
		m.Topic = protocol.TopicTransOpHalf
		must(t, b.Append(&m))
	}
	b.advance(7 * time.Second)
	b.wantAsked("one 1")
	b.wantProgress(1, 4)
}

func TestRunChecks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.now = 0
		stop := b.start()
		b.half("one")
		time.Sleep(29 * time.Second)
		if texts, _ := b.questions(); texts != nil {
			t.Errorf("asked about %q", texts)
		}
		time.Sleep(2 * time.Second)
		if texts, _ := b.questions(); !slices.Equal(texts, []string{"one 1"}) {
			t.Errorf("asked about %q", texts)
		}
		stop()
	})
}
