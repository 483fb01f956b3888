package codec

import (
	"net/netip"
	"strings"
	"testing"
)

func TestMessageID(t *testing.T) {
	tests := []struct {
		host   string
		offset int64
		id     string
	}{
		{"10.1.2.3:10911", 0x1234, "0A01020300002A9F0000000000001234"},
		{"127.0.0.1:1", 1 << 40, "7F000001000000010000010000000000"},
		{"[2001:db8::7]:10911", 255, "20010DB800000000000000000000000700002A9F00000000000000FF"},
	}
	for _, tt := range tests {
		host := netip.MustParseAddrPort(tt.host)
		if got := MessageID(host, tt.offset); got != tt.id {
			t.Errorf("%v at %d is %s, want %s", host, tt.offset, got, tt.id)
		}
		for _, id := range []string{tt.id, strings.ToLower(tt.id)} {
			if a, off, err := ParseMessageID(id); a != host || off != tt.offset || err != nil {
				t.Errorf("%s is %v at %d, %v", id, a, off, err)
			}
		}
	}
	for _, id := range []string{"", "0A01", strings.Repeat("G", 32), strings.Repeat("A", 32), strings.Repeat("0", 1<<20)} {
		if a, off, err := ParseMessageID(id); err == nil {
			t.Errorf("%.40q is taken for %v at %d", id, a, off)
		}
	}
}

func FuzzParseMessageID(f *testing.F) {
	f.Add("0A01020300002A9F0000000000001234")
	f.Add("20010DB800000000000000000000000700002A9F00000000000000FF")
	f.Fuzz(func(t *testing.T, id string) {
		a, off, err := ParseMessageID(id)
		if err != nil || a.Addr().Is4In6() {
			return
		}
		if got := MessageID(a, off); got != strings.ToUpper(id) {
			t.Fatalf("%s became %s", id, got)
		}
	})
}
