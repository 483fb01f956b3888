package compaction

import "encoding/binary"

// unitSize is the length of a unit, which is one of a batch consume queue (BatchConsumeQueue.CQ_STORE_UNIT_SIZE).
const unitSize = 46

// unit leads to a record.
//
//	 0 i64  position of the record in the compaction log
//	 8 i32  its size
//	12 i64  hash of its tag
//	20 i64  its store time, ms
//	28 i64  its queue offset
//	36 i16  how many messages it stands for: 1
//	38 i32  -1
//	42 i32  0
type unit struct {
	pos    int64
	size   int32
	tags   int64
	time   int64
	offset int64
}

func (u unit) append(dst []byte) []byte {
	be := binary.BigEndian
	dst = be.AppendUint64(dst, uint64(u.pos))
	dst = be.AppendUint32(dst, uint32(u.size))
	dst = be.AppendUint64(dst, uint64(u.tags))
	dst = be.AppendUint64(dst, uint64(u.time))
	dst = be.AppendUint64(dst, uint64(u.offset))
	dst = be.AppendUint16(dst, 1)
	dst = be.AppendUint32(dst, 0xFFFFFFFF)
	return be.AppendUint32(dst, 0)
}

// appendEnd appends the unit that stands behind the last message of a full segment.
func appendEnd(dst []byte) []byte {
	be := binary.BigEndian
	dst = be.AppendUint64(dst, 0xFFFFFFFFFFFFFFFF)
	dst = append(dst, make([]byte, 30)...)
	dst = be.AppendUint32(dst, 0xFFFFFFFF)
	return be.AppendUint32(dst, 0)
}

// decodeUnit reads a unit. ok is false for an end mark and for what was never written, by the official broker's rule.
func decodeUnit(b []byte) (u unit, ok bool) {
	be := binary.BigEndian
	u = unit{
		pos: int64(be.Uint64(b)), size: int32(be.Uint32(b[8:])), tags: int64(be.Uint64(b[12:])),
		time: int64(be.Uint64(b[20:])), offset: int64(be.Uint64(b[28:])),
	}
	return u, u.pos >= 0 && u.size > 0 && u.offset >= 0 && int16(be.Uint16(b[36:])) > 0
}
