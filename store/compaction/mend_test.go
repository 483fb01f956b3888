package compaction

import (
	"fmt"
	"math/rand/v2"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/gantrymq/gantry/store/vfs"
)

// spoil writes at a place of a file of the queue.
func spoil(t testing.TB, fs *vfs.Memory, folder string, base, at int64, b []byte) {
	t.Helper()
	f, err := fs.Open(path.Join(testRoot, folder, testTopic, "0", fileName(base)), true)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt(b, at); err != nil {
		t.Fatal(err)
	}
}

// even is n messages of one length with keys of their own.
func even(n int) []message {
	list := make([]message, n)
	for i := range list {
		list[i] = message{key: fmt.Sprintf("k%03d", i), body: fmt.Sprintf("body %03d", i), offset: int64(i)}
	}
	return list
}

// readDamaged reads a queue to its end, and fails when a reader gets stuck, goes back, or is given what was not sent.
func readDamaged(t testing.TB, s *Store, sent []message, what string) (got []message) {
	t.Helper()
	var r Result
	for off, end := int64(0), sent[len(sent)-1].offset+1; off < end; off = r.NextOffset {
		if err := s.Get(readQuery(off), &r); err != nil {
			t.Fatalf("%s: reading at %d: %v", what, off, err)
		}
		if r.Status == OverflowOne || r.Status == OverflowBadly {
			return got // the queue ends early
		}
		if r.NextOffset <= off {
			t.Fatalf("%s: a reader at %d is stuck with status %d", what, off, r.Status)
		}
		list := decodeAll(t, r.Data)
		for i, m := range list {
			if m.offset != r.Offsets[i] || m.offset < off || !slices.Contains(sent, m) {
				t.Fatalf("%s: %+v was read at %d and never sent", what, m, off)
			}
		}
		got = append(got, list...)
	}
	return got
}

// original is a commit log that has everything, or what keep says.
func original(t testing.TB, sent []message, keep func(off int64) bool) func(string, int32, int64) (*Record, error) {
	return func(_ string, _ int32, off int64) (*Record, error) {
		if off >= int64(len(sent)) || !keep(off) {
			return nil, nil
		}
		return sent[off].record(t), nil
	}
}

func always(int64) bool { return true }
func never(int64) bool  { return false }

// TestDamagedRecord: whatever byte of a record is wrong, readers never get it; they get the commit log's, and go on behind it where that has it no more.
func TestDamagedRecord(t *testing.T) {
	sent := even(30)
	size := int64(len(sent[3].record(t).Bytes))
	for at := range size - 20 { // properties are under no checksum
		for _, kept := range []bool{true, false} {
			fs, told := vfs.NewMemory(), []string{}
			o := testOptions(t, fs)
			o.Event = func(text string, err error) { told = append(told, fmt.Sprint(text, err)) }
			o.Original = original(t, sent, func(int64) bool { return kept })
			s := mustOpen(t, o)
			appendAll(t, s, sent)
			for _, n := range []int64{3, 4} {
				var b [1]byte
				f, err := fs.Open(path.Join(testRoot, logFolder, testTopic, "0", fileName(0)), false)
				if err != nil {
					t.Fatal(err)
				}
				f.ReadAt(b[:], n*size+at)
				f.Close()
				b[0] ^= 0x40
				spoil(t, fs, logFolder, 0, n*size+at, b[:])
			}
			what := fmt.Sprintf("byte %d, in the log %t", at, kept)
			for range 2 {
				got := readDamaged(t, s, sent, what)
				if kept && len(got) != 30 || len(got) < 28 {
					t.Fatalf("%s: %d messages: %v", what, len(got), told)
				}
				if !kept && len(got) < 30 && (len(told) != 2 || !strings.Contains(told[0], "is passed over")) {
					t.Fatalf("%s: what was told is %q", what, told)
				}
			}
			if kept {
				o.Original = nil
				closeStore(t, s)
				s = mustOpen(t, o)
				if got := readDamaged(t, s, sent, what); len(got) != 30 {
					t.Fatalf("%s: %d messages after a restart", what, len(got))
				}
			}
			closeStore(t, s)
		}
	}
}

// TestDamagedUnits: units of any content, in any number, before or after a restart, hide no message.
func TestDamagedUnits(t *testing.T) {
	for seed := range uint64(300) {
		rng := rand.New(rand.NewPCG(seed, 11))
		fs := vfs.NewMemory()
		o := testOptions(t, fs)
		o.Event = func(string, error) {}
		s := mustOpen(t, o)
		sent := even(40)
		appendAll(t, s, sent)
		restart := rng.IntN(2) == 0
		for range 1 + rng.IntN(6) {
			b := make([]byte, rng.IntN(3*unitSize))
			if rng.IntN(2) == 0 {
				for i := range b {
					b[i] = byte(rng.Uint32())
				}
			}
			base := int64(rng.IntN(4)) * testSizes.Log
			spoil(t, fs, queueFolder, base, rng.Int64N(9*unitSize-int64(len(b))+1), b)
		}
		what := fmt.Sprintf("seed %d, restart %t", seed, restart)
		if restart {
			closeStore(t, s)
			s = mustOpen(t, o)
		}
		for range 2 {
			if got := readDamaged(t, s, sent, what); len(got) != len(sent) {
				t.Fatalf("%s: %d messages: %v", what, len(got), got)
			}
		}
		off := rng.Int64N(40)
		if got := readAll(t, s, off); len(got) == 0 || got[0].offset != off {
			t.Fatalf("%s: read from %d: %v", what, off, got)
		}
		closeStore(t, s)
	}
}

// TestDamageAnywhere: both files of segments are damaged. Nothing wrong is read, nobody is stuck, and what the commit log has comes.
func TestDamageAnywhere(t *testing.T) {
	for seed := range uint64(300) {
		rng := rand.New(rand.NewPCG(seed, 12))
		fs := vfs.NewMemory()
		o := testOptions(t, fs)
		o.Event = func(string, error) {}
		sent := even(40)
		if seed%3 == 0 {
			o.Original = original(t, sent, always)
		} else {
			o.Original = original(t, sent, never)
		}
		s := mustOpen(t, o)
		appendAll(t, s, sent)
		hit := 1 + rng.IntN(4)
		for range hit {
			b := make([]byte, 1+rng.IntN(100))
			if rng.IntN(2) == 0 {
				for i := range b {
					b[i] = byte(rng.Uint32())
				}
			}
			base := int64(rng.IntN(4)) * testSizes.Log
			// What is behind the offsets up to the end of the body: a unit is made again from the former, and properties are under no checksum.
			at := rng.Int64N(9)*int64(len(sent[0].record(t).Bytes)) + 36 + rng.Int64N(24)
			spoil(t, fs, logFolder, base, at, b[:min(len(b), 36)])
			spoil(t, fs, queueFolder, base, rng.Int64N(8*unitSize), b[:min(len(b), unitSize)])
		}
		what := fmt.Sprintf("seed %d", seed)
		got := readDamaged(t, s, sent, what)
		if least := len(sent) - 5*hit; len(got) < least {
			t.Fatalf("%s: %d messages, want %d at least", what, len(got), least)
		}
		closeStore(t, s)
		s = mustOpen(t, o)
		if again := readDamaged(t, s, sent, what); len(again) < len(got)-5*hit {
			t.Fatalf("%s: %d messages after a restart, %d before", what, len(again), len(got))
		}
		closeStore(t, s)
	}
}

// TestUnitsMadeBehindDamage: when the units are lost, what lies behind a damaged record is still found.
func TestUnitsMadeBehindDamage(t *testing.T) {
	fs := vfs.NewMemory()
	told := ""
	o := testOptions(t, fs)
	o.Event = func(text string, err error) { told += fmt.Sprintln(text, err) }
	s := mustOpen(t, o)
	sent := even(30)
	appendAll(t, s, sent)
	closeStore(t, s)
	size := int64(len(sent[3].record(t).Bytes))
	spoil(t, fs, logFolder, 0, 3*size, make([]byte, size+10)) // and the head of the next
	if err := fs.RemoveAll(path.Join(testRoot, queueFolder)); err != nil {
		t.Fatal(err)
	}
	if err := fs.MkdirAll(path.Join(testRoot, queueFolder, testTopic, "0")); err != nil {
		t.Fatal(err)
	}
	s = mustOpen(t, o)
	defer closeStore(t, s)
	if got := readDamaged(t, s, sent, "without units"); len(got) != 28 || !strings.Contains(told, "is damaged from") {
		t.Errorf("%d messages: %s", len(got), told)
	}
}

// TestCompactionMends: a compaction takes a damaged message from the commit log and goes on.
func TestCompactionMends(t *testing.T) {
	fs := vfs.NewMemory()
	o := testOptions(t, fs)
	sent := cycle(0, 30, 3)
	o.Original = original(t, sent, always)
	s := mustOpen(t, o)
	defer closeStore(t, s)
	appendAll(t, s, sent)
	spoil(t, fs, logFolder, 0, 90, []byte("xyz"))
	compactNow(t, s)
	check(t, s, sent)
	if got := len(readAll(t, s, 0)); got > 15 {
		t.Errorf("%d messages of three keys are left", got)
	}
}
