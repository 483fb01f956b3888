package remoting

import (
	"context"
	"errors"
	"net/netip"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/protocol"
)

// Session is one client as handlers see it. A connection is one; so may be a
// test, a relay, or a stream of another protocol. All methods may be called from
// any goroutine.
type Session interface {
	// ID is unique among the sessions of the process and never used again.
	ID() uint64
	// RemoteAddr is the client's address: the one that a PROXY protocol header
	// names, if there was one.
	RemoteAddr() netip.AddrPort
	LocalAddr() netip.AddrPort
	// Language and Version are those of the last request.
	Language() protocol.Language
	Version() protocol.Version
	// Principal is who the transport says the client is: the subject of a
	// verified TLS certificate, or empty.
	Principal() string
	// Push sends a one-way command. Opaque and the one-way flag are filled in, c
	// stays as it is. It never waits: what the client does not take in time
	// closes the session, with ErrSlowReader.
	Push(c *codec.Command) error
	// Call sends a request to the client and waits for the answer, for as long as
	// ctx allows. Opaque is filled in, c stays as it is. The Frame is the
	// caller's own. An inline handler must not Call its own session: the answer
	// would wait for the handler to return.
	Call(ctx context.Context, c *codec.Command) (*codec.Frame, error)
	// Close ends the session; reason is what OnClose is told.
	Close(reason error)
	// Done is closed when the session has ended.
	Done() <-chan struct{}
}

// Reasons for which a session ends that have nothing to do with its bytes. A
// peer that closed properly is io.EOF, broken bytes are a *codec.FrameError or
// *FrameSizeError.
var (
	// ErrIdle: neither side had anything to say for the idle time.
	ErrIdle = errors.New("the connection was idle for too long")
	// ErrShutdown: the server or client was closed.
	ErrShutdown = errors.New("this side is shutting down")
	// ErrSlowReader: the peer does not take what is sent to it.
	ErrSlowReader = errors.New("the peer reads too slowly: more bytes wait for it than a connection may hold")
)
