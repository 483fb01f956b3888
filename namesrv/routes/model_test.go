package routes

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gantrymq/gantry/compat"
	"github.com/gantrymq/gantry/protocol"
)

// model is the route table as upstream's description reads, with no thought for
// speed: every question is answered by looking through everything.
type model struct {
	now     time.Time
	rules   Rules
	groups  map[string]*protocol.BrokerData
	members map[string]map[string]bool // cluster → broker names
	live    map[Address]*modelLive
	filters map[Address][]string
	shares  map[[2]string]protocol.QueueData // topic, broker
	mapped  map[[2]string]*protocol.TopicQueueMappingInfo
}

type modelLive struct {
	name    string
	id      int64
	last    time.Time
	timeout time.Duration
	version protocol.DataVersion
	ha      string
	session uint64
}

func newModel(r Rules) *model {
	return &model{
		now: time.UnixMilli(1_000_000), rules: r,
		groups: map[string]*protocol.BrokerData{}, members: map[string]map[string]bool{},
		live: map[Address]*modelLive{}, filters: map[Address][]string{},
		shares: map[[2]string]protocol.QueueData{}, mapped: map[[2]string]*protocol.TopicQueueMappingInfo{},
	}
}

func (m *model) register(r *Registration) (out Registered, err error) {
	g := m.groups[r.BrokerName]
	var before map[int64]string
	if g != nil {
		before = maps.Clone(g.BrokerAddrs)
	}
	if old := before[r.BrokerID]; old != "" && old != r.Addr {
		if l := m.live[Address{r.Cluster, old}]; l != nil && l.version.StateVersion > r.Version.StateVersion {
			for id, addr := range before {
				if addr == r.Addr {
					delete(g.BrokerAddrs, id)
				}
			}
			delete(m.live, r.Address)
			return out, nil
		}
	}
	if before[r.BrokerID] == "" && len(r.Topics) == 1 {
		return out, ErrPartialRegistration
	}
	if g == nil {
		g = &protocol.BrokerData{Cluster: r.Cluster, BrokerName: r.BrokerName, BrokerAddrs: map[int64]string{}}
		m.groups[r.BrokerName] = g
	}
	if m.members[r.Cluster] == nil {
		m.members[r.Cluster] = map[string]bool{}
	}
	m.members[r.Cluster][r.BrokerName] = true
	g.EnableActingMaster, g.ZoneName = r.EnableActingMaster.V, r.ZoneName
	for id, addr := range g.BrokerAddrs {
		if addr == r.Addr {
			delete(g.BrokerAddrs, id)
		}
	}
	g.BrokerAddrs[r.BrokerID] = r.Addr

	prime := r.EnableActingMaster.Set && r.BrokerID != 0
	for id := range g.BrokerAddrs {
		prime = prime && r.BrokerID <= id
	}
	if r.BrokerID == 0 || prime {
		l := m.live[r.Address]
		changed := before[r.BrokerID] == "" || l == nil || l.version != r.Version
		if m.rules.DropMissingTopics && len(r.Mappings) == 0 {
			for key := range m.shares {
				listed := slices.ContainsFunc(r.Topics, func(c protocol.TopicConfig) bool { return c.TopicName == key[0] })
				if key[1] == r.BrokerName && !listed {
					delete(m.shares, key)
				}
			}
			m.dropMappings()
		}
		for _, c := range r.Topics {
			key := [2]string{c.TopicName, r.BrokerName}
			if _, known := m.shares[key]; known && !changed {
				continue
			}
			q := protocol.QueueData{BrokerName: r.BrokerName, Perm: c.Perm, ReadQueueNums: c.ReadQueueNums, WriteQueueNums: c.WriteQueueNums, TopicSysFlag: c.TopicSysFlag}
			if prime && g.EnableActingMaster {
				q.Perm &^= protocol.PermWrite
			}
			m.shares[key] = q
		}
		for _, info := range r.Mappings {
			key := [2]string{info.Topic, info.BrokerName}
			if m.hasTopic(info.Topic) && (changed || m.mapped[key] == nil) {
				m.mapped[key] = info
			}
		}
	}
	m.live[r.Address] = &modelLive{r.BrokerName, r.BrokerID, m.now, r.HeartbeatTimeout, r.Version, r.HAAddr, r.Session}
	if r.FilterServers != nil {
		m.filters[r.Address] = r.FilterServers
	}
	if master := g.BrokerAddrs[0]; r.BrokerID != 0 && master != "" {
		if l := m.live[Address{r.Cluster, master}]; l != nil {
			out.MasterAddr, out.HAAddr = master, l.ha
		}
	}
	if m.rules.NotifyMinBrokerID && len(before) > 0 && r.BrokerID < slices.Min(slices.Collect(maps.Keys(before))) {
		out.Changed = m.change(g, "", r.HAAddr)
	}
	return out, nil
}

func (m *model) change(g *protocol.BrokerData, offline, ha string) *MinBrokerChange {
	ids := slices.Sorted(maps.Keys(g.BrokerAddrs))
	c := &MinBrokerChange{BrokerName: g.BrokerName, MinBrokerID: ids[0], MinAddr: g.BrokerAddrs[ids[0]], OfflineAddr: offline, HAAddr: ha}
	if offline == "" && len(ids) > 1 {
		ids = ids[1:]
	}
	for _, id := range ids {
		c.Notify = append(c.Notify, g.BrokerAddrs[id])
	}
	return c
}

func (m *model) unregister(batch []Unregistration) {
	gone := map[string]bool{}
	reduced := map[string]bool{}
	for _, u := range batch {
		if l := m.live[u.Address]; u.onlySession && (l == nil || l.session != u.Session || u.onlyExpired && m.now.Sub(l.last) <= l.timeout) {
			continue
		}
		delete(m.live, u.Address)
		delete(m.filters, u.Address)
		g := m.groups[u.BrokerName]
		if g == nil {
			continue
		}
		for id, addr := range g.BrokerAddrs {
			if addr == u.Addr {
				delete(g.BrokerAddrs, id)
			}
		}
		if len(g.BrokerAddrs) > 0 {
			reduced[u.BrokerName] = true
			continue
		}
		delete(m.groups, u.BrokerName)
		delete(m.members[u.Cluster], u.BrokerName)
		if len(m.members[u.Cluster]) == 0 {
			delete(m.members, u.Cluster)
		}
		gone[u.BrokerName] = true
		delete(reduced, u.BrokerName)
	}
	for key, q := range m.shares {
		switch g := m.groups[key[1]]; {
		case gone[key[1]]:
			delete(m.shares, key)
		case reduced[key[1]] && g.EnableActingMaster && g.BrokerAddrs[0] == "":
			q.Perm &^= protocol.PermWrite
			m.shares[key] = q
		}
	}
	m.dropMappings()
}

// dropMappings forgets the static queues of topics that have no queue left.
func (m *model) dropMappings() {
	for key := range m.mapped {
		if !m.hasTopic(key[0]) {
			delete(m.mapped, key)
		}
	}
}

func (m *model) hasTopic(name string) bool {
	for key := range m.shares {
		if key[0] == name {
			return true
		}
	}
	return false
}

func (m *model) deleteTopic(name, cluster string) {
	if !m.hasTopic(name) {
		return
	}
	for key := range m.shares {
		if key[0] == name && (cluster == "" || m.members[cluster][key[1]]) {
			delete(m.shares, key)
		}
	}
	m.dropMappings()
}

func (m *model) writePerm(broker string, perm func(int32) int32) (n int) {
	for key, q := range m.shares {
		if key[1] == broker {
			q.Perm = perm(q.Perm)
			m.shares[key] = q
			n++
		}
	}
	return n
}

func (m *model) route(name string) *protocol.TopicRouteData {
	r := &protocol.TopicRouteData{FilterServerTable: map[string][]string{}, TopicQueueMappingByBroker: map[string]*protocol.TopicQueueMappingInfo{}}
	for key, q := range m.shares {
		if key[0] != name {
			continue
		}
		r.QueueDatas = append(r.QueueDatas, &q)
		g := m.groups[key[1]]
		if g == nil {
			continue
		}
		shown := *g
		shown.BrokerAddrs = maps.Clone(g.BrokerAddrs)
		r.BrokerDatas = append(r.BrokerDatas, &shown)
		for _, addr := range g.BrokerAddrs {
			if f := m.filters[Address{g.Cluster, addr}]; len(f) > 0 {
				r.FilterServerTable[addr] = f
			}
		}
		if ids := slices.Sorted(maps.Keys(g.BrokerAddrs)); m.rules.ActingMaster && !strings.HasPrefix(name, "rmq_sys_SYNC_BROKER_MEMBER_") &&
			ids[0] > 0 && g.EnableActingMaster && q.Perm&protocol.PermWrite == 0 {
			shown.BrokerAddrs[0] = g.BrokerAddrs[ids[0]]
			delete(shown.BrokerAddrs, ids[0])
		}
	}
	for key, info := range m.mapped {
		if key[0] == name {
			r.TopicQueueMappingByBroker[key[1]] = info
		}
	}
	if len(r.BrokerDatas) == 0 {
		return nil
	}
	slices.SortFunc(r.BrokerDatas, func(a, b *protocol.BrokerData) int { return strings.Compare(a.BrokerName, b.BrokerName) })
	slices.SortFunc(r.QueueDatas, func(a, b *protocol.QueueData) int { return strings.Compare(a.BrokerName, b.BrokerName) })
	return r
}

var modelTopics = []string{"T0", "T1", "T2", "T3", "rmq_sys_SYNC_BROKER_MEMBER_a"}

// TestModel runs random histories on the table and on the model and compares
// every route, in both dialects, and every answer after each step.
func TestModel(t *testing.T) {
	for seed := range uint64(60) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			rnd := rand.New(rand.NewPCG(seed, 1))
			rules := Rules{ActingMaster: seed%2 == 0, DropMissingTopics: seed%3 == 0, NotifyMinBrokerID: seed%5 != 0}
			m := newModel(rules)
			table := New(func() time.Time { return m.now }, rules)
			var pending []Unregistration // departures found, not yet carried out
			for step := range 300 {
				what := playStep(t, rnd, m, table, &pending)
				compare(t, fmt.Sprintf("step %d: %s", step, what), m, table)
				if t.Failed() {
					return
				}
			}
		})
	}
}

func playStep(t *testing.T, rnd *rand.Rand, m *model, table *Table, pending *[]Unregistration) string {
	addr := Address{"c" + fmt.Sprint(rnd.IntN(2)), fmt.Sprintf("10.0.0.%d:1", rnd.IntN(5))}
	broker := string(rune('a' + rnd.IntN(3)))
	topic := modelTopics[rnd.IntN(len(modelTopics))]
	m.now = m.now.Add(time.Duration(rnd.IntN(3000)) * time.Millisecond)
	switch rnd.IntN(12) {
	default:
		r := randomRegistration(rnd, addr, broker)
		want, wantErr := m.register(r)
		got, err := table.Register(r)
		if err != wantErr || got.MasterAddr != want.MasterAddr || got.HAAddr != want.HAAddr || !sameChange(got.Changed, want.Changed) {
			t.Errorf("Register(%+v) = %+v %v, the model says %+v %v", r, got, err, want, wantErr)
		}
		return fmt.Sprintf("register %+v", *r)
	case 5:
		batch := []Unregistration{{Address: addr, BrokerName: broker, BrokerID: int64(rnd.IntN(3))}}
		m.unregister(batch)
		table.Unregister(batch)
		return fmt.Sprintf("unregister %+v", batch)
	case 6:
		*pending = append(*pending, table.OfSession(uint64(rnd.IntN(6)))...)
		return "find a session's brokers"
	case 7:
		*pending = append(*pending, table.Expired()...)
		for _, u := range table.Expired() {
			if l := m.live[u.Address]; l == nil || m.now.Sub(l.last) <= l.timeout {
				t.Errorf("%v is listed as expired, the model says it is alive: %+v", u.Address, l)
			}
		}
		return "find expired brokers"
	case 8:
		m.unregister(*pending)
		table.Unregister(*pending)
		what := fmt.Sprintf("carry out %+v", *pending)
		*pending = nil
		return what
	case 9:
		cluster := ""
		if rnd.IntN(2) == 0 {
			cluster = addr.Cluster
		}
		m.deleteTopic(topic, cluster)
		table.DeleteTopic(topic, cluster)
		return "delete topic " + topic + " of " + cluster
	case 10:
		perm, change := table.WipeWritePerm, func(p int32) int32 { return p &^ 2 }
		if rnd.IntN(2) == 0 {
			perm, change = table.AddWritePerm, func(int32) int32 { return 6 }
		}
		if got, want := perm(broker), m.writePerm(broker, change); got != want {
			t.Errorf("write permission changed on %d topics, the model says %d", got, want)
		}
		return "change write permission of " + broker
	case 11:
		table.Heartbeat(addr)
		if l := m.live[addr]; l != nil {
			l.last = m.now
		}
		return fmt.Sprintf("heartbeat of %v", addr)
	}
}

func randomRegistration(rnd *rand.Rand, a Address, broker string) *Registration {
	r := &Registration{
		Address: a, BrokerName: broker, BrokerID: int64(rnd.IntN(3)), HAAddr: "ha-" + a.Addr,
		HeartbeatTimeout: time.Duration(1+rnd.IntN(10)) * time.Second,
		Version:          protocol.DataVersion{Counter: int64(rnd.IntN(3)), StateVersion: int64(rnd.IntN(2))},
		Session:          uint64(rnd.IntN(6)),
	}
	if rnd.IntN(3) > 0 {
		r.EnableActingMaster = protocol.Some(rnd.IntN(3) > 0)
	}
	if rnd.IntN(4) == 0 {
		r.ZoneName = "z"
	}
	if rnd.IntN(3) == 0 {
		r.FilterServers = []string{"f"}[:rnd.IntN(2)]
	}
	for _, name := range modelTopics {
		if rnd.IntN(3) > 0 {
			r.Topics = append(r.Topics, protocol.TopicConfig{TopicName: name, Perm: []int32{2, 4, 6}[rnd.IntN(3)], ReadQueueNums: rnd.Int32N(3), WriteQueueNums: 4, TopicSysFlag: rnd.Int32N(4)})
		}
		if rnd.IntN(12) == 0 {
			r.Mappings = append(r.Mappings, &protocol.TopicQueueMappingInfo{Topic: name, BrokerName: broker, Epoch: rnd.Int64N(100), CurrIDMap: map[int32]int32{0: 1}})
		}
	}
	return r
}

func sameChange(a, b *MinBrokerChange) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.BrokerName == b.BrokerName && a.MinBrokerID == b.MinBrokerID && a.MinAddr == b.MinAddr &&
		a.OfflineAddr == b.OfflineAddr && a.HAAddr == b.HAAddr && slices.Equal(a.Notify, b.Notify)
}

func compare(t *testing.T, what string, m *model, table *Table) {
	t.Helper()
	var topics []string
	for _, name := range modelTopics {
		want := m.route(name)
		for _, form := range []compat.JSONForm{compat.Compact, compat.Standard} {
			body, err := table.EncodedRoute(name, form)
			if err != nil {
				t.Errorf("%s: %v", what, err)
			}
			if text := encode(t, want, form); string(body) != text {
				t.Errorf("%s: route of %s\n got %s\nwant %s", what, name, body, text)
			}
		}
		if m.hasTopic(name) {
			topics = append(topics, name)
		}
	}
	if got := table.Topics(); !slices.Equal(got, topics) {
		t.Errorf("%s: topics %v, the model says %v", what, got, topics)
	}
	info := &protocol.ClusterInfo{BrokerAddrTable: m.groups, ClusterAddrTable: map[string][]string{}}
	for cluster, names := range m.members {
		info.ClusterAddrTable[cluster] = slices.Sorted(maps.Keys(names))
	}
	if got, want := encode(t, table.ClusterInfo(), compat.Compact), encode(t, info, compat.Compact); got != want {
		t.Errorf("%s: cluster\n got %s\nwant %s", what, got, want)
	}
	for a, l := range m.live {
		if v, ok := table.DataVersion(a); !ok || v != l.version {
			t.Errorf("%s: data version of %v is %v %v, the model says %v", what, a, v, ok, l.version)
		}
	}
	if len(m.live) != len(table.live) {
		t.Errorf("%s: %d brokers alive, the model says %d", what, len(table.live), len(m.live))
	}
}
