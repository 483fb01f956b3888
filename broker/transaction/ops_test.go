package transaction

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/protocol"
)

func (b *bench) opBodies() []string { return bodies(b.queue(protocol.TopicTransOpHalf, 0)) }

func TestEndsAreNotedTogether(t *testing.T) {
	b := newBench(t)
	b.ops.written = b.now
	for i := range int64(10) {
		must(t, b.ops.add(i))
	}
	must(t, b.ops.flush(false))
	if got := b.opBodies(); got != nil {
		t.Errorf("noted %q before their time", got)
	}
	b.advance(3 * time.Second)
	must(t, b.ops.flush(false))
	if got := b.opBodies(); !slices.Equal(got, []string{"0,1,2,3,4,5,6,7,8,9,"}) {
		t.Errorf("noted %q", got)
	}
	if b.ops.has(3) {
		t.Error("an end waits that is noted")
	}
}

func TestFullMessagesAreNotedAtOnce(t *testing.T) {
	b := newBench(t)
	b.ops.written = b.now
	for i := range int64(25) {
		must(t, b.ops.add(1000+i))
	}
	must(t, b.ops.flush(false))
	got := b.opBodies()
	if len(got) != 1 || len(got[0]) != 65 { // the end that reaches the 64 bytes still goes along
		t.Errorf("noted %q", got)
	}
	must(t, b.ops.flush(true))
	if got := strings.Join(b.opBodies(), ""); strings.Count(got, ",") != 25 || !strings.HasPrefix(got, "1000,1001,") || !strings.HasSuffix(got, "1024,") {
		t.Errorf("noted %q", got)
	}
	if b.ops.bytes != 0 {
		t.Errorf("%d bytes wait", b.ops.bytes)
	}
}

func TestEndsThatCannotBeNotedWait(t *testing.T) {
	b := newBench(t)
	must(t, b.ops.add(5))
	b.appends = errDisk
	if err := b.ops.flush(true); !errors.Is(err, errDisk) {
		t.Errorf("flush on a full disk: %v", err)
	}
	if !b.ops.has(5) {
		t.Error("an end is forgotten")
	}
	b.appends = nil
	must(t, b.Close())
	if got := b.opBodies(); !slices.Equal(got, []string{"5,"}) {
		t.Errorf("noted %q", got)
	}
}

func TestNoMoreEndsWaitThanMay(t *testing.T) {
	b := newBench(t)
	b.settings.OpMaxSize = 1 << 30
	b.ops.waiting = make([]int64, maxWaiting)
	b.ops.bytes = 2 * maxWaiting
	must(t, b.ops.add(7))
	if got := b.opBodies(); len(got) != 1 || len(got[0]) != 2*maxWaiting {
		t.Errorf("%d op messages", len(got))
	}
	b.ops.waiting = make([]int64, maxWaiting)
	b.appends = errDisk
	if err := b.ops.add(8); !errors.Is(err, errDisk) {
		t.Errorf("one end too many: %v", err)
	}
}

func TestRunNotesEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.now = 0
		began := time.Now()
		run := b.start()
		must(t, b.Service.Rollback(b.half("one")))
		synctest.Wait()
		if got := b.opBodies(); !slices.Equal(got, []string{"0,"}) {
			t.Errorf("the first end is noted as %q", got)
		}
		for range 3 {
			must(t, b.Service.Rollback(b.half("more")))
			time.Sleep(900 * time.Millisecond)
		}
		if got := b.opBodies(); len(got) != 1 {
			t.Errorf("noted %q after %v", got, time.Since(began))
		}
		time.Sleep(400 * time.Millisecond)
		if got := b.opBodies(); !slices.Equal(got, []string{"0,", "1,2,3,"}) {
			t.Errorf("noted %q after %v", got, time.Since(began))
		}
		b.mu.Lock()
		b.appends = errDisk
		b.mu.Unlock()
		must(t, b.ops.add(9))
		time.Sleep(10 * time.Second)
		b.mu.Lock()
		b.appends = nil
		b.mu.Unlock()
		time.Sleep(opRetry)
		if got := b.opBodies(); len(got) != 3 || got[2] != "9," {
			t.Errorf("noted %q", got)
		}
		run()
		if len(b.faults) == 0 {
			t.Error("nobody was told that an end could not be noted")
		}
	})
}

func FuzzOpMessage(f *testing.F) {
	for _, body := range []string{"", "0,", "1,2,3,", "7", ",,", "-1,", "99999999999999999999,", "a,5,", "5,5,", "3,1,9,"} {
		f.Add(body, int64(2))
	}
	f.Fuzz(func(t *testing.T, body string, low int64) {
		b := newBench(t)
		for _, text := range []string{body, "3,", body} {
			must(t, b.Append(&codec.Message{Topic: protocol.TopicTransOpHalf, Body: []byte(text), Properties: opProperties}))
		}
		r := newOpReader(b, 0, max(0, min(low, 1<<40)))
		for range 10 {
			half := r.low
			if _, err := r.find(half, 3); err != nil {
				t.Fatal(err)
			}
			if at := r.progress(-1); at < 0 || at > 3 {
				t.Fatalf("progress %d", at)
			}
			r.pass(half)
		}
		for op, note := range r.open {
			if note.left < 0 {
				t.Fatalf("op message %d has %d half messages left", op, note.left)
			}
		}
		for _, half := range slices.Sorted(maps.Keys(r.ended)) {
			if half >= r.low {
				r.pass(half)
			}
		}
		if at := r.progress(1 << 62); at != 3 {
			t.Errorf("with all half messages passed, progress is %d", at)
		}
	})
}
