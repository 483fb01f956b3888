package broker

import (
	"encoding/binary"
	"net/netip"
	"os"
	"sync/atomic"
	"time"
)

// uniqueIDs makes the ids that a broker gives to messages whose producer gave
// none. They have the form of the clients' own (upstream's MessageClientIDSetter):
// 32 hexadecimal digits of address, process id, a discriminator, the milliseconds
// since the month began, and a counter.
type uniqueIDs struct {
	prefix  [10]byte // address 4 (or the end of an IPv6 address), process 2, discriminator 4
	now     func() time.Time
	counter atomic.Uint32
}

func newUniqueIDs(host netip.Addr, now func() time.Time) *uniqueIDs {
	u := &uniqueIDs{now: now}
	full := host.As16()
	copy(u.prefix[:4], full[12:])
	binary.BigEndian.PutUint16(u.prefix[4:], uint16(os.Getpid()))
	binary.BigEndian.PutUint32(u.prefix[6:], uint32(now().UnixNano()))
	return u
}

const upperHex = "0123456789ABCDEF"

// append adds a new id to dst.
func (u *uniqueIDs) append(dst []byte) []byte {
	var id [16]byte
	copy(id[:], u.prefix[:])
	now := u.now()
	month := time.Date(now.Year(), now.Month(), 1, 0, 0, 0, 0, now.Location())
	binary.BigEndian.PutUint32(id[10:], uint32(now.Sub(month).Milliseconds()))
	binary.BigEndian.PutUint16(id[14:], uint16(u.counter.Add(1)))
	for _, b := range id {
		dst = append(dst, upperHex[b>>4], upperHex[b&15])
	}
	return dst
}
