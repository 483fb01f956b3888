package clients

import (
	"strings"

	"github.com/gantrymq/gantry/protocol"
)

// Pulls may carry a subscription of their own, those of clients that send no
// heartbeats and of the proxy among them. Upstream calls remembering it
// compensation; admin tools and the cleaning of offsets look at it.

type learnedData struct {
	subscription protocol.SubscriptionData
	kind         View // without subscriptions
}

// learnedRefresh is how often (ms) a subscription that keeps coming is noted
// again. Much less than any expiry makes sense, so that a pull costs a look-up.
const learnedRefresh = 10_000

// Learn notes the subscription that a pull brought along. The names may be views
// into a request. build is called only when there is something new to note; what
// it returns is kept. Otherwise Learn takes no lock, and allocates nothing.
func (m *Consumers) Learn(group, topic, expression, expressionType string, kind View, build func() protocol.SubscriptionData) {
	now := m.opts.Now()
	if m.findLearned(group, topic).stands(expression, expressionType, now) {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.findLearned(group, topic).stands(expression, expressionType, now) { // another pull was first
		return
	}
	kind.Subscriptions = nil
	l := &learnedData{subscription: build(), kind: kind}
	l.subscription.SubVersion = now
	m.learned.Store(groupTopic{strings.Clone(group), strings.Clone(topic)}, l)
}

// findLearned returns what pulls brought along, or nil.
func (m *Consumers) findLearned(group, topic string) *learnedData {
	v, ok := m.learned.Load(groupTopic{group, topic})
	if !ok {
		return nil
	}
	return v.(*learnedData)
}

// stands reports whether the same need not be noted again.
func (l *learnedData) stands(expression, expressionType string, now int64) bool {
	return l != nil && l.subscription.SubString == expression && l.subscription.ExpressionType == expressionType && now-l.subscription.SubVersion < learnedRefresh
}

// Learned returns what pulls brought along for a group that has no members, or
// nil. The View is the caller's.
func (m *Consumers) Learned(group string) *View {
	var view *View
	for k, v := range m.learned.Range {
		at, l := k.(groupTopic), v.(*learnedData)
		if at.group != group {
			continue
		}
		if view == nil {
			kind := l.kind
			kind.Subscriptions = map[string]*protocol.SubscriptionData{}
			view = &kind
		}
		view.Subscriptions[at.topic] = &l.subscription
	}
	return view
}

// expireLearned is called with m.mu held.
func (m *Consumers) expireLearned(now int64) {
	for k, v := range m.learned.Range {
		if now-v.(*learnedData).subscription.SubVersion > m.opts.SubscriptionExpiry {
			m.learned.Delete(k)
		}
	}
}
