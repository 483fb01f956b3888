// Package routes holds what a name server knows: which brokers are alive, which
// topics they serve, and the route of each topic that follows from the two. The
// rules are those of upstream's RouteInfoManager.
//
// It knows neither frames nor sockets. A broker's connection is a number, the
// clock is given, and what has to be told to brokers comes back as a value. It
// stores nothing: brokers register again within 30 seconds of a restart.
//
// # Locks
//
// Table has two. writers serialises everything that changes the tables, so a
// registration is one step to every other writer. mu guards the maps; a writer
// takes it only around assignments, in stretches of bounded length, and may read
// without it, because nobody else writes. Where both are held, writers was taken
// first. A registration that changes nothing, the usual one, never takes mu for
// writing, and ten thousand new topics do not make a client wait for all of them.
//
// What the maps point to (broker data, the queues of a topic) is immutable: a
// change replaces it. A reader collects pointers under mu and works on them
// afterwards; encoding happens outside of every lock.
package routes
