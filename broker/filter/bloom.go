package filter

import (
	"math"
	"slices"
)

// Bloom is the Bloom filter in which a broker notes, in the consume queue's
// extension and for each message, the groups that want it: upstream's
// BloomFilter. consumerFilter.json names each group's bits, and an official broker
// takes nothing of a file whose bits do not fit its own filter.
type Bloom struct {
	hashes int32 // functions
	bits   int32 // a multiple of 8
}

// NewBloom sizes a filter for an error rate, in percent from 1 to 99, and a
// number of groups, at least 1. Values outside are brought inside.
func NewBloom(errorRate, groups int32) Bloom {
	rate := float64(min(max(errorRate, 1), 99)) / 100
	log := func(base, n float64) float64 { return math.Log(n) / math.Log(base) }
	hashes := math.Ceil(log(0.5, rate))
	size := math.Ceil(float64(max(groups, 1)) * log(2, 1/rate) * log(2, math.E))
	return Bloom{hashes: int32(hashes), bits: int32(8 * math.Ceil(size/8))}
}

// Bits is the length of a bit map, a multiple of 8.
func (b Bloom) Bits() int32 { return b.bits }

// Positions are the bits that stand for a name.
func (b Bloom) Positions(name string) []int32 {
	hash := murmur128(name)
	low, high := int32(hash), int32(hash>>32)
	positions := make([]int32, b.hashes)
	for i := range positions {
		combined := low + int32(i+1)*high // wraps, as in Java
		if combined < 0 {
			combined = ^combined
		}
		positions[i] = combined % b.bits
	}
	return positions
}

// fits reports whether positions that were stored belong to this filter.
func (b Bloom) fits(bits int32, positions []int32) bool {
	return bits == b.bits && len(positions) == int(b.hashes) &&
		!slices.ContainsFunc(positions, func(p int32) bool { return p < 0 || p >= bits })
}
