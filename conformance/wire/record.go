package wire

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// Record is one stored message as it lies in the commit log and in the bodies of pulls.
type Record struct {
	TotalSize, Magic            int32
	BodyCRC                     uint32
	QueueID, Flag               int32
	QueueOffset, PhysicalOffset int64
	SysFlag                     int32
	BornTimestamp               int64
	BornHost                    netip.AddrPort
	StoreTimestamp              int64
	StoreHost                   netip.AddrPort
	ReconsumeTimes              int32
	PreparedTransactionOffset   int64
	Body                        []byte
	Topic                       string
	Properties                  string
}

// Bits of a record's system flag that change its layout (upstream: MessageSysFlag).
const (
	sysBornHostV6  = 1 << 4
	sysStoreHostV6 = 1 << 5
)

// Magic numbers of the two layouts; they differ in the width of the topic's length.
const (
	magicV1 = -626843481
	magicV2 = -626843477
)

// PhysicalOffset is the place in the log that a message id of the broker names: the id is the store host, then the
// offset in 16 hexadecimal digits (upstream: MessageDecoder.decodeMessageId).
func PhysicalOffset(id string) (int64, error) {
	offset, err := strconv.ParseInt(id[max(0, len(id)-16):], 16, 64)
	if err != nil {
		return 0, fmt.Errorf("wire: message id %q: %w", id, err)
	}
	return offset, nil
}

// Records splits a body into its records.
func Records(b []byte) ([]Record, error) {
	var out []Record
	for len(b) > 0 {
		if len(b) < 4 {
			return nil, fmt.Errorf("wire: %d stray bytes after record %d", len(b), len(out))
		}
		size := int(binary.BigEndian.Uint32(b))
		if size < 4 || size > len(b) {
			return nil, fmt.Errorf("wire: record %d announces %d of %d bytes", len(out), size, len(b))
		}
		r, err := readRecord(b[:size])
		if err != nil {
			return nil, fmt.Errorf("wire: record %d: %w", len(out), err)
		}
		out = append(out, r)
		b = b[size:]
	}
	return out, nil
}

// recordReader takes fields from the front and remembers that one was missing.
type recordReader struct {
	b     []byte
	short bool
}

func (r *recordReader) take(n int) []byte {
	if n < 0 || n > len(r.b) {
		r.short = true
		return make([]byte, max(n, 0))[:max(n, 0):max(n, 0)]
	}
	out := r.b[:n]
	r.b = r.b[n:]
	return out
}

func (r *recordReader) i32() int32 { return int32(binary.BigEndian.Uint32(r.take(4))) }
func (r *recordReader) i64() int64 { return int64(binary.BigEndian.Uint64(r.take(8))) }

// bytes takes a length of the given width and what it announces.
func (r *recordReader) bytes(width int) []byte {
	n := 0
	for _, c := range r.take(width) {
		n = n<<8 | int(c)
	}
	if n > len(r.b) {
		r.short = true
		return nil
	}
	return r.take(n)
}

func (r *recordReader) host(v6 bool) netip.AddrPort {
	n := 4
	if v6 {
		n = 16
	}
	ip, _ := netip.AddrFromSlice(r.take(n))
	return netip.AddrPortFrom(ip, uint16(r.i32()))
}

func readRecord(b []byte) (Record, error) {
	r := recordReader{b: b}
	var m Record
	m.TotalSize, m.Magic = r.i32(), r.i32()
	if m.Magic != magicV1 && m.Magic != magicV2 {
		return m, fmt.Errorf("magic %#x is neither V1 nor V2", uint32(m.Magic))
	}
	m.BodyCRC = uint32(r.i32())
	m.QueueID, m.Flag = r.i32(), r.i32()
	m.QueueOffset, m.PhysicalOffset = r.i64(), r.i64()
	m.SysFlag = r.i32()
	m.BornTimestamp, m.BornHost = r.i64(), r.host(m.SysFlag&sysBornHostV6 != 0)
	m.StoreTimestamp, m.StoreHost = r.i64(), r.host(m.SysFlag&sysStoreHostV6 != 0)
	m.ReconsumeTimes, m.PreparedTransactionOffset = r.i32(), r.i64()
	m.Body = r.bytes(4)
	width := 1
	if m.Magic == magicV2 {
		width = 2
	}
	m.Topic = string(r.bytes(width))
	m.Properties = string(r.bytes(2))
	if r.short || len(r.b) != 0 {
		return m, fmt.Errorf("its fields do not fill its %d bytes", len(b))
	}
	return m, nil
}

// fields names the parts of a record as they are shown and masked.
func (m *Record) fields() []struct{ name, value string } {
	f := func(name string, value any) struct{ name, value string } {
		return struct{ name, value string }{name, fmt.Sprint(value)}
	}
	return []struct{ name, value string }{
		f("topic", m.Topic), f("queueId", m.QueueID), f("queueOffset", m.QueueOffset), f("physicalOffset", m.PhysicalOffset),
		f("size", m.TotalSize), f("flag", m.Flag), f("sysFlag", m.SysFlag), f("bodyCRC", m.BodyCRC), f("bornTimestamp", m.BornTimestamp),
		f("bornHost", m.BornHost), f("storeTimestamp", m.StoreTimestamp), f("storeHost", m.StoreHost),
		f("reconsumeTimes", m.ReconsumeTimes), f("preparedTransactionOffset", m.PreparedTransactionOffset),
	}
}

// PropertyMap splits the properties text.
func (m *Record) PropertyMap() map[string]string { return propertyMap(m.Properties) }

func propertyMap(raw string) map[string]string {
	out := map[string]string{}
	for pair := range strings.SplitSeq(raw, "\x02") {
		if k, v, ok := strings.Cut(pair, "\x01"); ok {
			out[k] = v
		}
	}
	return out
}
