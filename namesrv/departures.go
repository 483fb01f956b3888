package namesrv

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/gantrymq/gantry/namesrv/routes"
	"github.com/gantrymq/gantry/remoting"
)

// errExpired closes the connection of a broker that gave no sign of life.
var errExpired = errors.New("the broker on this connection gave no sign of life for its heartbeat time-out")

// departures removes brokers that leave, lose their connection, or fall silent.
// Who finds one queues it; one goroutine takes all that are queued and removes
// them in one pass (upstream's BatchUnregistrationService).
type departures struct {
	server *Server
	queue  chan routes.Unregistration

	mu       sync.Mutex // guards sessions
	sessions map[uint64]remoting.Session
}

func newDepartures(s *Server, capacity int) *departures {
	return &departures{
		server:   s,
		queue:    make(chan routes.Unregistration, max(capacity, 1)),
		sessions: map[uint64]remoting.Session{},
	}
}

// submit queues a departure, or reports false when the queue is full. It copies
// what may be lent.
func (d *departures) submit(u routes.Unregistration) bool {
	u.Cluster, u.Addr, u.BrokerName = strings.Clone(u.Cluster), strings.Clone(u.Addr), strings.Clone(u.BrokerName)
	select {
	case d.queue <- u:
		return true
	default:
		return false
	}
}

// follow notes that a broker registered over a session, so that it leaves with it.
//
// A registration runs in a worker. Its connection may have broken before the
// broker is in the table, and OnClose, which found nothing, will not come again;
// hence the look at Done afterwards.
func (d *departures) follow(session remoting.Session) {
	d.mu.Lock()
	d.sessions[session.ID()] = session
	d.mu.Unlock()
	select {
	case <-session.Done():
		d.sessionClosed(session)
	default:
	}
}

// sessionClosed queues the brokers of a session that has ended. When the queue is
// full, they are left to expiry.
func (d *departures) sessionClosed(session remoting.Session) {
	d.mu.Lock()
	_, followed := d.sessions[session.ID()]
	delete(d.sessions, session.ID())
	d.mu.Unlock()
	if !followed { // a client, as nearly always
		return
	}
	for _, u := range d.server.routes.OfSession(session.ID()) {
		queued := d.submit(u)
		d.server.log.Infof("broker %s[%d] of %s at %s lost its connection; removal queued: %v", u.BrokerName, u.BrokerID, u.Cluster, u.Addr, queued)
	}
}

// run removes what is queued, until ctx ends.
func (d *departures) run(ctx context.Context) {
	for {
		select {
		case u := <-d.queue:
			d.remove(d.drain([]routes.Unregistration{u}))
		case <-ctx.Done():
			return
		}
	}
}

func (d *departures) drain(batch []routes.Unregistration) []routes.Unregistration {
	for {
		select {
		case u := <-d.queue:
			batch = append(batch, u)
		default:
			return batch
		}
	}
}

func (d *departures) remove(batch []routes.Unregistration) {
	changes := d.server.routes.Unregister(batch)
	d.server.log.Infof("departures of brokers carried out in one pass: %d", len(batch))
	for _, c := range changes {
		d.server.notices.send(c)
	}
}

// scan looks for silent brokers every scanNotActiveBrokerInterval, until ctx ends.
// Upstream waits five seconds before its first look; until then no broker can
// have fallen silent.
func (d *departures) scan(ctx context.Context) {
	timer := time.NewTimer(d.interval())
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
			d.expire()
			timer.Reset(d.interval())
		case <-ctx.Done():
			return
		}
	}
}

func (d *departures) interval() time.Duration {
	return max(d.server.settings.Load().ScanNotActiveBrokerInterval, time.Millisecond)
}

// expire queues the brokers that fell silent and closes their connections.
func (d *departures) expire() {
	for _, u := range d.server.routes.Expired() {
		d.server.log.Warnf("broker %s[%d] of %s at %s expired", u.BrokerName, u.BrokerID, u.Cluster, u.Addr)
		d.submit(u)
		d.mu.Lock()
		session := d.sessions[u.Session]
		d.mu.Unlock()
		if session != nil {
			session.Close(errExpired)
		}
	}
}
