package routes

import (
	"sync/atomic"
	"time"

	"github.com/gantrymq/gantry/protocol"
)

// liveBroker is what a registration leaves behind of one broker process. All but
// lastSeen is immutable.
type liveBroker struct {
	brokerName string
	brokerID   int64
	timeout    time.Duration
	version    protocol.DataVersion
	haAddr     string
	session    uint64
	lastSeen   atomic.Int64 // ns since 1970; any sign of life moves it, under mu for reading
}

func (l *liveBroker) expired(now time.Time) bool {
	return now.UnixNano()-l.lastSeen.Load() > int64(l.timeout)
}

// Heartbeat notes that the broker is alive. Unknown brokers are ignored.
func (t *Table) Heartbeat(a Address) {
	t.mu.RLock()
	l := t.live[a]
	t.mu.RUnlock()
	if l != nil {
		l.lastSeen.Store(t.now().UnixNano())
	}
}

// DataVersion is the version of the topics that the broker registered last.
func (t *Table) DataVersion(a Address) (protocol.DataVersion, bool) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	if l := t.live[a]; l != nil {
		return l.version, true
	}
	return protocol.DataVersion{}, false
}

// Expired lists the brokers that gave no sign of life within their time-out.
// Close their sessions and hand the list to Unregister.
func (t *Table) Expired() []Unregistration {
	now := t.now()
	return t.departures(func(l *liveBroker) bool { return l.expired(now) }, func(u *Unregistration) { u.onlyExpired = true })
}

// OfSession lists the brokers that registered last over a session. It is what to
// unregister when the session is gone. A process that holds several brokers has
// one session for all of them; upstream finds one and leaves the others to expiry.
func (t *Table) OfSession(id uint64) []Unregistration {
	return t.departures(func(l *liveBroker) bool { return l.session == id }, func(*Unregistration) {})
}

// departures lists the brokers that match, bound to the session they have now.
func (t *Table) departures(match func(*liveBroker) bool, mark func(*Unregistration)) []Unregistration {
	var gone []Unregistration
	t.mu.RLock()
	defer t.mu.RUnlock()
	for a, l := range t.live {
		if !match(l) {
			continue
		}
		u := Unregistration{Address: a, BrokerName: l.brokerName, BrokerID: l.brokerID, Session: l.session, onlySession: true}
		mark(&u)
		gone = append(gone, u)
	}
	return gone
}
