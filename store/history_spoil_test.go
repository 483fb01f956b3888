package store

import (
	"maps"
	"math/rand/v2"
	"path"
	"slices"
	"strings"
	"testing"
)

// TestHistoriesOfSpoiledQueues lives through histories in which entries of consume queues are spoiled while the store is stopped; every
// other disk fails single operations besides.
func TestHistoriesOfSpoiledQueues(t *testing.T) {
	lived, spoiled := 0, 0
	eachSeed(t, histories/3, func(h *history) {
		h.spoiler, h.faulty = rand.New(rand.NewPCG(h.seed, 2)), h.seed%2 == 1
		h.run(6)
		lived++
		spoiled += h.spoiled
	})
	if spoiled < lived/2 {
		t.Errorf("in %d histories queues were spoiled %d times only", lived, spoiled)
	}
}

// spoilQueues overwrites a run of entries in some queues, each of which ends before an entry that a checkpoint has covered and the log
// still confirms: of a queue whose newest entries are gone nothing tells that it was longer.
func (h *history) spoilQueues() {
	if h.spoiler == nil || h.s == nil {
		return
	}
	for _, l := range []*layout{&h.s.queues.simple, &h.s.queues.batch} {
		topics, _ := h.disk.ReadDir(l.dir)
		for _, topic := range topics {
			queues, _ := h.disk.ReadDir(path.Join(l.dir, topic.Name()))
			for _, q := range queues {
				if h.spoiler.IntN(4) == 0 {
					h.spoilQueue(l, path.Join(l.dir, topic.Name(), q.Name()))
				}
			}
		}
	}
}

func (h *history) spoilQueue(l *layout, dir string) {
	files := memoryFiles(h.t, h.disk, dir)
	names := slices.DeleteFunc(slices.Sorted(maps.Keys(files)), func(name string) bool { return len(files[name]) == 0 })
	var all []byte
	for _, name := range names {
		all = append(all, files[name]...)
	}
	end := int64(-1) // of what may be spoiled
	for i := int64(0); i < int64(len(all))/l.unit; i++ {
		u := l.decode(all[i*l.unit:])
		if l.valid(u) && !u.filler() && u.phy >= h.s.log.min() && u.phy+int64(u.size) <= h.s.checkpointed.Load() {
			end = i
		}
	}
	if end <= 0 {
		return
	}
	from := h.spoiler.Int64N(end)
	to := from + 1 + h.spoiler.Int64N(end-from)
	ways := 4
	if l.batch || strings.Contains(dir, "%LMQ%") { // a record tells neither the entry's number nor, at its head, its offset in a light queue
		ways = 3
	}
	way := h.spoiler.IntN(ways)
	for i := from; i < to; i++ {
		entry := all[i*l.unit : (i+1)*l.unit]
		switch way {
		case 0:
			clear(entry)
		case 1:
			copy(entry, strings.Repeat("\xFF", len(entry)))
		case 2:
			for k := range entry {
				entry[k] = byte(h.spoiler.Uint32())
			}
		case 3:
			copy(entry, all[end*l.unit:(end+1)*l.unit])
		}
	}
	h.t.Logf("spoil %s: entries %d to %d of the files, in way %d", dir, from, to-1, way)
	h.spoiled++
	for at, name := 0, 0; name < len(names); name++ {
		whole := len(files[names[name]])
		h.overwrite(path.Join(dir, names[name]), all[at:at+whole])
		at += whole
	}
}

func (h *history) overwrite(name string, b []byte) {
	h.t.Helper()
	f, err := h.disk.Open(name, true)
	if err == nil {
		_, err = f.WriteAt(b, 0)
	}
	if err == nil {
		err = f.Sync()
	}
	if err != nil {
		h.t.Fatal(err)
	}
	f.Close()
}
