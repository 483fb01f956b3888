package transaction

import (
	"errors"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/protocol"
)

func TestCommitRestoresTheMessage(t *testing.T) {
	b := newBench(t)
	b.half("other")
	end := b.half("one", "KEYS", "k")
	must(t, b.Service.Commit(end))
	got := b.queue("Orders", 2)
	if len(got) != 1 {
		t.Fatalf("%d messages are delivered", len(got))
	}
	m := got[0]
	want := props("UNIQ_KEY", "one", "TRAN_MSG", "true", "PGROUP", "producers", "__transactionId__", "one", "KEYS", "k")
	if string(m.Body) != "one" || m.Properties != want || m.SysFlag != protocol.SysFlagTransactionCommit || m.Flag != 7 ||
		m.PreparedTransactionOffset != end.PhysicalOffset || m.BornTimestamp != beginning {
		t.Errorf("delivered %+v", m)
	}
	must(t, b.ops.flush(true))
	if ops := b.queue(protocol.TopicTransOpHalf, 0); len(ops) != 1 || string(ops[0].Body) != "1," || ops[0].Properties != "TAGS\x01d\x02WAIT\x01true\x02" {
		t.Errorf("op messages %+v", ops)
	}
	if n := b.HalfMessages()["Orders"]; n != 1 {
		t.Errorf("%d half messages are open, want the other", n)
	}
}

func TestRollbackDeliversNothing(t *testing.T) {
	b := newBench(t)
	must(t, b.Rollback(b.half("one")))
	must(t, b.Close())
	if got := b.queue("Orders", 2); len(got) != 0 {
		t.Errorf("delivered %q", bodies(got))
	}
	if ops := b.queue(protocol.TopicTransOpHalf, 0); !slices.Equal(bodies(ops), []string{"0,"}) {
		t.Errorf("op messages %q", bodies(ops))
	}
}

func TestEndRefuses(t *testing.T) {
	b := newBench(t)
	good := b.half("one")
	with := func(change func(*End)) End { e := good; change(&e); return e }
	store := func(m codec.Message) End {
		must(t, b.Append(&m))
		return End{Group: "producers", QueueOffset: m.QueueOffset, PhysicalOffset: m.PhysicalOffset}
	}
	plain := store(codec.Message{Topic: "Plain", Properties: props("PGROUP", "producers")})
	orphan := store(codec.Message{Topic: protocol.TopicTransHalf, Properties: props("REAL_TOPIC", "Orders", "REAL_QID", "0")})
	queue := store(codec.Message{Topic: protocol.TopicTransHalf, Properties: props("PGROUP", "producers", "REAL_TOPIC", "Orders", "REAL_QID", "x")})
	moved := store(codec.Message{Topic: protocol.TopicTransHalf, Properties: props("PGROUP", "producers")})
	b.log[moved.PhysicalOffset].PhysicalOffset++
	tests := []struct {
		name             string
		end              End
		commit, rollback error
	}{
		{"beyond the log", with(func(e *End) { e.PhysicalOffset = 99 }), ErrNotFound, ErrNotFound},
		{"before the log", with(func(e *End) { e.PhysicalOffset = -1 }), ErrNotFound, ErrNotFound},
		{"another group", with(func(e *End) { e.Group = "others" }), ErrOtherGroup, ErrOtherGroup},
		{"no group", with(func(e *End) { e.Group = "" }), ErrOtherGroup, ErrOtherGroup},
		{"another queue offset", with(func(e *End) { e.QueueOffset = 1 }), ErrQueueOffset, ErrQueueOffset},
		{"a misplaced message", moved, ErrPhysicalOffset, ErrPhysicalOffset},
		{"a plain message", plain, ErrNoHalfMessage, ErrNoHalfMessage},
		{"a half message of nobody", orphan, ErrNoHalfMessage, ErrNoHalfMessage},
		{"a half message for no queue", queue, ErrNoHalfMessage, nil},
	}
	before := len(b.log)
	for _, tt := range tests {
		if err := b.Service.Commit(tt.end); !errors.Is(err, tt.commit) {
			t.Errorf("%s: commit %v, want %v", tt.name, err, tt.commit)
		}
		if err := b.Rollback(tt.end); !errors.Is(err, tt.rollback) || err == nil != (tt.rollback == nil) {
			t.Errorf("%s: rollback %v, want %v", tt.name, err, tt.rollback)
		}
	}
	if len(b.log) != before {
		t.Errorf("%d messages were stored", len(b.log)-before)
	}
}

func TestEndAfterImmunity(t *testing.T) {
	tests := []struct {
		immunity string
		age      time.Duration
		want     error
	}{
		{"10", 10 * time.Second, nil},
		{"10", 10*time.Second + time.Millisecond, ErrTooLate},
		{"1", 6 * time.Second, nil}, // never shorter than the ordinary time
		{"1", 7 * time.Second, ErrTooLate},
		{"x", 6 * time.Second, nil},
		{"x", 7 * time.Second, ErrTooLate},
	}
	for _, tt := range tests {
		b := newBench(t)
		end := b.half("one", protocol.PropertyCheckImmunityTimeInSeconds, tt.immunity)
		b.advance(tt.age)
		if err := b.Service.Commit(end); !errors.Is(err, tt.want) {
			t.Errorf("immunity %s, commit after %v: %v, want %v", tt.immunity, tt.age, err, tt.want)
		}
		end.FromCheck = true
		if err := b.Rollback(end); err != nil {
			t.Errorf("immunity %s, answer after %v: %v", tt.immunity, tt.age, err)
		}
	}
}

func TestCommitThatIsNotStored(t *testing.T) {
	b := newBench(t)
	end := b.half("one")
	b.appends = errDisk
	if err := b.Service.Commit(end); !errors.Is(err, errDisk) {
		t.Errorf("commit on a full disk: %v", err)
	}
	if b.ops.has(0) {
		t.Error("the end of a transaction is noted whose message was not stored")
	}
	b.appends = nil
	must(t, b.Service.Commit(end))
}

func TestResume(t *testing.T) {
	b := newBench(t)
	must(t, b.Append(&codec.Message{
		Topic: protocol.TopicTransCheckMaxTime, Body: []byte("one"), BornTimestamp: b.now,
		Properties: props("PGROUP", "producers", "REAL_TOPIC", "Orders", "REAL_QID", "0", "TRANSACTION_CHECK_TIMES", "15"),
	}))
	b.advance(time.Hour)
	must(t, b.Resume(0))
	b.advance(time.Second)
	b.wantAsked("one 1")
	if err := b.Resume(math.MaxInt64); !errors.Is(err, ErrGone) {
		t.Errorf("resume of nothing: %v", err)
	}
}
