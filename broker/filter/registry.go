package filter

import (
	"fmt"
	"maps"
	"sync"
	"sync/atomic"

	"github.com/gantrymq/gantry/broker/filter/sql92"
	"github.com/gantrymq/gantry/configfile"
	"github.com/gantrymq/gantry/protocol"
)

// Options say where registered expressions are kept. The names in brackets are
// the official configuration keys.
type Options struct {
	FS   configfile.FS // configfile.OS when nil
	Path string        // of consumerFilter.json
	Now  func() int64  // ms since 1970

	ErrorRate  int32 // [maxErrorRateOfBloomFilter] percent
	Groups     int32 // [expectConsumerNumUseFilter] that the bit maps are sized for
	CleanAfter int64 // [filterDataCleanTimeSpan] ms after its death that an entry is forgotten
}

// Registry keeps the expressions that are no tags and that groups have
// registered by heartbeat, as upstream's ConsumerFilterManager does: an entry
// stays for a day after its group has left, so that bit maps keep their meaning.
// It is safe for concurrent use.
type Registry struct {
	opts  Options
	bloom Bloom
	file  *configfile.File

	mu      sync.RWMutex                 // guards the fields below
	topics  map[string]map[string]*Entry // topic → group → entry
	changed bool                         // since the file was written

	generation atomic.Uint64 // of topics; counted after each
}

// Entry is what a group has registered for a topic. It never changes.
type Entry struct {
	Group, Topic   string
	Expression     string
	ExpressionType string
	ClientVersion  int64 // the subscription's
	Born, Dead     int64 // ms since 1970; Dead is 0 while the group is there
	bitMapBits     int32
	positions      []int32
	compiled       *sql92.Expression // nil when a loaded expression could not be compiled
}

func (e *Entry) dead() bool { return e.Dead >= e.Born }

// OpenRegistry loads the file. Entries that were alive when it was written count
// as dead until their group comes back.
func OpenRegistry(o Options) (*Registry, configfile.Loaded, error) {
	if o.FS == nil {
		o.FS = configfile.OS
	}
	r := &Registry{opts: o, bloom: NewBloom(o.ErrorRate, o.Groups), topics: map[string]map[string]*Entry{}}
	r.file = configfile.New(o.FS, o.Path, r.encode)
	loaded, err := r.file.Load(r.decode)
	if err != nil {
		return nil, loaded, fmt.Errorf("load registered filters: %w", err)
	}
	return r, loaded, nil
}

// Find returns what a group has registered for a topic, or nil. It does not keep
// the names.
func (r *Registry) Find(topic, group string) *Entry {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.topics[topic][group]
}

// AppendBitMap appends the bit map of a message that is being stored: the bits of
// each group whose expression it fulfils, of groups that have left too, since they
// may come back for it. Nothing is appended where no group has an expression for
// the topic. The strings are not kept.
func (r *Registry) AppendBitMap(dst []byte, topic, properties string) []byte {
	r.mu.RLock()
	defer r.mu.RUnlock()
	groups := r.topics[topic]
	if len(groups) == 0 {
		return dst
	}
	from := len(dst)
	dst = append(dst, make([]byte, r.bloom.bits/8)...)
	bitMap := dst[from:]
	for _, e := range groups {
		if e.compiled == nil || !e.compiled.Match(properties) {
			continue
		}
		for _, p := range e.positions {
			bitMap[p/8] |= 1 << (p % 8)
		}
	}
	return dst
}

// Register takes in the subscriptions of a heartbeat. A subscription counts when
// its version is higher than the one known; an expression that cannot be compiled
// removes the one before it, so that the client is told. Entries of topics that
// the heartbeat does not name die.
func (r *Registry) Register(group string, subscriptions []protocol.SubscriptionData) {
	r.mu.Lock()
	defer r.mu.Unlock()
	named := make(map[string]bool, len(subscriptions))
	for i := range subscriptions {
		s := &subscriptions[i]
		named[s.Topic] = true
		if !s.IsTag() && s.SubString != "" {
			r.register(group, s)
		}
	}
	for topic, groups := range r.topics {
		if e := groups[group]; e != nil && !named[topic] {
			r.bury(e)
		}
	}
}

// register is called with r.mu held.
func (r *Registry) register(group string, s *protocol.SubscriptionData) {
	old := r.topics[s.Topic][group]
	if old != nil && s.SubVersion <= old.ClientVersion {
		if s.SubVersion == old.ClientVersion && old.dead() {
			revived := *old
			revived.Dead = 0
			r.put(&revived)
		}
		return
	}
	e := &Entry{
		Group: group, Topic: s.Topic, Expression: s.SubString, ExpressionType: s.ExpressionType, ClientVersion: s.SubVersion,
		Born: r.opts.Now(), bitMapBits: r.bloom.bits, positions: r.bloom.Positions(group + "#" + s.Topic),
	}
	if old != nil && old.Expression == e.Expression && old.ExpressionType == e.ExpressionType && r.bloom.fits(old.bitMapBits, old.positions) {
		e.Born, e.compiled = old.Born, old.compiled
	} else {
		var err error
		if e.compiled, err = Compile(s.ExpressionType, s.SubString); err != nil {
			r.remove(s.Topic, group)
			return
		}
	}
	r.put(e)
}

// put and remove are called with r.mu held.
func (r *Registry) put(e *Entry) {
	if r.topics[e.Topic] == nil {
		r.topics[e.Topic] = map[string]*Entry{}
	}
	r.topics[e.Topic][e.Group] = e
	r.noteChange()
}

func (r *Registry) noteChange() {
	r.changed = true
	r.generation.Add(1)
}

// Generation counts how often an entry came, went or changed: while it stays what it
// was, so do all entries. It takes no lock.
func (r *Registry) Generation() uint64 { return r.generation.Load() }

func (r *Registry) remove(topic, group string) {
	if r.topics[topic][group] == nil {
		return
	}
	delete(r.topics[topic], group)
	if len(r.topics[topic]) == 0 {
		delete(r.topics, topic)
	}
	r.noteChange()
}

// bury is called with r.mu held.
func (r *Registry) bury(e *Entry) {
	if e.dead() {
		return
	}
	buried := *e
	buried.Dead = r.opts.Now()
	r.put(&buried)
}

// Unregister notes that the last member of a group has left.
func (r *Registry) Unregister(group string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, groups := range r.topics {
		if e := groups[group]; e != nil {
			r.bury(e)
		}
	}
}

// clean forgets what has been dead for too long.
func (r *Registry) clean() {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.opts.Now()
	for topic, groups := range r.topics {
		for group := range maps.Clone(groups) {
			if e := groups[group]; e.dead() && now-e.Dead >= r.opts.CleanAfter {
				r.remove(topic, group)
			}
		}
	}
}

// Persist writes the file when there is anything new to write.
func (r *Registry) Persist() error {
	r.clean()
	r.mu.Lock()
	changed := r.changed
	r.changed = false
	r.mu.Unlock()
	if !changed {
		return nil
	}
	if err := r.file.Persist(); err != nil {
		r.mu.Lock()
		r.changed = true
		r.mu.Unlock()
		return err
	}
	return nil
}
