package codec

import (
	"encoding/binary"

	"github.com/gantrymq/gantry/protocol"
)

// The ROCKETMQ header (upstream's RocketMQSerializable): code i16, language u8,
// version i16, opaque i32, flag i32, remark (i32 length, bytes), ext fields (i32
// total length, then for each: i16 key length, key, i32 value length, value).
const binaryFixed = 2 + 1 + 2 + 4 + 4 + 4 + 4

func (f *Frame) decodeBinary(b []byte) error {
	if len(b) < binaryFixed {
		return brokenFrame("binary header of %d bytes, at least %d are needed", len(b), binaryFixed)
	}
	f.Code = int32(int16(binary.BigEndian.Uint16(b)))
	f.Language = protocol.Language(b[2])
	f.Version = protocol.Version(int16(binary.BigEndian.Uint16(b[3:])))
	f.Opaque = int32(binary.BigEndian.Uint32(b[5:]))
	f.Flag = int32(binary.BigEndian.Uint32(b[9:]))
	remark, rest, ok := cut32(b[13:])
	if !ok {
		return brokenFrame("the remark is longer than the header")
	}
	f.Remark = view(remark)
	if len(rest) < 4 {
		return brokenFrame("the header ends before its ext fields")
	}
	if int32(binary.BigEndian.Uint32(rest)) <= 0 {
		return nil // upstream takes a negative length for none
	}
	ext, _, ok := cut32(rest)
	if !ok {
		return brokenFrame("the ext fields are longer than the header")
	}
	return f.decodeBinaryExt(ext)
}

func (f *Frame) decodeBinaryExt(b []byte) error {
	for len(b) > 0 {
		key, rest, ok := cut16(b)
		if !ok {
			return brokenFrame("an ext field's key is longer than the ext fields")
		}
		value, rest, ok := cut32(rest)
		if !ok {
			return brokenFrame("the value of ext field %q is longer than the ext fields", key)
		}
		f.Ext = append(f.Ext, Field{view(key), view(value)})
		b = rest
	}
	return nil
}

// cut32 takes an i32 length and that many bytes off b.
func cut32(b []byte) (value, rest []byte, ok bool) {
	if len(b) < 4 {
		return nil, nil, false
	}
	n := int(int32(binary.BigEndian.Uint32(b)))
	b = b[4:]
	if n < 0 || n > len(b) {
		return nil, nil, false
	}
	return b[:n:n], b[n:], true
}

func cut16(b []byte) (value, rest []byte, ok bool) {
	if len(b) < 2 {
		return nil, nil, false
	}
	n := int(int16(binary.BigEndian.Uint16(b)))
	b = b[2:]
	if n < 0 || n > len(b) {
		return nil, nil, false
	}
	return b[:n:n], b[n:], true
}
