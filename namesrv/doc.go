// Package namesrv is the name server: brokers register with it, clients ask it
// where the queues of a topic are. It serves every request that upstream's name
// server serves, over package remoting, and sends NOTIFY_MIN_BROKER_ID_CHANGE.
//
// The files named after requests decode, ask a domain object, and encode. What a
// name server knows is in namesrv/routes, what it stores in namesrv/kv, how
// brokers describe themselves in namesrv/registration.
//
// Name servers do not know each other. Brokers register with all of them, so a
// restarted one has its answers back within a registration interval (30 seconds).
//
// # Who runs what
//
// Route queries, heartbeats and the question for a data version are answered by
// the connection's own goroutine. Everything else runs in one pool of workers,
// because it takes locks for longer or writes a file. One goroutine removes
// brokers, whoever finds that they are gone, so that a hundred connections lost
// at once cost one pass over the topics; another tells brokers of a new lowest
// broker id. Both live as long as Run.
package namesrv
