package store

import (
	"hash/crc32"
	"math"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/protocol"
)

// With enabledAppendPropCRC the last property of a record is a checksum of everything before it, topic and other properties
// included (store-format §2.4): "__CRC32#" 01, ten digits, 02. It is computed once offsets and time are known.
const (
	crcDigits = 10
	crcRoom   = len(protocol.PropertyCRC32) + 1 + crcDigits + 1
)

// encode appends the record of a message that goes to no light queue, with the properties that are to be stored, and with room
// for the checksum where the store is told to write it.
func (s *Store) encode(dst []byte, m *codec.Message, properties string) ([]byte, error) {
	if !s.o.PropertyCRC && properties == m.Properties {
		return codec.AppendRecord(dst, m)
	}
	one := *m
	one.Properties = properties
	if s.o.PropertyCRC {
		one.Properties = withCRCRoom(properties)
	}
	return codec.AppendRecord(dst, &one)
}

// withCRCRoom ends properties with room for the checksum. One that a message brings along, because it was stored before, goes.
func withCRCRoom(properties string) string {
	if _, ok := codec.Property(properties, protocol.PropertyCRC32); ok {
		properties = codec.DeleteProperty(properties, protocol.PropertyCRC32)
	}
	b := make([]byte, 0, len(properties)+1+crcRoom)
	b = append(b, properties...)
	if n := len(b); n > 0 && b[n-1] != 2 {
		b = append(b, 2)
	}
	return string(append(b, make([]byte, crcRoom)...))
}

// sealCRC computes the checksum of a record that ends with room for it. Digits are written as upstream's
// MessageDecoder.createCrc32 does, the least significant first, and filled up with zeros.
func sealCRC(record []byte) {
	room := record[len(record)-crcRoom:]
	sum := crc32.ChecksumIEEE(record[:len(record)-crcRoom]) & math.MaxInt32
	n := copy(room, protocol.PropertyCRC32)
	room[n] = 1
	for i := range crcDigits {
		room[n+1+i] = '0' + byte(sum%10)
		sum /= 10
	}
	room[crcRoom-1] = 2
}
