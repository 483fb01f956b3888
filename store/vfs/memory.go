package vfs

import (
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// pageSize is the unit in which Memory loses, keeps and allocates, as the page cache does.
const pageSize = 4096

// OpKind names an operation for a Memory's Inject hook.
type OpKind string

// The operations that a hook sees.
const (
	OpOpen     OpKind = "open"
	OpCreate   OpKind = "create"
	OpMkdir    OpKind = "mkdir"
	OpReadDir  OpKind = "readdir"
	OpStat     OpKind = "stat"
	OpRename   OpKind = "rename"
	OpRemove   OpKind = "remove"
	OpSyncDir  OpKind = "syncdir"
	OpLock     OpKind = "lock"
	OpRead     OpKind = "read"
	OpWrite    OpKind = "write"
	OpTruncate OpKind = "truncate"
	OpAllocate OpKind = "allocate"
	OpZero     OpKind = "zero"
	OpMap      OpKind = "map"
	OpPopulate OpKind = "populate"
	OpSync     OpKind = "sync"
)

// Op is one operation about to happen.
type Op struct {
	Kind OpKind
	Name string
	Off  int64
	Len  int64
}

// Changes reports whether the operation can change what a later crash leaves behind.
func (o Op) Changes() bool {
	switch o.Kind {
	case OpOpen, OpReadDir, OpStat, OpLock, OpRead, OpMap, OpPopulate:
		return false
	}
	return true
}

// Memory is a disk in memory with a page cache that can be lost. What was written is seen by readers at once, and survives
// Crash only as far as it was synced; what was not may survive or not, page by page and sector by sector, in any order.
// Directory entries survive in the order they were made, and for certain only after SyncDir.
//
// Mapped memory is the file's live content itself. The zero value is not usable: NewMemory makes one.
type Memory struct {
	mu       sync.Mutex // guards everything below, file contents reached through mappings excepted
	names    map[string]*inode
	durable  map[string]*inode
	pending  []dirOp // changes of names since the last SyncDir of their directory, oldest first
	locks    map[string]bool
	inject   func(Op) error
	capacity int64 // bytes; 0 is no limit
	used     int64
	boot     int
	now      func() time.Time
	openings map[string]int // open files and mappings by name, for leak checks
}

// inode is a file or directory apart from its names.
type inode struct {
	dir       bool
	data      []byte // live content; len is the size
	synced    []byte // content at the last sync
	allocated map[int64]struct{}
	lost      map[int64][]byte // pages whose sync failed, as they were then: they count as written and are not
	modTime   time.Time
	maps      int
}

type dirOp struct {
	dir  string
	from string // a name to drop, if any
	to   string // a name to set, if any
	node *inode
}

var _ FS = (*Memory)(nil)

// NewMemory makes an empty disk.
func NewMemory() *Memory {
	return &Memory{
		names: map[string]*inode{"/": {dir: true}}, durable: map[string]*inode{"/": {dir: true}},
		locks: map[string]bool{}, openings: map[string]int{}, boot: 1, now: time.Now,
	}
}

// Inject installs a hook that every operation passes first; its error becomes the operation's. nil removes it. The hook is
// called without a lock and may use the disk.
func (m *Memory) Inject(hook func(Op) error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.inject = hook
}

// SetCapacity limits the disk to n bytes of allocated pages; 0 lifts the limit. Beyond it operations fail with ENOSPC.
func (m *Memory) SetCapacity(n int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.capacity = n
}

// SetModTime sets a file's time of modification.
func (m *Memory) SetModTime(name string, t time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	n, err := m.find("touch", name)
	if err == nil {
		n.modTime = t
	}
	return err
}

// OpenFiles lists what was opened or mapped and not closed.
func (m *Memory) OpenFiles() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	var names []string
	for name, n := range m.openings {
		if n != 0 {
			names = append(names, fmt.Sprintf("%s (%d)", name, n))
		}
	}
	slices.Sort(names)
	return names
}

// Synced is a copy of what a file held at its last sync.
func (m *Memory) Synced(name string) []byte {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := m.names[clean(name)]
	if n == nil {
		return nil
	}
	return slices.Clone(n.synced)
}

// UnallocatedWrites lists files in which a mapped page holds data without having been allocated: on a real disk that write
// could have died of a full disk.
func (m *Memory) UnallocatedWrites() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	var names []string
	for name, n := range m.names {
		for p := int64(0); p*pageSize < int64(len(n.data)); p++ {
			if _, ok := n.allocated[p]; !ok && !allZero(page(n.data, p)) {
				names = append(names, fmt.Sprintf("%s at %d", name, p*pageSize))
			}
		}
	}
	slices.Sort(names)
	return names
}

// op passes an operation by the hook.
func (m *Memory) op(kind OpKind, name string, off, n int64) error {
	m.mu.Lock()
	hook := m.inject
	m.mu.Unlock()
	if hook == nil {
		return nil
	}
	if err := hook(Op{Kind: kind, Name: name, Off: off, Len: n}); err != nil {
		return &fs.PathError{Op: string(kind), Path: name, Err: err}
	}
	return nil
}

func (m *Memory) find(op, name string) (*inode, error) {
	n := m.names[clean(name)]
	if n == nil {
		return nil, &fs.PathError{Op: op, Path: name, Err: fs.ErrNotExist}
	}
	return n, nil
}

// Open implements FS.
func (m *Memory) Open(name string, write bool) (File, error) {
	if err := m.op(OpOpen, name, 0, 0); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	n, err := m.find("open", name)
	if err != nil {
		return nil, err
	}
	if n.dir {
		return nil, &fs.PathError{Op: "open", Path: name, Err: syscall.EISDIR}
	}
	m.openings[name]++
	return &memFile{m: m, n: n, name: name, write: write}, nil
}

// Create implements FS.
func (m *Memory) Create(name string) (File, error) {
	if err := m.op(OpCreate, name, 0, 0); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.names[clean(name)] != nil {
		return nil, &fs.PathError{Op: "create", Path: name, Err: fs.ErrExist}
	}
	if err := m.parentExists(name); err != nil {
		return nil, err
	}
	n := &inode{modTime: m.now(), allocated: map[int64]struct{}{}}
	m.setName(clean(name), n)
	m.openings[name]++
	return &memFile{m: m, n: n, name: name, write: true}, nil
}

func (m *Memory) parentExists(name string) error {
	if p := m.names[path.Dir(clean(name))]; p == nil || !p.dir {
		return &fs.PathError{Op: "create", Path: name, Err: fs.ErrNotExist}
	}
	return nil
}

func (m *Memory) setName(name string, n *inode) {
	m.names[name] = n
	m.pending = append(m.pending, dirOp{dir: path.Dir(name), to: name, node: n})
}

// MkdirAll implements FS.
func (m *Memory) MkdirAll(dir string) error {
	if err := m.op(OpMkdir, dir, 0, 0); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	dir = clean(dir)
	for i := 1; i <= len(dir); i++ {
		if i < len(dir) && dir[i] != '/' {
			continue
		}
		part := dir[:i]
		switch n := m.names[part]; {
		case n == nil:
			m.setName(part, &inode{dir: true, modTime: m.now()})
		case !n.dir:
			return &fs.PathError{Op: "mkdir", Path: part, Err: syscall.ENOTDIR}
		}
	}
	return nil
}

// ReadDir implements FS.
func (m *Memory) ReadDir(dir string) ([]fs.DirEntry, error) {
	if err := m.op(OpReadDir, dir, 0, 0); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if n, err := m.find("readdir", dir); err != nil {
		return nil, err
	} else if !n.dir {
		return nil, &fs.PathError{Op: "readdir", Path: dir, Err: syscall.ENOTDIR}
	}
	var list []fs.DirEntry
	for name, n := range m.names {
		if name != "/" && path.Dir(name) == clean(dir) {
			list = append(list, memEntry{name: path.Base(name), size: int64(len(n.data)), modTime: n.modTime, dir: n.dir})
		}
	}
	slices.SortFunc(list, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return list, nil
}

// Stat implements FS.
func (m *Memory) Stat(name string) (Info, error) {
	if err := m.op(OpStat, name, 0, 0); err != nil {
		return Info{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	n, err := m.find("stat", name)
	if err != nil {
		return Info{}, err
	}
	return Info{Size: int64(len(n.data)), ModTime: n.modTime, Dir: n.dir}, nil
}

// Rename implements FS. The disk knows renames of files only.
func (m *Memory) Rename(from, to string) error {
	if err := m.op(OpRename, from, 0, 0); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	n, err := m.find("rename", from)
	if err != nil {
		return err
	}
	if err := m.parentExists(to); err != nil {
		return err
	}
	if n.dir {
		return &fs.PathError{Op: "rename", Path: from, Err: syscall.EISDIR}
	}
	m.forget(m.names[clean(to)])
	delete(m.names, clean(from))
	m.names[clean(to)] = n
	m.pending = append(m.pending, dirOp{dir: path.Dir(clean(to)), from: clean(from), to: clean(to), node: n})
	return nil
}

// Remove implements FS.
func (m *Memory) Remove(name string) error {
	if err := m.op(OpRemove, name, 0, 0); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	n, err := m.find("remove", name)
	if err != nil {
		return err
	}
	if n.dir {
		for other := range m.names {
			if other != clean(name) && strings.HasPrefix(other, clean(name)+"/") {
				return &fs.PathError{Op: "remove", Path: name, Err: syscall.ENOTEMPTY}
			}
		}
	}
	m.drop(clean(name))
	return nil
}

// RemoveAll implements FS.
func (m *Memory) RemoveAll(name string) error {
	if err := m.op(OpRemove, name, 0, 0); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	var doomed []string
	for other := range m.names {
		if other == clean(name) || strings.HasPrefix(other, clean(name)+"/") {
			doomed = append(doomed, other)
		}
	}
	slices.Sort(doomed)
	for _, other := range slices.Backward(doomed) {
		m.drop(other)
	}
	return nil
}

func (m *Memory) drop(name string) {
	m.forget(m.names[name])
	delete(m.names, name)
	m.pending = append(m.pending, dirOp{dir: path.Dir(name), from: name})
}

// forget gives back the space of a file that loses its name.
func (m *Memory) forget(n *inode) {
	if n != nil {
		m.used -= int64(len(n.allocated)) * pageSize
	}
}

// SyncDir implements FS.
func (m *Memory) SyncDir(dir string) error {
	if err := m.op(OpSyncDir, dir, 0, 0); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, err := m.find("sync", dir); err != nil {
		return err
	}
	m.pending = slices.DeleteFunc(m.pending, func(op dirOp) bool {
		if op.dir != clean(dir) {
			return false
		}
		op.apply(m.durable)
		return true
	})
	return nil
}

// Whole implements FS.
func (m *Memory) Whole(dir string) (Whole, error) {
	if err := m.op(OpOpen, dir, 0, 0); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, err := m.find("open", dir); err != nil {
		return nil, err
	}
	m.openings[clean(dir)]++
	return &memWhole{m: m, dir: clean(dir)}, nil
}

func (op dirOp) apply(names map[string]*inode) {
	if op.from != "" {
		delete(names, op.from)
	}
	if op.to != "" {
		names[op.to] = op.node
	}
}

// Lock implements FS.
func (m *Memory) Lock(name string) (io.Closer, error) {
	if err := m.op(OpLock, name, 0, 0); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.parentExists(name); err != nil {
		return nil, err
	}
	if m.locks[clean(name)] {
		return nil, ErrLocked
	}
	if m.names[clean(name)] == nil {
		m.setName(clean(name), &inode{modTime: m.now(), allocated: map[int64]struct{}{}})
	}
	m.locks[clean(name)] = true
	return closeFunc(func() error {
		m.mu.Lock()
		defer m.mu.Unlock()
		delete(m.locks, clean(name))
		return nil
	}), nil
}

// Locked implements FS.
func (m *Memory) Locked(name string) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.locks[clean(name)], nil
}

type closeFunc func() error

func (f closeFunc) Close() error { return f() }

// Usage implements FS. A disk without a limit is ever a hundredth full.
func (m *Memory) Usage(string) (Usage, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	total := m.capacity
	if total == 0 {
		total = max(1<<40, m.used*100)
	}
	return Usage{Total: total, Used: m.used, Available: max(0, total-m.used)}, nil
}

// BootID implements FS: it changes with every Crash.
func (m *Memory) BootID() string { return fmt.Sprintf("memory-%d", m.boot) }

// take allocates the pages of a range, all or none.
func (m *Memory) take(n *inode, off, size int64) error {
	var fresh []int64
	for p := off / pageSize; p*pageSize < off+size; p++ {
		if _, ok := n.allocated[p]; !ok {
			fresh = append(fresh, p)
		}
	}
	if need := int64(len(fresh)) * pageSize; m.capacity > 0 && need > 0 && m.used+need > m.capacity {
		return syscall.ENOSPC
	}
	for _, p := range fresh {
		n.allocated[p] = struct{}{}
	}
	m.used += int64(len(fresh)) * pageSize
	return nil
}

func clean(name string) string {
	return path.Clean("/" + name)
}

type memEntry struct {
	name    string
	size    int64
	modTime time.Time
	dir     bool
}

func (e memEntry) Name() string               { return e.name }
func (e memEntry) IsDir() bool                { return e.dir }
func (e memEntry) Info() (fs.FileInfo, error) { return e, nil }
func (e memEntry) Size() int64                { return e.size }
func (e memEntry) ModTime() time.Time         { return e.modTime }
func (e memEntry) Sys() any                   { return nil }
func (e memEntry) Type() fs.FileMode          { return e.Mode().Type() }
func (e memEntry) Mode() fs.FileMode {
	if e.dir {
		return fs.ModeDir | 0o755
	}
	return 0o644
}
