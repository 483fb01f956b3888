package filter

import (
	"slices"
	"testing"
)

// TestBloom compares with what the official BloomFilter of 5.5.0 computed.
func TestBloom(t *testing.T) {
	cases := []struct {
		errorRate, groups, bits int32
		name                    string
		positions               []int32
	}{
		{20, 32, 112, "", []int32{0, 0, 0}},
		{20, 32, 112, "a", []int32{94, 99, 7}},
		{20, 32, 112, "group#topic", []int32{79, 21, 21}},
		{20, 32, 112, "GID_abc#TopicTest", []int32{12, 26, 40}},
		{20, 32, 112, "0123456789abcdef", []int32{11, 47, 60}},
		{20, 32, 112, "0123456789abcdef0", []int32{60, 67, 74}},
		{20, 32, 112, "%RETRY%日本#é", []int32{93, 63, 35}},
		{20, 32, 112, "a long name of a consumer group that passes two blocks#and its topic", []int32{105, 18, 110}},
		{20, 64, 216, "", []int32{0, 0, 0}},
		{20, 64, 216, "a", []int32{86, 171, 175}},
		{20, 64, 216, "group#topic", []int32{15, 5, 157}},
		{20, 64, 216, "GID_abc#TopicTest", []int32{12, 42, 72}},
		{20, 64, 216, "0123456789abcdef", []int32{99, 175, 148}},
		{20, 64, 216, "0123456789abcdef0", []int32{4, 67, 130}},
		{20, 64, 216, "%RETRY%日本#é", []int32{197, 47, 107}},
		{20, 64, 216, "a long name of a consumer group that passes two blocks#and its topic", []int32{9, 210, 30}},
		{1, 1, 16, "", []int32{0, 0, 0, 0, 0, 0, 0}},
		{1, 1, 16, "a", []int32{14, 3, 7, 13, 13, 7, 3}},
		{1, 1, 16, "group#topic", []int32{15, 5, 5, 0, 4, 6, 14}},
		{1, 1, 16, "GID_abc#TopicTest", []int32{12, 10, 8, 9, 11, 13, 0}},
		{1, 1, 16, "0123456789abcdef", []int32{11, 15, 12, 8, 11, 0, 12}},
		{1, 1, 16, "0123456789abcdef0", []int32{12, 3, 10, 1, 8, 15, 9}},
		{1, 1, 16, "%RETRY%日本#é", []int32{13, 15, 3, 9, 6, 12, 0}},
		{1, 1, 16, "a long name of a consumer group that passes two blocks#and its topic", []int32{9, 2, 14, 10, 9, 13, 14}},
		{10, 1000, 4800, "", []int32{0, 0, 0, 0}},
		{10, 1000, 4800, "a", []int32{3950, 3603, 1543, 2205}},
		{10, 1000, 4800, "group#topic", []int32{1263, 2885, 1861, 2512}},
		{10, 1000, 4800, "GID_abc#TopicTest", []int32{204, 3882, 2760, 2457}},
		{10, 1000, 4800, "0123456789abcdef", []int32{1467, 2383, 796, 4680}},
		{10, 1000, 4800, "0123456789abcdef0", []int32{1276, 3715, 1354, 3793}},
		{10, 1000, 4800, "%RETRY%日本#é", []int32{1805, 863, 563, 2105}},
		{10, 1000, 4800, "a long name of a consumer group that passes two blocks#and its topic", []int32{1977, 786, 4254, 2922}},
		{99, 5, 8, "", []int32{0}},
		{99, 5, 8, "a", []int32{6}},
		{99, 5, 8, "group#topic", []int32{7}},
		{99, 5, 8, "GID_abc#TopicTest", []int32{4}},
		{99, 5, 8, "0123456789abcdef", []int32{3}},
		{99, 5, 8, "0123456789abcdef0", []int32{4}},
		{99, 5, 8, "%RETRY%日本#é", []int32{5}},
		{99, 5, 8, "a long name of a consumer group that passes two blocks#and its topic", []int32{1}},
		{50, 7, 16, "", []int32{0}},
		{50, 7, 16, "a", []int32{14}},
		{50, 7, 16, "group#topic", []int32{15}},
		{50, 7, 16, "GID_abc#TopicTest", []int32{12}},
		{50, 7, 16, "0123456789abcdef", []int32{11}},
		{50, 7, 16, "0123456789abcdef0", []int32{12}},
		{50, 7, 16, "%RETRY%日本#é", []int32{13}},
		{50, 7, 16, "a long name of a consumer group that passes two blocks#and its topic", []int32{9}},
	}
	for _, c := range cases {
		b := NewBloom(c.errorRate, c.groups)
		if got := b.Positions(c.name); b.Bits() != c.bits || !slices.Equal(got, c.positions) {
			t.Errorf("%d%%, %d groups, %q: %d bits, %v; official %d, %v", c.errorRate, c.groups, c.name, b.Bits(), got, c.bits, c.positions)
		}
		if !b.fits(c.bits, c.positions) || b.fits(c.bits+8, c.positions) || b.fits(c.bits, c.positions[1:]) {
			t.Errorf("%d%%, %d groups: fits is wrong", c.errorRate, c.groups)
		}
	}
}
