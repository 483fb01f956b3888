package compaction

import (
	"crypto/sha256"
	"encoding/binary"
	"math"
)

// keyMap remembers for each key the offset of its newest message, in bounded memory: an open table of digests. A digest of 128 bits is
// taken for the key, so it is one for which nobody can make two keys meet.
type keyMap struct {
	most    int // keys
	keys    int
	slots   []keySlot // a power of two, at most three quarters in use
	through int64     // the newest offset that was put
}

type keySlot struct {
	digest [16]byte
	next   int64 // the offset plus one; 0 is an empty slot
}

const keySlotSize = 24

// leastKeys is what a compaction gets on with, however little memory it is given; upstream's least is the same.
const leastKeys = 100

// newKeyMap makes a map for as many keys as fit into a number of bytes. It takes the memory as it needs it.
func newKeyMap(bytes int64) *keyMap {
	slots := 128
	for int64(slots)*2*keySlotSize <= bytes && slots < math.MaxInt32/2 {
		slots *= 2
	}
	return &keyMap{most: max(leastKeys, slots/4*3), slots: make([]keySlot, 128), through: -1}
}

// put notes a message. ok is false, and nothing is noted, when the key is new and the map is full.
func (m *keyMap) put(key string, offset int64) (ok bool) {
	d := digest(key)
	s := m.slot(d)
	if s.next == 0 {
		if m.keys >= m.most {
			return false
		}
		m.keys++
		s.digest = d
	}
	s.next = offset + 1
	m.through = offset
	if m.keys > len(m.slots)/4*3 {
		m.grow()
	}
	return true
}

// newest is the offset of a key's newest message, or -1.
func (m *keyMap) newest(key string) int64 { return m.slot(digest(key)).next - 1 }

// slot finds a digest's place, which is empty if it is not there.
func (m *keyMap) slot(d [16]byte) *keySlot {
	mask := uint64(len(m.slots) - 1)
	for i := binary.LittleEndian.Uint64(d[:]) & mask; ; i = (i + 1) & mask {
		if s := &m.slots[i]; s.next == 0 || s.digest == d {
			return s
		}
	}
}

func (m *keyMap) grow() {
	old := m.slots
	m.slots = make([]keySlot, 2*len(old))
	for _, s := range old {
		if s.next != 0 {
			*m.slot(s.digest) = s
		}
	}
}

func digest(key string) [16]byte {
	sum := sha256.Sum256([]byte(key))
	return [16]byte(sum[:16])
}
