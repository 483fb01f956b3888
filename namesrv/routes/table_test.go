package routes

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gantrymq/gantry/compat"
	"github.com/gantrymq/gantry/protocol"
)

func epoch() time.Time { return time.UnixMilli(1_700_000_000_000) }

func registration(broker string, id int64, addr string, topics ...string) *Registration {
	r := &Registration{
		Address: Address{"c", addr}, BrokerName: broker, BrokerID: id, HAAddr: "ha-" + addr,
		HeartbeatTimeout: DefaultHeartbeatTimeout, Version: protocol.DataVersion{Counter: 1}, Session: 1,
	}
	for _, name := range topics {
		r.Topics = append(r.Topics, protocol.DefaultTopicConfig(name))
	}
	return r
}

// encode is the JSON of v, empty for a nil route.
func encode(t testing.TB, v any, form compat.JSONForm) string {
	t.Helper()
	if route, ok := v.(*protocol.TopicRouteData); ok && route == nil {
		return ""
	}
	body, err := compat.AppendFastjson(nil, v, form)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func mustRegister(t testing.TB, table *Table, r *Registration) Registered {
	t.Helper()
	out, err := table.Register(r)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestPartialRegistration(t *testing.T) {
	table := New(epoch, Rules{})
	if _, err := table.Register(registration("a", 0, "h:1", "T")); !errors.Is(err, ErrPartialRegistration) {
		t.Fatalf("one topic of an unknown broker: %v, want ErrPartialRegistration", err)
	}
	if info := table.ClusterInfo(); len(info.BrokerAddrTable) != 0 || len(info.ClusterAddrTable) != 0 {
		t.Errorf("a refused registration left %v", info)
	}
	mustRegister(t, table, registration("a", 0, "h:1", "T1", "T2"))
	next := registration("a", 0, "h:1", "T3")
	next.Version.Counter++
	mustRegister(t, table, next)
	if got := table.Topics(); !slices.Equal(got, []string{"T1", "T2", "T3"}) {
		t.Errorf("topics %v after a partial registration", got)
	}
}

func TestExpiry(t *testing.T) {
	now := epoch()
	table := New(func() time.Time { return now }, Rules{})
	mustRegister(t, table, registration("a", 0, "slow:1", "T1", "T2"))
	quick := registration("b", 0, "quick:1", "T1", "T2")
	quick.HeartbeatTimeout = 10 * time.Second
	mustRegister(t, table, quick)

	steps := []struct {
		after     time.Duration
		heartbeat bool // of both, before looking
		want      []string
	}{
		{after: 10 * time.Second},
		{after: time.Millisecond, want: []string{"quick:1"}},
		{heartbeat: true},
		{after: 10*time.Second + time.Millisecond, want: []string{"quick:1"}},
		{after: 2 * time.Minute, want: []string{"quick:1", "slow:1"}},
	}
	for i, s := range steps {
		now = now.Add(s.after)
		if s.heartbeat {
			table.Heartbeat(Address{"c", "slow:1"})
			table.Heartbeat(quick.Address)
			table.Heartbeat(Address{"c", "nobody:1"})
		}
		var got []string
		for _, u := range table.Expired() {
			got = append(got, u.Addr)
		}
		slices.Sort(got)
		if !slices.Equal(got, s.want) {
			t.Errorf("step %d: expired %v, want %v", i, got, s.want)
		}
	}
	table.Unregister(table.Expired())
	if body, _ := table.EncodedRoute("T1", compat.Compact); body != nil {
		t.Error("a topic without brokers still has a route")
	}
}

// A connection breaks, the broker is back on another before the departure is
// carried out: the broker stays.
func TestOvertakenDeparture(t *testing.T) {
	table := New(epoch, Rules{})
	r := registration("a", 0, "h:1", "T1", "T2")
	mustRegister(t, table, r)
	gone := table.OfSession(1)
	r.Session = 2
	mustRegister(t, table, r)
	table.Unregister(gone)
	if _, ok := table.Route("T1"); !ok {
		t.Fatal("the departure of the old connection took the new registration with it")
	}
	table.Unregister(table.OfSession(2))
	if _, ok := table.Route("T1"); ok {
		t.Fatal("the broker outlived its connection")
	}
}

// One process that holds several brokers has one connection for them.
func TestSessionOfSeveralBrokers(t *testing.T) {
	table := New(epoch, Rules{})
	mustRegister(t, table, registration("a", 0, "h:1", "T1", "T2"))
	mustRegister(t, table, registration("b", 0, "h:2", "T1", "T2"))
	if gone := table.OfSession(1); len(gone) != 2 {
		t.Fatalf("found %d brokers of the session, want 2", len(gone))
	}
}

func TestMinBrokerChange(t *testing.T) {
	table := New(epoch, Rules{NotifyMinBrokerID: true})
	member := func(id int64, addr string) *Registration {
		r := registration("a", id, addr, "T1", "T2")
		r.EnableActingMaster = protocol.Some(true)
		return r
	}
	mustRegister(t, table, member(2, "h2:1"))
	if c := mustRegister(t, table, member(3, "h3:1")).Changed; c != nil {
		t.Errorf("a higher id changed the lowest: %+v", c)
	}
	c := mustRegister(t, table, member(0, "h0:1")).Changed
	if c == nil || c.MinBrokerID != 0 || c.MinAddr != "h0:1" || c.HAAddr != "ha-h0:1" || !slices.Equal(c.Notify, []string{"h2:1", "h3:1"}) {
		t.Errorf("a lower id came: %+v", c)
	}
	left := table.Unregister([]Unregistration{{Address: Address{"c", "h0:1"}, BrokerName: "a", BrokerID: 0}})
	if len(left) != 1 || left[0].MinBrokerID != 2 || left[0].OfflineAddr != "h0:1" || !slices.Equal(left[0].Notify, []string{"h2:1", "h3:1"}) {
		t.Errorf("the lowest id left: %+v", left)
	}
}

func TestOrderConf(t *testing.T) {
	conf := "a:4"
	table := New(epoch, Rules{OrderConf: func(topic string) string { return topic + "=" + conf }})
	mustRegister(t, table, registration("a", 0, "h:1", "T1", "T2"))
	for _, want := range []string{"a:4", "a:8"} {
		conf = want
		table.Invalidate()
		if body, _ := table.EncodedRoute("T1", compat.Standard); !strings.Contains(string(body), `"orderTopicConf":"T1=`+want+`"`) {
			t.Errorf("route %s lacks the order configuration %s", body, want)
		}
	}
}

func TestInZone(t *testing.T) {
	table := New(epoch, Rules{})
	for i, zone := range []string{"z1", "z2"} {
		r := registration("b"+zone, 0, fmt.Sprintf("h:%d", i), "T1", "T2")
		r.ZoneName, r.FilterServers = zone, []string{"f"}
		mustRegister(t, table, r)
	}
	mustRegister(t, table, registration("headless", 1, "h:9"))
	route, _ := table.Route("T1")
	got := InZone(route, "Z2")
	if len(got.BrokerDatas) != 1 || got.BrokerDatas[0].BrokerName != "bz2" || len(got.QueueDatas) != 1 || len(got.FilterServerTable) != 1 {
		t.Errorf("zone z2 sees %s", encode(t, got, compat.Compact))
	}
	if len(route.BrokerDatas) != 2 || len(route.FilterServerTable) != 2 {
		t.Errorf("the route itself changed: %s", encode(t, route, compat.Compact))
	}
}

// TestRouteIsJSON has encoding/json read the standard dialect back.
func TestRouteIsJSON(t *testing.T) {
	table := New(epoch, Rules{})
	r := registration("b<>\"\\/é\u2028\x01\n", 0, "h:1", "T1", "T2")
	r.FilterServers = []string{"f\t1"}
	r.Mappings = []*protocol.TopicQueueMappingInfo{{Topic: "T1", BrokerName: "x", CurrIDMap: map[int32]int32{10: 1, 9: 2}, Scope: protocol.MappingScopeGlobal, Epoch: 7}}
	mustRegister(t, table, r)
	want, _ := table.Route("T1")
	body, _ := table.EncodedRoute("T1", compat.Standard)
	var got protocol.TopicRouteData
	if err := json.Unmarshal(body, &got); err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	if again := encode(t, &got, compat.Standard); again != encode(t, want, compat.Standard) {
		t.Errorf("read back as %s, was %s", again, body)
	}
}

// TestConcurrentUse lets the race detector see every method at once, and checks
// that a route never names a broker without an address.
func TestConcurrentUse(t *testing.T) {
	table := New(epoch, Rules{NotifyMinBrokerID: true, ActingMaster: true})
	topics := make([]string, 3*applyStretch)
	for i := range topics {
		topics[i] = fmt.Sprint("T", i)
	}
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for round := range 12 {
				r := registration(fmt.Sprint("b", w%2), int64(w/2), fmt.Sprint("h:", w), topics...)
				r.Version.Counter = int64(round)
				mustRegister(t, table, r)
				table.Heartbeat(r.Address)
				switch round % 4 {
				case 0:
					table.Unregister(table.OfSession(1))
				case 1:
					table.WipeWritePerm(r.BrokerName)
				case 2:
					table.DeleteTopic("T1", "c")
				case 3:
					table.RegisterTopic("T1", []*protocol.QueueData{{BrokerName: r.BrokerName, Perm: 6}})
				}
			}
		})
		wg.Go(func() {
			for i := range 2000 {
				route, ok := table.Route(topics[i%len(topics)])
				if ok && len(route.BrokerDatas[0].BrokerAddrs) == 0 {
					t.Errorf("route with a broker that has no address: %s", encode(t, route, compat.Compact))
					return
				}
				table.EncodedRoute(topics[i%8], []compat.JSONForm{compat.Compact, compat.Standard}[i%2])
				if i%100 == 0 {
					table.ClusterInfo()
					table.Topics()
					table.SystemTopics()
					table.Expired()
				}
			}
		})
	}
	wg.Wait()
}

func TestEncodedRouteAllocatesNothing(t *testing.T) {
	table := New(epoch, Rules{})
	mustRegister(t, table, registration("a", 0, "h:1", "T1", "T2"))
	table.EncodedRoute("T1", compat.Standard)
	if n := testing.AllocsPerRun(100, func() { table.EncodedRoute("T1", compat.Standard) }); n > 0 {
		t.Errorf("a cached route costs %v allocations", n)
	}
}

func benchmarkTopics(n int) []string {
	topics := make([]string, n)
	for i := range topics {
		topics[i] = fmt.Sprintf("topic-%05d", i)
	}
	return topics
}

func BenchmarkEncodedRoute(b *testing.B) {
	table := New(epoch, Rules{})
	topics := benchmarkTopics(10000)
	mustRegister(b, table, registration("a", 0, "h:1", topics...))
	b.Run("cached", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			table.EncodedRoute(topics[i%len(topics)], compat.Standard)
		}
	})
	b.Run("encoded", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			table.Invalidate()
			table.EncodedRoute(topics[i%len(topics)], compat.Standard)
		}
	})
}

func BenchmarkRegister10000Topics(b *testing.B) {
	for _, version := range []string{"unchanged", "changed version", "changed topics"} {
		b.Run(version, func(b *testing.B) {
			table := New(epoch, Rules{})
			r := registration("a", 0, "h:1", benchmarkTopics(10000)...)
			mustRegister(b, table, r)
			for b.Loop() {
				if version != "unchanged" {
					r.Version.Counter++
				}
				if version == "changed topics" {
					for i := range r.Topics {
						r.Topics[i].ReadQueueNums++
					}
				}
				mustRegister(b, table, r)
			}
		})
	}
}
