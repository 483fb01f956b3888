package codec

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

var allCompressions = []Compression{NoCompression, LZ4, ZSTD, ZLIB}

func TestCompression(t *testing.T) {
	bodies := [][]byte{nil, []byte("x"), []byte(strings.Repeat("all work and no play ", 20000))}
	for _, c := range allCompressions {
		for _, body := range bodies {
			packed, err := AppendCompressed([]byte("<"), body, c, 5)
			if err != nil || packed[0] != '<' {
				t.Fatalf("%s: %v", c, err)
			}
			if c != NoCompression && len(body) > 1000 && len(packed) > len(body)/10 {
				t.Errorf("%s: %d bytes became %d", c, len(body), len(packed))
			}
			got, err := AppendDecompressed([]byte(">"), packed[1:], c, len(body))
			if err != nil || got[0] != '>' || !bytes.Equal(got[1:], body) {
				t.Fatalf("%s: %d bytes came back as %d, %v", c, len(body), len(got)-1, err)
			}
			if len(body) == 0 {
				continue
			}
			if got, err := AppendDecompressed(nil, packed[1:], c, len(body)-1); !errors.Is(err, ErrDecompressedSize) || got != nil {
				t.Errorf("%s: beyond the limit: %d bytes, %v", c, len(got), err)
			}
		}
	}
}

// A pooled decompressor must be as good after a failure as before.
func TestDecompressGarbage(t *testing.T) {
	body := []byte(strings.Repeat("some text ", 100))
	for _, c := range allCompressions[1:] {
		packed, err := AppendCompressed(nil, body, c, 5)
		if err != nil {
			t.Fatal(err)
		}
		for _, bad := range [][]byte{[]byte("garbage that is no frame"), packed[:len(packed)/2], packed[:3]} {
			if got, err := AppendDecompressed(nil, bad, c, 1<<20); !errors.Is(err, ErrCompression) || got != nil {
				t.Errorf("%s: %d bytes of garbage: %q, %v", c, len(bad), got, err)
			}
			if got, err := AppendDecompressed(nil, packed, c, 1<<20); err != nil || !bytes.Equal(got, body) {
				t.Errorf("%s: after garbage: %v", c, err)
			}
		}
	}
	if got, err := AppendDecompressed(nil, nil, ZLIB, 0); err != nil || got != nil {
		t.Errorf("nothing became %q, %v", got, err)
	}
	if _, err := AppendDecompressed(nil, body, 7, 1<<20); !errors.Is(err, ErrCompression) {
		t.Errorf("unknown type: %v", err)
	}
	if _, err := AppendCompressed(nil, body, 7, 5); err == nil {
		t.Error("unknown type was compressed")
	}
}

func TestCompressionOf(t *testing.T) {
	for flag, want := range map[int32]Compression{
		0: NoCompression, 0x300: NoCompression, 0x1: ZLIB, 0x101: LZ4, 0x201: ZSTD, 0x301: ZLIB, 0x100 | 0x8 | 0x1: LZ4,
	} {
		if got := CompressionOf(flag); got != want {
			t.Errorf("system flag %#x is %s, want %s", flag, got, want)
		}
	}
	for _, c := range allCompressions {
		if got := CompressionOf(c.SysFlag()); got != c {
			t.Errorf("%s announces itself as %s", c, got)
		}
	}
}

func FuzzDecompress(f *testing.F) {
	for _, c := range allCompressions {
		b, _ := AppendCompressed(nil, []byte("seed seed seed seed"), c, 5)
		f.Add(uint8(c), b)
	}
	f.Fuzz(func(t *testing.T, c uint8, b []byte) {
		const limit = 1 << 16
		out, err := AppendDecompressed(nil, b, Compression(c), limit)
		if err != nil && out != nil || len(out) > limit {
			t.Fatalf("%d bytes with error %v", len(out), err)
		}
	})
}
