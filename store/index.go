package store

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"
	"time"
	"unsafe"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/compat"
	"github.com/gantrymq/gantry/protocol"
	"github.com/gantrymq/gantry/store/vfs"
)

// keyIndex finds messages by unique key, key and tag: hash tables in files, filled one after the other.
type keyIndex struct {
	fs    vfs.FS
	dir   string
	shape indexShape
	cache *fileCache
	now   func() time.Time

	mu       sync.Mutex    // guards the fields below; the dispatcher alone changes them
	sealed   []indexSealed // full files, oldest first
	newest   *indexWriter  // nil until the first key
	unsynced []*indexWriter
	doomed   []string // files that are not trusted, until others have their keys

	key []byte // scratch of the dispatcher
}

// indexSealed is a file that is not written any more.
type indexSealed struct {
	path   string
	header indexHeader
}

func newKeyIndex(o *Options, cache *fileCache) *keyIndex {
	return &keyIndex{
		fs: o.FS, dir: path.Join(o.Root, "index"), shape: indexShape{o.IndexSlots, o.IndexEntries}, cache: cache, now: o.Now,
	}
}

// load lists the files. discard says which are not to be trusted: those are left out, and rebuild is the physical offset from
// which their messages have to be indexed again; it is -1 when there is none. They are removed by dropDoomed, after that: a
// start that is cut short in between finds them again.
func (x *keyIndex) load(discard func(indexHeader) bool) (rebuild int64, err error) {
	rebuild = -1
	entries, err := x.fs.ReadDir(x.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return rebuild, nil
	}
	if err != nil {
		return rebuild, fmt.Errorf("list index files: %w", err)
	}
	var trusted int64 // what the files that are trusted reach up to
	for _, e := range entries {
		if e.IsDir() {
			continue
		}
		name := path.Join(x.dir, e.Name())
		h, ok, err := x.inspect(name)
		if err != nil {
			return rebuild, err
		}
		// A file without an entry is never left by a clean stop: it was made at a crash, or its header is lost.
		if !ok || h.count <= 1 || discard(h) {
			x.cache.forget(pathKey(name))
			x.doomed = append(x.doomed, name)
			from := trusted // where it began is not known if its header is lost
			if ok && h.count > 1 {
				from = h.beginPhy
			}
			if rebuild < 0 || from < rebuild {
				rebuild = from
			}
			continue
		}
		trusted = h.endPhy
		x.sealed = append(x.sealed, indexSealed{name, h})
	}
	return rebuild, x.resume()
}

// checkSizes refuses what load refuses for its size, and changes nothing.
func (x *keyIndex) checkSizes() error {
	entries, err := x.fs.ReadDir(x.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("list index files: %w", err)
	}
	for _, e := range entries {
		if e.IsDir() {
			continue
		}
		name := path.Join(x.dir, e.Name())
		info, err := x.fs.Stat(name)
		if err != nil {
			return fmt.Errorf("index file %s: %w", name, err)
		}
		if err := x.checkSize(name, info.Size); err != nil && info.Size != 0 {
			return err
		}
	}
	return nil
}

func (x *keyIndex) checkSize(name string, size int64) error {
	if size != x.shape.size() {
		return fmt.Errorf("index file %s has %d bytes where maxHashSlotNum %d and maxIndexNum %d make %d: set the values that the store was made with, or move the file away to do without its keys",
			name, size, x.shape.slots, x.shape.entries, x.shape.size())
	}
	return nil
}

// dropDoomed removes the files that are not trusted, the oldest, which says where to begin, last.
func (x *keyIndex) dropDoomed() error {
	for _, name := range slices.Backward(x.doomed) {
		if err := x.fs.Remove(name); err != nil {
			return fmt.Errorf("remove an index file that cannot be trusted: %w", err)
		}
	}
	if len(x.doomed) > 0 { // or a power failure brings them back, perhaps without their headers
		if err := x.fs.SyncDir(x.dir); err != nil {
			return fmt.Errorf("sync the index directory: %w", err)
		}
	}
	x.doomed = nil
	return nil
}

// inspect reads a file's header. ok is false for a file that was made and never got its size.
func (x *keyIndex) inspect(name string) (h indexHeader, ok bool, err error) {
	f, err := x.cache.acquire(name)
	if err != nil {
		return h, false, fmt.Errorf("open index file: %w", err)
	}
	defer f.release()
	size, err := f.Size()
	if err != nil {
		return h, false, fmt.Errorf("index file %s: %w", name, err)
	}
	if size == 0 {
		return h, false, nil
	}
	if err := x.checkSize(name, size); err != nil {
		return h, false, err
	}
	var b [indexHeaderSize]byte
	if _, err := f.ReadAt(b[:], 0); err != nil {
		return h, false, fmt.Errorf("index file %s: %w", name, err)
	}
	return decodeIndexHeader(b[:]), true, nil
}

// resume opens the last file for writing when it is not full.
func (x *keyIndex) resume() error {
	n := len(x.sealed)
	if n == 0 || x.sealed[n-1].header.count >= x.shape.entries {
		return nil
	}
	f, err := x.fs.Open(x.sealed[n-1].path, true)
	if err != nil {
		return fmt.Errorf("open index file: %w", err)
	}
	w, err := openIndexWriter(x.sealed[n-1].path, f, x.shape)
	if err != nil {
		return err
	}
	x.newest, x.sealed = w, x.sealed[:n-1]
	return nil
}

// add indexes a message: unique key, keys, and since 5.4 its tags, in upstream's order. Messages that the index has already
// are passed over. Called by the dispatcher.
func (x *keyIndex) add(m *codec.Message) error {
	if m.SysFlag&protocol.SysFlagTransactionMask == protocol.SysFlagTransactionRollback {
		return nil
	}
	var unique, keys, tags string
	for name, value := range codec.Properties(m.Properties) {
		switch name {
		case protocol.PropertyUniqueKey:
			unique = value
		case protocol.PropertyKeys:
			keys = value
		case protocol.PropertyTags:
			tags = value
		}
	}
	if unique == "" && keys == "" && tags == "" || x.has(m.PhysicalOffset) {
		return nil
	}
	if unique != "" {
		if err := x.put(m, "", unique); err != nil {
			return err
		}
	}
	for key := range strings.SplitSeq(keys, protocol.KeySeparator) {
		if key == "" {
			continue
		}
		if err := x.put(m, "", key); err != nil {
			return err
		}
	}
	if tags != "" {
		if err := x.put(m, protocol.IndexTypeTag, tags); err != nil {
			return err
		}
	}
	x.newest.writeHeader()
	return nil
}

// has reports whether the message at phy was indexed before. A file's header is published once per message, so the end of
// the newest file is never in the middle of one. The end of a full file may be: then its message is indexed once more, and
// some of its keys twice, which a query does not show.
func (x *keyIndex) has(phy int64) bool {
	if x.newest != nil && x.newest.header.count > 1 {
		return phy <= x.newest.header.endPhy
	}
	n := len(x.sealed)
	return n > 0 && phy < x.sealed[n-1].header.endPhy
}

func (x *keyIndex) put(m *codec.Message, kind, key string) error {
	w, err := x.writer()
	if err != nil {
		return err
	}
	x.key = appendIndexKey(x.key[:0], m.Topic, kind, key)
	w.put(indexHash(x.key), m.PhysicalOffset, m.StoreTimestamp)
	return nil
}

// appendIndexKey is the text whose hash is indexed: topic#key, and topic#T#tags for tags.
func appendIndexKey(dst []byte, topic, kind, key string) []byte {
	dst = append(append(dst, topic...), '#')
	if kind == protocol.IndexTypeTag {
		dst = append(append(dst, kind...), '#')
	}
	return append(dst, key...)
}

// indexHash is upstream's: the absolute value of Java's hash, and 0 for the one value that has none.
func indexHash(key []byte) int32 {
	h := compat.HashCode(unsafe.String(unsafe.SliceData(key), len(key)))
	if h < 0 {
		h = -h
	}
	return max(h, 0)
}

// writer returns a file with room for an entry.
func (x *keyIndex) writer() (*indexWriter, error) {
	if x.newest != nil && !x.newest.full() {
		return x.newest, x.newest.reserve()
	}
	var before indexHeader
	if n := len(x.sealed); n > 0 {
		before = x.sealed[n-1].header
	}
	if x.newest != nil {
		x.newest.writeHeader()
		before = x.newest.header
	}
	w, err := x.create(before)
	if err != nil {
		return nil, err
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.newest != nil {
		x.sealed = append(x.sealed, indexSealed{x.newest.path, x.newest.header})
		x.unsynced = append(x.unsynced, x.newest)
	}
	x.newest = w
	return w, w.reserve()
}

// create makes a new file. It starts at the end of the one before, as upstream's does.
func (x *keyIndex) create(before indexHeader) (*indexWriter, error) {
	if err := x.fs.MkdirAll(x.dir); err != nil {
		return nil, fmt.Errorf("make the index directory: %w", err)
	}
	var f vfs.File
	var name string
	for at := x.now(); ; at = at.Add(time.Millisecond) {
		name = path.Join(x.dir, indexName(at))
		var err error
		if f, err = x.fs.Create(name); err == nil {
			break
		}
		if !errors.Is(err, fs.ErrExist) {
			return nil, fmt.Errorf("make an index file: %w", err)
		}
	}
	if err := f.Truncate(x.shape.size()); err != nil {
		return nil, errors.Join(fmt.Errorf("make index file %s: %w", name, err), f.Close(), x.fs.Remove(name))
	}
	w, err := openIndexWriter(name, f, x.shape)
	if err != nil {
		return nil, errors.Join(err, x.fs.Remove(name))
	}
	w.header.beginTime, w.header.endTime = before.endTime, before.endTime
	w.header.beginPhy, w.header.endPhy = before.endPhy, before.endPhy
	return w, nil
}

// indexName is a file name: local time to the millisecond.
func indexName(t time.Time) string {
	return strings.Replace(t.Format("20060102150405.000"), ".", "", 1)
}

// syncSealed syncs full files that a process which is gone may not have synced, and returns the end time of the last full one.
func (x *keyIndex) syncSealed(after int64) (fullTime int64, err error) {
	fullTime = after
	for _, f := range x.sealed {
		if f.header.endTime <= after {
			continue
		}
		file, err := x.cache.acquire(f.path)
		if err != nil {
			return after, fmt.Errorf("sync index file: %w", err)
		}
		err = syncNow(file)
		file.release()
		if err != nil {
			return after, fmt.Errorf("sync index file %s: %w", f.path, err)
		}
		fullTime = f.header.endTime
	}
	return fullTime, nil
}

// sync makes the index durable and returns the end time of the newest full file that is.
func (x *keyIndex) sync() (fullTime int64, err error) {
	x.mu.Lock()
	done := slices.Clone(x.unsynced)
	newest := x.newest
	x.mu.Unlock()
	for _, w := range done {
		if err := w.file.Sync(); err != nil {
			return 0, fmt.Errorf("sync index file %s: %w", w.path, err)
		}
		fullTime = w.header.endTime
	}
	if newest != nil {
		if err := newest.file.Sync(); err != nil {
			return 0, fmt.Errorf("sync index file %s: %w", newest.path, err)
		}
	}
	if newest != nil || len(done) > 0 {
		for _, dir := range []string{x.dir, path.Dir(x.dir)} {
			if err := x.fs.SyncDir(dir); err != nil {
				return 0, fmt.Errorf("sync the index directory: %w", err)
			}
		}
	}
	x.mu.Lock()
	x.unsynced = x.unsynced[len(done):]
	x.mu.Unlock()
	for _, w := range done {
		if err := w.close(); err != nil {
			return 0, fmt.Errorf("close index file %s: %w", w.path, err)
		}
	}
	return fullTime, nil
}

// close unmaps. Everything was synced before, or will be found out at the next start.
func (x *keyIndex) close() error {
	x.mu.Lock()
	defer x.mu.Unlock()
	var errs []error
	for _, w := range x.unsynced {
		errs = append(errs, w.close())
	}
	if x.newest != nil {
		errs = append(errs, x.newest.close())
	}
	x.unsynced, x.newest = nil, nil
	return errors.Join(errs...)
}

// expire removes files whose messages are all before the log's begin; never the newest one.
func (x *keyIndex) expire(logMin int64) error {
	x.mu.Lock()
	var gone []string
	for len(x.sealed) > 0 && x.sealed[0].header.endPhy < logMin && (x.newest != nil || len(x.sealed) > 1) {
		gone = append(gone, x.sealed[0].path)
		x.sealed = x.sealed[1:]
	}
	x.mu.Unlock()
	var errs []error
	for _, name := range gone {
		x.cache.forget(pathKey(name))
		errs = append(errs, x.fs.Remove(name))
	}
	return errors.Join(errs...)
}
