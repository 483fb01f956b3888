package codec

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net/netip"
	"strings"
)

// Lengths of a message id in characters, by the kind of the store host's address.
const (
	messageIDLenV4 = 2 * (4 + 4 + 8)
	messageIDLenV6 = 2 * (16 + 4 + 8)
)

// MessageID is the id that a broker gives a message (offsetMsgId): its own address and the record's physical offset, in
// upper-case hexadecimal. Upstream: MessageDecoder.createMessageId.
func MessageID(addr netip.AddrPort, phyOffset int64) string {
	var b [messageIDLenV6]byte
	return string(AppendMessageID(b[:0], addr, phyOffset))
}

// AppendMessageID appends what MessageID returns.
func AppendMessageID(dst []byte, addr netip.AddrPort, phyOffset int64) []byte {
	var raw [messageIDLenV6 / 2]byte
	b := appendHost(raw[:0], addr)
	b = binary.BigEndian.AppendUint64(b, uint64(phyOffset))
	const digits = "0123456789ABCDEF"
	for _, c := range b {
		dst = append(dst, digits[c>>4], digits[c&15])
	}
	return dst
}

// ParseMessageID takes a message id apart. Lower-case digits are accepted too, as upstream does.
func ParseMessageID(id string) (addr netip.AddrPort, phyOffset int64, err error) {
	if len(id) != messageIDLenV4 && len(id) != messageIDLenV6 {
		return addr, 0, fmt.Errorf("message id %q has %d characters where %d or %d are expected", clip(id), len(id), messageIDLenV4, messageIDLenV6)
	}
	b, err := hex.DecodeString(id)
	if err != nil {
		return addr, 0, fmt.Errorf("message id %q is not hexadecimal: %w", id, err)
	}
	port := binary.BigEndian.Uint32(b[len(b)-12:])
	if port > 0xFFFF {
		return addr, 0, fmt.Errorf("message id %q names port %d", id, port)
	}
	return decodeHost(b[:len(b)-8]), int64(binary.BigEndian.Uint64(b[len(b)-8:])), nil
}

// clip keeps what a stranger sent short enough for an error.
func clip(s string) string {
	const most = 64
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
