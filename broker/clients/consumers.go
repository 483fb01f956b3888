package clients

import (
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/gantrymq/gantry/protocol"
)

// ConsumerOptions say how long things live and who is told of changes. The
// names in brackets are the official configuration keys.
type ConsumerOptions struct {
	Now                func() int64 // ms since 1970
	Expiry             int64        // ms, [channelExpiredTimeout] 120 s
	SubscriptionExpiry int64        // ms, [subscriptionExpiredTimeout] 10 min, of subscriptions learned from pulls

	Events ConsumerEvents
}

// ConsumerEvents are told what happened to a consumer group, without any lock
// held. Each may be nil. Slices and configurations are shared: do not change
// them.
type ConsumerEvents struct {
	// MembersChanged is told who is in a group when its members must be told to
	// share the queues anew (NOTIFY_CONSUMER_IDS_CHANGED).
	MembersChanged func(group string, members []*Client)
	// Registered is told of every heartbeat that brought subscriptions, for
	// whoever compiles their filters.
	Registered func(group string, subscriptions []protocol.SubscriptionData)
	// GroupGone is told that a group's last member has left.
	GroupGone func(group string)
	// Joined and Left are told of single members.
	Joined func(group string, c *Client)
	Left   func(group string, c *Client)
}

// Consumers knows the consumer groups that have members. It is safe for
// concurrent use.
type Consumers struct {
	opts ConsumerOptions

	// groups maps names to *group, learned a groupTopic to the *learnedData that pulls
	// brought along. They are changed with mu held, and read without.
	groups, learned sync.Map

	mu        sync.Mutex          // guards changes of the fields above, and those of each group
	bySession map[uint64][]*group // the groups a session is a member of
}

type groupTopic struct{ group, topic string }

// group is one consumer group with at least one member.
type group struct {
	name        string
	members     map[uint64]*Client   // by session
	fingerprint protocol.Opt[int32]  // of the last heartbeat
	view        atomic.Pointer[View] // never nil; read without mu
	changes     atomic.Uint64        // counts those of fingerprint and view; read without mu
}

// View is what a group's members have in common. It never changes: the next
// heartbeat that says something else makes a new one.
type View struct {
	ConsumeType      protocol.ConsumeType
	MessageModel     protocol.MessageModel
	ConsumeFromWhere protocol.ConsumeFromWhere
	Subscriptions    map[string]*protocol.SubscriptionData // by topic
}

// Subscription is what the group wants of a topic, or nil.
func (v *View) Subscription(topic string) *protocol.SubscriptionData {
	if v == nil {
		return nil
	}
	return v.Subscriptions[topic]
}

func (v *View) sameKind(d *protocol.ConsumerData) bool {
	return v.ConsumeType == d.ConsumeType && v.MessageModel == d.MessageModel && v.ConsumeFromWhere == d.ConsumeFromWhere
}

// NewConsumers makes an empty Consumers.
func NewConsumers(o ConsumerOptions) *Consumers {
	return &Consumers{
		opts:      o,
		bySession: map[uint64][]*group{},
	}
}

// Registration is one consumer group of one heartbeat. Its strings are kept.
type Registration struct {
	Client Identity
	Data   *protocol.ConsumerData
	// Fingerprint is the heartbeat's, 0 in the first form of heartbeat.
	Fingerprint int32
	// WithoutSub says that the heartbeat left the subscriptions out, so those of
	// the group stand.
	WithoutSub bool
	// Notify says that the group's configuration has its members told of changes.
	Notify bool
}

// Registered is what came of a Registration.
type Registered struct {
	// Changed says that the group's members or the topics it subscribes to are
	// others than before.
	Changed bool
	// SubChanged says that the client must send its subscriptions next time
	// (IS_SUB_CHANGE): another fingerprint came before, from a member that
	// subscribes otherwise, or the client left its subscriptions out and nobody
	// here knows them, after a restart or because the group had been gone.
	// (Upstream does not see the second case and lets such a client wait for
	// messages for ever.)
	SubChanged bool
}

// Register takes a heartbeat in.
//
// The subscriptions of the latest heartbeat are those of the group: a topic that
// it does not name is dropped, a subscription is replaced by one with a higher
// version. Members with different subscriptions make the group change to and
// fro, as they do upstream.
//
// A registration that has changed nothing returns where the client stands, others
// the zero Standing.
func (m *Consumers) Register(r Registration) (Registered, Standing) {
	now := m.opts.Now()
	m.mu.Lock()
	g := m.groupFor(r.Data)
	var result Registered
	if g.fingerprint.Set {
		result.SubChanged = g.fingerprint.V != r.Fingerprint
	} else {
		result.SubChanged = r.WithoutSub
	}
	fingerprint := protocol.Some(r.Fingerprint)
	stands := g.fingerprint == fingerprint
	g.fingerprint = fingerprint
	known := g.members[r.Client.Session.ID()]
	member, joined := g.join(r.Client, now)
	if joined {
		id := r.Client.Session.ID()
		m.bySession[id] = append(m.bySession[id], g)
	}
	old := g.view.Load()
	next := old.with(r.Data, r.WithoutSub)
	subscriptionsChanged := false
	if next != old {
		g.view.Store(next)
		subscriptionsChanged = !sameTopics(old.Subscriptions, next.Subscriptions)
		stands = false
	}
	var standing Standing
	if !stands {
		g.changes.Add(1)
	} else if member == known {
		standing = Standing{client: member, group: g, changes: g.changes.Load()}
	}
	result.Changed = joined || subscriptionsChanged
	var members []*Client
	if result.Changed && r.Notify && next.MessageModel != protocol.Broadcasting {
		members = g.list()
	}
	m.mu.Unlock()

	if joined {
		call2(m.opts.Events.Joined, g.name, member)
	}
	if members != nil {
		call2(m.opts.Events.MembersChanged, g.name, members)
	}
	if !r.WithoutSub {
		call2(m.opts.Events.Registered, g.name, r.Data.SubscriptionDataSet)
	}
	return result, standing
}

// groupFor finds or makes the group of a heartbeat. m.mu is held.
func (m *Consumers) groupFor(d *protocol.ConsumerData) *group {
	if g := m.find(d.GroupName); g != nil {
		return g
	}
	g := &group{name: d.GroupName, members: map[uint64]*Client{}}
	g.view.Store(&View{ConsumeType: d.ConsumeType, MessageModel: d.MessageModel, ConsumeFromWhere: d.ConsumeFromWhere})
	m.groups.Store(g.name, g)
	return g
}

func (m *Consumers) find(name string) *group {
	v, ok := m.groups.Load(name)
	if !ok {
		return nil
	}
	return v.(*group)
}

// join notes that a client is alive. It returns the member that it is, and whether
// it is new. A session that changes its client id stays the member it was, under the
// new id.
func (g *group) join(who Identity, now int64) (member *Client, joined bool) {
	old := g.members[who.Session.ID()]
	if old != nil && old.ID == who.ID {
		old.seen.Store(now)
		return old, false
	}
	c := newClient(who, now)
	g.members[who.Session.ID()] = c
	if old != nil {
		old.left.Store(true)
		return c, false
	}
	return c, true
}

// list is the members by session, oldest session first.
func (g *group) list() []*Client {
	members := make([]*Client, 0, len(g.members))
	for _, id := range slices.Sorted(maps.Keys(g.members)) {
		members = append(members, g.members[id])
	}
	return members
}

// with is the view after a heartbeat, and v itself when nothing changed.
func (v *View) with(d *protocol.ConsumerData, withoutSub bool) *View {
	subscriptions := v.Subscriptions
	if !withoutSub {
		subscriptions = merge(v.Subscriptions, d.SubscriptionDataSet)
	}
	if v.sameKind(d) && maps.Equal(v.Subscriptions, subscriptions) {
		return v
	}
	return &View{d.ConsumeType, d.MessageModel, d.ConsumeFromWhere, subscriptions}
}

// merge keeps, of the topics that a heartbeat names, the subscription with the
// higher version, the known one when they are equal.
func merge(known map[string]*protocol.SubscriptionData, named []protocol.SubscriptionData) map[string]*protocol.SubscriptionData {
	merged := make(map[string]*protocol.SubscriptionData, len(named))
	for i := range named {
		sub := &named[i]
		if old := known[sub.Topic]; old != nil && sub.SubVersion <= old.SubVersion {
			sub = old
		}
		merged[sub.Topic] = sub
	}
	return merged
}

func sameTopics(a, b map[string]*protocol.SubscriptionData) bool {
	return maps.EqualFunc(a, b, func(_, _ *protocol.SubscriptionData) bool { return true })
}

// Unregister removes a session from a group. notify says that the group's
// configuration has its members told of changes.
func (m *Consumers) Unregister(name string, session Session, notify bool) {
	m.mu.Lock()
	g := m.find(name)
	if g == nil {
		m.mu.Unlock()
		return
	}
	d := m.drop(g, session.ID())
	m.mu.Unlock()
	d.tell(m, notify)
}

// CloseSession removes a session from all its groups. It costs nothing for
// sessions that are members of none.
func (m *Consumers) CloseSession(session Session) {
	m.mu.Lock()
	var departures []departure
	for _, g := range slices.Clone(m.bySession[session.ID()]) {
		departures = append(departures, m.drop(g, session.ID()))
	}
	m.mu.Unlock()
	for _, d := range departures {
		d.tell(m, true)
	}
}

// Expire removes the members that were silent for longer than Expiry and closes
// their sessions, and forgets what pulls brought along too long ago.
func (m *Consumers) Expire() {
	now := m.opts.Now()
	m.mu.Lock()
	var departures []departure
	m.groups.Range(func(_, v any) bool {
		g := v.(*group)
		for _, c := range g.list() {
			if now-c.LastSeen() > m.opts.Expiry {
				departures = append(departures, m.drop(g, c.Session.ID()))
			}
		}
		return true
	})
	m.expireLearned(now)
	m.mu.Unlock()
	for _, d := range departures {
		d.client.Session.Close(ErrSilent)
		d.tell(m, true)
	}
}

// departure is a member that has left a group, to be told of without a lock.
type departure struct {
	group     string
	client    *Client // nil when the session was no member
	gone      bool    // it was the last
	broadcast bool
	left      []*Client
}

// drop takes a session out of a group. m.mu is held.
func (m *Consumers) drop(g *group, session uint64) departure {
	d := departure{group: g.name, client: g.members[session], broadcast: g.view.Load().MessageModel == protocol.Broadcasting}
	if d.client == nil {
		return d
	}
	d.client.left.Store(true)
	delete(g.members, session)
	if rest := slices.DeleteFunc(m.bySession[session], func(other *group) bool { return other == g }); len(rest) > 0 {
		m.bySession[session] = rest
	} else {
		delete(m.bySession, session)
	}
	if len(g.members) == 0 {
		d.gone = true
		m.groups.Delete(g.name)
		return d
	}
	d.left = g.list()
	return d
}

func (d departure) tell(m *Consumers, notify bool) {
	if d.client == nil {
		return
	}
	call2(m.opts.Events.Left, d.group, d.client)
	if d.gone {
		if f := m.opts.Events.GroupGone; f != nil {
			f(d.group)
		}
		return
	}
	if notify && !d.broadcast {
		call2(m.opts.Events.MembersChanged, d.group, d.left)
	}
}

func call2[A, B any](f func(A, B), a A, b B) {
	if f != nil {
		f(a, b)
	}
}
