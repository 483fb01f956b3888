// Package timerwheel keeps the files of messages that wait for a delivery time of
// their own, as Apache RocketMQ 5.5.0 writes them, byte for byte: timerwheel,
// timerlog/ and config/timercheck. Either system can open what the other left.
//
// A message that waits lies in the commit log. The timer log has one unit for it,
// which says where; the wheel has a slot for each step of time, which points to the
// newest unit of that time, and each unit points to the one before it. The
// checkpoint says up to where all this is done.
//
// The package decides nothing: when a message is due, what is delivered and in
// which order is the business of package broker/timer. It knows no clock, no
// commit log and no properties.
//
// # What is trusted
//
// The timer log is the truth. Units are appended and synced before the slots that
// point to them, and both before the checkpoint that counts them. Open reads on
// from where the checkpoint says the log was synced, cuts the log behind its last
// sound unit, and puts the units that it finds into their slots. Where the wheel
// is missing, points behind the log's end, or was written for steps of another
// length, it is made anew from the whole log.
//
// # Disk and memory
//
// The wheel has 38.7 MB, most of it never written. It is read and written slot by
// slot, by position: nothing of it is kept in memory, a full disk is an error
// of the write, and a failing one no memory fault. The last file of the log has its official
// size from the start and takes blocks as it is written.
//
// # Concurrency
//
// One goroutine uses a Files. Num, Waiting, Latest and Checkpoint may be called by any.
package timerwheel
