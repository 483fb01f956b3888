// Package lite serves lite topics: the many small queues of a parent topic that
// clients subscribe to one by one and receive by POP, each in order.
//
// It knows who subscribes to what, which lite topics have something for a client
// (its ready queue), and what was popped and not acknowledged (a window for each
// group and lite topic, in memory only: after a restart messages come again from
// the committed offset). The rules are those of upstream's LiteSubscriptionRegistry,
// LiteEventDispatcher, PopLiteMessageProcessor and MemoryConsumerOrderInfoManager
// in 5.5.0. It knows neither frames nor sockets nor configuration files; messages,
// offsets and groups are what Options give it.
//
// A lite topic is a light message queue, by whose name it goes in this package.
//
// # Ready queues
//
// A message that arrives, a new subscription and an acknowledgement that frees a
// window put the lite topic into the ready queue of one subscriber of each group,
// and wake its pop. A pop takes lite topics out until it has enough. What a queue
// has no room for is found again by a look at all lite topics of the client, some
// time later. A client that does not pop loses what is ready to others.
//
// # Locks
//
// One mutex guards everything; no callback is made and nothing is read under it.
package lite
