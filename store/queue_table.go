package store

import (
	"cmp"
	"errors"
	"fmt"
	"hash/maphash"
	"io/fs"
	"iter"
	"maps"
	"path"
	"slices"
	"sort"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/gantrymq/gantry/compat"
	"github.com/gantrymq/gantry/store/vfs"
)

// topicShards is how many parts the table of topics has. A new topic copies one of them.
const topicShards = 256

// queueSet is all consume queues below one directory.
type queueSet struct {
	fs     vfs.FS
	simple layout
	batch  layout
	inner  func(topic string) bool // Options.BatchQueues
	log    *commitLog
	cache  *fileCache
	event  func(Event)
	trust  queueTrust

	seed   maphash.Seed
	shards [topicShards]topicShard

	writing sync.Mutex // serialises writeOut and sync; held over I/O
	whole   vfs.Whole  // all queues as one thing to sync; nil before the first is written, and where there is none. Held under writing
	asked   bool       // the file system was asked for it. Held under writing
	many    int        // things to sync from which on all are synced as one

	mu       sync.Mutex           // guards the fields below
	dirty    []*queue             // queues with a tail
	unsynced map[fileKey]struct{} // files written since the last sync
	newNames map[string]struct{}  // directories with entries made since the last sync

	pendingBytes atomic.Int64 // bytes in tails
	light        atomic.Int64 // topics that are light queues

	unclean     bool // the last user did not stop cleanly; set at start
	found       queuesFound
	begun       begunFiles
	strict      bool // an entry that does not follow its queue's last one is errUnjoined; set while the queues are completed at start
	extOn       bool // ext files are written from the start on
	extFileSize int64
	bitMap      func(dst []byte, topic, properties string) []byte // may be nil
	extMap      []byte                                            // the dispatcher's memory for it
	extUsed     atomic.Bool                                       // there are ext files, or may be

	mend func(q *queue, number int64) error // Store.mend
}

// topicShard is one part of the table. Readers load the map; whoever adds copies it under mu.
type topicShard struct {
	mu     sync.Mutex
	topics atomic.Pointer[map[string]*topicQueues]
}

// topicQueues is the queues of a topic, sorted by id.
type topicQueues struct {
	name   string
	layout *layout
	light  bool // it is a light queue: messages name it in their properties
	list   atomic.Pointer[[]*queue]

	growing sync.Mutex // guards listed and the growth of list; held while the topic's directory is listed
	listed  bool       // the directory's queues are in list
}

func newQueueSet(o *Options, log *commitLog, cache *fileCache) *queueSet {
	s := &queueSet{
		fs: o.FS, inner: o.BatchQueues, log: log, cache: cache, event: o.Event,
		many: cmp.Or(o.wholeFrom, manyToSync), seed: maphash.MakeSeed(), unsynced: map[fileKey]struct{}{}, newNames: map[string]struct{}{},
		extFileSize: o.QueueExtSize, extOn: o.Tuning.QueueExt, bitMap: o.BitMap,
	}
	s.simple, s.batch = newLayouts(o)
	for i := range s.shards {
		s.shards[i].topics.Store(&map[string]*topicQueues{})
	}
	return s
}

// list learns the names of the topics that have queues on disk.
func (s *queueSet) list() error {
	if _, err := s.fs.Stat(s.extRoot()); err == nil {
		s.extUsed.Store(true)
	}
	for _, l := range []*layout{&s.simple, &s.batch} {
		entries, err := s.fs.ReadDir(l.dir)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return fmt.Errorf("list consume queues: %w", err)
		}
		for _, e := range entries {
			if !e.IsDir() {
				continue
			}
			t := s.topic(e.Name(), true)
			if t.layout == l {
				t.listed = false
			} else if err := s.refuseKind(l, e.Name()); err != nil {
				return err
			}
		}
	}
	return nil
}

// refuseKind refuses queues of a topic that are not of the kind that the topic says. Upstream does not start on them either.
func (s *queueSet) refuseKind(l *layout, topic string) error {
	dir := path.Join(l.dir, topic)
	entries, err := s.fs.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("list the queues of topic %s: %w", topic, err)
	}
	for _, e := range entries {
		if _, err := strconv.ParseInt(e.Name(), 10, 32); err != nil {
			continue
		}
		if l.batch {
			return fmt.Errorf("%s holds queues of batches, but config/topics.json has no topic %s with queue.type=BatchCQ: bring that back, or, if the topic was deleted, remove the directory", dir, topic)
		}
		return fmt.Errorf("%s holds ordinary queues, but the topic has queue.type=BatchCQ in config/topics.json: correct that, or, if they are of a deleted topic of the same name, remove the directory", dir)
	}
	return nil
}

// layoutOf is how the queues of a topic lie on the disk.
func (s *queueSet) layoutOf(topic string) *layout {
	if s.inner(topic) {
		return &s.batch
	}
	return &s.simple
}

func (s *queueSet) shard(topic string) *topicShard {
	return &s.shards[maphash.String(s.seed, topic)%topicShards]
}

// topic finds a topic, or makes it if asked to. name may be a view: it is copied when it is kept.
func (s *queueSet) topic(name string, create bool) *topicQueues {
	sh := s.shard(name)
	if t := (*sh.topics.Load())[name]; t != nil || !create {
		return t
	}
	l := s.layoutOf(name)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	old := *sh.topics.Load()
	if t := old[name]; t != nil {
		return t
	}
	grown := make(map[string]*topicQueues, len(old)+1)
	maps.Copy(grown, old)
	t := &topicQueues{name: strings.Clone(name), layout: l, listed: true, light: compat.IsLMQ(name)}
	t.list.Store(&[]*queue{})
	grown[t.name] = t
	sh.topics.Store(&grown)
	if compat.IsLMQ(t.name) {
		s.light.Add(1)
	}
	return t
}

// compare orders topics by name. What changes the disk goes by it: a cut then leaves the same in every run.
func (t *topicQueues) compare(other *topicQueues) int { return strings.Compare(t.name, other.name) }

// topics yields every topic, in no order.
func (s *queueSet) topics() iter.Seq[*topicQueues] {
	return func(yield func(*topicQueues) bool) {
		for i := range s.shards {
			for _, t := range *s.shards[i].topics.Load() {
				if !yield(t) {
					return
				}
			}
		}
	}
}

// find returns a queue that exists, loaded, or nil.
func (s *queueSet) find(topic string, id int32) (*queue, error) {
	t := s.topic(topic, false)
	if t == nil {
		return nil, nil
	}
	q := t.get(id)
	if q == nil {
		if err := s.listTopic(t); err != nil {
			return nil, err
		}
		if q = t.get(id); q == nil {
			return nil, nil
		}
	}
	return q, s.load(q)
}

// open returns a queue, loaded, and makes it when it does not exist.
func (s *queueSet) open(topic string, id int32) (*queue, error) {
	if t := s.topic(topic, false); t != nil {
		if q := t.get(id); q != nil {
			if q.loaded.Load() {
				return q, nil
			}
			return q, s.load(q)
		}
	}
	t := s.topic(topic, true)
	if err := s.listTopic(t); err != nil {
		return nil, err
	}
	q := t.add(id)
	return q, s.load(q)
}

// get finds a queue of the topic among those that are known.
func (t *topicQueues) get(id int32) *queue {
	list := *t.list.Load()
	if i := int(id); i >= 0 && i < len(list) && list[i].id == id { // ids mostly run from 0 without a hole
		return list[i]
	}
	i := sort.Search(len(list), func(i int) bool { return list[i].id >= id })
	if i < len(list) && list[i].id == id {
		return list[i]
	}
	return nil
}

// add finds or makes a queue of the topic.
func (t *topicQueues) add(id int32) *queue {
	t.growing.Lock()
	defer t.growing.Unlock()
	if q := t.get(id); q != nil {
		return q
	}
	return t.insert(id)
}

// insert makes a queue. growing is held and the queue is not there.
func (t *topicQueues) insert(id int32) *queue {
	old := *t.list.Load()
	i := sort.Search(len(old), func(i int) bool { return old[i].id >= id })
	q := &queue{topic: t, id: id, minFor: -1}
	grown := slices.Insert(slices.Clone(old), i, q)
	t.list.Store(&grown)
	return q
}

// listTopic learns a topic's queues from its directory, once.
func (s *queueSet) listTopic(t *topicQueues) error {
	t.growing.Lock()
	defer t.growing.Unlock()
	if t.listed {
		return nil
	}
	entries, err := s.fs.ReadDir(path.Join(t.layout.dir, t.name))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("list the queues of topic %s: %w", t.name, err)
	}
	for _, e := range entries {
		id, err := strconv.ParseInt(e.Name(), 10, 32)
		if err == nil && e.IsDir() && t.get(int32(id)) == nil {
			t.insert(int32(id))
		}
	}
	t.listed = true
	return nil
}

// empty reports whether there is no topic.
func (s *queueSet) empty() bool {
	for range s.topics() {
		return false
	}
	return true
}

// queuesOf yields the queues of a topic, not necessarily loaded.
func (s *queueSet) queuesOf(t *topicQueues) ([]*queue, error) {
	if err := s.listTopic(t); err != nil {
		return nil, err
	}
	return *t.list.Load(), nil
}

// remove takes a topic out of the table.
func (s *queueSet) remove(t *topicQueues) {
	sh := s.shard(t.name)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	left := maps.Clone(*sh.topics.Load())
	if left[t.name] == t && compat.IsLMQ(t.name) {
		s.light.Add(-1)
	}
	delete(left, t.name)
	sh.topics.Store(&left)
}

func (s *queueSet) queueDir(q *queue) string {
	return path.Join(q.topic.layout.dir, q.topic.name, strconv.Itoa(int(q.id)))
}

func (s *queueSet) filePath(q *queue, base int64) string {
	return path.Join(s.queueDir(q), segmentName(base))
}

// file returns a queue's open file that begins at a byte position of the queue.
func (s *queueSet) file(q *queue, base int64) (*openFile, error) {
	key := fileKey{q: q, base: base}
	if f := s.cache.cached(key); f != nil {
		return f, nil
	}
	return s.cache.open(key, s.filePath(q, base))
}

// fileOf returns an open file of a queue or of its extension.
func (s *queueSet) fileOf(key fileKey) (*openFile, error) {
	if key.ext {
		return s.extFile(key.q, key.base)
	}
	return s.file(key.q, key.base)
}
