package broker

import "time"

// CompactionConfig says how topics with cleanup.policy=COMPACTION are kept.
type CompactionConfig struct {
	EnableCompaction           bool          `conf:"enableCompaction" when:"start"`
	CompactionMappedFileSize   int64         `conf:"compactionMappedFileSize" when:"start"`
	CompactionCqMappedFileSize int64         `conf:"compactionCqMappedFileSize" when:"start"`
	CompactionScheduleInternal time.Duration `conf:"compactionScheduleInternal" unit:"ms" when:"start"`
	CompactionThreadNum        int32         `conf:"compactionThreadNum" when:"start"`
	MaxOffsetMapSize           int64         `conf:"maxOffsetMapSize" when:"start"`
}
