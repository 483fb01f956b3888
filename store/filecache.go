package store

import (
	"cmp"
	"container/list"
	"errors"
	"io/fs"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/gantrymq/gantry/store/vfs"
)

// fileCache keeps a bounded number of files open for reading and writing by position, the least recently used closed first.
// A store can have a hundred thousand files; descriptors are few.
type fileCache struct {
	fs    vfs.FS
	limit int

	mu    sync.Mutex // guards the fields below; no I/O under it
	files map[fileKey]*openFile
	lru   list.List // of *openFile, most recently used in front
}

// fileKey names a file: by its path, or, so that no path has to be put together for each read, by its queue and where in the
// queue it begins.
type fileKey struct {
	path string
	q    *queue
	base int64
	ext  bool // of the queue's extension
}

// compare orders files of queues, by topic, queue and place.
func (k fileKey) compare(other fileKey) int {
	return cmp.Or(strings.Compare(k.q.topic.name, other.q.topic.name), cmp.Compare(k.q.id, other.q.id), cmp.Compare(k.base, other.base),
		cmp.Compare(k.kind(), other.kind()))
}

func (k fileKey) kind() int {
	if k.ext {
		return 1
	}
	return 0
}

func pathKey(path string) fileKey { return fileKey{path: path} }

// openFile is a file of the cache. It stays open while somebody uses it, in the cache or not.
type openFile struct {
	vfs.File
	key   fileKey
	cache *fileCache
	elem  *list.Element // nil once it has left the cache

	scattered atomic.Bool // SetReadAhead's mode that the system was told of

	users int // the cache itself not counted
}

func newFileCache(fs vfs.FS, limit int) *fileCache {
	return &fileCache{fs: fs, limit: limit, files: map[fileKey]*openFile{}}
}

// acquire returns an open file; release gives it back. fs.ErrNotExist comes through.
func (c *fileCache) acquire(path string) (*openFile, error) {
	key := pathKey(path)
	if f := c.cached(key); f != nil {
		return f, nil
	}
	return c.open(key, path)
}

// open opens a file that the cache does not have.
func (c *fileCache) open(key fileKey, path string) (*openFile, error) {
	opened, err := c.fs.Open(path, true)
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS) {
		opened, err = c.fs.Open(path, false)
	}
	if err != nil {
		return nil, err
	}
	return c.add(key, opened), nil
}

func (c *fileCache) cached(key fileKey) *openFile {
	c.mu.Lock()
	defer c.mu.Unlock()
	f := c.files[key]
	if f != nil {
		f.users++
		c.lru.MoveToFront(f.elem)
	}
	return f
}

// add puts a file that was just opened or created into the cache. When somebody else was faster, theirs is used.
func (c *fileCache) add(key fileKey, opened vfs.File) *openFile {
	c.mu.Lock()
	f := c.files[key]
	var surplus []vfs.File
	if f != nil {
		surplus = append(surplus, opened)
		c.lru.MoveToFront(f.elem)
	} else {
		f = &openFile{File: opened, key: key, cache: c}
		f.elem = c.lru.PushFront(f)
		c.files[key] = f
	}
	f.users++
	for e := c.lru.Back(); e != nil && c.lru.Len() > c.limit; {
		old := e.Value.(*openFile)
		e = e.Prev()
		if old.users == 0 {
			c.evict(old)
			surplus = append(surplus, old.File)
		}
	}
	c.mu.Unlock()
	for _, s := range surplus {
		s.Close()
	}
	return f
}

// evict takes a file out of the cache. mu is held.
func (c *fileCache) evict(f *openFile) {
	c.lru.Remove(f.elem)
	delete(c.files, f.key)
	f.elem = nil
}

// release gives back what acquire or add returned.
func (f *openFile) release() {
	c := f.cache
	c.mu.Lock()
	f.users--
	done := f.users == 0 && f.elem == nil
	c.mu.Unlock()
	if done {
		f.File.Close()
	}
}

// forget drops a file from the cache, because it was or will be removed.
func (c *fileCache) forget(key fileKey) {
	c.mu.Lock()
	f := c.files[key]
	idle := false
	if f != nil {
		c.evict(f)
		idle = f.users == 0
	}
	c.mu.Unlock()
	if idle {
		f.File.Close()
	}
}

// close closes every idle file. Files in use are closed by their release.
func (c *fileCache) close() error {
	c.mu.Lock()
	var idle []vfs.File
	for _, f := range c.files {
		c.evict(f)
		if f.users == 0 {
			idle = append(idle, f.File)
		}
	}
	c.mu.Unlock()
	var errs []error
	for _, f := range idle {
		errs = append(errs, f.Close())
	}
	return errors.Join(errs...)
}
