package compat

import "testing"

// TestConsistentHash compares with what Guava's Hashing.consistentHash gave.
func TestConsistentHash(t *testing.T) {
	buckets := []int{1, 2, 7, 8, 1000}
	for text, want := range map[string][]int{
		"": {0, 0, 0, 0, 0}, "a": {0, 0, 0, 0, 346}, "lite": {0, 1, 2, 7, 578}, "topic-1": {0, 0, 0, 0, 778}, "T0_x": {0, 1, 1, 1, 711},
	} {
		for i, n := range buckets {
			if got := ConsistentHash(int64(HashCode(text)), n); got != want[i] {
				t.Errorf("%q in %d buckets: %d, want %d", text, n, got, want[i])
			}
		}
	}
	if got := ConsistentHash(-1, 100); got != 92 {
		t.Errorf("-1: %d", got)
	}
	if got := ConsistentHash(10863919174838991, 11); got != 6 {
		t.Errorf("a long: %d", got)
	}
}
