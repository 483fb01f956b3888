package stats

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gantrymq/gantry/protocol"
)

func now() int64 { return time.Now().UnixMilli() }

func newManager() *Manager {
	return New("C", true, now, func(topic string) bool { return strings.HasPrefix(topic, "rmq_sys_") })
}

// run samples m inside a synctest bubble.
func run(t *testing.T, m *Manager) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- m.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("Run = %v", err)
		}
	})
	synctest.Wait()
}

func view(t *testing.T, m *Manager, name, key string) protocol.BrokerStatsData {
	t.Helper()
	data, ok := m.View(name, key)
	if !ok {
		t.Errorf("there is no %s %s", name, key)
	}
	return data
}

func TestWindows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager()
		m.Topic("T").Add(2, 100) // before the first sample
		run(t, m)
		time.Sleep(500 * time.Millisecond) // stay clear of the moments of sampling
		// One call with 3 messages a second for two hours.
		for range 7200 {
			time.Sleep(time.Second)
			m.Topic("T").Add(3, 1000)
		}
		got := view(t, m, TopicPutNums, "T")
		want := protocol.BrokerStatsData{
			StatsMinute: protocol.BrokerStatsItem{Sum: 180, TPS: 3, AvgPT: 3},
			StatsHour:   protocol.BrokerStatsItem{Sum: 10800, TPS: 3, AvgPT: 3},
			StatsDay:    got.StatsDay,
		}
		if got != want {
			t.Errorf("put numbers %+v, want %+v", got, want)
		}
		// The day began an hour before the first sample, with nothing.
		if sum := got.StatsDay.Sum; sum != 21599 || got.StatsDay.TPS > 2.01 || got.StatsDay.TPS < 1.99 {
			t.Errorf("day %+v", got.StatsDay)
		}
		if size := view(t, m, TopicPutSize, "T").StatsMinute; size != (protocol.BrokerStatsItem{Sum: 60_000, TPS: 1000, AvgPT: 1000}) {
			t.Errorf("put size %+v", size)
		}
		if tps := m.TopicPutTPS("T"); tps != 3 {
			t.Errorf("TopicPutTPS = %v", tps)
		}
		time.Sleep(2 * time.Minute)
		if idle := view(t, m, TopicPutNums, "T").StatsMinute; idle != (protocol.BrokerStatsItem{}) {
			t.Errorf("idle minute %+v", idle)
		}
	})
}

func TestFlows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager()
		run(t, m)
		m.Topic("T").Add(1, 10)
		m.Topic("rmq_sys_x").Add(5, 10)
		m.Group("G", "T").Add(7, 10)
		m.Group("G", "rmq_sys_x").Add(9, 10)
		m.GroupItem(SendBackNums, "G", "T").Add(1, 1)
		m.BrokerAcked(2)
		m.BrokerCheckPoints(3)
		m.Item(ChannelActivity, "CONNECT").Add(4, 1)
		time.Sleep(10 * time.Second)
		synctest.Wait()
		for _, tt := range []struct {
			name, key string
			want      int64
		}{
			{TopicPutNums, "T", 1}, {TopicPutNums, "rmq_sys_x", 5}, {BrokerPutNums, "C", 6}, {BrokerPutNumsNoSystem, "C", 1},
			{GroupGetNums, "T@G", 7}, {GroupGetSize, "T@G", 10}, {BrokerGetNums, "C", 16}, {BrokerGetNumsNoSystem, "C", 7},
			{SendBackNums, "T@G", 1}, {BrokerAckNums, "C", 2}, {BrokerCkNums, "C", 3}, {ChannelActivity, "CONNECT", 4},
		} {
			if got := view(t, m, tt.name, tt.key).StatsMinute.Sum; got != tt.want {
				t.Errorf("%s %s: %d, want %d", tt.name, tt.key, got, tt.want)
			}
		}
		if m.PutTotal() != 1 || m.GetTotal() != 7 || m.GroupGetTPS("G", "T") == 0 {
			t.Errorf("totals %d, %d, %v a second", m.PutTotal(), m.GetTotal(), m.GroupGetTPS("G", "T"))
		}
		for _, absent := range [][2]string{{TopicPutNums, "U"}, {GroupGetNums, "T@H"}, {GroupGetNums, "T"}, {"NONSENSE", "T"}} {
			if _, ok := m.View(absent[0], absent[1]); ok {
				t.Errorf("there is %v", absent)
			}
		}
	})
}

func TestRemove(t *testing.T) {
	fill := func() *Manager {
		m := newManager()
		for _, topic := range []string{"T", "T2"} {
			m.Topic(topic).Add(1, 1)
			for _, group := range []string{"G", "G2"} {
				m.Group(group, topic).Add(1, 1)
				m.GroupItem(SendBackNums, group, topic).Add(1, 1)
			}
		}
		return m
	}
	left := func(m *Manager) string {
		var list []string
		for _, name := range []string{TopicPutNums, GroupGetNums, SendBackNums} {
			for _, key := range []string{"T", "T2", "T@G", "T@G2", "T2@G", "T2@G2"} {
				if _, ok := m.View(name, key); ok {
					list = append(list, key)
				}
			}
		}
		return fmt.Sprint(list)
	}
	m := fill()
	m.RemoveTopic("T")
	if got := left(m); got != "[T2 T2@G T2@G2 T2@G T2@G2]" {
		t.Errorf("after RemoveTopic: %s", got)
	}
	if m.PutTotal() != 2 || m.GetTotal() != 4 {
		t.Errorf("removing the topic changed the broker's totals to %d, %d", m.PutTotal(), m.GetTotal())
	}
	m = fill()
	m.RemoveGroup("G")
	if got := left(m); got != "[T T2 T@G2 T2@G2 T@G2 T2@G2]" {
		t.Errorf("after RemoveGroup: %s", got)
	}
}

func TestDayTotals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager()
		run(t, m)
		time.Sleep(time.Second)
		m.Topic("T").Add(5, 1)
		if got := m.DayTotals(); got != (DayTotals{}) {
			t.Errorf("on the first day: %+v", got)
		}
		time.Sleep(24 * time.Hour)
		m.Topic("T").Add(6, 1)
		m.Group("G", "T").Add(2, 1)
		if got := m.DayTotals(); got != (DayTotals{PutTodayMorning: 5}) {
			t.Errorf("on the second day: %+v", got)
		}
		time.Sleep(24 * time.Hour)
		if got := m.DayTotals(); got != (DayTotals{PutYesterdayMorning: 5, PutTodayMorning: 11, GetTodayMorning: 2}) {
			t.Errorf("on the third day: %+v", got)
		}
	})
}

func TestRates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager()
		r := m.Rates()
		run(t, m)
		time.Sleep(time.Second)
		check := func(want, wantTotal string) {
			t.Helper()
			if got := r.Found.String(); got != want {
				t.Errorf("rates %q, want %q", got, want)
			}
			if got := r.Total(); got != wantTotal {
				t.Errorf("total %q, want %q", got, wantTotal)
			}
		}
		check("  ", "0.0 0.0 0.0")
		r.Found.Add(50, 0)
		r.Miss.Add(25, 0)
		time.Sleep(10 * time.Second)
		check("5.0  ", "7.5 0.0 0.0")
		time.Sleep(50 * time.Second)
		check("0.0 0.8333333333333334 ", "0.0 1.25 0.0")
		time.Sleep(540 * time.Second)
		check("0.0 0.0 0.08333333333333333", "0.0 0.0 0.125")
		time.Sleep(time.Hour)
		check("0.0 0.0 0.0", "0.0 0.0 0.0")
	})
}

// Nothing is lost however many count at once.
func TestConcurrentCounts(t *testing.T) {
	m := newManager()
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 1000 {
				m.Topic("T").Add(2, 3)
			}
		})
	}
	wg.Go(func() {
		for range 100 {
			m.sample(false, true, true)
			m.View(TopicPutNums, "T")
		}
	})
	wg.Wait()
	if got := m.Topic("T").totals(); got != (totals{8000, 12000, 4000}) || m.PutTotal() != 8000 {
		t.Errorf("counted %+v, %d for the broker", got, m.PutTotal())
	}
}

func TestHotPathDoesNotAllocate(t *testing.T) {
	m := newManager()
	topic, group := strings.Clone("T"), strings.Clone("G")
	m.Topic(topic)
	m.Group(group, topic)
	m.PutLatency(topic, 0, 1)
	m.GetLatency(group, topic, 0, 1)
	if n := testing.AllocsPerRun(100, func() {
		m.Topic(topic).Add(1, 1)
		m.Group(group, topic).Add(1, 1)
		m.PutLatency(topic, 0, 1)
		m.GetLatency(group, topic, 0, 1)
	}); n != 0 {
		t.Errorf("counting allocates %v times", n)
	}
}

func BenchmarkAdd(b *testing.B) {
	m := newManager()
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			m.Topic("T").Add(1, 1024)
		}
	})
}

func TestByQueue(t *testing.T) {
	for _, byQueue := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			m := New("C", byQueue, func() int64 { return time.Now().UnixMilli() }, func(string) bool { return false })
			run(t, m)
			m.PutLatency("T", 3, 7)
			m.PutLatency("T", 3, 2)
			m.GetLatency("G", "T", -1, 4)
			m.GetLatency("G", "T", 0, 6)
			m.GetLatency("G", "T", mostQueues+1, 6)
			m.QueuePut("D", 17, 1, 100)
			m.QueueGet("S", "D", 17, 2, 100)
			time.Sleep(10 * time.Second)
			synctest.Wait()
			wants := map[[2]string]float64{{TopicPutLatency, "3@T"}: 4.5, {GroupGetNums, "D@S"}: 2, {GroupGetSize, "D@S"}: 100}
			absent := [][2]string{{TopicPutLatency, "2@T"}, {TopicPutLatency, "4@T"}, {TopicPutLatency, "03@T"}, {TopicPutLatency, "T"}, {TopicPutLatency, "3@U"}, {GroupGetLatency, "1@T@G"}, {GroupGetLatency, "0@T"}}
			exact := map[[2]string]float64{
				{GroupGetLatency, "-1@T@G"}: 4, {GroupGetLatency, "0@T@G"}: 6, {QueuePutNums, "D@17"}: 1, {QueuePutSize, "D@17"}: 100, {QueueGetNums, "D@17@S"}: 2, {QueueGetSize, "D@17@S"}: 100,
			}
			for at, want := range exact {
				if byQueue {
					wants[at] = want
				} else {
					absent = append(absent, at)
				}
			}
			if !byQueue {
				wants[[2]string{GroupGetLatency, "T@G"}] = 16.0 / 3
			}
			for at, want := range wants {
				if got := view(t, m, at[0], at[1]).StatsMinute.AvgPT; got != want {
					t.Errorf("%v: %v a call, want %v", at, got, want)
				}
			}
			for _, at := range absent {
				if _, ok := m.View(at[0], at[1]); ok {
					t.Errorf("there is %v", at)
				}
			}
			m.RemoveTopic("T")
			if _, ok := m.View(TopicPutLatency, "3@T"); ok {
				t.Error("the latency of a topic outlives it")
			}
		})
	}
}
