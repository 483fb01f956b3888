package compat

// ConsistentHash is the bucket of a number as Guava's Hashing.consistentHash
// chooses it: when there is one bucket more, few numbers move, and only into that
// one. buckets must be positive.
func ConsistentHash(input int64, buckets int) int {
	state := uint64(input)
	for at := 0; ; {
		state = 2862933555777941757*state + 1
		fraction := float64(int32(state>>33)+1) / (1 << 31)
		next := int(float64(at+1) / fraction)
		if next < 0 || next >= buckets {
			return at
		}
		at = next
	}
}
