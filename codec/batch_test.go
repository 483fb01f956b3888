package codec

import (
	"bytes"
	"errors"
	"testing"
)

func sampleBatch(t testing.TB) (BatchBody, []BatchEntry) {
	entries := []BatchEntry{
		{Flag: 1, Body: []byte("one"), Properties: "TAGS\x01a\x02"},
		{Flag: -1, Body: []byte{}, Properties: ""},
		{Flag: 0, Body: bytes.Repeat([]byte("x"), 300), Properties: "K\x01v\x02"},
	}
	var b []byte
	var err error
	for i := range entries {
		if b, err = AppendBatchEntry(b, &entries[i]); err != nil {
			t.Fatal(err)
		}
	}
	return b, entries
}

func TestBatch(t *testing.T) {
	b, want := sampleBatch(t)
	if n, err := b.Count(); n != len(want) || err != nil {
		t.Fatalf("count is %d, %v", n, err)
	}
	var e BatchEntry
	var err error
	for i := 0; len(b) > 0; i++ {
		if b, err = b.Next(&e); err != nil {
			t.Fatal(err)
		}
		if w := want[i]; e.Flag != w.Flag || !bytes.Equal(e.Body, w.Body) || e.Properties != w.Properties {
			t.Errorf("entry %d is %+v, want %+v", i, e, w)
		}
	}
}

// TestBatchCountWhole counts by the sizes of entries alone.
func TestBatchCountWhole(t *testing.T) {
	b, want := sampleBatch(t)
	if n, err := b.CountWhole(); n != len(want) || err != nil {
		t.Errorf("counted %d, %v", n, err)
	}
	for _, tt := range []struct {
		body string
		n    int
	}{
		{"", 0}, {"\x00\x00\x00\x04", 1}, {"\x00\x00\x00\x05?\x00\x00\x00\x04", 2},
		{"\x00\x00\x00\x00", -1}, {"\xff\xff\xff\xff", -1}, {"\x00\x00\x00\x05", -1}, {"\x00\x00\x00", -1}, {"\x00\x00\x00\x04\x00", -1},
	} {
		n, err := BatchBody(tt.body).CountWhole()
		if tt.n < 0 != errors.Is(err, ErrBatch) || tt.n >= 0 && n != tt.n {
			t.Errorf("%x: %d, %v", tt.body, n, err)
		}
	}
}

func FuzzBatchCountWhole(f *testing.F) {
	b, _ := sampleBatch(f)
	f.Add([]byte(b))
	f.Add([]byte("\x00\x00\x00\x01\x00\x00\x04\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		n, err := BatchBody(b).CountWhole()
		if err == nil && n > len(b) {
			t.Errorf("%d entries in %d bytes", n, len(b))
		}
		if byEntry, err2 := BatchBody(b).Count(); err2 == nil && err == nil && byEntry > 0 && n == 0 {
			t.Errorf("no entry by sizes, %d by contents", byEntry)
		}
	})
}

func TestBatchDamaged(t *testing.T) {
	whole, want := sampleBatch(t)
	sizes := map[int]bool{0: true}
	at := 0
	for _, w := range want {
		at += batchEntryFixed + len(w.Body) + len(w.Properties)
		sizes[at] = true
	}
	for n := range len(whole) {
		if _, err := whole[:n].Count(); errors.Is(err, ErrBatch) == sizes[n] {
			t.Errorf("cut at %d: %v", n, err)
		}
	}
	for _, at := range []int{16, 20 + 3} { // the length words of the first entry
		b := bytes.Clone(whole)
		b[at] = 0xFF
		if _, err := BatchBody(b).Count(); !errors.Is(err, ErrBatch) {
			t.Errorf("negative length at %d: %v", at, err)
		}
	}
}

func FuzzBatch(f *testing.F) {
	b, _ := sampleBatch(f)
	f.Add([]byte(b))
	f.Fuzz(func(t *testing.T, b []byte) {
		n, err := BatchBody(b).Count()
		if err != nil {
			return
		}
		var e BatchEntry
		var enc []byte
		for rest := BatchBody(b); len(rest) > 0; n-- {
			if rest, err = rest.Next(&e); err != nil {
				t.Fatalf("Count accepted what Next refuses: %v", err)
			}
			if enc, err = AppendBatchEntry(enc, &e); err != nil {
				t.Fatal(err)
			}
		}
		if n != 0 || len(enc) != len(b) {
			t.Fatalf("%d entries not seen; %d bytes became %d", n, len(b), len(enc))
		}
	})
}
