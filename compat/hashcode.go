package compat

import "unicode/utf8"

// HashCode is Java's String.hashCode: a polynomial over the UTF-16 code units
// of s, modulo 2^32. Tag filters, key indexes and queue selection store or
// compare it. Bytes that are not UTF-8 count as U+FFFD, one for each byte.
func HashCode(s string) int32 {
	var h uint32
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= utf8.RuneSelf {
			return hashUTF16(h, s[i:])
		}
		h = 31*h + uint32(c)
	}
	return int32(h)
}

// hashUTF16 continues a hash with text that is not ASCII only.
func hashUTF16(h uint32, s string) int32 {
	for _, r := range s {
		if r < 0x10000 {
			h = 31*h + uint32(r)
			continue
		}
		r -= 0x10000
		h = 31*h + 0xD800 + uint32(r>>10)
		h = 31*h + 0xDC00 + uint32(r&0x3FF)
	}
	return int32(h)
}
