package pop

import (
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var anyHost = netip.MustParseAddrPort("127.0.0.1:1000")

func TestOrdersFile(t *testing.T) {
	now := int64(1_700_000_000_000)
	queues := int32(2)
	open := func(path string) *Orders {
		s, _, err := OpenOrders(OrdersOptions{
			Path: path, Now: func() int64 { return now }, Queues: func(string) int32 { return queues }, HasGroup: func(g string) bool { return g == "G" },
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
	again.Freed(func(string, string, int32) { freed++ })
	now += 6_000
	again.Freed(func(topic, group string, queue int32) { freed++ })
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
