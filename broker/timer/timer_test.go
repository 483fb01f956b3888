package timer

import (
	"context"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/protocol"
	"github.com/gantrymq/gantry/store/vfs"
)

func TestDivert(t *testing.T) {
	const now = startTime // 400 ms into a slot
	slot := func(ms int64) string { return strconv.FormatInt(now/precision*precision+ms, 10) }
	for _, test := range []struct {
		props string
		out   string
		err   error
	}{
		{"TIMER_DELAY_SEC\x013\x02", slot(3000), nil},
		{"TIMER_DELAY_SEC\x01+3\x02", slot(3000), nil},
		{"TIMER_DELAY_MS\x01600\x02", slot(0), nil}, // on a step: the slot before
		{"TIMER_DELAY_MS\x01601\x02", slot(1000), nil},
		{"TIMER_DELAY_MS\x011\x02", slot(0), nil},
		{"TIMER_DELIVER_MS\x01" + strconv.Itoa(now+5000) + "\x02", slot(5000), nil},
		{"TIMER_DELIVER_MS\x01x\x02TIMER_DELAY_MS\x01x\x02TIMER_DELAY_SEC\x011\x02", slot(1000), nil},
		{"TIMER_DELAY_SEC\x01100\x02", slot(100_000), nil},
		{"TIMER_DELAY_MS\x01100001\x02", "", ErrIllegal},
		{"TIMER_DELAY_SEC\x01x\x02", "", ErrIllegal},
		{"TIMER_DELAY_SEC\x011.5\x02", "", ErrIllegal},
		{"TIMER_DELAY_SEC\x01 1\x02", "", ErrIllegal},
		{"TIMER_DELIVER_MS\x019223372036854775807\x02", "", ErrIllegal},
		{"TIMER_DELAY_SEC\x019223372036854775807\x02", "", nil}, // wraps
		{"TIMER_DELAY_SEC\x010\x02", "", nil},
		{"TIMER_DELAY_MS\x01-1\x02", "", nil},
		{"TIMER_DELIVER_MS\x01" + strconv.Itoa(now) + "\x02", "", nil},
		{"TIMER_DELIVER_MS\x01" + strconv.Itoa(now) + "\x02TIMER_DEL_UNIQKEY\x01K\x02", "", ErrIllegal},
	} {
		b := newBench(t)
		b.open()
		m := codec.Message{Topic: "Orders", QueueID: 3, Properties: test.props}
		waits, err := b.s.Divert(&m)
		if !errors.Is(err, test.err) || waits != (test.out != "") {
			t.Errorf("%q: %t, %v", test.props, waits, err)
		}
		want := codec.Message{Topic: "Orders", QueueID: 3, Properties: test.props}
		if waits {
			want.Topic, want.QueueID = protocol.TopicWheelTimer, 0
			want.Properties += "TIMER_OUT_MS\x01" + test.out + "\x02REAL_TOPIC\x01Orders\x02REAL_QID\x013\x02"
		}
		if !reflect.DeepEqual(m, want) {
			t.Errorf("%q became %+v, want %+v", test.props, m, want)
		}
		b.close()
	}
	if _, err := (*Service)(nil).Divert(&codec.Message{}); !errors.Is(err, ErrOff) {
		t.Errorf("without a timer: %v", err)
	}
}

func TestIsTimed(t *testing.T) {
	for props, want := range map[string]bool{
		"":                                       false,
		"KEYS\x01k\x02":                          false,
		"TIMER_DELAY_SEC\x011\x02":               true,
		"KEYS\x01k\x02TIMER_DELIVER_MS\x011\x02": true,
		"TIMER_DELAY_MS\x011\x02":                true,
		"TIMER_DELAY_MS\x011\x02TIMER_OUT_MS\x015\x02": false,
	} {
		if got := IsTimed(props); got != want {
			t.Errorf("IsTimed(%q) = %t", props, got)
		}
	}
}

func TestDelivery(t *testing.T) {
	b := newBench(t)
	b.open()
	b.send("a", startTime+600)  // at a step
	b.send("b", startTime+601)  // behind it
	b.send("c", startTime+5000) // in the middle
	if b.send("d", startTime) {
		t.Error("a message whose time is over waits")
	}
	b.to(startTime + 599)
	b.expect("map[d:1]")
	b.to(startTime + 600)
	b.expect("map[a:1 d:1]")
	b.to(startTime + 1599)
	b.expect("map[a:1 d:1]")
	b.to(startTime + 1600)
	b.expect("map[a:1 b:1 d:1]")
	b.to(startTime + 5600)
	b.expect("map[a:1 b:1 c:1 d:1]")
	last := b.store.log[len(b.store.log)-1]
	want := "UNIQ_KEY\x01c\x02TIMER_DELIVER_MS\x01" + strconv.Itoa(startTime+5000) + "\x02TIMER_OUT_MS\x01" + strconv.Itoa(startTime-400+5000) +
		"\x02REAL_TOPIC\x01Orders\x02REAL_QID\x013\x02TIMER_ENQUEUE_MS\x01" + strconv.Itoa(startTime-400) + "\x02TIMER_DEQUEUE_MS\x01" + strconv.Itoa(startTime+5600) + "\x02"
	if last.Topic != "Orders" || last.QueueID != 3 || last.Properties != want {
		t.Errorf("delivered to %s %d with %q, want %q", last.Topic, last.QueueID, last.Properties, want)
	}
	if got := b.s.Metrics().TimingCount["Orders"].Count; got != 0 {
		t.Errorf("%d are said to wait", got)
	}
	if st := b.s.Status(); st.Waiting != 0 || st.OffsetBehind != 0 || st.ReadBehind > 1 {
		t.Errorf("status %+v", st)
	}
	b.close()
}

// A message that is found when its slot is over is delivered at once.
func TestLateArrival(t *testing.T) {
	b := newBench(t)
	b.open()
	b.send("a", startTime+700)
	b.clock += 5000
	b.to(b.clock)
	b.expect("map[a:1]")
	if text, _ := codec.Property(b.store.log[1].Properties, protocol.PropertyTimerEnqueueMs); text != strconv.Itoa(math.MaxInt64) {
		t.Errorf("TIMER_ENQUEUE_MS is %s", text)
	}
	b.close()
}

func TestRolling(t *testing.T) {
	b := newBench(t)
	b.open()
	b.send("near", startTime+35_000) // half a window first
	b.send("far", startTime+99_000)
	b.to(startTime + 34_600)
	b.expect("map[]")
	b.to(startTime + 35_600)
	b.expect("map[near:1]")
	b.to(startTime + 98_600)
	b.expect("map[near:1]")
	b.to(startTime + 99_600)
	b.expect("map[far:1 near:1]")
	for _, m := range b.store.log {
		if times, _ := codec.Property(m.Properties, protocol.PropertyTimerRollTimes); m.Topic == "Orders" && times == "" {
			t.Errorf("%s has not rolled", id(&m))
		}
	}
	if got := b.s.Metrics().TimingCount["Orders"].Count; got != 0 {
		t.Errorf("%d are said to wait", got)
	}
	b.close()
}

func TestDeletion(t *testing.T) {
	for _, withTopic := range []bool{false, true} {
		b := newBench(t)
		b.set.DeleteKeyWithTopic = withTopic
		b.open()
		b.send("a", startTime+5000)
		b.send("b", startTime+5000)
		b.send("c", startTime+5000)
		h, err := ParseHandle(HandleOf(&b.store.log[1], "broker"))
		if err != nil || h != (Handle{"Orders", "broker", startTime - 400 + 5000 + 1, "b"}) {
			t.Fatalf("handle %+v, %v", h, err)
		}
		m := b.s.Recall(h, "group")
		if waits, err := b.s.Divert(&m); !waits || err != nil {
			t.Fatalf("the recall waits %t, %v", waits, err)
		}
		if err := b.store.Append(&m); err != nil {
			t.Fatal(err)
		}
		b.to(startTime + 1000)
		if st, n := b.s.Status(), b.s.Metrics().TimingCount["Orders"].Count; st.Waiting != 2 || n != 2 {
			t.Errorf("%d wait, %d are counted", st.Waiting, n)
		}
		b.to(startTime + 8000)
		b.expect("map[a:1 c:1]")
		if n := b.s.Metrics().TimingCount["Orders"].Count; n != 0 {
			t.Errorf("%d are said to wait", n)
		}
		b.close()
	}
}

func TestHandle(t *testing.T) {
	const text = "djEgT3JkZXJzIGJyb2tlci1hIDE3NTAwMDAwMDUwMDEgSzE="
	want := Handle{"Orders", "broker-a", 1750000005001, "K1"}
	for _, form := range []string{text, strings.TrimRight(text, "=")} {
		if h, err := ParseHandle(form); err != nil || h != want {
			t.Errorf("%s is %+v, %v", form, h, err)
		}
	}
	for _, bad := range []string{"", "!!!", "djEg", "djIgUmVjYWxsRml4ZWQgYiAxIEs=", "djEgUmVjYWxsRml4ZWQgYiAx"} {
		if h, err := ParseHandle(bad); err == nil {
			t.Errorf("%q was read as %+v", bad, h)
		}
	}
	m := codec.Message{Properties: "UNIQ_KEY\x01K1\x02TIMER_OUT_MS\x011750000005000\x02REAL_TOPIC\x01Orders\x02"}
	if got := HandleOf(&m, "broker-a"); got != text {
		t.Errorf("handle %s", got)
	}
	m.Properties = "UNIQ_KEY\x01K1\x02TIMER_OUT_MS\x011750000005000\x02REAL_TOPIC\x01%RETRY%g\x02"
	if got := HandleOf(&m, "broker-a"); got != "" {
		t.Errorf("a retry got the handle %s", got)
	}
}

func FuzzParseHandle(f *testing.F) {
	f.Add("djEgT3JkZXJzIGJyb2tlci1hIDE3NTAwMDAwMDUwMDEgSzE=")
	f.Fuzz(func(t *testing.T, text string) {
		if h, err := ParseHandle(text); err != nil && (h != Handle{}) {
			t.Errorf("%q is refused and read as %+v", text, h)
		}
	})
}

func TestCongestion(t *testing.T) {
	b := newBench(t)
	b.set.CongestPerSlot = 10
	b.open()
	refused := 0
	for i := range 300 {
		m := timed(fmt.Sprint(i), startTime+5000)
		switch _, err := b.s.Divert(&m); {
		case errors.Is(err, ErrFlowControl):
			refused++
		case err != nil:
			t.Fatal(err)
		default:
			if err := b.store.Append(&m); err != nil {
				t.Fatal(err)
			}
			b.s.round()
		}
	}
	if n, err := b.s.files.Num(startTime + 4600); err != nil || n < 11 || n > 20 || int(n)+refused != 300 {
		t.Errorf("the slot took %d and %d were refused, %v", n, refused, err)
	}
	b.send("other", startTime+9000)
	b.close()
}

// A message in the timer topic that was never meant for it is passed over. Upstream's
// timer stops for good.
func TestForeignMessage(t *testing.T) {
	b := newBench(t)
	b.open()
	for _, props := range []string{"", "TIMER_OUT_MS\x01x\x02", "TIMER_OUT_MS\x01" + strconv.Itoa(startTime+600) + "\x02", "TIMER_OUT_MS\x011\x02REAL_TOPIC\x01T\x02REAL_QID\x01x\x02"} {
		if err := b.store.Append(&codec.Message{Topic: protocol.TopicWheelTimer, Properties: props}); err != nil {
			t.Fatal(err)
		}
	}
	b.send("a", startTime+1000)
	b.to(startTime + 3000)
	b.expect("map[a:1]")
	if len(b.said) != 4 {
		t.Errorf("%d were reported: %v", len(b.said), b.said)
	}
	b.close()
}

func TestRetry(t *testing.T) {
	b := newBench(t)
	b.open()
	full := errors.New("disk full")
	b.store.fail = func(m *codec.Message) error {
		if id(m) == "refused" && m.Topic == "Orders" {
			return fmt.Errorf("%w: too large", ErrSkip)
		}
		if id(m) == "b" && m.Topic == "Orders" && b.clock < startTime+4000 {
			return full
		}
		return nil
	}
	for _, key := range []string{"a", "refused", "b", "c"} {
		b.send(key, startTime+1000)
	}
	b.send("later", startTime+2500)
	b.to(startTime + 3900)
	b.expect("map[a:1]")
	b.to(startTime + 6000)
	b.expect("map[a:1 b:1 c:1 later:1]")
	if len(b.said) != 2 || !errors.Is(b.said[0], ErrSkip) || !errors.Is(b.said[1], full) {
		t.Errorf("reported %v", b.said)
	}
	b.close()
}

func TestClockSetBack(t *testing.T) {
	b := newBench(t)
	b.open()
	b.send("a", startTime+5000)
	b.to(startTime + 60_000)
	b.send("pending", startTime+70_000)
	b.to(startTime + 61_000)
	b.clock = startTime + 1000
	b.to(b.clock + 100)
	b.send("b", b.clock+4000) // for the slot that a was in
	b.to(b.clock + 20_000)
	b.expect("map[a:1 b:1]")
	b.to(startTime + 70_600)
	b.expect("map[a:1 b:1 pending:1]")
	b.close()
	b.open()
	b.to(startTime + 90_000)
	b.expect("map[a:1 b:1 pending:1]")
	b.close()
}

func TestClockSetForward(t *testing.T) {
	b := newBench(t)
	b.open()
	for i := range int64(50) {
		b.send(fmt.Sprint(i), startTime+1000+i*1000)
	}
	b.to(startTime + 500)
	b.clock += 365 * 86_400_000
	b.to(b.clock)
	if n := len(b.store.delivered()); n != 50 || len(b.store.early) > 0 {
		t.Errorf("%d were delivered", n)
	}
	b.send("after", b.clock+2000)
	b.to(b.clock + 3000)
	if b.store.delivered()["after"] != 1 {
		t.Error("the timer goes no further")
	}
	b.close()
}

// After a stop that is longer than the wheel turns, what waited is delivered, before
// anything new can take its slot.
func TestLongStop(t *testing.T) {
	b := newBench(t)
	b.open()
	for i := range int64(600) {
		b.send(fmt.Sprint(i), startTime+5000+i%7*1000)
	}
	b.to(startTime + 1000)
	b.close()
	b.clock += testSlots*precision - 5000 // the slots of old and new messages coincide
	b.open()
	for i := range int64(600) {
		b.send(fmt.Sprint("new", i), b.clock+9000+i%7*1000)
	}
	b.to(b.clock + 60_000)
	got := b.store.delivered()
	for key, n := range got {
		if n != 1 {
			t.Errorf("%s was delivered %d times", key, n)
		}
	}
	if len(got) != 1200 || len(b.store.early) > 0 {
		t.Errorf("%d were delivered, early %v", len(got), b.store.early)
	}
	b.close()
}

// Without its checkpoint the timer does not know what was delivered: what was due
// meanwhile comes, and what came before comes again, as upstream does.
func TestLostCheckpoint(t *testing.T) {
	b := newBench(t)
	b.open()
	b.send("old", startTime+2000)
	b.send("meanwhile", startTime+20_000)
	b.send("young", startTime+60_000)
	b.to(startTime + 10_000)
	b.close()
	if err := b.disk.Remove("/store/config/timercheck"); err != nil {
		t.Fatal(err)
	}
	b.clock = startTime + 30_000
	b.open()
	b.to(startTime + 59_000)
	b.expect("map[meanwhile:1 old:2]")
	b.to(startTime + 61_000)
	b.expect("map[meanwhile:1 old:2 young:1]")
	b.close()
}

// Without its files the timer reads the timer topic again: what is still due is
// delivered in time, and what is over at once, as upstream does.
func TestLostFiles(t *testing.T) {
	for name, lost := range map[string]string{"log": "/store/timerlog", "wheel": "/store/timerwheel", "everything": "/store"} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.open()
			b.send("old", startTime+2000)
			b.send("young", startTime+60_000)
			b.to(startTime + 10_000)
			b.close()
			if err := b.disk.RemoveAll(lost); err != nil {
				t.Fatal(err)
			}
			b.open()
			b.to(startTime + 59_000)
			if name == "everything" {
				b.expect("map[old:2]")
			} else {
				b.expect("map[old:1]")
			}
			b.to(startTime + 61_000)
			if n := b.store.delivered()["young"]; n != 1 {
				t.Errorf("what waits was delivered %d times", n)
			}
			b.close()
		})
	}
}

func TestStopEnqueue(t *testing.T) {
	b := newBench(t)
	b.open()
	b.send("in", startTime+5000)
	b.to(startTime + 1000)
	b.set.StopEnqueue = true
	b.send("out", startTime+5000)
	b.to(startTime + 10_000)
	b.expect("map[in:1]")
	if st := b.s.Status(); st.OffsetBehind != 1 {
		t.Errorf("status %+v", st)
	}
	b.set.StopEnqueue = false
	b.to(startTime + 30_000)
	b.expect("map[in:1 out:1]")
	b.close()
}

func TestCheckpoint(t *testing.T) {
	b := newBench(t)
	b.open()
	b.send("a", startTime+5000)
	b.to(startTime + 2000)
	body := b.s.Checkpoint()
	if len(body) != 56 {
		t.Fatalf("%d bytes", len(body))
	}
	word := func(i int) (n int64) {
		for _, c := range body[8*i : 8*i+8] {
			n = n<<8 | int64(c)
		}
		return n
	}
	if word(0) != startTime-400+2000 || word(1) != 52 || word(2) != 1 || word(3) != 1 {
		t.Errorf("checkpoint %d %d %d %d", word(0), word(1), word(2), word(3))
	}
	b.close()
}

// Run sleeps until something is due, and wakes for what arrives.
func TestRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		now := func() int64 { return time.Now().UnixMilli() }
		b.o.Now, b.store.now = now, now
		b.disk = vfs.NewMemory()
		b.open()
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- b.s.Run(ctx) }()
		time.Sleep(time.Minute + 300*time.Millisecond)
		sent := now()
		b.send("a", sent+1500)
		b.s.Notify()
		time.Sleep(1499 * time.Millisecond)
		b.expect("map[]")
		time.Sleep(precision*time.Millisecond + 1)
		b.expect("map[a:1]")
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("Run = %v", err)
		}
		b.close()
	})
}

func TestMetricsFile(t *testing.T) {
	dir := t.TempDir()
	b := newBench(t)
	b.o.ConfigFS, b.o.Metrics = nil, dir+"/timermetrics"
	b.open()
	b.send("a", startTime+5000)
	b.send("b", startTime+5000)
	b.to(startTime + 2000)
	b.close()
	b.open()
	if got := fmt.Sprint(b.s.Metrics()); got != fmt.Sprintf("{{2 0 %d} map[Orders:{2 %d}]}", startTime, startTime) {
		t.Errorf("metrics %s", got)
	}
	b.s.ForgetTopic("Orders")
	if got := b.s.Metrics().TimingCount; len(got) != 0 {
		t.Errorf("metrics of a topic that was deleted: %v", got)
	}
	b.close()
}

// TestFailedSync: a sync of the timer log that failed stops the store, and is not followed by one that counts: after the power failure
// that it announces every message comes.
func TestFailedSync(t *testing.T) {
	b := newBench(t)
	b.open()
	b.send("a", b.clock+60_000)
	b.to(b.clock + 3000)
	b.disk.Inject(func(op vfs.Op) error {
		if op.Kind == vfs.OpSync && strings.Contains(op.Name, "/timerlog/") {
			return syscall.EIO
		}
		return nil
	})
	b.send("b", b.clock+70_000)
	b.to(b.clock + 3000)
	b.disk.Inject(nil)
	b.to(b.clock + 3000)
	if b.store.broken == nil || len(b.said) != 1 {
		t.Errorf("the store was told %v, the operator %v", b.store.broken, b.said)
	}
	if err := b.s.Close(); err == nil {
		t.Error("closed as if nothing had happened")
	}
	b.disk = b.disk.Reboot()
	b.open()
	b.to(b.clock + 80_000)
	b.expect("map[a:1 b:1]")
	b.close()
}
