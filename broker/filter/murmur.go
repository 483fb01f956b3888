package filter

import (
	"encoding/binary"
	"math/bits"
)

// murmur128 is the lower half of MurmurHash3's 128 bits for 64-bit machines with
// seed 0: what Guava's murmur3_128().hashString(s, UTF_8).asLong() yields.
func murmur128(s string) uint64 {
	const c1, c2 = 0x87c37b91114253d5, 0x4cf5ad432745937f
	mixLow := func(k uint64) uint64 { return bits.RotateLeft64(k*c1, 31) * c2 }
	mixHigh := func(k uint64) uint64 { return bits.RotateLeft64(k*c2, 33) * c1 }
	finish := func(k uint64) uint64 {
		k = (k ^ k>>33) * 0xff51afd7ed558ccd
		k = (k ^ k>>33) * 0xc4ceb9fe1a85ec53
		return k ^ k>>33
	}
	var h1, h2 uint64
	data := []byte(s)
	for ; len(data) >= 16; data = data[16:] {
		h1 ^= mixLow(binary.LittleEndian.Uint64(data))
		h1 = (bits.RotateLeft64(h1, 27)+h2)*5 + 0x52dce729
		h2 ^= mixHigh(binary.LittleEndian.Uint64(data[8:]))
		h2 = (bits.RotateLeft64(h2, 31)+h1)*5 + 0x38495ab5
	}
	var tail [16]byte
	copy(tail[:], data)
	h2 ^= mixHigh(binary.LittleEndian.Uint64(tail[8:]))
	h1 ^= mixLow(binary.LittleEndian.Uint64(tail[:]))
	h1 ^= uint64(len(s))
	h2 ^= uint64(len(s))
	h1 += h2
	h2 += h1
	h1, h2 = finish(h1), finish(h2)
	return h1 + h2
}
