// Package broker is the broker: it serves the requests of producers, consumers
// and administrators, and registers with the name servers.
//
// A handler file is thin: it decodes a request, asks a domain object and
// encodes the answer. What the broker keeps lives in rooms of its own below this
// folder (topics, groups, offsets, clients, queuelock, longpoll, delay,
// timer, transaction, filter, broadcast, pop, lite, assignment, staticqueue, stats); they know neither frames nor
// sockets. Messages live in package store.
//
// # What runs where
//
// Sends, pulls of messages that are in memory, offsets and heartbeats run inline
// in the reader of their connection: they take no lock for long and touch no
// cold file. Everything that may read the disk or walk a table goes to a bounded
// pool (see routes.go). The store completes synchronous flushes and wakes
// waiting pulls; it only appends to connections' buffers.
//
// # Order of locks
//
// The rooms each have locks of their own and never call one another while they
// hold one. The broker holds none while it calls a room or the store. Callbacks
// from a room (a consumer group changed, a connection closed, messages arrived)
// are made after the room has let go of its lock.
//
// # Order of stopping
//
// Listeners close first; requests in flight are answered; the broker leaves the
// name servers; waiting pulls and pops are answered as not found; the services that
// append (delay, timer, transaction, pop) stop; the rooms persist, which notes the last ends
// of transactions; the store flushes and closes.
package broker
