package store

import (
	"errors"
	"fmt"
	"net/netip"
	"path"
	"time"

	"github.com/gantrymq/gantry/store/vfs"
)

// Sizes of the official format.
const (
	DefaultSegmentSize   = 1 << 30
	DefaultQueueFileSize = 300_000 * queueUnit
	DefaultBatchFileSize = 300_000 * batchUnit
	DefaultQueueExtSize  = 48 << 20
	DefaultIndexSlots    = 5_000_000
	DefaultIndexEntries  = 20_000_000
	DefaultMaxMessage    = 4 << 20
)

// Options is everything a store is told when it is opened. NewOptions has upstream's defaults; keys of upstream's
// configuration are named where they differ.
type Options struct {
	Root         string // storePathRootDir
	CommitLog    string // storePathCommitLog, several directories with commas in between; empty is <Root>/commitlog
	ReadOnlyLogs string // readOnlyCommitLogStorePaths: more directories with older files, where none is made

	FS    vfs.FS           // nil is the operating system's
	Now   func() time.Time // nil is time.Now
	Event func(Event)      // told what an operator wants to know; must be quick and safe for concurrent use; may be nil

	// StoreHost is the broker's address in records whose message brings none.
	StoreHost netip.AddrPort
	// DelayTime is how long a message of a delay level waits, for the due time that entries of SCHEDULE_TOPIC_XXXX carry
	// instead of a tag hash. ok is false for a level that does not exist. nil is upstream's table.
	DelayTime func(level int) (d time.Duration, ok bool)
	// OnArrive is called after a batch of messages became visible to Get, with one Arrival each, oldest first: by the dispatcher,
	// or by an appender before Append returns. It must be quick, and take no lock that is held around Append. The slice and each
	// Record are lent until it returns. May be nil.
	OnArrive func(batch []Arrival)
	// BatchQueues tells whether a topic has queues of batches (attribute queue.type=BatchCQ), which is asked when its first queue
	// is made or found. It must be quick and safe for concurrent use. nil is no topic.
	BatchQueues func(topic string) bool

	// BitMap appends the filter bit map of a message to dst, for consumequeue_ext; nothing when there is none to note. It is called
	// by the dispatcher, and must be quick. The strings are lent. nil notes none.
	BitMap func(dst []byte, topic, properties string) []byte

	FlushMode     FlushMode // flushDiskType
	LightQueues   bool      // enableLmq: messages get offsets in the light queues that they name
	LightDispatch bool      // enableMultiDispatch: and entries there
	PropertyCRC   bool      // enabledAppendPropCRC: records end with a checksum of all of them
	SegmentSize   int64     // mappedFileSizeCommitLog
	QueueFileSize int64     // mappedFileSizeConsumeQueue; rounded up to whole entries, as upstream does
	QueueExtSize  int64     // mappedFileSizeConsumeQueueExt
	IndexSlots    int32     // maxHashSlotNum
	IndexEntries  int32     // maxIndexNum
	OpenFiles     int       // how many files may stay open besides the mapped ones

	BatchQueueFileSize int64 // mapperFileSizeBatchConsumeQueue; whole entries, or upstream gets stuck at the end of a file

	// Rebuild makes Open walk the whole log, whatever checkpoint and abort file say, take out what is damaged without asking
	// for proof, and complete every consume queue and the index from it. Queues and index files that are wrong have to be out
	// of the way. nil is an ordinary start.
	Rebuild *Rebuild

	// Compaction says that OpenCompaction follows (enableCompaction).
	Compaction bool

	Tuning Tuning // what may change while the store runs

	paths     logPaths // CommitLog and ReadOnlyLogs, taken apart by complete
	wholeFrom int      // queueSet.many; 0 is the default
}

// Rebuild is what is known of a store that has to be mended.
type Rebuild struct {
	KnownEnd int64 // the log's end was at or behind this physical offset; damage behind it is the end
}

// Tuning is what may be changed while the store runs, by Store.Tune.
type Tuning struct {
	MaxMessageSize int  // maxMessageSize: the longest body; a record may be 64 KiB longer
	Index          bool // messageIndexEnable: keys of messages that come are indexed
	QueueExt       bool // enableConsumeQueueExt: messages are noted in consumequeue_ext

	FlushInterval         time.Duration // flushIntervalCommitLog: pause between two syncs of AsyncFlush
	FlushLeastPages       int           // flushCommitLogLeastPages: fewer dirty pages of 4 KiB wait for FlushThoroughInterval
	FlushThoroughInterval time.Duration // flushCommitLogThoroughInterval
	QueueFlushInterval    time.Duration // flushIntervalConsumeQueue: how long consume queue entries wait in memory
	CheckpointInterval    time.Duration // flushConsumeQueueThoroughInterval: how often queues and index are synced

	MaxTransferBytesInMemory int           // maxTransferBytesOnMessageInMemory
	MaxTransferCountInMemory int           // maxTransferCountOnMessageInMemory
	MaxTransferBytesOnDisk   int           // maxTransferBytesOnMessageInDisk
	MaxTransferCountOnDisk   int           // maxTransferCountOnMessageInDisk
	MaxFilterBytes           int           // maxFilterMessageSize: consume queue bytes that one read looks through
	InMemoryBytes            int64         // accessMessageInMemoryMaxRatio of the machine's memory, in bytes
	HotBytes                 int64         // accessMessageInMemoryHotRatio of it, with coldDataFlowControlEnable: what lies further back is cold; below 0 nothing is
	MaxQueryCount            int           // maxMsgsNumBatch: most messages of one index look-up
	MaxLightQueues           int           // maxLmqConsumeQueueNum with enableLmqQuota: no more light queues than this; below 0 is no limit
	FileReserved             time.Duration // fileReservedTime
	DeleteWhen               []int         // deleteWhen: hours of the day, local time
	DiskMaxUsed              float64       // diskMaxUsedSpaceRatio as a fraction: above, expired files go at any hour
	DiskWarning              float64       // diskSpaceWarningLevelRatio: above, appends are refused
	DiskCleanForcibly        float64       // diskSpaceCleanForciblyRatio: above, files go before they expire
	CleanForcibly            bool          // cleanFileForciblyEnable
	CleanInterval            time.Duration // cleanResourceInterval
	DeleteFilesBatch         int           // deleteFileBatchMax
	DeleteFilesPause         time.Duration // deleteCommitLogFilesInterval
}

// NewOptions is a store at root with upstream's defaults.
func NewOptions(root string) Options {
	return Options{
		Root: root, SegmentSize: DefaultSegmentSize,
		QueueFileSize: DefaultQueueFileSize, QueueExtSize: DefaultQueueExtSize, BatchQueueFileSize: DefaultBatchFileSize,
		IndexSlots: DefaultIndexSlots, IndexEntries: DefaultIndexEntries, OpenFiles: 512,
		Tuning: Tuning{
			MaxMessageSize: DefaultMaxMessage, Index: true,
			FlushInterval: 500 * time.Millisecond, FlushLeastPages: 4, FlushThoroughInterval: 10 * time.Second,
			QueueFlushInterval: time.Second, CheckpointInterval: time.Minute,
			MaxTransferBytesInMemory: 256 << 10, MaxTransferCountInMemory: 32,
			MaxTransferBytesOnDisk: 64 << 10, MaxTransferCountOnDisk: 8,
			MaxFilterBytes: 16000, MaxLightQueues: -1, InMemoryBytes: 4 << 30, HotBytes: -1, MaxQueryCount: 64,
			FileReserved: 72 * time.Hour, DeleteWhen: []int{4},
			DiskMaxUsed: 0.75, DiskWarning: 0.90, DiskCleanForcibly: 0.85, CleanForcibly: true,
			CleanInterval: 10 * time.Second, DeleteFilesBatch: 10, DeleteFilesPause: 100 * time.Millisecond,
		},
	}
}

// complete fills in what has a default and refuses what makes no sense.
func (o *Options) complete() error {
	if o.Root == "" {
		return errors.New("store: no root directory is given (storePathRootDir)")
	}
	if o.CommitLog == "" {
		o.CommitLog = path.Join(o.Root, "commitlog")
	}
	if o.FS == nil {
		o.FS = vfs.OS{}
	}
	var err error
	if o.paths, err = newLogPaths(o.FS, o.CommitLog, o.ReadOnlyLogs); err != nil {
		return err
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Event == nil {
		o.Event = func(Event) {}
	}
	if o.OnArrive == nil {
		o.OnArrive = func([]Arrival) {}
	}
	if o.DelayTime == nil {
		o.DelayTime = defaultDelay
	}
	if o.BatchQueues == nil {
		o.BatchQueues = func(string) bool { return false }
	}
	if !o.StoreHost.IsValid() {
		o.StoreHost = netip.MustParseAddrPort("127.0.0.1:10911")
	}
	if rest := o.QueueFileSize % queueUnit; rest != 0 {
		o.QueueFileSize += queueUnit - rest
	}
	const page = 4096
	switch {
	case o.SegmentSize < page || o.SegmentSize%page != 0:
		return fmt.Errorf("store: a commit log file size of %d bytes is no multiple of %d (mappedFileSizeCommitLog)", o.SegmentSize, page)
	case o.SegmentSize > 1<<31-page:
		return fmt.Errorf("store: a commit log file size of %d bytes exceeds what a file header can say (mappedFileSizeCommitLog)", o.SegmentSize)
	case o.QueueFileSize <= 0:
		return fmt.Errorf("store: a consume queue file size of %d bytes makes no sense (mappedFileSizeConsumeQueue)", o.QueueFileSize)
	case o.BatchQueueFileSize <= 0 || o.BatchQueueFileSize%batchUnit != 0:
		return fmt.Errorf("store: a file size of %d bytes for queues of batches is no multiple of %d, the size of an entry (mapperFileSizeBatchConsumeQueue)", o.BatchQueueFileSize, batchUnit)
	case o.QueueExtSize <= extHead+extFileEnd:
		return fmt.Errorf("store: a file size of %d bytes for the extension of consume queues makes no sense (mappedFileSizeConsumeQueueExt)", o.QueueExtSize)
	case o.IndexSlots < 1 || o.IndexEntries < 2:
		return fmt.Errorf("store: an index of %d slots and %d entries makes no sense (maxHashSlotNum, maxIndexNum)", o.IndexSlots, o.IndexEntries)
	case o.OpenFiles < 8:
		return fmt.Errorf("store: %d open files are too few, 8 are needed", o.OpenFiles)
	}
	return o.Tuning.check()
}

func (t *Tuning) check() error {
	if t.MaxMessageSize < 10 {
		return fmt.Errorf("store: a message size limit of %d bytes is below upstream's least, 10 (maxMessageSize)", t.MaxMessageSize)
	}
	for _, h := range t.DeleteWhen {
		if h < 0 || h > 23 {
			return fmt.Errorf("store: %d is no hour of the day (deleteWhen)", h)
		}
	}
	// Upstream clamps these two instead of refusing them (DefaultMessageStore.CleanCommitLogService).
	t.DiskWarning = min(max(t.DiskWarning, 0.35), 0.90)
	t.DiskCleanForcibly = min(max(t.DiskCleanForcibly, 0.30), 0.85)
	t.DiskMaxUsed = min(max(t.DiskMaxUsed, 0.10), 0.95)
	return nil
}

// defaultDelays is upstream's messageDelayLevel.
var defaultDelays = [...]time.Duration{
	time.Second, 5 * time.Second, 10 * time.Second, 30 * time.Second, time.Minute, 2 * time.Minute, 3 * time.Minute, 4 * time.Minute,
	5 * time.Minute, 6 * time.Minute, 7 * time.Minute, 8 * time.Minute, 9 * time.Minute, 10 * time.Minute, 20 * time.Minute,
	30 * time.Minute, time.Hour, 2 * time.Hour,
}

// defaultDelay is upstream's rule: a level beyond the last counts as the last.
func defaultDelay(level int) (time.Duration, bool) {
	if level < 1 {
		return 0, false
	}
	return defaultDelays[min(level, len(defaultDelays))-1], true
}

// EventLevel is how much an event matters.
type EventLevel uint8

// The levels.
const (
	Info EventLevel = iota
	Warning
	Fault
)

// Event is something that happened in the store and that an operator may want to read. Nothing is reported per message.
type Event struct {
	Level EventLevel
	Text  string
	Err   error // may be nil
}

// Arrival is one message that became visible.
type Arrival struct {
	Topic       string
	QueueID     int32
	QueueOffset int64
	TagsCode    int64
	StoreTime   int64
	Physical    int64
	Record      []byte // the whole record; lent
}
