package store

// Facts is what an operator asks a store about.
type Facts struct {
	LogMin, LogMax   int64   // physical offsets: first byte kept, end
	Flushed          int64   // synced up to here
	Dispatched       int64   // consume queues and index are complete up to here
	DispatchBehind   int64   // confirmed bytes that wait for dispatch
	Checkpoint       int64   // a restart after a crash begins here
	LogDiskRatio     float64 // used share of the log's disk, -1 unknown
	QueueDiskRatio   float64
	LogDir, QueueDir string
	PendingQueue     int64 // bytes of consume queue entries that wait in memory
	DiskFull         bool  // appends are refused for want of space
	Failure          error // why writes have stopped for good, or nil
	Writable         error // why appends are refused at the moment, or nil
}

// Facts gathers them.
func (s *Store) Facts() Facts {
	lo, hi := s.LogRange()
	logRatio, queueRatio := s.diskRatios()
	return Facts{
		LogMin: lo, LogMax: hi, Flushed: s.FlushedTo(), Dispatched: s.dispatch.pos.Load(), DispatchBehind: s.DispatchBehind(),
		Checkpoint: s.checkpointed.Load(), LogDiskRatio: logRatio, QueueDiskRatio: queueRatio,
		LogDir: s.log.paths.String(), QueueDir: s.queues.simple.dir, PendingQueue: s.queues.pendingBytes.Load(),
		DiskFull: s.diskFull.Load(), Failure: s.failure(), Writable: s.writable(),
	}
}

// LogRange is the physical offset of the first byte that the log holds, and its end.
func (s *Store) LogRange() (minOffset, maxOffset int64) { return s.log.min(), s.log.end.Load() }

// FlushedTo is the physical offset up to which the log is synced.
func (s *Store) FlushedTo() int64 { return s.flusher.flushed.Load() }

// DispatchBehind is how many confirmed bytes of the log wait for dispatch.
func (s *Store) DispatchBehind() int64 { return max(0, s.confirmed()-s.dispatch.pos.Load()) }
