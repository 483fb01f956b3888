// Package transaction keeps messages out of sight until their producer says what
// becomes of them.
//
// A message that opens a transaction is stored as a half message in a topic of
// the broker's own. Its producer then commits it, and the message is appended
// once more where consumers find it, or rolls it back. Either end is noted in a
// second topic, the op topic, by the queue offset of the half message. From time
// to time the queue of half messages is walked: those whose end is noted are
// passed, and about those that are old enough a producer of their group is
// asked, after the half message was put back at the end of the queue under a
// higher count of checks. One that was asked about too often is put aside in the
// topic TRANS_CHECK_MAX_TIME_TOPIC.
//
// Topics, properties and the rules of the walk are those of upstream's
// TransactionalMessageServiceImpl, TransactionalMessageBridge and
// EndTransactionProcessor in 5.5.0, so that either system can go on with what
// the other began. The half topic has one queue there, and here.
//
// What is better here: ends that wait in memory to be noted are written at a
// stop, and the walk knows of them, so that a producer is not asked about what it
// has ended; progress is written down only when everything it rests on is on the
// disk, so that a half message is not forgotten when the log loses its tail, and at
// once when something was put back, so that it is not met twice after a kill.
//
// The package knows neither requests nor connections: the store and the
// producers are behind interfaces.
package transaction
