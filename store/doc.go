// Package store keeps messages on disk in the official format: the commit log, the consume queues and the key index, with
// checkpoint, lock and abort file, file for file and byte for byte as Apache RocketMQ 5.5.0 writes them, so that either
// system can open what the other left.
//
// It knows nothing of sockets, frames, request codes, consumer groups or configuration files, and it never logs: it answers
// with status values and errors and reports the rest through Options.Event.
//
// # How it works
//
// Append encodes a message outside of any lock. Under the log's lock it takes the next queue offset and the next place in
// the log and copies the record into the mapped active segment; that is all. The log is the only truth: everything else is
// derived from it by one dispatcher, which follows the log up to the confirm offset and feeds consume queues, index and the
// arrival callback, and which starts again wherever the last checkpoint proves it has been.
//
// Consume queue entries wait in memory until they are written and are then written by position through a bounded cache of
// open files; reads see both. The active segment and the one before it are mapped, and records are handed out from there by
// reference, pinned until released; older segments are read by position, because a page fault would stall a thread that
// the Go scheduler believes to be running. Blocks are allocated ahead of every mapped write, so a full disk is an error of
// the allocation, and every access to mapped memory is guarded, so a failing disk is an error too and not a signal.
//
// A topic of Options.BatchQueues has queues whose entries are numbered apart from its messages: a record there may be a whole
// batch, which takes as many queue offsets. Inside, such a queue is read and written by the number of an entry like any other;
// offsets are looked up by a search (queue_batch.go).
//
// # What is promised
//
// An append that was answered is in the page cache and survives the end of the process. Await tells when it is synced. A sync
// that failed, of the log or of what is derived from it, is never followed by a success: its waiters fail, writes stop, and the
// next start reads from the disk what the page cache would still show. Under SyncFlush nothing is dispatched, and so nothing
// can be consumed, before it is synced.
//
// # Goroutines and locks
//
// Run starts the flusher, the dispatcher, the queue writer, the preparer and the cleaner, and waits for all of them.
//
// Locks, in the order in which they may be taken while another is held:
//
//	Store.mending       wrong entries of a queue are written again; held over I/O
//	commitLog.prepare   creation and allocation of segments; held over I/O, never by Get
//	commitLog.mu        the writer's position and the queues' next offsets; no I/O
//	topicTable shards   the table's growth
//	queue.mu            one consume queue's state; no I/O
//	fileCache.mu        the table of open files; no I/O
//	waitList.mu         the tickets of Await; callbacks run outside of it
package store
