package compat

import (
	"testing"
	"unicode/utf16"
)

func TestHashCode(t *testing.T) {
	// Values printed by java.lang.String.
	for s, want := range map[string]int32{
		"": 0, "abc": 96354, "é": 233, "中文": 646394, "😀x": 54959989, "\x00": 0, "TagA": 2598919,
	} {
		if got := HashCode(s); got != want {
			t.Errorf("HashCode(%q) = %d, want %d", s, got, want)
		}
	}
}

func TestHashCodeAllocatesNothing(t *testing.T) {
	for _, s := range []string{"a tag of ordinary length", "étiquette 😀"} {
		if n := testing.AllocsPerRun(100, func() { _ = HashCode(s) }); n != 0 {
			t.Errorf("HashCode(%q) allocates %v times", s, n)
		}
	}
}

func FuzzHashCode(f *testing.F) {
	f.Add("abc")
	f.Add("é😀\xff")
	f.Fuzz(func(t *testing.T, s string) {
		var want int32
		for _, u := range utf16.Encode([]rune(s)) {
			want = 31*want + int32(u)
		}
		if got := HashCode(s); got != want {
			t.Errorf("HashCode(%q) = %d, want %d", s, got, want)
		}
	})
}

func BenchmarkHashCode(b *testing.B) {
	for b.Loop() {
		HashCode("TagA_of_some_length")
	}
}
