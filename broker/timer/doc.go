// Package timer delivers messages that were sent with a time of their own
// (TIMER_DELAY_SEC, TIMER_DELAY_MS, TIMER_DELIVER_MS): they wait in the timer topic
// and on the wheel of package timerwheel, and are put where they belong when their
// time has come, unless they were deleted before.
//
// The rules are those of upstream's HookUtils and TimerMessageStore. Where upstream has
// eight threads and three queues between them, one goroutine does everything: it
// delivers the slots whose time is over, enters what has arrived in the timer topic, and
// sleeps until the next slot is over. The store is behind an interface; the package knows
// no requests.
//
// # When a message is delivered
//
// The times of slots are steps of the precision. A time between two of them, or on one,
// belongs to the slot before, which is delivered when the next one begins: never before
// the time, and a precision after it at the latest.
//
// A clock that is set forward makes slots due at once. When it is set back, messages
// are not kept until it is where it was: the slots in between, which have been delivered,
// are emptied and used again.
//
// # What a crash may do
//
// Nothing is lost: the checkpoint counts as delivered only what is synced in the commit
// log. What was delivered in the last second may be delivered again after a power failure.
// After the end of the process alone that is so for the messages of one turn, since
// the progress of each turn is written at once and believed while the machine lives.
package timer
