package inspect

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"path"
	"strconv"

	"github.com/gantrymq/gantry/codec"
)

// extAddress is the greatest value that stands for a place in consumequeue_ext instead of a hash.
const extAddress = -1<<31 - 1

// A unit of consumequeue_ext: its size, the tag hash, the store time, and the length of the bit map, which follows.
const (
	extHead    = 20
	extFileEnd = 4 // bytes at a file's end that no unit may use
)

// extFiles are a queue's files in consumequeue_ext.
type extFiles struct {
	files []file
	size  int64 // of each
}

func (d *Dir) listExt(n queueName) (extFiles, error) {
	list, err := d.numbered(path.Join(d.root, "consumequeue_ext", n.topic, strconv.Itoa(int(n.id))))
	e := extFiles{files: list}
	if len(e.files) > 0 {
		e.size = e.files[0].size
	}
	return e, err
}

// extWindow is a part of one of them, read at once: entries point to units that follow each other.
type extWindow struct {
	path  string
	at    int64 // in the file
	bytes []byte
}

const extWindowSize = 64 << 10

// read returns bytes of a file; fewer where it ends.
func (w *extWindow) read(d *Dir, name string, at int64, n int) ([]byte, error) {
	if w.path != name || at < w.at || at+int64(n) > w.at+int64(len(w.bytes)) {
		f, err := d.o.FS.Open(name, false)
		if err != nil {
			return nil, fmt.Errorf("open a file of consumequeue_ext: %w", err)
		}
		defer f.Close()
		b := make([]byte, max(n, extWindowSize))
		got, err := f.ReadAt(b, at)
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("read %s: %w", name, err)
		}
		w.path, w.at, w.bytes = name, at, b[:got]
	}
	b := w.bytes[at-w.at:]
	return b[:min(n, len(b))], nil
}

// checkExt compares the unit of consumequeue_ext that an entry points to with its message.
func (v *verification) checkExt(c *queueCheck, off int64, u unit, m *codec.Message) error {
	pos := u.tags - math.MinInt64
	bad := func(format string, args ...any) error {
		v.report(v.late(m.PhysicalOffset), "queue", v.queueDir(c.queueName), off, "the entry points to %d in consumequeue_ext, %s", pos, fmt.Sprintf(format, args...))
		return nil
	}
	for _, f := range c.ext.files {
		if pos < f.base || pos >= f.base+f.size {
			continue
		}
		head, err := v.ext.read(v.d, f.path, pos-f.base, extHead)
		if err != nil {
			return err
		}
		if len(head) < extHead {
			return bad("where %s has no room for a unit", f.path)
		}
		be := binary.BigEndian
		size, hash, time, bits := int16(be.Uint16(head)), int64(be.Uint64(head[2:])), int64(be.Uint64(head[10:])), int16(be.Uint16(head[18:]))
		tags, fixed := unitTags(m)
		switch {
		case bits < 0 || int(size) != extHead+int(bits):
			return bad("where no unit begins")
		case pos-f.base+int64(size) > f.size-extFileEnd:
			return bad("where a unit of %d bytes runs over the end of %s", size, f.path)
		case fixed && hash != tags:
			return bad("where the tag hash is %d; the message at %d makes %d", hash, m.PhysicalOffset, tags)
		case time != m.StoreTimestamp:
			return bad("which was noted at %d; the message at %d was stored at %d", time, m.PhysicalOffset, m.StoreTimestamp)
		}
		v.Ext++
		return nil
	}
	return bad("where there is no file")
}
