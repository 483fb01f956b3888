package routes

import (
	"maps"
	"slices"

	"github.com/gantrymq/gantry/protocol"
)

// Unregistration names a broker that leaves.
type Unregistration struct {
	Address
	BrokerName string
	BrokerID   int64
	// Session is the session that the broker was last seen on, when the
	// departure was found in the table (Expired, OfSession). It is then void if
	// the broker registered over another session, or again, in the meantime.
	Session                  uint64
	onlySession, onlyExpired bool
}

// MinBrokerChange tells the brokers of a group that its lowest id is another one
// now (NOTIFY_MIN_BROKER_ID_CHANGE).
type MinBrokerChange struct {
	BrokerName  string
	MinBrokerID int64
	MinAddr     string
	OfflineAddr string   // the broker that left, or empty
	HAAddr      string   // the replication address of the broker that came, or empty
	Notify      []string // addresses to tell
}

// minBrokerChange addresses everybody who is left when a broker left, and all but
// the new lowest when one came.
func minBrokerChange(group *protocol.BrokerData, offline, haAddr string) *MinBrokerChange {
	lowest := minBrokerID(group.BrokerAddrs)
	c := &MinBrokerChange{
		BrokerName:  group.BrokerName,
		MinBrokerID: lowest,
		MinAddr:     group.BrokerAddrs[lowest],
		OfflineAddr: offline,
		HAAddr:      haAddr,
	}
	for _, id := range slices.Sorted(maps.Keys(group.BrokerAddrs)) {
		if offline != "" || len(group.BrokerAddrs) == 1 || id != lowest {
			c.Notify = append(c.Notify, group.BrokerAddrs[id])
		}
	}
	return c
}

// Unregister removes brokers in one pass over the topics, however many they are.
// It returns whom to tell.
func (t *Table) Unregister(batch []Unregistration) []*MinBrokerChange {
	t.writers.Lock()
	defer t.writers.Unlock()

	left := map[string]*protocol.BrokerData{} // the groups after the batch, nil when gone
	offline := map[string]string{}            // groups whose lowest member left → its address
	for _, u := range batch {
		if !t.stillMeant(u) {
			continue
		}
		t.forget(u.Address)
		group, seen := left[u.BrokerName]
		if !seen {
			group = t.brokers[u.BrokerName]
		}
		if group == nil {
			continue
		}
		if len(group.BrokerAddrs) > 0 && u.BrokerID == minBrokerID(group.BrokerAddrs) {
			offline[u.BrokerName] = u.Addr
		}
		group = cloneGroup(group)
		maps.DeleteFunc(group.BrokerAddrs, func(_ int64, addr string) bool { return addr == u.Addr })
		if len(group.BrokerAddrs) == 0 {
			t.leaveCluster(u)
			group = nil
		}
		left[u.BrokerName] = group
	}
	if len(left) == 0 {
		return nil
	}
	t.clearTopics(left)
	t.replaceGroups(left)
	if !t.rules.Load().NotifyMinBrokerID {
		return nil
	}
	return changesOf(left, offline)
}

// stillMeant is false for a departure that a newer registration has overtaken:
// the connection broke, the broker came back on another one, and only then is it
// this one's turn.
func (t *Table) stillMeant(u Unregistration) bool {
	if !u.onlySession {
		return true
	}
	l := t.live[u.Address]
	return l != nil && l.session == u.Session && (!u.onlyExpired || l.expired(t.now()))
}

func (t *Table) forget(a Address) {
	t.mu.Lock()
	delete(t.live, a)
	_, filtering := t.filters[a]
	delete(t.filters, a)
	t.mu.Unlock()
	if filtering {
		t.Invalidate()
	}
}

func (t *Table) leaveCluster(u Unregistration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	names := t.clusters[u.Cluster]
	delete(names, u.BrokerName)
	if len(names) == 0 {
		delete(t.clusters, u.Cluster)
	}
}

// clearTopics takes groups that are gone out of their topics, and the right to
// write from groups that lost their master and may have an acting one.
func (t *Table) clearTopics(left map[string]*protocol.BrokerData) {
	var changes []topicChange
	for name, tp := range t.topics {
		next, changed := tp, false
		for _, q := range tp.queues {
			group, touched := left[q.BrokerName]
			switch {
			case !touched:
			case group == nil:
				changed = true
			case group.EnableActingMaster && minBrokerID(group.BrokerAddrs) > 0 && q.Perm&protocol.PermWrite != 0:
				q.Perm &^= protocol.PermWrite
				next, changed = next.withQueue(name, q), true
			}
		}
		if changed {
			next = next.withoutQueues(func(broker string) bool {
				group, touched := left[broker]
				return touched && group == nil
			})
			changes = append(changes, topicChange{name, next})
		}
	}
	t.applyTopics(changes)
}

func (t *Table) replaceGroups(left map[string]*protocol.BrokerData) {
	t.mu.Lock()
	for name, group := range left {
		if group == nil {
			delete(t.brokers, name)
		} else {
			t.brokers[group.BrokerName] = group
		}
	}
	t.mu.Unlock()
	t.Invalidate()
}

func changesOf(left map[string]*protocol.BrokerData, offline map[string]string) []*MinBrokerChange {
	var changes []*MinBrokerChange
	for _, name := range slices.Sorted(maps.Keys(offline)) {
		if group := left[name]; group != nil && group.EnableActingMaster {
			changes = append(changes, minBrokerChange(group, offline[name], ""))
		}
	}
	return changes
}
