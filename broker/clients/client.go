// Package clients knows which producers and consumers are connected: their
// groups, client ids and subscriptions, from heartbeats, until they unregister,
// their connection closes, or they fall silent.
//
// The rules are those of upstream's ProducerManager, ConsumerManager and
// ConsumerGroupInfo in 5.5.0. A connection is a Session here, which can be
// named and closed and nothing else; whoever is told of an event decides what to
// send.
package clients

import (
	"errors"
	"net/netip"
	"sync/atomic"

	"github.com/gantrymq/gantry/protocol"
)

// Session is what this package needs of a connection.
type Session interface {
	ID() uint64 // unique among the sessions of this process
	RemoteAddr() netip.AddrPort
	// Close ends the connection; the package never waits for that.
	Close(reason error)
}

// Identity is what a client says of itself. Its strings are kept by whoever it
// is given to.
type Identity struct {
	Session  Session
	ID       string // what the client calls itself, ip@pid and the like
	Language protocol.Language
	Version  protocol.Version
}

// Client is one client in one group, over one session.
type Client struct {
	Identity // does not change
	seen     atomic.Int64
	left     atomic.Bool // it is no member any more
}

func newClient(id Identity, now int64) *Client {
	c := &Client{Identity: id}
	c.seen.Store(now)
	return c
}

// LastSeen is when the client's last heartbeat came, in ms since 1970.
func (c *Client) LastSeen() int64 { return c.seen.Load() }

// ErrSilent is why the session of a client is closed whose heartbeats stopped.
var ErrSilent = errors.New("the client sent no heartbeat for too long")
