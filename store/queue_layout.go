package store

import "path"

// layout is how the consume queues of a kind lie on disk.
type layout struct {
	dir      string // of all topics
	unit     int64  // bytes of an entry
	fileSize int64  // whole entries
	// batch tells queues of batches, whose entries say themselves which offsets they stand for. In any other queue an entry
	// stands for one message, and its number is the message's queue offset.
	batch bool
}

func newLayouts(o *Options) (simple, batch layout) {
	return layout{dir: path.Join(o.Root, "consumequeue"), unit: queueUnit, fileSize: o.QueueFileSize},
		layout{dir: path.Join(o.Root, BatchQueueDir), unit: batchUnit, fileSize: o.BatchQueueFileSize, batch: true}
}

func (l *layout) append(dst []byte, u unit) []byte {
	if l.batch {
		return appendBatchUnit(dst, u)
	}
	return appendUnit(dst, u)
}

func (l *layout) decode(b []byte) unit {
	if l.batch {
		return decodeBatchUnit(b)
	}
	return decodeUnit(b)
}

// valid is upstream's test for an entry that was written.
func (l *layout) valid(u unit) bool {
	return u.phy >= 0 && u.size > 0 && (!l.batch || u.base >= 0 && u.count > 0)
}

// offset is the queue offset of an entry's first message; number is the entry's.
func (l *layout) offset(u unit, number int64) int64 {
	if l.batch {
		return u.base
	}
	return number
}

// sizeKey is the key of upstream's configuration that fileSize comes from.
func (l *layout) sizeKey() string {
	if l.batch {
		return "mapperFileSizeBatchConsumeQueue"
	}
	return "mappedFileSizeConsumeQueue"
}
