package store

import "fmt"

// Status is what became of an append or of waiting for one, in upstream's terms (PutMessageStatus).
type Status uint8

// The statuses. Which response code each becomes is the broker's business; store-format §15.6 has upstream's table.
const (
	PutOK                   Status = iota // stored, and the awaited stage was reached
	FlushDiskTimeout                      // stored; the sync did not come in time
	FlushSlaveTimeout                     // stored; the replicas did not answer in time
	ServiceNotAvailable                   // not stored: closing, disk full, or writes stopped by an earlier fault
	CreateMappedFileFailed                // not stored: the next segment could not be made
	MessageIllegal                        // not stored: topic, body or record size
	PropertiesSizeExceeded                // not stored: properties longer than a record can hold
	InSyncReplicasNotEnough               // not stored: too few replicas
	FlushFailed                           // the sync failed: whether the message survives is unknown, and writes have stopped
	UnknownError                          // not stored
	LightQueuesExceeded                   // not stored: it would make one light queue too many
)

var statusNames = [...]string{
	"PUT_OK", "FLUSH_DISK_TIMEOUT", "FLUSH_SLAVE_TIMEOUT", "SERVICE_NOT_AVAILABLE", "CREATE_MAPPED_FILE_FAILED", "MESSAGE_ILLEGAL",
	"PROPERTIES_SIZE_EXCEEDED", "IN_SYNC_REPLICAS_NOT_ENOUGH", "FLUSH_FAILED", "UNKNOWN_ERROR", "LMQ_CONSUME_QUEUE_NUM_EXCEEDED",
}

// String is upstream's name; FLUSH_FAILED has none there.
func (s Status) String() string {
	if int(s) < len(statusNames) {
		return statusNames[s]
	}
	return fmt.Sprintf("Status(%d)", uint8(s))
}

// GetStatus is how a read ended (upstream's GetMessageStatus).
type GetStatus uint8

// The statuses of a read.
const (
	Found GetStatus = iota
	NoMatchedMessage
	MessageWasRemoving
	OffsetFoundNull
	OffsetOverflowBadly
	OffsetOverflowOne
	OffsetTooSmall
	NoMatchedLogicQueue
	NoMessageInQueue
)

var getStatusNames = [...]string{
	"FOUND", "NO_MATCHED_MESSAGE", "MESSAGE_WAS_REMOVING", "OFFSET_FOUND_NULL", "OFFSET_OVERFLOW_BADLY",
	"OFFSET_OVERFLOW_ONE", "OFFSET_TOO_SMALL", "NO_MATCHED_LOGIC_QUEUE", "NO_MESSAGE_IN_QUEUE",
}

// String is upstream's name.
func (s GetStatus) String() string {
	if int(s) < len(getStatusNames) {
		return getStatusNames[s]
	}
	return fmt.Sprintf("GetStatus(%d)", uint8(s))
}

// Stage is how far an append has come.
type Stage uint8

// The stages that Await waits for.
const (
	Flushed    Stage = iota // synced to the disk
	Replicated              // held by as many replicas as configured; without replication the same as appended
)

// FlushMode is upstream's flushDiskType.
type FlushMode uint8

// The flush modes.
const (
	AsyncFlush FlushMode = iota // the log is synced from time to time; messages are consumed before that
	SyncFlush                   // every group of appends is synced; messages are consumed after that
)

// String is upstream's name.
func (m FlushMode) String() string {
	if m == SyncFlush {
		return "SYNC_FLUSH"
	}
	return "ASYNC_FLUSH"
}
