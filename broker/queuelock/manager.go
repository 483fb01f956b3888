// Package queuelock lends queues to single clients of a group, so that ordered
// consumption has one consumer a queue even while the group shares its queues
// anew. A client renews its locks every 20 s; one that is not renewed for 60 s
// may be taken by another.
//
// The rules are those of upstream's RebalanceLockManager. Locks live in memory:
// after a restart clients ask again.
package queuelock

import (
	"sync"

	"github.com/gantrymq/gantry/protocol"
)

// DefaultExpiry is how long (ms) a lock outlives its last renewal, unless the
// system property rocketmq.broker.rebalance.lockMaxLiveTime says otherwise.
const DefaultExpiry = 60_000

// Manager knows who holds which queue. It is safe for concurrent use.
type Manager struct {
	now    func() int64
	expiry int64

	mu     sync.Mutex                                // guards groups
	groups map[string]map[protocol.MessageQueue]lock // by group; no group is empty
}

type lock struct {
	clientID string
	renewed  int64 // ms since 1970
}

// New makes a Manager with no locks. now is in ms since 1970, expiry in ms.
func New(now func() int64, expiry int64) *Manager {
	return &Manager{now: now, expiry: expiry, groups: map[string]map[protocol.MessageQueue]lock{}}
}

// LockBatch lends the queues to a client of a group, or renews what it holds,
// and returns those that the client holds now. The strings are kept.
func (m *Manager) LockBatch(group, clientID string, queues []protocol.MessageQueue) []protocol.MessageQueue {
	held := make([]protocol.MessageQueue, 0, len(queues))
	if len(queues) == 0 {
		return held
	}
	now := m.now()
	m.mu.Lock()
	defer m.mu.Unlock()
	locks := m.groups[group]
	if locks == nil {
		locks = map[protocol.MessageQueue]lock{}
		m.groups[group] = locks
	}
	for _, q := range queues {
		if l, taken := locks[q]; taken && l.clientID != clientID && !m.expired(l, now) {
			continue
		}
		locks[q] = lock{clientID, now}
		held = append(held, q)
	}
	return held
}

// UnlockBatch gives queues back. Queues that the client does not hold are left
// as they are, also when its lock has expired and nobody else has taken it.
func (m *Manager) UnlockBatch(group, clientID string, queues []protocol.MessageQueue) {
	m.mu.Lock()
	defer m.mu.Unlock()
	locks := m.groups[group]
	for _, q := range queues {
		if l, taken := locks[q]; taken && l.clientID == clientID {
			delete(locks, q)
		}
	}
	if len(locks) == 0 {
		delete(m.groups, group)
	}
}

// IsLocked reports whether a client holds a queue.
func (m *Manager) IsLocked(group, clientID string, queue protocol.MessageQueue) bool {
	now := m.now()
	m.mu.Lock()
	defer m.mu.Unlock()
	l, taken := m.groups[group][queue]
	return taken && l.clientID == clientID && !m.expired(l, now)
}

// AllLocked reports whether clients of a group hold all of some queues.
func (m *Manager) AllLocked(group string, queues []protocol.MessageQueue) bool {
	now := m.now()
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, q := range queues {
		if l, taken := m.groups[group][q]; !taken || m.expired(l, now) {
			return false
		}
	}
	return true
}

// AllExpired reports whether no client of a group holds any queue.
func (m *Manager) AllExpired(group string) bool {
	now := m.now()
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, l := range m.groups[group] {
		if !m.expired(l, now) {
			return false
		}
	}
	return true
}

// Expire forgets locks that anybody may take. Calling it now and then keeps
// groups that are gone from taking up memory; upstream never forgets them.
func (m *Manager) Expire() {
	now := m.now()
	m.mu.Lock()
	defer m.mu.Unlock()
	for group, locks := range m.groups {
		for q, l := range locks {
			if m.expired(l, now) {
				delete(locks, q)
			}
		}
		if len(locks) == 0 {
			delete(m.groups, group)
		}
	}
}

func (m *Manager) expired(l lock, now int64) bool { return now-l.renewed > m.expiry }
