// Package pop gives messages out without binding queues to consumers: a message
// that is popped is invisible to its group for a while, and is given again when
// it has not been acknowledged by then.
//
// A pop appends a check point to the revive topic, an acknowledgement appends a
// record too; both reach that topic through the timer when the invisible time is
// over. One Reviver for each queue of the topic matches them and appends what was
// not acknowledged to the group's retry topic. So the log alone knows what is in
// flight, and whatever happens to the process a message is either acknowledged
// or comes again. Ordered groups wait for what they hold instead, which Orders
// remembers.
//
// Rules, records and texts are those of upstream's PopMessageProcessor,
// AckMessageProcessor, ChangeInvisibleTimeProcessor, PopReviveService and
// ConsumerOrderInfoManager in 5.5.0 with its default settings (no merge buffer,
// no RocksDB). The package knows no requests and no clients; the timer is behind
// Log.
package pop
