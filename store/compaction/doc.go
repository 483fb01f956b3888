// Package compaction keeps the messages of topics with cleanup.policy=COMPACTION: a second copy of each message with a key, from
// which older messages of the same key are taken out now and then. Consumers of such a topic read from here and nowhere else, so
// the newest message of each key outlives the commit log's files.
//
// The files are those of Apache RocketMQ 5.5.0 (store/kv/CompactionLog, CompactionStore, queue/SparseConsumeQueue), byte for byte;
// docs/format/compaction.md draws them. The package knows records and queue offsets; it knows no configuration files, no topic
// table, no commit log, no sockets and no requests. The store above it says which messages there are.
//
// # How it works
//
// A queue is a row of segments. A segment is a pair of files with one name, the records and the units that lead to them. The
// last segment is appended to; all others change no more and are what a compaction reads: it notes for each key of the segments
// that are new where its newest message is, writes what is still wanted to new segments in the folder compacting, and puts these
// in the place of the old ones. Readers hold an immutable list of segments and read by position. They are never waited for: the files of
// a list that has been replaced stay open as long as somebody reads them, and who comes too late begins again with the new list.
//
// # Crashes
//
// Appends are not synced one by one. Sync makes durable what was appended; the store calls it before it records in its checkpoint
// how far everything derived from the commit log is durable. After a crash the store has what lies behind the checkpoint compared
// with the commit log (Verify), cut where it differs, and appended again. A compaction takes a checkpoint first, so that what
// Verify cuts is never older than what a compaction has merged, and a key's older message is given up only when its newer one is
// safe.
//
// New segments are complete and synced before the file replacing is there, which names the old and the new. That file is the
// decision: without it the folder compacting is waste, with it the next start finishes what is left to rename and remove. Every
// step may be done twice. A crash of the official broker between its renames leaves no such file; then the log files that remain
// decide, and the units are made from them (repair.go).
//
// # Damage
//
// Readers are given records that are whole and what their units say, or none. What is not is mended where it lies, by whoever meets it:
// records from the commit log (Options.Original), units from the records (mend.go).
//
// # Goroutines and locks
//
// Run starts the compactions, as many at once as Options.Workers, and waits for them. Append, Verify and Cut belong to the one goroutine that
// dispatches. Locks, in the order in which they may be taken while another is held:
//
//	queue.compacting   one compaction, cut or deletion of a queue at a time; held over I/O, never by readers and appends
//	queue.mu           changes of a queue's list of segments; no I/O
//	Store.mu           the tables of queues, unsynced segments and positions; no I/O
//	handles.mu         the table of open files; no I/O
package compaction
