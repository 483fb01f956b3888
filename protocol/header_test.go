package protocol

import (
	"strconv"
	"testing"
)

// TestNumbers: numbers of ext fields are read as strconv reads them.
func TestNumbers(t *testing.T) {
	for _, text := range []string{
		"", "0", "7", "-1", "+1", "007", "123456789", "2147483647", "2147483648", "-2147483648", "-2147483649", "0000000000012", "1e3", "1.5", " 1", "1 ", "12x", "٣",
		"1750000000000", "999999999999999999", "9223372036854775807", "9223372036854775808", "-9223372036854775808", "000000000000000000000",
	} {
		want32, err32 := strconv.ParseInt(text, 10, 32)
		if got, err := parseInt32("k", text); (err != nil) != (err32 != nil) || err == nil && int64(got) != want32 {
			t.Errorf("%q as an int32: %d, %v, want %d, %v", text, got, err, want32, err32)
		}
		want64, err64 := strconv.ParseInt(text, 10, 64)
		if got, err := parseInt64("k", text); (err != nil) != (err64 != nil) || err == nil && got != want64 {
			t.Errorf("%q as an int64: %d, %v, want %d, %v", text, got, err, want64, err64)
		}
	}
}
