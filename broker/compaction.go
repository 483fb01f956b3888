package broker

import (
	"fmt"
	"path/filepath"
	"runtime"
	"slices"

	"github.com/gantrymq/gantry/broker/attribute"
	"github.com/gantrymq/gantry/protocol"
	"github.com/gantrymq/gantry/store"
	"github.com/gantrymq/gantry/store/compaction"
)

// compactedPolicy is the value of the attribute cleanup.policy that makes a topic keep the newest message of each key.
const compactedPolicy = "COMPACTION"

func isCompacted(c *protocol.TopicConfig) bool {
	return c != nil && c.Attributes[attribute.CleanupPolicy] == compactedPolicy
}

func compactionSizes(cfg *Config) (compaction.Sizes, error) {
	sizes, err := compaction.NewSizes(cfg.CompactionMappedFileSize, cfg.CompactionCqMappedFileSize)
	if err != nil {
		return sizes, fmt.Errorf("compacted topics: %w", err)
	}
	return sizes, nil
}

// tryCompaction finds out whether openCompaction would refuse the files, and changes nothing.
func tryCompaction(cfg *Config) error {
	if !cfg.EnableCompaction {
		return nil
	}
	sizes, err := compactionSizes(cfg)
	if err != nil {
		return err
	}
	return compaction.Check(compaction.Options{Root: filepath.Join(cfg.StorePathRootDir, store.CompactionFolder), Sizes: sizes})
}

// openCompaction opens the queues of compacted topics. The topics are known by now.
func (b *Broker) openCompaction(cfg *Config) error {
	if !cfg.EnableCompaction {
		return nil
	}
	sizes, err := compactionSizes(cfg)
	if err != nil {
		return err
	}
	// As many at once as the official broker runs, which share the memory for keys.
	workers := min(runtime.NumCPU(), max(1, int(cfg.CompactionThreadNum)))
	table, _ := b.topics.Snapshot()
	var names []string
	for name, c := range table {
		if isCompacted(c) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return b.store.OpenCompaction(store.Compaction{
		Compacted: func(topic string) bool { return isCompacted(b.topics.Get(topic)) },
		Topics:    names,
		Options: compaction.Options{
			Sizes: sizes, Workers: workers, Interval: cfg.CompactionScheduleInternal, MapBytes: cfg.MaxOffsetMapSize / int64(workers),
		},
	})
}

// warnOfKeylessBatches names the compacted topics whose batches stay whole. Compaction looks at the key of the record: of a
// batch that has its keys inside only, nothing is kept and nothing is read, here as upstream.
func (b *Broker) warnOfKeylessBatches() {
	table, _ := b.topics.Snapshot()
	var names []string
	for name, c := range table {
		if isBatchTopic(c) && isCompacted(c) {
			names = append(names, name)
		}
	}
	if slices.Sort(names); len(names) > 0 {
		b.log.Warnf("topics with queue.type=BatchCQ and cleanup.policy=COMPACTION: a batch that stays whole is kept by its own key, and is not read if only the messages in it have keys: %q", names)
	}
}
