package store

import (
	"fmt"
	"hash/crc32"
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/protocol"
	"github.com/gantrymq/gantry/store/vfs"
)

// checkCRC computes a record's checksum from its last property.
func checkCRC(t *testing.T, record []byte) {
	t.Helper()
	var m codec.Message
	if _, err := codec.DecodeRecord(record, &m, true); err != nil {
		t.Fatal(err)
	}
	digits, ok := codec.Property(m.Properties, protocol.PropertyCRC32)
	if !ok || len(digits) != 10 || !strings.HasSuffix(m.Properties, protocol.PropertyCRC32+"\x01"+digits+"\x02") || strings.Count(m.Properties, protocol.PropertyCRC32) != 1 {
		t.Fatalf("properties %q", m.Properties)
	}
	var turned []byte
	for i := range digits {
		turned = append(turned, digits[len(digits)-1-i])
	}
	sum, err := strconv.ParseUint(string(turned), 10, 32)
	if err != nil {
		t.Fatal(err)
	}
	if want := crc32.ChecksumIEEE(record[:len(record)-20]) & math.MaxInt32; uint32(sum) != want {
		t.Errorf("checksum %d, want %d", sum, want)
	}
}

// TestPropertyCRC: every way of appending ends the properties with the checksum, whatever they ended with before.
func TestPropertyCRC(t *testing.T) {
	o := smallOptions(vfs.NewMemory(), "/store")
	o.PropertyCRC = true
	s := mustOpen(t, o)
	running(t, s)
	for i, properties := range []string{"", "a\x01b\x02", "a\x01b", "__CRC32#\x010123456789\x02a\x01b\x02", "a\x01b\x02__CRC32#\x010123456789\x02"} {
		m := message("topic", 0, i)
		m.Properties = properties
		r := mustAppend(t, s, m)
		record, err := s.ReadRecord(r.PhysicalOffset)
		if err != nil {
			t.Fatal(err)
		}
		checkCRC(t, record)
		var got codec.Message
		if _, err := codec.DecodeRecord(record, &got, true); err != nil {
			t.Fatal(err)
		}
		if a, _ := codec.Property(got.Properties, "a"); properties != "" && a != "b" {
			t.Errorf("properties %q became %q", properties, got.Properties)
		}
	}
	var body codec.BatchBody
	for i := range 3 {
		var err error
		if body, err = codec.AppendBatchEntry(body, &codec.BatchEntry{Body: []byte(fmt.Sprint(i)), Properties: "a\x01b\x02"}); err != nil {
			t.Fatal(err)
		}
	}
	_, phys, err := s.AppendBatch(message("topic", 0, 0), body, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, phy := range phys {
		record, err := s.ReadRecord(phy)
		if err != nil {
			t.Fatal(err)
		}
		checkCRC(t, record)
	}
	m := message("topic", 0, 1)
	m.Properties = strings.Repeat("p", math.MaxInt16-crcRoom)
	if r, err := s.Append(m); r.Status != PropertiesSizeExceeded || err == nil {
		t.Errorf("properties without room for the checksum: %v, %v", r.Status, err)
	}
}
