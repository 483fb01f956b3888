package compat

import "slices"

// HashMapOrder brings the keys of a Java HashMap into the order in which Java walks
// them: that of its buckets. capacity is what the map was made with (HashMap's
// constructor), 0 for the default; keys come in the order in which they were put.
//
// Java prints its maps in this order, so what shows a map as Java does needs it. Keys
// of one bucket stay as they came, which holds unless Java has made a tree of more than
// eight of them.
func HashMapOrder(keys []string, capacity int) {
	if capacity <= 0 {
		capacity = 16
	}
	buckets := uint32(1)
	for buckets < uint32(capacity) {
		buckets <<= 1
	}
	for float64(len(keys)) > 0.75*float64(buckets) {
		buckets <<= 1
	}
	bucket := func(key string) uint32 {
		h := uint32(HashCode(key))
		return (h ^ h>>16) & (buckets - 1)
	}
	slices.SortStableFunc(keys, func(a, b string) int { return int(bucket(a)) - int(bucket(b)) })
}
