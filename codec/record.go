package codec

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
	"net/netip"
	"unsafe"

	"github.com/gantrymq/gantry/protocol"
)

// Magic words of the commit log. The two record versions differ only in the width of the topic length: one byte in V1,
// two in V2. A filler closes a log file whose rest is too short for the next record.
const (
	MagicV1     uint32 = 0xDAA320A7
	MagicV2     uint32 = 0xDAA320AB
	MagicFiller uint32 = 0xCBD43194
)

// Limits that the record's own fields impose.
const (
	MaxTopicV1     = math.MaxInt8  // longest topic, in bytes, of a V1 record
	MaxRecordTopic = math.MaxInt16 // longest topic, in bytes, of any record
	MaxProperties  = math.MaxInt16 // longest property string, in bytes
	FillerSize     = 8             // bytes of a filler that are written; the rest of the file is left as it is
	recordFixed    = 88            // bytes before the body when both hosts are IPv4
	recordHostV6   = 12            // bytes that an IPv6 host adds
	recordMin      = recordFixed + 1 + 2
)

// Positions of the fields whose place does not depend on the widths of the hosts.
const (
	posSize        = 0
	posMagic       = 4
	posBodyCRC     = 8
	posQueueID     = 12
	posFlag        = 16
	posQueueOffset = 20
	posPhysical    = 28
	posSysFlag     = 36
	posBornTime    = 40
	posBornHost    = 48
)

// Why a record was not decoded. DecodeRecord wraps them in a sentence that gives the figures.
var (
	ErrRecordFiller    = errors.New("end of a log file, not a record")
	ErrRecordTruncated = errors.New("record is cut short")
	ErrRecordMagic     = errors.New("record has an unknown magic word")
	ErrRecordLength    = errors.New("record's fields do not add up to its length")
	ErrRecordCRC       = errors.New("record's body does not match its checksum")
)

// Why a message cannot be written as a record.
var (
	ErrTopicLength      = errors.New("topic does not fit into a message record")
	ErrPropertiesLength = errors.New("properties do not fit into a message record")
	ErrHost             = errors.New("message has no usable host address")
)

// Message is one message of the commit log: the record of store-format §2 with names. After DecodeRecord, Topic, Body and
// Properties are views into the bytes that were decoded and live as long as those do.
type Message struct {
	Topic                     string
	QueueID                   int32
	Flag                      int32 // the application's own, opaque to the broker
	SysFlag                   int32 // protocol's system flags; the two host width bits follow the addresses
	QueueOffset               int64 // index in the consume queue; 0 for prepared and rolled back transactions
	PhysicalOffset            int64 // position of the record in the commit log
	BornTimestamp             int64 // ms, from the producer
	BornHost                  netip.AddrPort
	StoreTimestamp            int64 // ms, taken when the record was appended
	StoreHost                 netip.AddrPort
	ReconsumeTimes            int32
	PreparedTransactionOffset int64 // physical offset of the half message that this one commits, else 0
	BodyCRC                   uint32
	Body                      []byte // as received, possibly compressed
	Properties                string // name, 0x01, value, 0x02, repeated
	StoreSize                 int32  // bytes of the whole record; set by DecodeRecord, ignored by AppendRecord
}

// RecordSize tells how many bytes AppendRecord writes for m, or why it cannot.
func RecordSize(m *Message) (int, error) {
	topicWidth := 1
	switch n := len(m.Topic); {
	case n > MaxRecordTopic:
		return 0, fmt.Errorf("a topic of %d bytes exceeds %d: %w", n, MaxRecordTopic, ErrTopicLength)
	case n > MaxTopicV1:
		topicWidth = 2
	}
	if n := len(m.Properties); n > MaxProperties {
		return 0, fmt.Errorf("properties of %d bytes exceed %d: %w", n, MaxProperties, ErrPropertiesLength)
	}
	if !m.BornHost.IsValid() || !m.StoreHost.IsValid() {
		return 0, fmt.Errorf("born host %q, store host %q: %w", m.BornHost, m.StoreHost, ErrHost)
	}
	size := recordFixed + len(m.Body) + topicWidth + len(m.Topic) + 2 + len(m.Properties)
	if isV6(m.BornHost) {
		size += recordHostV6
	}
	if isV6(m.StoreHost) {
		size += recordHostV6
	}
	if size > math.MaxInt32 {
		return 0, fmt.Errorf("a record of %d bytes exceeds %d: %w", size, math.MaxInt32, ErrRecordLength)
	}
	return size, nil
}

// AppendRecord appends m's record to dst: V1, or V2 when the topic is longer than 127 bytes. The checksum is computed from
// the body, and the host width bits of the system flag from the addresses; m is not changed. On error dst is returned as
// it was. It allocates only when dst has to grow.
func AppendRecord(dst []byte, m *Message) ([]byte, error) {
	size, err := RecordSize(m)
	if err != nil {
		return dst, err
	}
	magic := MagicV1
	if len(m.Topic) > MaxTopicV1 {
		magic = MagicV2
	}
	sysFlag := m.SysFlag &^ (protocol.SysFlagBornHostV6 | protocol.SysFlagStoreHostV6)
	if isV6(m.BornHost) {
		sysFlag |= protocol.SysFlagBornHostV6
	}
	if isV6(m.StoreHost) {
		sysFlag |= protocol.SysFlagStoreHostV6
	}
	be := binary.BigEndian
	dst = be.AppendUint32(dst, uint32(size))
	dst = be.AppendUint32(dst, magic)
	dst = be.AppendUint32(dst, BodyCRC(m.Body))
	dst = be.AppendUint32(dst, uint32(m.QueueID))
	dst = be.AppendUint32(dst, uint32(m.Flag))
	dst = be.AppendUint64(dst, uint64(m.QueueOffset))
	dst = be.AppendUint64(dst, uint64(m.PhysicalOffset))
	dst = be.AppendUint32(dst, uint32(sysFlag))
	dst = be.AppendUint64(dst, uint64(m.BornTimestamp))
	dst = appendHost(dst, m.BornHost)
	dst = be.AppendUint64(dst, uint64(m.StoreTimestamp))
	dst = appendHost(dst, m.StoreHost)
	dst = be.AppendUint32(dst, uint32(m.ReconsumeTimes))
	dst = be.AppendUint64(dst, uint64(m.PreparedTransactionOffset))
	dst = be.AppendUint32(dst, uint32(len(m.Body)))
	dst = append(dst, m.Body...)
	if magic == MagicV2 {
		dst = be.AppendUint16(dst, uint16(len(m.Topic)))
	} else {
		dst = append(dst, byte(len(m.Topic)))
	}
	dst = append(dst, m.Topic...)
	dst = be.AppendUint16(dst, uint16(len(m.Properties)))
	return append(dst, m.Properties...), nil
}

// AppendFiller appends the eight bytes that close a log file in which space bytes are left.
func AppendFiller(dst []byte, space int32) []byte {
	dst = binary.BigEndian.AppendUint32(dst, uint32(space))
	return binary.BigEndian.AppendUint32(dst, MagicFiller)
}

// DecodeRecord reads the record that b starts with into m and returns what follows it. Every field of m is set; its strings
// and its body are views into b. With checkCRC the body is compared with its checksum, otherwise it is not even touched.
// The result of a failure is nil and an error that wraps one of the ErrRecord values.
//
// A host's port beyond 16 bits, which no working broker writes, keeps its low bits: a log must not become unreadable for it.
func DecodeRecord(b []byte, m *Message, checkCRC bool) (rest []byte, err error) {
	f, err := parseRecord(b)
	if err != nil {
		return nil, err
	}
	be := binary.BigEndian
	m.StoreSize = int32(f.size)
	m.BodyCRC = be.Uint32(b[posBodyCRC:])
	m.QueueID = int32(be.Uint32(b[posQueueID:]))
	m.Flag = int32(be.Uint32(b[posFlag:]))
	m.QueueOffset = int64(be.Uint64(b[posQueueOffset:]))
	m.PhysicalOffset = int64(be.Uint64(b[posPhysical:]))
	m.SysFlag = int32(be.Uint32(b[posSysFlag:]))
	m.BornTimestamp = int64(be.Uint64(b[posBornTime:]))
	m.BornHost = decodeHost(b[posBornHost:f.storeTime])
	m.StoreTimestamp = int64(be.Uint64(b[f.storeTime:]))
	m.StoreHost = decodeHost(b[f.storeTime+8 : f.body-16])
	m.ReconsumeTimes = int32(be.Uint32(b[f.body-16:]))
	m.PreparedTransactionOffset = int64(be.Uint64(b[f.body-12:]))
	m.Body = b[f.body : f.body+f.bodyLen : f.body+f.bodyLen]
	m.Topic = viewString(b[f.topic : f.topic+f.topicLen])
	m.Properties = viewString(b[f.properties:f.size])
	if checkCRC {
		if got := BodyCRC(m.Body); got != m.BodyCRC {
			return nil, fmt.Errorf("body of %d bytes has checksum %08X where %08X is recorded: %w", len(m.Body), got, m.BodyCRC, ErrRecordCRC)
		}
	}
	return b[f.size:], nil
}

// BodyCRC is the checksum of a stored body: CRC-32 (IEEE) without its top bit, as upstream keeps it in a Java int.
func BodyCRC(body []byte) uint32 {
	return crc32.ChecksumIEEE(body) & math.MaxInt32
}

// recordFields says where the variable parts of a record lie. They are proved to lie inside of it.
type recordFields struct {
	size      int // whole record
	storeTime int // position of the store timestamp
	body      int // position of the body's bytes; its length word, the transaction offset and the reconsume times precede it
	bodyLen   int
	topic     int
	topicLen  int
	// properties end with the record
	properties int
}

// parseRecord walks the lengths of the record at the start of b.
func parseRecord(b []byte) (f recordFields, err error) {
	if len(b) < FillerSize {
		return f, fmt.Errorf("%d bytes cannot hold a record: %w", len(b), ErrRecordTruncated)
	}
	be := binary.BigEndian
	size := int(int32(be.Uint32(b[posSize:])))
	topicWidth := 1
	switch magic := be.Uint32(b[posMagic:]); magic {
	case MagicV1:
	case MagicV2:
		topicWidth = 2
	case MagicFiller:
		return f, ErrRecordFiller
	default:
		return f, fmt.Errorf("magic word %08X: %w", magic, ErrRecordMagic)
	}
	if size < recordMin {
		return f, fmt.Errorf("record claims %d bytes where the fixed fields take %d: %w", size, recordMin, ErrRecordLength)
	}
	if size > len(b) {
		return f, fmt.Errorf("record claims %d bytes where %d are left: %w", size, len(b), ErrRecordTruncated)
	}
	f.size = size
	sysFlag := RecordSysFlag(b)
	f.storeTime = posBornHost + 8
	if sysFlag&protocol.SysFlagBornHostV6 != 0 {
		f.storeTime += recordHostV6
	}
	f.body = f.storeTime + 32
	if sysFlag&protocol.SysFlagStoreHostV6 != 0 {
		f.body += recordHostV6
	}
	if f.body+topicWidth+2 > size {
		return f, fmt.Errorf("record of %d bytes ends inside its fixed fields: %w", size, ErrRecordLength)
	}
	// A length below zero stands for nothing, as it does in upstream's reader.
	f.bodyLen = max(0, int(int32(be.Uint32(b[f.body-4:]))))
	if f.body+f.bodyLen+topicWidth+2 > size {
		return f, fmt.Errorf("body of %d bytes in a record of %d: %w", f.bodyLen, size, ErrRecordLength)
	}
	f.topic = f.body + f.bodyLen + topicWidth
	if topicWidth == 2 {
		f.topicLen = int(int16(be.Uint16(b[f.topic-2:])))
	} else {
		f.topicLen = int(int8(b[f.topic-1]))
	}
	if f.topicLen < 0 || f.topic+f.topicLen+2 > size {
		return f, fmt.Errorf("topic of %d bytes in a record of %d: %w", f.topicLen, size, ErrRecordLength)
	}
	f.properties = f.topic + f.topicLen + 2
	n := max(0, int(int16(be.Uint16(b[f.properties-2:]))))
	if f.properties+n != size {
		return f, fmt.Errorf("fields add up to %d bytes where the record claims %d: %w", f.properties+n, size, ErrRecordLength)
	}
	return f, nil
}

// isV6 reports whether a host takes 16 bytes in a record. An IPv4 address mapped into IPv6 counts as IPv4, as in Java.
func isV6(h netip.AddrPort) bool {
	return !h.Addr().Unmap().Is4()
}

func appendHost(dst []byte, h netip.AddrPort) []byte {
	if a := h.Addr().Unmap(); a.Is4() {
		b := a.As4()
		dst = append(dst, b[:]...)
	} else {
		b := a.As16()
		dst = append(dst, b[:]...)
	}
	return binary.BigEndian.AppendUint32(dst, uint32(h.Port()))
}

// decodeHost reads an address of 4 or 16 bytes and the port after it. 16 bytes stay IPv6 even when they hold a mapped address.
func decodeHost(b []byte) netip.AddrPort {
	addr, _ := netip.AddrFromSlice(b[:len(b)-4])
	return netip.AddrPortFrom(addr, uint16(binary.BigEndian.Uint32(b[len(b)-4:])))
}

// viewString is b's bytes as a string, without a copy: whoever owns b must leave it alone while the string lives.
func viewString(b []byte) string {
	return unsafe.String(unsafe.SliceData(b), len(b))
}
