package codec

import (
	"bytes"
	"encoding/binary"
	"errors"
	"net/netip"
	"strings"
	"testing"

	"github.com/gantrymq/gantry/protocol"
)

var (
	hostV4 = netip.MustParseAddrPort("10.1.2.3:10911")
	hostV6 = netip.MustParseAddrPort("[2001:db8::7]:10911")
)

func sampleMessage() Message {
	return Message{
		Topic: "Orders", QueueID: 3, Flag: -7, SysFlag: 0x2, QueueOffset: 41, PhysicalOffset: 1 << 33,
		BornTimestamp: 1750000000001, BornHost: netip.MustParseAddrPort("192.168.0.9:50123"),
		StoreTimestamp: 1750000000002, StoreHost: hostV4, ReconsumeTimes: 2, PreparedTransactionOffset: 77,
		Body: []byte("hello"), Properties: "TAGS\x01TagA\x02KEYS\x01k1 k2\x02",
	}
}

// TestRecordBelongs: only a whole record at its own place belongs to a queue's entry, and no bytes are too wrong to be asked about.
func TestRecordBelongs(t *testing.T) {
	m := sampleMessage()
	record, err := AppendRecord(nil, &m)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		topic         string
		queueID       int32
		offset, place int64
		want          bool
	}{
		{"Orders", 3, 41, 1 << 33, true},
		{"", 0, 0, 1 << 33, true},
		{"", 3, 41, 0, false},
		{"Order", 3, 41, 1 << 33, false},
		{"Orders", 2, 41, 1 << 33, false},
		{"Orders", 3, 40, 1 << 33, false},
		{"Orders", 3, 41, 1<<33 + 1, false},
	} {
		if got := RecordBelongs(record, tt.topic, tt.queueID, tt.offset, tt.place); got != tt.want {
			t.Errorf("%+v: %t", tt, got)
		}
	}
	for n := range record {
		if RecordBelongs(record[:n], "", 0, 0, 1<<33) || RecordBelongs(record[n+1:], "", 0, 0, 1<<33) {
			t.Errorf("a part of the record, cut at %d, belongs to its entry", n)
		}
	}
	if RecordBelongs(append(record, 0), "", 0, 0, 1<<33) {
		t.Error("a record with a byte more belongs to its entry")
	}
}

func TestRecordRoundTrip(t *testing.T) {
	tests := []struct {
		name   string
		change func(*Message)
		magic  uint32
		size   int
	}{
		{"plain", func(m *Message) {}, MagicV1, 91 + 5 + 6 + 21},
		{"empty body", func(m *Message) { m.Body = []byte{} }, MagicV1, 91 + 6 + 21},
		{"no properties", func(m *Message) { m.Properties = "" }, MagicV1, 91 + 5 + 6},
		{"IPv6 born host", func(m *Message) { m.BornHost = hostV6 }, MagicV1, 91 + 12 + 5 + 6 + 21},
		{"IPv6 store host", func(m *Message) { m.StoreHost = hostV6 }, MagicV1, 91 + 12 + 5 + 6 + 21},
		{"IPv6 both", func(m *Message) { m.BornHost, m.StoreHost = hostV6, hostV6 }, MagicV1, 91 + 24 + 5 + 6 + 21},
		{"mapped address is IPv4", func(m *Message) { m.StoreHost = netip.MustParseAddrPort("[::ffff:10.1.2.3]:10911") }, MagicV1, 91 + 5 + 6 + 21},
		{"longest V1 topic", func(m *Message) { m.Topic = strings.Repeat("t", 127) }, MagicV1, 91 + 5 + 127 + 21},
		{"shortest V2 topic", func(m *Message) { m.Topic = strings.Repeat("t", 128) }, MagicV2, 92 + 5 + 128 + 21},
		{"longest properties", func(m *Message) { m.Properties = strings.Repeat("p", 32767) }, MagicV1, 91 + 5 + 6 + 32767},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := sampleMessage()
			tt.change(&m)
			b, err := AppendRecord([]byte("before"), &m)
			if err != nil {
				t.Fatal(err)
			}
			b = append(b, "after"...)[len("before"):]
			if size, magic, ok := RecordHead(b); !ok || magic != tt.magic || int(size) != tt.size {
				t.Fatalf("head: size %d, magic %08X; want %d, %08X", size, magic, tt.size, tt.magic)
			}
			var got Message
			rest, err := DecodeRecord(b, &got, true)
			if err != nil {
				t.Fatal(err)
			}
			if string(rest) != "after" {
				t.Errorf("rest is %q", rest)
			}
			want := m
			want.StoreHost = netip.AddrPortFrom(m.StoreHost.Addr().Unmap(), m.StoreHost.Port())
			want.SysFlag = RecordSysFlag(b)
			want.BodyCRC, want.StoreSize = BodyCRC(m.Body), int32(tt.size)
			if !sameMessage(got, want) {
				t.Errorf("got  %+v\nwant %+v", got, want)
			}
			if v6 := got.SysFlag&protocol.SysFlagBornHostV6 != 0; v6 != !m.BornHost.Addr().Is4() {
				t.Errorf("born host %v with system flag %#x", m.BornHost, got.SysFlag)
			}
		})
	}
}

func sameMessage(a, b Message) bool {
	x, y := a.Body, b.Body
	a.Body, b.Body = nil, nil
	return bytes.Equal(x, y) && a.Topic == b.Topic && equalRest(a, b)
}

// equalRest compares what is left once the slices are gone: Message without Body is comparable field by field.
func equalRest(a, b Message) bool {
	return a.QueueID == b.QueueID && a.Flag == b.Flag && a.SysFlag == b.SysFlag && a.QueueOffset == b.QueueOffset &&
		a.PhysicalOffset == b.PhysicalOffset && a.BornTimestamp == b.BornTimestamp && a.BornHost == b.BornHost &&
		a.StoreTimestamp == b.StoreTimestamp && a.StoreHost == b.StoreHost && a.ReconsumeTimes == b.ReconsumeTimes &&
		a.PreparedTransactionOffset == b.PreparedTransactionOffset && a.BodyCRC == b.BodyCRC &&
		a.Properties == b.Properties && a.StoreSize == b.StoreSize
}

// The checksum that upstream was seen to store for the body "hello".
func TestBodyCRC(t *testing.T) {
	if got := BodyCRC([]byte("hello")); got != 0x3610A686 {
		t.Errorf("hello has %08X", got)
	}
	if got := BodyCRC(nil); got != 0 {
		t.Errorf("nothing has %08X", got)
	}
}

func TestRecordRefused(t *testing.T) {
	tests := []struct {
		name   string
		change func(*Message)
		want   error
	}{
		{"topic", func(m *Message) { m.Topic = strings.Repeat("t", 32768) }, ErrTopicLength},
		{"properties", func(m *Message) { m.Properties = strings.Repeat("p", 32768) }, ErrPropertiesLength},
		{"born host", func(m *Message) { m.BornHost = netip.AddrPort{} }, ErrHost},
		{"store host", func(m *Message) { m.StoreHost = netip.AddrPort{} }, ErrHost},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := sampleMessage()
			tt.change(&m)
			b, err := AppendRecord([]byte("x"), &m)
			if !errors.Is(err, tt.want) || string(b) != "x" {
				t.Errorf("got %q, %v", b, err)
			}
		})
	}
}

func TestDecodeRecordRefusesDamage(t *testing.T) {
	m := sampleMessage()
	good, err := AppendRecord(nil, &m)
	if err != nil {
		t.Fatal(err)
	}
	be := binary.BigEndian
	tests := []struct {
		name   string
		damage func(b []byte) []byte
		want   error
	}{
		{"zeros", func(b []byte) []byte { return make([]byte, 256) }, ErrRecordMagic},
		{"filler", func(b []byte) []byte { return AppendFiller(nil, 100) }, ErrRecordFiller},
		{"body bit", func(b []byte) []byte { b[90] ^= 1; return b }, ErrRecordCRC},
		{"checksum bit", func(b []byte) []byte { b[9] ^= 1; return b }, ErrRecordCRC},
		{"negative size", func(b []byte) []byte { be.PutUint32(b, 0x80000000); return b }, ErrRecordLength},
		{"size of the head", func(b []byte) []byte { be.PutUint32(b, 8); return b }, ErrRecordLength},
		{"size one short", func(b []byte) []byte { be.PutUint32(b, uint32(len(b)-1)); return b }, ErrRecordLength},
		{"size one over", func(b []byte) []byte { be.PutUint32(b, uint32(len(b)+1)); return append(b, 0) }, ErrRecordLength},
		{"body beyond", func(b []byte) []byte { be.PutUint32(b[84:], 0x7FFFFFFF); return b }, ErrRecordLength},
		{"topic beyond", func(b []byte) []byte { b[93] = 127; return b }, ErrRecordLength},
		{"topic negative", func(b []byte) []byte { b[93] = 0xFF; return b }, ErrRecordLength},
		{"properties beyond", func(b []byte) []byte { b[100] = 0x7F; return b }, ErrRecordLength},
		{"IPv6 claimed", func(b []byte) []byte { b[39] |= 0x30; return b }, ErrRecordLength},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got Message
			rest, err := DecodeRecord(tt.damage(bytes.Clone(good)), &got, true)
			if !errors.Is(err, tt.want) || rest != nil {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
	for n := range good {
		var got Message
		if _, err := DecodeRecord(good[:n], &got, true); !errors.Is(err, ErrRecordTruncated) {
			t.Errorf("cut at %d of %d: %v", n, len(good), err)
		}
	}
}

func TestStampRecord(t *testing.T) {
	for _, born := range []netip.AddrPort{hostV4, hostV6} {
		m := sampleMessage()
		m.BornHost = born
		want := m
		want.QueueOffset, want.PhysicalOffset, want.StoreTimestamp = 5, 1<<40, 1760000000000
		b, _ := AppendRecord(nil, &m)
		StampRecord(b, want.QueueOffset, want.PhysicalOffset, want.StoreTimestamp)
		wantBytes, _ := AppendRecord(nil, &want)
		if !bytes.Equal(b, wantBytes) {
			t.Errorf("born host %v: the stamped record differs from the one encoded at once", born)
		}
		if RecordQueueOffset(b) != 5 || RecordPhysicalOffset(b) != 1<<40 || RecordStoreTimestamp(b[:RecordHeadSize]) != 1760000000000 {
			t.Errorf("born host %v: fields read back differ", born)
		}
	}
}

func TestRecordAllocations(t *testing.T) {
	m := sampleMessage()
	buf := make([]byte, 0, 1024)
	var got Message
	n := testing.AllocsPerRun(100, func() {
		b, err := AppendRecord(buf, &m)
		if err == nil {
			_, err = DecodeRecord(b, &got, true)
		}
		if err != nil {
			t.Fatal(err)
		}
	})
	if n != 0 {
		t.Errorf("%v allocations for encoding and decoding a record", n)
	}
}

func FuzzDecodeRecord(f *testing.F) {
	m := sampleMessage()
	for _, change := range []func(){
		func() {}, func() { m.BornHost = hostV6 }, func() { m.StoreHost = hostV6 }, func() { m.Topic = strings.Repeat("t", 200) }, func() { m.Body = nil },
	} {
		change()
		b, _ := AppendRecord(nil, &m)
		f.Add(b)
	}
	f.Add(AppendFiller(nil, 12))
	f.Fuzz(func(t *testing.T, b []byte) {
		var m, again Message
		rest, err := DecodeRecord(b, &m, false)
		if err != nil {
			return
		}
		if int(m.StoreSize)+len(rest) != len(b) {
			t.Fatalf("%d of %d bytes used, %d left", m.StoreSize, len(b), len(rest))
		}
		m.StoreHost = netip.AddrPortFrom(m.StoreHost.Addr(), m.StoreHost.Port())
		enc, err := AppendRecord(nil, &m)
		if err != nil {
			t.Fatalf("what was decoded cannot be encoded: %v", err)
		}
		if _, err := DecodeRecord(enc, &again, true); err != nil {
			t.Fatalf("what was encoded cannot be decoded: %v", err)
		}
		if again.Topic != m.Topic || !bytes.Equal(again.Body, m.Body) || again.Properties != m.Properties ||
			again.QueueOffset != m.QueueOffset || again.PhysicalOffset != m.PhysicalOffset || again.StoreTimestamp != m.StoreTimestamp ||
			again.BornTimestamp != m.BornTimestamp || again.ReconsumeTimes != m.ReconsumeTimes || again.PreparedTransactionOffset != m.PreparedTransactionOffset {
			t.Fatalf("got  %+v\nwant %+v", again, m)
		}
	})
}

func BenchmarkAppendRecord(b *testing.B) {
	m := sampleMessage()
	m.Body = make([]byte, 1024)
	buf := make([]byte, 0, 2048)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := AppendRecord(buf, &m); err != nil {
			b.Fatal(err)
		}
	}
}
