package codec

import (
	"encoding/binary"

	"github.com/gantrymq/gantry/protocol"
)

// The ROCKETMQ header (upstream's RocketMQSerializable): code i16, language u8,
// version i16, opaque i32, flag i32, remark (i32 length, bytes), ext fields (i32
// total length, then for each: i16 key length, key, i32 value length, value).
const binaryFixed = 2 + 1 + 2 + 4 + 4

// decodeBinary reads the header at the front of b and returns what follows it. The
// length that the frame gives for its header bounds the remark and the ext fields; as
// upstream, nothing else is held to it: what the header takes decides where it ends.
func (f *Frame) decodeBinary(b []byte, headLen int) (rest []byte, err error) {
	if len(b) < binaryFixed {
		return nil, brokenFrame("binary header of %d bytes, at least %d are needed", len(b), binaryFixed)
	}
	f.Code = int32(int16(binary.BigEndian.Uint16(b)))
	f.Language = protocol.Language(b[2])
	f.Version = protocol.Version(int16(binary.BigEndian.Uint16(b[3:])))
	f.Opaque = int32(binary.BigEndian.Uint32(b[5:]))
	f.Flag = int32(binary.BigEndian.Uint32(b[9:]))
	remark, rest, ok := cut32(b[binaryFixed:], headLen)
	if !ok {
		return nil, brokenFrame("the remark is longer than the header")
	}
	f.Remark = view(remark)
	if len(rest) < 4 {
		return nil, brokenFrame("the header ends before its ext fields")
	}
	extLen := int(int32(binary.BigEndian.Uint32(rest)))
	rest = rest[4:]
	switch {
	case extLen <= 0: // upstream takes a negative length for none
		return rest, nil
	case extLen > headLen:
		return nil, brokenFrame("the ext fields are longer than the header")
	}
	return f.decodeBinaryExt(rest, extLen)
}

// decodeBinaryExt reads ext fields until n bytes are taken, the last of them to its end.
func (f *Frame) decodeBinaryExt(b []byte, n int) (rest []byte, err error) {
	for end := len(b) - n; len(b) > end; {
		key, rest, ok := cut16(b, n)
		if !ok {
			return nil, brokenFrame("an ext field's key is longer than the ext fields")
		}
		value, rest, ok := cut32(rest, n)
		if !ok {
			return nil, brokenFrame("the value of ext field %q is longer than the ext fields", key)
		}
		if len(value) > 0 { // upstream reads an empty one as none
			f.Ext = append(f.Ext, Field{view(key), view(value)})
		}
		b = rest
	}
	f.EmptyExt = len(f.Ext) == 0
	return b, nil
}

// cut32 takes an i32 length, limit at most, and that many bytes off b.
func cut32(b []byte, limit int) (value, rest []byte, ok bool) {
	if len(b) < 4 {
		return nil, nil, false
	}
	n := int(int32(binary.BigEndian.Uint32(b)))
	b = b[4:]
	if n < 0 || n > limit || n > len(b) {
		return nil, nil, false
	}
	return b[:n:n], b[n:], true
}

// cut16 is cut32 for an i16 length.
func cut16(b []byte, limit int) (value, rest []byte, ok bool) {
	if len(b) < 2 {
		return nil, nil, false
	}
	n := int(int16(binary.BigEndian.Uint16(b)))
	b = b[2:]
	if n < 0 || n > limit || n > len(b) {
		return nil, nil, false
	}
	return b[:n:n], b[n:], true
}
