// Package remoting carries commands over TCP: a server, a client, and the
// sessions and requests that handlers see. It knows framing, opaque numbers,
// limits, TLS and the PROXY protocol. It does not know what any request code
// means, keeps no domain state and logs nothing: callbacks tell the host what
// happened.
//
// # Who runs what
//
// A connection costs one goroutine, its reader. It takes whole frames out of a
// pooled buffer and runs the handlers of routes without a worker pool at once,
// one after the other. Their answers gather in the connection's outbox, which
// the reader writes when it would otherwise block, so requests that arrived
// together are answered by one system call. A connection that waits for bytes
// holds no buffer at all.
//
// Answers from other goroutines (Pending, Push, Call) are appended to the outbox
// too. Whoever appends does not write: a writer goroutine is started when there
// is none and ends when the outbox is empty. A route with a Pool hands its
// requests, copied, to a bounded queue that bounded goroutines work off.
//
// # What is bounded
//
// Frames by MaxFrame, judged before memory is taken, and memory grows with the
// bytes that really arrive. Connections by MaxConns (closed on arrival).
// Requests in flight of a connection by MaxInFlight and of a pool by its queue
// (SYSTEM_BUSY). Bytes waiting to be written by MaxOutbound (the connection is
// closed with ErrSlowReader); the reader of a connection whose outbox is long
// stops reading until it has shrunk.
//
// # Lock order
//
// A client's link.mu comes before its Client.mu. No other two locks are held
// together, and none over a callback, a handler or a system call that may wait.
package remoting
