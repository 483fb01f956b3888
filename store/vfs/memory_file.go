package vfs

import (
	"errors"
	"io"
	"io/fs"
	"math"
	"syscall"
)

// memFile is an open file of a Memory.
//
// Contents are touched without regard to the race detector: a mapping's user writes them while the disk reads or syncs, as
// on a real machine, and what such a reader sees of an unfinished write is what a real reader would see.
type memFile struct {
	m      *Memory
	n      *inode
	name   string
	write  bool
	closed bool
}

func (f *memFile) fail(op OpKind, err error) error {
	return &fs.PathError{Op: string(op), Path: f.name, Err: err}
}

func (f *memFile) ReadAt(p []byte, off int64) (int, error) {
	if err := f.m.op(OpRead, f.name, off, int64(len(p))); err != nil {
		return 0, err
	}
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	if f.closed {
		return 0, f.fail(OpRead, fs.ErrClosed)
	}
	if off >= int64(len(f.n.data)) {
		return 0, io.EOF
	}
	n := copyPages(p, f.n.data[off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (f *memFile) WriteAt(p []byte, off int64) (int, error) {
	if err := f.m.op(OpWrite, f.name, off, int64(len(p))); err != nil {
		return 0, err
	}
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	if err := f.writable(OpWrite); err != nil {
		return 0, err
	}
	if err := f.m.take(f.n, off, int64(len(p))); err != nil {
		return 0, f.fail(OpWrite, err)
	}
	if end := off + int64(len(p)); end > int64(len(f.n.data)) {
		if err := f.resize(OpWrite, end); err != nil {
			return 0, err
		}
	}
	f.n.modTime = f.m.now()
	f.n.written(off, int64(len(p)))
	return copyPages(f.n.data[off:], p), nil
}

func (f *memFile) writable(op OpKind) error {
	if f.closed {
		return f.fail(op, fs.ErrClosed)
	}
	if !f.write {
		return f.fail(op, syscall.EBADF)
	}
	return nil
}

func (f *memFile) resize(op OpKind, size int64) error {
	if size == int64(len(f.n.data)) {
		return nil
	}
	if f.n.maps > 0 {
		return f.fail(op, syscall.ETXTBSY) // a mapping would lose sight of the file: no store may do this
	}
	data := make([]byte, size)
	copyPages(data, f.n.data)
	f.n.data = data
	for p := range f.n.allocated {
		if p*pageSize >= size {
			delete(f.n.allocated, p)
			f.m.used -= pageSize
		}
	}
	return nil
}

func (f *memFile) Close() error {
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	if f.closed {
		return f.fail("close", fs.ErrClosed)
	}
	f.closed = true
	f.m.openings[f.name]--
	return nil
}

func (f *memFile) Size() (int64, error) {
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	return int64(len(f.n.data)), nil
}

func (f *memFile) Truncate(size int64) error {
	if err := f.m.op(OpTruncate, f.name, size, 0); err != nil {
		return err
	}
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	if err := f.writable(OpTruncate); err != nil {
		return err
	}
	f.n.modTime = f.m.now()
	return f.resize(OpTruncate, size)
}

func (f *memFile) Allocate(off, n int64) error {
	if err := f.m.op(OpAllocate, f.name, off, n); err != nil {
		return err
	}
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	if err := f.writable(OpAllocate); err != nil {
		return err
	}
	if err := f.m.take(f.n, off, n); err != nil {
		return f.fail(OpAllocate, err)
	}
	return nil
}

func (f *memFile) Zero(off, n int64) error {
	if err := f.m.op(OpZero, f.name, off, n); err != nil {
		return err
	}
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	if err := f.writable(OpZero); err != nil {
		return err
	}
	off = min(off, int64(len(f.n.data)))
	f.n.written(off, n)
	zeroPages(f.n.data[off:min(off+n, int64(len(f.n.data)))])
	for p := range f.n.allocated {
		if p*pageSize >= off && (p+1)*pageSize <= off+n {
			delete(f.n.allocated, p)
			f.m.used -= pageSize
		}
	}
	return nil
}

// NextData implements File, page by page.
func (f *memFile) NextData(off int64) (int64, error) {
	if err := f.m.op(OpRead, f.name, off, 0); err != nil {
		return 0, err
	}
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	size := int64(len(f.n.data))
	for ; off < size; off = (off/pageSize + 1) * pageSize {
		if !allZero(page(f.n.data, off/pageSize)) {
			return off, nil
		}
	}
	return math.MaxInt64, nil
}

func (f *memFile) Map(off, n int64, write bool) (Mapping, error) {
	if err := f.m.op(OpMap, f.name, off, n); err != nil {
		return nil, err
	}
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	if f.closed || write && !f.write {
		return nil, f.fail(OpMap, syscall.EBADF)
	}
	if off%pageSize != 0 || off+n > int64(len(f.n.data)) {
		return nil, f.fail(OpMap, syscall.EINVAL)
	}
	f.n.maps++
	f.m.openings[f.name+" mapping"]++
	return &memMapping{m: f.m, n: f.n, name: f.name, b: f.n.data[off : off+n : off+n]}, nil
}

func (f *memFile) Sync() error {
	if err := f.m.op(OpSync, f.name, 0, 0); err != nil {
		if errors.Is(err, syscall.EIO) {
			f.m.mu.Lock()
			f.n.losePages()
			f.m.mu.Unlock()
		}
		return err
	}
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	if f.closed {
		return f.fail(OpSync, fs.ErrClosed)
	}
	f.n.sync()
	return nil
}

// sync makes a file's content durable. What could not be written before stays lost.
func (n *inode) sync() {
	old := n.synced
	n.synced = clonePages(n.data)
	for p, lost := range n.lost {
		now := page(n.synced, p)
		if len(now) != len(lost) || !samePages(now, lost) { // written again since
			delete(n.lost, p)
			continue
		}
		zeroPages(now)
		copyPages(now, page(old, p))
	}
}

// losePages does what Linux does when pages cannot be written: they are taken for written all the same.
func (n *inode) losePages() {
	for p := int64(0); p*pageSize < int64(len(n.data)); p++ {
		live, disk := page(n.data, p), page(n.synced, p)
		if len(disk) == len(live) && samePages(live, disk) {
			continue
		}
		if n.lost == nil {
			n.lost = map[int64][]byte{}
		}
		n.lost[p] = clonePages(live)
	}
}

// written notes that a range is to be written by the next sync, whatever became of the one before.
func (n *inode) written(off, size int64) {
	for p := off / pageSize; p*pageSize < off+size && len(n.lost) > 0; p++ {
		delete(n.lost, p)
	}
}

// Resident implements File: everything is in memory here.
func (f *memFile) Resident(off, n int64) (bool, error) {
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	return off+n <= int64(len(f.n.data)), nil
}

// Forget implements File.
func (f *memFile) Forget() error {
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	if f.n.maps > 0 {
		return nil // what is mapped stays
	}
	for p, lost := range f.n.lost {
		live := page(f.n.data, p)
		if len(live) == len(lost) && samePages(live, lost) {
			zeroPages(live)
			copyPages(live, page(f.n.synced, p))
		}
	}
	f.n.lost = nil
	return nil
}

type memMapping struct {
	m    *Memory
	n    *inode
	name string
	b    []byte
}

func (p *memMapping) Bytes() []byte { return p.b }

func (p *memMapping) Populate(off, n int64) error {
	return p.m.op(OpPopulate, p.name, off, n)
}

func (p *memMapping) Close() error {
	p.m.mu.Lock()
	defer p.m.mu.Unlock()
	if p.b != nil {
		p.b = nil
		p.n.maps--
		p.m.openings[p.name+" mapping"]--
	}
	return nil
}

// The loops below are loops because copy and clear report to the race detector whatever the function says.

//go:norace
func copyPages(dst, src []byte) int {
	n := min(len(dst), len(src))
	for i := range n {
		dst[i] = src[i]
	}
	return n
}

func clonePages(src []byte) []byte {
	dst := make([]byte, len(src))
	copyPages(dst, src)
	return dst
}

//go:norace
func zeroPages(b []byte) {
	for i := 0; i < len(b); i++ {
		b[i] = 0
	}
}

//go:norace
func allZero(b []byte) bool {
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}

//go:norace
func samePages(a, b []byte) bool {
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// page is the part of a file that page p covers.
func page(data []byte, p int64) []byte {
	off := p * pageSize
	if off >= int64(len(data)) {
		return nil
	}
	return data[off:min(off+pageSize, int64(len(data)))]
}

// ReadAhead implements File: nothing here is read ahead.
func (f *memFile) ReadAhead(bool) error { return nil }

// ReadAhead implements Mapping.
func (p *memMapping) ReadAhead(bool) error { return nil }
