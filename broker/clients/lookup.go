package clients

import (
	"slices"

	"github.com/gantrymq/gantry/protocol"
)

// View returns what a group's members have in common, or nil when the group has
// no member. It takes no lock, allocates nothing, and does not keep the name.
func (m *Consumers) View(group string) *View {
	g := m.find(group)
	if g == nil {
		return nil
	}
	return g.view.Load()
}

// Subscription returns what a group wants of a topic, from heartbeats or, when
// they say nothing, from pulls that brought a subscription along; nil when
// neither does.
func (m *Consumers) Subscription(group, topic string) *protocol.SubscriptionData {
	if sub := m.View(group).Subscription(topic); sub != nil {
		return sub
	}
	if l := m.findLearned(group, topic); l != nil {
		return &l.subscription
	}
	return nil
}

// Members lists a group's members, oldest session first.
func (m *Consumers) Members(group string) []*Client {
	m.mu.Lock()
	defer m.mu.Unlock()
	g := m.find(group)
	if g == nil {
		return nil
	}
	return g.list()
}

// Member reports whether a connection is one of a member of a group.
func (m *Consumers) Member(group string, session Session) bool { return m.Find(group, session) != nil }

// Find returns the member of a group that a connection is one of, or nil.
func (m *Consumers) Find(group string, session Session) *Client {
	m.mu.Lock()
	defer m.mu.Unlock()
	g := m.find(group)
	if g == nil {
		return nil
	}
	return g.members[session.ID()]
}

// ClientIDs lists the ids of a group's members. Clients sort them before they
// share the queues, so the order carries no meaning.
func (m *Consumers) ClientIDs(group string) []string {
	members := m.Members(group)
	ids := make([]string, len(members))
	for i, c := range members {
		ids[i] = c.ID
	}
	return ids
}

// FindID returns the member with a client id, or nil.
func (m *Consumers) FindID(group, clientID string) *Client {
	members := m.Members(group)
	i := slices.IndexFunc(members, func(c *Client) bool { return c.ID == clientID })
	if i < 0 {
		return nil
	}
	return members[i]
}

// Groups lists the groups that have members, sorted.
func (m *Consumers) Groups() []string {
	var names []string
	m.groups.Range(func(k, _ any) bool {
		names = append(names, k.(string))
		return true
	})
	slices.Sort(names)
	return names
}

// GroupsOf lists the groups that subscribe to a topic now, sorted.
func (m *Consumers) GroupsOf(topic string) []string {
	var names []string
	m.groups.Range(func(k, v any) bool {
		if v.(*group).view.Load().Subscription(topic) != nil {
			names = append(names, k.(string))
		}
		return true
	})
	slices.Sort(names)
	return names
}
