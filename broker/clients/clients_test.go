package clients

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/gantrymq/gantry/protocol"
)

type session struct {
	id     uint64
	mu     sync.Mutex
	closed error
}

func (s *session) ID() uint64                 { return s.id }
func (s *session) RemoteAddr() netip.AddrPort { return netip.AddrPort{} }
func (s *session) Close(reason error) {
	s.mu.Lock()
	s.closed = reason
	s.mu.Unlock()
}

func identity(s *session, id string) Identity {
	return Identity{Session: s, ID: id, Language: protocol.LanguageGo, Version: protocol.V4_9_4}
}

// fixture is a Consumers with a clock to set and a record of its events.
type fixture struct {
	*Consumers
	now    int64
	events []string
}

func newFixture() *fixture {
	f := &fixture{}
	note := func(format string, args ...any) { f.events = append(f.events, fmt.Sprintf(format, args...)) }
	f.Consumers = NewConsumers(ConsumerOptions{
		Now: func() int64 { return f.now }, Expiry: 120_000, SubscriptionExpiry: 600_000,
		Events: ConsumerEvents{
			MembersChanged: func(group string, members []*Client) { note("changed %s %v", group, ids(members)) },
			Registered: func(group string, subs []protocol.SubscriptionData) {
				note("registered %s %d", group, len(subs))
			},
			GroupGone: func(group string) { note("gone %s", group) },
			Joined:    func(group string, c *Client) { note("joined %s %s", group, c.ID) },
			Left:      func(group string, c *Client) { note("left %s %s", group, c.ID) },
		},
	})
	return f
}

func ids(members []*Client) []string {
	var list []string
	for _, c := range members {
		list = append(list, c.ID)
	}
	return list
}

// expect compares the events since the last call.
func (f *fixture) expect(t *testing.T, want ...string) {
	t.Helper()
	if !slices.Equal(f.events, want) {
		t.Errorf("events\n got %q\nwant %q", f.events, want)
	}
	f.events = nil
}

// consumer is the data of a push consumer; each topic is "name" or "name:version".
func consumer(group string, topics ...string) *protocol.ConsumerData {
	d := &protocol.ConsumerData{
		GroupName: group, ConsumeType: protocol.ConsumePassively, MessageModel: protocol.Clustering,
		ConsumeFromWhere: protocol.ConsumeFromLastOffset,
	}
	for _, topic := range topics {
		var version int64
		name, text, _ := strings.Cut(topic, ":")
		fmt.Sscan(text, &version)
		d.SubscriptionDataSet = append(d.SubscriptionDataSet, protocol.SubscriptionData{Topic: name, SubString: topic, SubVersion: version})
	}
	return d
}

func (f *fixture) beat(s *session, d *protocol.ConsumerData) Registered {
	r, _ := f.Register(Registration{Client: identity(s, fmt.Sprintf("c%d", s.id)), Data: d, Notify: true})
	return r
}

func TestRegister(t *testing.T) {
	f := newFixture()
	one, two := &session{id: 1}, &session{id: 2}
	if r := f.beat(one, consumer("G", "T:1")); !r.Changed {
		t.Error("the first member changes nothing")
	}
	f.expect(t, "joined G c1", "changed G [c1]", "registered G 1")
	if r := f.beat(one, consumer("G", "T:1")); r.Changed {
		t.Error("the same heartbeat again is a change")
	}
	f.expect(t, "registered G 1")
	f.beat(two, consumer("G", "T:1"))
	f.expect(t, "joined G c2", "changed G [c1 c2]", "registered G 1")
	if got := f.ClientIDs("G"); !slices.Equal(got, []string{"c1", "c2"}) {
		t.Errorf("members %v", got)
	}
	if c := f.FindID("G", "c2"); c == nil || c.Session != two || c.Language != protocol.LanguageGo || c.Version != protocol.V4_9_4 {
		t.Errorf("FindID = %+v", c)
	}
	if c := f.FindID("G", "c3"); c != nil {
		t.Errorf("FindID of a stranger = %+v", c)
	}
	if f.Members("nobody") != nil || len(f.ClientIDs("nobody")) != 0 || f.View("nobody") != nil {
		t.Error("a group without members has some")
	}
}

// What the group subscribes to follows the last heartbeat; versions decide
// between two expressions for one topic.
func TestSubscriptions(t *testing.T) {
	f := newFixture()
	s := &session{id: 1}
	check := func(want ...string) {
		t.Helper()
		var got []string
		for _, sub := range f.View("G").Subscriptions {
			got = append(got, sub.SubString)
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("subscriptions %v, want %v", got, want)
		}
	}
	f.beat(s, consumer("G", "A:5", "B:5"))
	check("A:5", "B:5")
	if r := f.beat(s, consumer("G", "A:6", "B:4")); r.Changed {
		t.Error("another expression counts as a change of topics")
	}
	check("A:6", "B:5")
	if r := f.beat(s, consumer("G", "A:6", "C:1")); !r.Changed {
		t.Error("another topic does not count as a change")
	}
	check("A:6", "C:1")
	if sub := f.Subscription("G", "C"); sub == nil || sub.SubString != "C:1" || f.Subscription("G", "B") != nil || f.Subscription("H", "C") != nil {
		t.Errorf("Subscription = %+v", sub)
	}
	f.beat(s, consumer("H", "C:1"))
	if got := f.GroupsOf("C"); !slices.Equal(got, []string{"G", "H"}) || len(f.GroupsOf("B")) != 0 {
		t.Errorf("GroupsOf = %v", got)
	}
	if got := f.Groups(); !slices.Equal(got, []string{"G", "H"}) {
		t.Errorf("Groups = %v", got)
	}
	pop := consumer("G", "A:6", "C:1")
	pop.ConsumeType = protocol.ConsumePop
	if r := f.beat(s, pop); r.Changed || f.View("G").ConsumeType != protocol.ConsumePop {
		t.Errorf("the consume type became %s, change %t", f.View("G").ConsumeType, r.Changed)
	}
}

// A heartbeat may leave the subscriptions out; a client whose subscriptions
// nobody knows must be asked for them.
func TestHeartbeatV2(t *testing.T) {
	f := newFixture()
	one, two := &session{id: 1}, &session{id: 2}
	beat := func(s *session, fingerprint int32, withoutSub bool, d *protocol.ConsumerData) Registered {
		r, _ := f.Register(Registration{Client: identity(s, fmt.Sprintf("c%d", s.id)), Data: d, Fingerprint: fingerprint, WithoutSub: withoutSub, Notify: true})
		return r
	}
	steps := []struct {
		session     *session
		fingerprint int32
		withoutSub  bool
		want        Registered
	}{
		{one, 7, true, Registered{Changed: true, SubChanged: true}}, // as after a restart of the broker
		{one, 7, false, Registered{Changed: true}},
		{one, 7, true, Registered{}},
		{two, 8, false, Registered{Changed: true, SubChanged: true}}, // subscribes otherwise
		{one, 7, true, Registered{SubChanged: true}},
		{one, 7, true, Registered{}},
	}
	for i, step := range steps {
		d := consumer("G", "T:1")
		if step.withoutSub {
			d.SubscriptionDataSet = nil
		}
		if got := beat(step.session, step.fingerprint, step.withoutSub, d); got != step.want {
			t.Errorf("heartbeat %d: %+v, want %+v", i, got, step.want)
		}
	}
	if f.Subscription("G", "T") == nil {
		t.Error("the subscription was lost")
	}
	f.CloseSession(one)
	f.CloseSession(two)
	if got := beat(one, 7, true, consumer("G")); !got.SubChanged {
		t.Error("the group was gone, and its subscriptions are not asked for")
	}
}

func TestBroadcastAndSilentGroups(t *testing.T) {
	f := newFixture()
	d := consumer("B", "T:1")
	d.MessageModel = protocol.Broadcasting
	one, two := &session{id: 1}, &session{id: 2}
	f.beat(one, d)
	f.beat(two, d)
	f.Unregister("B", one, true)
	f.expect(t, "joined B c1", "registered B 1", "joined B c2", "registered B 1", "left B c1")
	f.Register(Registration{Client: identity(one, "c1"), Data: consumer("S", "T:1")})
	f.Register(Registration{Client: identity(two, "c2"), Data: consumer("S", "T:1")})
	f.Unregister("S", one, false)
	f.expect(t, "joined S c1", "registered S 1", "joined S c2", "registered S 1", "left S c1")
}

func TestLeaving(t *testing.T) {
	f := newFixture()
	one, two := &session{id: 1}, &session{id: 2}
	for _, group := range []string{"G", "H"} {
		f.beat(one, consumer(group, "T:1"))
		f.beat(two, consumer(group, "T:1"))
	}
	f.events = nil

	f.Unregister("G", one, true)
	f.expect(t, "left G c1", "changed G [c2]")
	f.Unregister("G", one, true) // is no member any more
	f.Unregister("nobody", one, true)
	f.expect(t)
	f.CloseSession(one)
	f.expect(t, "left H c1", "changed H [c2]")
	f.CloseSession(two)
	slices.Sort(f.events) // a session's groups come in the order it joined
	f.expect(t, "gone G", "gone H", "left G c2", "left H c2")
	f.CloseSession(two)
	f.expect(t)
	if len(f.bySession) != 0 || len(f.Groups()) != 0 {
		t.Errorf("left behind: %v, %v", f.bySession, f.Groups())
	}
	if one.closed != nil || two.closed != nil {
		t.Error("a session that left by itself was closed")
	}
}

func TestExpire(t *testing.T) {
	f := newFixture()
	silent, alive := &session{id: 1}, &session{id: 2}
	f.beat(silent, consumer("G", "T:1"))
	f.beat(alive, consumer("G", "T:1"))
	f.now = 120_000
	f.beat(alive, consumer("G", "T:1"))
	f.events = nil
	f.Expire()
	f.expect(t)
	f.now++
	f.Expire()
	f.expect(t, "left G c1", "changed G [c2]")
	if silent.closed != ErrSilent || alive.closed != nil {
		t.Errorf("closed: %v, %v", silent.closed, alive.closed)
	}
	f.now += 120_000
	f.Expire()
	f.expect(t, "left G c2", "gone G")
}

// A session that comes under a new client id stays one member.
func TestChangedClientID(t *testing.T) {
	f := newFixture()
	s := &session{id: 1}
	f.beat(s, consumer("G", "T:1"))
	if r, _ := f.Register(Registration{Client: identity(s, "other"), Data: consumer("G", "T:1"), Notify: true}); r.Changed {
		t.Error("the new id counts as a new member")
	}
	if got := f.ClientIDs("G"); !slices.Equal(got, []string{"other"}) {
		t.Errorf("members %v", got)
	}
	f.CloseSession(s)
	if len(f.Groups()) != 0 {
		t.Error("the session left something behind")
	}
}

func TestLearn(t *testing.T) {
	f := newFixture()
	built := 0
	learn := func(topic, expression string) {
		f.Learn("G", topic, expression, "", View{MessageModel: protocol.Broadcasting}, func() protocol.SubscriptionData {
			built++
			return protocol.SubscriptionData{Topic: topic, SubString: expression}
		})
	}
	learn("T", "a")
	f.now += learnedRefresh - 1
	learn("T", "a")
	if built != 1 {
		t.Errorf("built %d times", built)
	}
	learn("T", "b")
	f.now += learnedRefresh
	learn("T", "b")
	if sub := f.Subscription("G", "T"); built != 3 || sub.SubString != "b" || sub.SubVersion != f.now {
		t.Errorf("built %d times, %+v", built, sub)
	}
	learn("U", "c")
	v := f.Learned("G")
	if v == nil || v.MessageModel != protocol.Broadcasting || !slices.Equal(slices.Sorted(maps.Keys(v.Subscriptions)), []string{"T", "U"}) || f.Learned("H") != nil {
		t.Errorf("Learned = %+v", v)
	}
	s := &session{id: 1}
	f.beat(s, consumer("G", "T:9"))
	if sub := f.Subscription("G", "T"); sub.SubString != "T:9" {
		t.Errorf("heartbeats do not come first: %+v", sub)
	}
	if sub := f.Subscription("G", "U"); sub == nil {
		t.Error("the group's members hide what pulls brought along")
	}
	f.now += 600_001
	f.Expire()
	if f.Learned("G") != nil {
		t.Error("what pulls brought along never expires")
	}
}

func TestViewDoesNotAllocate(t *testing.T) {
	f := newFixture()
	f.beat(&session{id: 1}, consumer("G", "T:1"))
	group, topic := strings.Clone("G"), strings.Clone("T")
	f.Learn(group, topic, "x", "", View{}, func() protocol.SubscriptionData { return protocol.SubscriptionData{SubString: "x"} })
	if n := testing.AllocsPerRun(100, func() {
		f.View(group).Subscription(topic)
		f.Subscription(group, topic)
		f.Learn(group, topic, "x", "", View{}, nil)
	}); n != 0 {
		t.Errorf("looking a subscription up allocates %v times", n)
	}
}

func TestProducers(t *testing.T) {
	var now int64
	var gone []string
	p := NewProducers(ProducerOptions{Now: func() int64 { return now }, Expiry: 120_000, GroupGone: func(g string) { gone = append(gone, g) }})
	one, two := &session{id: 1}, &session{id: 2}
	p.Register("P", identity(one, "c1"))
	p.Register("P", identity(two, "c2"))
	p.Register("Q", identity(one, "c1"))
	if got := ids(p.Members("P")); !slices.Equal(got, []string{"c1", "c2"}) || !p.Online("Q") || p.Online("R") {
		t.Errorf("members %v", got)
	}
	if c := p.FindID("c2"); c == nil || c.Session != two {
		t.Errorf("FindID = %+v", c)
	}
	if all := p.Groups(); len(all) != 2 || len(all["P"]) != 2 {
		t.Errorf("Groups = %v", all)
	}
	now = 100_000
	p.Register("P", identity(one, "c1"))
	now = 120_001
	p.Expire()
	if got := ids(p.Members("P")); !slices.Equal(got, []string{"c1"}) || two.closed != ErrSilent || p.FindID("c2") != nil {
		t.Errorf("after expiry: %v, closed %v", got, two.closed)
	}
	if !slices.Equal(gone, []string{"Q"}) {
		t.Errorf("gone %v", gone)
	}
	p.Register("Q", identity(one, "c1"))
	p.Unregister("P", one)
	p.Unregister("P", one)
	p.CloseSession(one)
	if !slices.Equal(gone, []string{"Q", "P", "Q"}) || len(p.bySession)+len(p.byID)+len(p.groups) != 0 {
		t.Errorf("gone %v, left behind %v %v %v", gone, p.bySession, p.byID, p.groups)
	}
}

func TestPick(t *testing.T) {
	p := NewProducers(ProducerOptions{Now: func() int64 { return 0 }})
	for id := range uint64(4) {
		p.Register("P", identity(&session{id: id}, fmt.Sprintf("c%d", id)))
	}
	picked := map[string]int{}
	for range 8 {
		picked[p.Pick("P", func(*Client) bool { return true }).ID]++
	}
	for id, n := range picked {
		if n != 2 {
			t.Errorf("%s was picked %d times of 8", id, n)
		}
	}
	asked := 0
	if c := p.Pick("P", func(*Client) bool { asked++; return false }); c != nil || asked != 3 {
		t.Errorf("Pick = %v after %d questions", c, asked)
	}
	second := ""
	if c := p.Pick("P", func(c *Client) bool { first := second == ""; second = c.ID; return !first }); c == nil || c.ID != second {
		t.Errorf("Pick = %v", c)
	}
	if c := p.Pick("nobody", func(*Client) bool { return true }); c != nil {
		t.Errorf("Pick of an empty group = %v", c)
	}
}

// Heartbeats, closing sessions, expiry and look-ups at once; the race detector
// looks on, and nothing may be left over.
func TestConcurrentUse(t *testing.T) {
	c := NewConsumers(ConsumerOptions{Now: func() int64 { return 0 }, Expiry: 1, SubscriptionExpiry: 1,
		Events: ConsumerEvents{MembersChanged: func(string, []*Client) {}}})
	var wg sync.WaitGroup
	for i := range uint64(4) {
		wg.Go(func() {
			s := &session{id: i}
			for range 200 {
				c.Register(Registration{Client: identity(s, "c"), Data: consumer("G", "T:1"), Notify: true})
				c.Subscription("G", "T")
				c.ClientIDs("G")
				c.CloseSession(s)
			}
		})
	}
	wg.Go(func() {
		for range 100 {
			c.Expire()
			c.GroupsOf("T")
		}
	})
	wg.Wait()
	if len(c.Groups())+len(c.bySession) != 0 {
		t.Errorf("left over: %v %v", c.Groups(), c.bySession)
	}
}
