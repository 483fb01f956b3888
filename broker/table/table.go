// Package table is what the tables of topics and of consumer groups have in
// common: configurations by name, a data version that counts their changes, and
// the text by which their file grows with a change.
//
// What a configuration means and who may change it is the business of packages
// topics and groups.
package table

import (
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/gantrymq/gantry/protocol"
)

// Table holds configurations of one kind by name. Get takes no lock; everything
// else is called with the lock held, which its owner may also guard with what
// changes along.
//
// A configuration in the table is never changed, only replaced: whoever gets one
// may keep it, and must not write to it.
type Table[C any] struct {
	sync.Mutex // guards changes of configs, and what follows

	configs    sync.Map      // name string → *C
	generation atomic.Uint64 // of configs; counted after each change

	// Version is that of the table; Step moves it on.
	Version protocol.DataVersion

	changed []entry[C] // what the file lacks, as far as entries at its end can say it
	rewrite bool       // more than that has changed
}

type entry[C any] struct {
	name   string
	config *C
}

// Get returns the configuration of a name, or nil. It may be called without the
// lock, allocates nothing and does not keep the name.
func (t *Table[C]) Get(name string) *C {
	c, ok := t.configs.Load(name)
	if !ok {
		return nil
	}
	return c.(*C)
}

// Generation counts changes of configurations: while it stays what it was, so do
// they. It may be called without the lock.
func (t *Table[C]) Generation() uint64 { return t.generation.Load() }

// Lay puts in what the file has, or what is there before the file is read. It is
// no change.
func (t *Table[C]) Lay(name string, c *C) {
	t.configs.Store(name, c)
	t.generation.Add(1)
}

// Put adds or replaces a configuration. Stepping the version is the caller's
// business: several puts may be one change.
func (t *Table[C]) Put(name string, c *C) {
	t.Lay(name, c)
	t.changed = append(t.changed, entry[C]{name, c})
}

// Delete removes a name and reports whether there was one.
func (t *Table[C]) Delete(name string) bool {
	_, existed := t.configs.LoadAndDelete(name)
	t.generation.Add(1)
	t.rewrite = t.rewrite || existed
	return existed
}

// Rewrite has the file written anew at the next change, because something changed
// that its owner keeps in the same file.
func (t *Table[C]) Rewrite() { t.rewrite = true }

// Step makes the version that of a change at now, in ms since 1970.
func (t *Table[C]) Step(now int64) { t.Version = t.Version.Next(now) }

// Snapshot returns all configurations. The map is the caller's.
func (t *Table[C]) Snapshot() map[string]*C {
	all := map[string]*C{}
	t.configs.Range(func(name, c any) bool {
		all[name.(string)] = c.(*C)
		return true
	})
	return all
}

// Page returns the names in a snapshot of version from position from on, in their
// order and limit at most. A page beyond the first continues an answer of the
// version known; when the table has moved on since, it begins anew
// (GET_ALL_TOPIC_CONFIG and GET_ALL_SUBSCRIPTIONGROUP_CONFIG since 5.5).
func Page[C any](snapshot map[string]*C, version protocol.DataVersion, known *protocol.DataVersion, from, limit int) []string {
	if known == nil || *known != version {
		from = 0
	}
	if from < 0 || from >= len(snapshot) || limit <= 0 {
		return nil
	}
	names := slices.Sorted(maps.Keys(snapshot))
	return names[from:min(from+limit, len(names))]
}
