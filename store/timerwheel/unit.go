package timerwheel

import "encoding/binary"

// Marks of a unit. They may be combined.
const (
	Normal int32 = 1 << iota // every unit has it
	Rolled                   // the slot is an earlier one than the message is due in
	Delete                   // the message deletes another
)

// unitSize is the length of a unit in the log.
const unitSize = 52

// Unit is an entry of the timer log: a message that waits (upstream's
// TimerLog.UNIT_SIZE and what it adds up).
//
//	 0 i32  52
//	 4 i64  position of the unit before it in the same slot, -1 none
//	12 i32  marks
//	16 i64  time of the wheel when it was written, ms
//	24 i32  from there to the slot's time, ms
//	28 i64  physical offset of the message in the commit log
//	36 i32  size of the message's record
//	40 i32  hash of the topic that the message is for
//	44 i64  0
type Unit struct {
	Prev      int64
	Marks     int32
	Written   int64
	Delay     int32
	Physical  int64
	Size      int32
	TopicHash int32
}

// Due is the time of the unit's slot, ms.
func (u Unit) Due() int64 { return u.Written + int64(u.Delay) }

// Has tells whether the unit has a mark.
func (u Unit) Has(mark int32) bool { return u.Marks&mark != 0 }

func (u Unit) append(dst []byte) []byte {
	be := binary.BigEndian
	dst = be.AppendUint32(dst, unitSize)
	dst = be.AppendUint64(dst, uint64(u.Prev))
	dst = be.AppendUint32(dst, uint32(u.Marks))
	dst = be.AppendUint64(dst, uint64(u.Written))
	dst = be.AppendUint32(dst, uint32(u.Delay))
	dst = be.AppendUint64(dst, uint64(u.Physical))
	dst = be.AppendUint32(dst, uint32(u.Size))
	dst = be.AppendUint32(dst, uint32(u.TopicHash))
	return be.AppendUint64(dst, 0)
}

// decodeUnit reads a unit. ok is false for bytes that are none: what upstream takes
// for the end of the log (TimerMessageStore.isMagicOK), and records that cannot be.
func decodeUnit(b []byte) (u Unit, ok bool) {
	be := binary.BigEndian
	u = Unit{
		Prev: int64(be.Uint64(b[4:])), Marks: int32(be.Uint32(b[12:])), Written: int64(be.Uint64(b[16:])),
		Delay: int32(be.Uint32(b[24:])), Physical: int64(be.Uint64(b[28:])), Size: int32(be.Uint32(b[36:])),
		TopicHash: int32(be.Uint32(b[40:])),
	}
	return u, be.Uint32(b) == unitSize && u.Marks&^0xF == 0 && u.Physical >= 0 && u.Size > 0
}

// The filler at the end of a full file: i32 bytes left, i64 0, i32 mark. The mark is
// upstream's BLANK_MAGIC_CODE.
const (
	fillerSize       = 16
	fillerMark int32 = -875286124
)

func appendFiller(dst []byte, left int64) []byte {
	be := binary.BigEndian
	dst = be.AppendUint32(dst, uint32(left))
	dst = be.AppendUint64(dst, 0)
	mark := fillerMark
	return be.AppendUint32(dst, uint32(mark))
}

// isFiller tells whether a file ends here. Upstream looks at the mark only.
func isFiller(b []byte) bool { return int32(binary.BigEndian.Uint32(b[12:])) == fillerMark }
