package broker

import (
	"strconv"
	"strings"
	"time"

	"github.com/gantrymq/gantry/store"
)

// openStore opens the messages with what the configuration says of them.
func (b *Broker) openStore(cfg *Config) error {
	levels := b.levels
	o := store.NewOptions(cfg.StorePathRootDir)
	o.PropertyCRC = cfg.EnabledAppendPropCRC
	o.LightQueues, o.LightDispatch = cfg.EnableLMQ, cfg.EnableMultiDispatch
	o.CommitLog, o.ReadOnlyLogs = cfg.StorePathCommitLog, cfg.ReadOnlyLogStorePaths
	o.Now, o.Event, o.OnArrive = b.now, b.storeEvent, b.messagesArrived
	o.StoreHost = b.storeHost
	o.DelayTime = func(level int) (time.Duration, bool) {
		if level < 1 || levels.Max() == 0 {
			return 0, false
		}
		return time.Duration(levels[min(level, levels.Max())-1]) * time.Millisecond, true
	}
	if cfg.SyncFlush() {
		o.FlushMode = store.SyncFlush
	}
	o.BatchQueues, o.BatchQueueFileSize = b.hasBatchQueues, cfg.BatchQueueFileSize
	o.SegmentSize, o.QueueFileSize = cfg.MappedFileSizeCommitLog, cfg.MappedFileSizeConsumeQueue
	o.QueueExtSize, o.BitMap = cfg.MappedFileSizeQueueExt, b.filterBitMap
	o.IndexSlots, o.IndexEntries = cfg.MaxHashSlotNum, cfg.MaxIndexNum
	o.Compaction = cfg.EnableCompaction
	tune(cfg, &o.Tuning)
	var err error
	b.store, err = store.Open(o)
	if err == nil && !cfg.DataReadAheadEnable {
		b.store.SetReadAhead(false)
	}
	return err
}

// tune sets what of the configuration may change while the store runs.
func tune(cfg *Config, t *store.Tuning) {
	t.MaxMessageSize = int(cfg.MaxMessageSize)
	t.QueueExt = cfg.EnableConsumeQueueExt
	t.Index, t.MaxQueryCount = cfg.MessageIndexEnable, int(cfg.MaxMsgsNumBatch)
	t.MaxLightQueues = -1
	if cfg.EnableLMQQuota && cfg.EnableMultiDispatch {
		t.MaxLightQueues = int(cfg.MaxLMQ)
	}
	t.FlushInterval, t.QueueFlushInterval = cfg.FlushIntervalCommitLog, cfg.FlushIntervalConsumeQueue
	t.FlushLeastPages, t.FlushThoroughInterval = int(cfg.FlushCommitLogLeastPages), cfg.FlushCommitLogThoroughInterval
	t.CheckpointInterval, t.MaxFilterBytes = cfg.FlushConsumeQueueThoroughInterval, int(cfg.MaxFilterMessageSize)
	t.DeleteFilesBatch, t.DeleteFilesPause = int(cfg.DeleteFileBatchMax), cfg.DeleteCommitLogFilesInterval
	t.MaxTransferCountInMemory, t.MaxTransferBytesInMemory = int(cfg.MaxCountInMemory), int(cfg.MaxBytesInMemory)
	t.MaxTransferCountOnDisk, t.MaxTransferBytesOnDisk = int(cfg.MaxCountInDisk), int(cfg.MaxBytesInDisk)
	if total := physicalMemory(); total > 0 {
		t.InMemoryBytes = total / 100 * int64(cfg.MemoryRatio)
		t.HotBytes = total / 100 * int64(cfg.HotRatio)
	}
	if !cfg.ColdDataFlowControlEnable {
		t.HotBytes = -1
	}
	t.FileReserved = time.Duration(cfg.FileReservedTime) * time.Hour
	if hours := parseHours(cfg.DeleteWhen); hours != nil {
		t.DeleteWhen = hours
	}
	t.DiskMaxUsed = float64(cfg.DiskMaxUsedSpaceRatio) / 100
	t.DiskWarning = float64(cfg.DiskWarningRatio) / 100
	t.DiskCleanForcibly = float64(cfg.DiskForciblyRatio) / 100
	t.CleanForcibly, t.CleanInterval = cfg.CleanFileForciblyEnable, cfg.CleanResourceInterval
}

// filterBitMap is what the store notes of the groups that want a message. What it
// dispatches while it is opened, after a crash, goes without: the registered
// expressions are not loaded then, and a message without bits is read.
func (b *Broker) filterBitMap(dst []byte, topic, properties string) []byte {
	if b.filters == nil || !b.config.Load().EnableCalcFilterBitMap {
		return dst
	}
	return b.filters.AppendBitMap(dst, topic, properties)
}

// parseHours reads deleteWhen: hours of the day with a semicolon between. What is
// no hour is passed over, as upstream does.
func parseHours(text string) []int {
	var hours []int
	for part := range strings.SplitSeq(text, ";") {
		if h, err := strconv.Atoi(strings.TrimSpace(part)); err == nil && h >= 0 && h < 24 {
			hours = append(hours, h)
		}
	}
	return hours
}

// storeEvent passes on what the store has to say.
func (b *Broker) storeEvent(e store.Event) {
	log := b.log
	if e.Err != nil {
		log = log.WithError(e.Err)
	}
	switch e.Level {
	case store.Info:
		log.Info(e.Text)
	case store.Warning:
		log.Warn(e.Text)
	default:
		log.Error(e.Text)
	}
}
