package store

import (
	"bytes"
	"io"
	"testing"
)

// countingReader counts how often it is read.
type countingReader struct {
	io.ReaderAt
	reads int
}

func (r *countingReader) ReadAt(p []byte, off int64) (int, error) {
	r.reads++
	return r.ReaderAt.ReadAt(p, off)
}

// TestSearchFile: the end of a queue is found wherever it is, with one read where the queue is short.
func TestSearchFile(t *testing.T) {
	for _, l := range []layout{{unit: queueUnit}, {unit: batchUnit, batch: true}} {
		few := searchRead / l.unit
		for _, room := range []int64{1, 2, few - 1, few, few + 1, 2 * few, 1000, 30_000} {
			l.fileSize = room * l.unit
			for _, n := range []int64{0, 1, 2, few - 1, few, few + 1, 2*few - 1, 2 * few, 2*few + 1, 3 * few, 777, 14_999, 15_000, room - 1, room} {
				if n > room {
					continue
				}
				var b []byte
				for i := range n {
					b = l.append(b, unit{phy: 100 * i, size: 100, base: i, count: 1})
				}
				f := &countingReader{ReaderAt: bytes.NewReader(append(b, make([]byte, l.fileSize-int64(len(b)))...))}
				count, last, err := l.searchFile(f, 7, 0, func(number int64, u unit) (bool, error) {
					if l.valid(u) && u.phy != 100*(number-7) {
						t.Errorf("entry %d is taken for number %d", u.phy/100, number)
					}
					return l.valid(u), nil
				})
				if err != nil || count != n || n > 0 && last.phy != 100*(n-1) || n == 0 && last != (unit{}) {
					t.Errorf("%d entries of %d bytes and room for %d: found %d, the last %+v, %v", n, l.unit, room, count, last, err)
				}
				if most := 2*16 + 2; n < few && f.reads > 1 || f.reads > most {
					t.Errorf("%d entries of %d bytes and room for %d: %d reads", n, l.unit, room, f.reads)
				}
			}
		}
	}
}
