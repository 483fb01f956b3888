package codec

import (
	"encoding/binary"

	"github.com/gantrymq/gantry/protocol"
)

// The functions below read or set single fields of an encoded record without decoding the rest. They trust the record:
// call them only on what AppendRecord wrote or DecodeRecord accepted.

// RecordHead reads the two words that every entry of the log starts with. ok is false when b is shorter than that.
func RecordHead(b []byte) (size int32, magic uint32, ok bool) {
	if len(b) < FillerSize {
		return 0, 0, false
	}
	return int32(binary.BigEndian.Uint32(b[posSize:])), binary.BigEndian.Uint32(b[posMagic:]), true
}

// RecordSysFlag reads the system flag of a record.
func RecordSysFlag(record []byte) int32 {
	return int32(binary.BigEndian.Uint32(record[posSysFlag:]))
}

// RecordQueueOffset reads the queue offset of a record.
func RecordQueueOffset(record []byte) int64 {
	return int64(binary.BigEndian.Uint64(record[posQueueOffset:]))
}

// RecordPhysicalOffset reads the physical offset that a record claims for itself.
func RecordPhysicalOffset(record []byte) int64 {
	return int64(binary.BigEndian.Uint64(record[posPhysical:]))
}

// RecordBelongs reports whether the bytes are one record, as far as its lengths tell, that lies at a physical offset and, unless topic
// is "", has an offset in a queue of a topic. It trusts nothing: the bytes may be any.
func RecordBelongs(record []byte, topic string, queueID int32, queueOffset, physicalOffset int64) bool {
	f, err := parseRecord(record)
	if err != nil || f.size != len(record) || RecordPhysicalOffset(record) != physicalOffset {
		return false
	}
	return topic == "" || int32(binary.BigEndian.Uint32(record[posQueueID:])) == queueID && RecordQueueOffset(record) == queueOffset &&
		string(record[f.topic:f.topic+f.topicLen]) == topic
}

// RecordStoreTimestamp reads the store time of a record, in ms.
func RecordStoreTimestamp(record []byte) int64 {
	return int64(binary.BigEndian.Uint64(record[storeTimePosition(record):]))
}

// RecordHeadSize is how many bytes of a record RecordStoreTimestamp and its siblings look at, whatever the hosts are.
const RecordHeadSize = posBornHost + 8 + recordHostV6 + 8

// StampRecord sets what is known only when a record gets its place in the log: queue offset, physical offset, store time.
// The record must come from AppendRecord.
func StampRecord(record []byte, queueOffset, physicalOffset, storeTimestamp int64) {
	be := binary.BigEndian
	be.PutUint64(record[posQueueOffset:], uint64(queueOffset))
	be.PutUint64(record[posPhysical:], uint64(physicalOffset))
	be.PutUint64(record[storeTimePosition(record):], uint64(storeTimestamp))
}

func storeTimePosition(record []byte) int {
	if RecordSysFlag(record)&protocol.SysFlagBornHostV6 != 0 {
		return posBornHost + 8 + recordHostV6
	}
	return posBornHost + 8
}

// SetRecordLengths corrects the length of a record whose properties, its last part, are now so many bytes long.
func SetRecordLengths(record []byte, properties int) {
	binary.BigEndian.PutUint32(record, uint32(len(record)))
	binary.BigEndian.PutUint16(record[len(record)-properties-2:], uint16(properties))
}
