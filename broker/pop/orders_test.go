package pop

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

var anyHost = netip.MustParseAddrPort("127.0.0.1:1000")

func TestOrdersFile(t *testing.T) {
	now := int64(1_700_000_000_000)
	queues := int32(2)
	open := func(path string) *Orders {
		s, _, err := OpenOrders(OrdersOptions{
			Path: path, Now: func() int64 { return now }, Queues: func(string) int32 { return queues }, HasGroup: func(g string) bool { return g == "G" },
			Wakes: func() bool { return true },
		})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	path := filepath.Join(t.TempDir(), "consumerOrderInfo.json")
	s := open(path)
	k := queueKey{"T", "G", 0}
	var info Info
	s.popped("a1", k, now, 60_000, []int64{100, 101, 102}, &info)
	s.popped("a2", k, now, 60_000, []int64{100, 101, 105}, &info)
	if got := info.OrderCounts(); got != "0 0 0;0 qo0%100 1;0 qo0%101 1;0 0 0" {
		t.Errorf("counts %q", got)
	}
	if next := s.commit(k, 101, now); next != 100 {
		t.Errorf("next offset %d", next)
	}
	s.delay(k, 100, now, now+70_000)
	s.popped("", queueKey{"T", "stranger", 0}, now, 60_000, []int64{1}, &info)
	if err := s.Persist(); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"table":{"T@G":{0:{"a":"a2","cm":2,"i":60000,"l":1700000000000,"o":[100,1,5],"oc":{100:1,101:1},"ot":{100:1700000070000},"popTime":1700000000000}}}}`
	if got := strings.NewReplacer("\n", "", "\t", "").Replace(string(text)); got != want {
		t.Errorf("file\n%s, want\n%s", got, want)
	}
	again := open(path)
	if !again.Blocked("", "T", "G", 0, 1) || again.Blocked("a2", "T", "G", 0, 1) || again.Blocked("", "T", "G", 1, 1) {
		t.Error("what was loaded does not block as it did")
	}
	now += 65_000 // 105 is free, 100 is not
	if !again.Blocked("", "T", "G", 0, 1) {
		t.Error("a message that was delayed does not block")
	}
	freed := 0
	again.freed(func(string, string, int32) { freed++ })
	now += 6_000
	again.freed(func(topic, group string, queue int32) { freed++ })
	if freed != 1 || again.Blocked("", "T", "G", 0, 1) {
		t.Errorf("freed %d times", freed)
	}
	if next := again.commit(k, 100, now-1); next != otherPop {
		t.Errorf("a receipt of another pop: %d", next)
	}
	if next := again.commit(k, 103, 1_700_000_000_000); next != notPopped {
		t.Errorf("an offset that was not popped: %d", next)
	}
	queues = 0
	if err := again.Persist(); err != nil {
		t.Fatal(err)
	}
	if next := open(path).commit(k, 7, 1); next != 8 {
		t.Errorf("what belongs to no queue is kept: %d", next)
	}
}

// TestOrdersRun: a queue is free when its time is over, however often others are
// popped meanwhile.
func TestOrdersRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var wakes atomic.Bool
		wakes.Store(true)
		s, _, err := OpenOrders(OrdersOptions{
			Path: filepath.Join(t.TempDir(), "consumerOrderInfo.json"), Now: func() int64 { return time.Now().UnixMilli() },
			Queues: func(string) int32 { return 9 }, HasGroup: func(string) bool { return true }, Wakes: wakes.Load,
		})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		var freed []string
		var run sync.WaitGroup
		run.Go(func() {
			_ = s.Run(ctx, func(topic, group string, queue int32) {
				freed = append(freed, fmt.Sprintf("%s@%s@%d", topic, group, queue))
			})
		})
		time.Sleep(time.Second) // it sleeps by now
		var info Info
		start := time.Now()
		s.popped("", queueKey{"T", "G", 0}, start.UnixMilli(), 2000, []int64{1}, &info)
		for time.Since(start) < 3*time.Second {
			s.popped("", queueKey{"T", "G", 1}, time.Now().UnixMilli(), 60_000, []int64{1}, &info)
			time.Sleep(10 * time.Millisecond)
		}
		s.popped("", queueKey{"T", "G", 2}, time.Now().UnixMilli(), 2000, []int64{1}, &info)
		wakes.Store(false)
		s.popped("", queueKey{"T", "G", 3}, time.Now().UnixMilli(), 4000, []int64{1}, &info)
		time.Sleep(3 * time.Second) // nobody is told that the first of these is free
		wakes.Store(true)
		time.Sleep(3 * time.Second) // nor of the second, which was popped when nobody was to be told
		cancel()
		run.Wait()
		if !slices.Equal(freed, []string{"T@G@0"}) {
			t.Errorf("freed %q", freed)
		}
	})
}
