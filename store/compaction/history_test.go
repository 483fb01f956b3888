package compaction

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path"
	"slices"
	"testing"

	"github.com/gantrymq/gantry/store/vfs"
)

// history is a random life of a queue on a disk that can be cut off at every operation, beside a commit log that loses what its last
// checkpoint does not cover, as the store's does after a power failure.
type history struct {
	t    *testing.T
	rng  *rand.Rand
	fs   *vfs.Memory
	s    *Store
	sent []message // the commit log
	safe int       // how many of them a checkpoint covers
	cut  int       // operations until the disk stops
}

var errCut = errors.New("the machine has stopped")

func (h *history) open(doubt int64) error {
	o := testOptions(h.t, h.fs)
	o.MapBytes, o.Doubt = 0, doubt
	o.Checkpoint = h.checkpoint
	var err error
	if h.s, err = Open(o); err != nil {
		return err
	}
	from := int64(0)
	if doubt > 0 {
		from = int64(h.safe)
	}
	err = h.s.Restore(testTopic, 0, from, int64(len(h.sent)), doubt > 0, func(off int64) (*Record, error) { return h.sent[off].record(h.t), nil })
	if err == nil {
		err = h.checkpoint()
	}
	return err
}

// checkpoint makes what was sent so far safe, and all that was derived from it.
func (h *history) checkpoint() error {
	n := len(h.sent)
	if err := h.s.Sync(); err != nil {
		return err
	}
	h.safe = n
	return nil
}

// live does one thing after the other until the disk stops or steps are over.
func (h *history) live(steps int) error {
	for range steps {
		var err error
		switch h.rng.IntN(10) {
		case 0:
			err = h.checkpoint()
		case 1, 2:
			err = h.s.Compact(context.Background(), testTopic, 0)
		default:
			for range h.rng.IntN(12) {
				m := message{key: fmt.Sprint("k", h.rng.IntN(30)), body: fmt.Sprint(h.rng.Int()), offset: int64(len(h.sent))}
				if h.rng.IntN(6) == 0 {
					m.body = ""
				}
				h.sent = append(h.sent, m)
				if err = h.s.Append(testTopic, 0, m.record(h.t)); err != nil {
					return err
				}
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// run lives, crashes and starts again, several times.
func (h *history) run() {
	doubt := int64(0)
	for range 6 {
		h.cut = 20 + h.rng.IntN(400)
		h.fs.Inject(func(op vfs.Op) error {
			if !op.Changes() {
				return nil
			}
			if h.cut--; h.cut < 0 {
				return errCut
			}
			return nil
		})
		err := h.open(doubt)
		if err == nil {
			err = h.live(60)
		}
		if err != nil && h.cut >= 0 {
			h.t.Fatal(err)
		}
		if h.s != nil {
			h.s.Close() // gives back the files; after a cut it may complain
			h.s = nil
		}
		power := h.rng.IntN(3) > 0
		if power {
			h.fs = h.fs.Crash(h.rng)
			h.sent = h.sent[:h.safe+h.rng.IntN(len(h.sent)-h.safe+1)] // the log's tail may be lost
		} else {
			h.fs = h.fs.Kill()
		}
		// Everything from the first unsafe message on is in doubt. The store does not know it better than by its store time.
		doubt = max(1, 1000+int64(h.safe)-1)
		h.verify(doubt)
	}
}

// verify starts on the disk as it is now, without harm coming to it any more, and compares.
func (h *history) verify(doubt int64) {
	h.fs.Inject(nil)
	h.cut = 1 << 30
	if err := h.open(doubt); err != nil {
		h.t.Fatalf("start after a crash: %v", err)
	}
	check(h.t, h.s, h.sent)
	closeStore(h.t, h.s)
	h.s = nil
	if open := h.fs.OpenFiles(); len(open) > 0 {
		h.t.Fatalf("still open: %v", open)
	}
}

// Whatever operation a crash falls into, with or without the page cache: nothing appears that was not sent, and the newest message of
// each key is there.
func TestHistories(t *testing.T) {
	for seed := range uint64(histories) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			h := &history{t: t, rng: rand.New(rand.NewPCG(seed, 9)), fs: vfs.NewMemory()}
			h.run()
		})
	}
}

// The official broker's compaction, step by step, with a crash after each step. Nothing is trusted: the directory is another's.
func TestOfficialCompactionCutShort(t *testing.T) {
	for steps := 0; ; steps++ {
		done := false
		t.Run(fmt.Sprint(steps), func(t *testing.T) {
			fs := vfs.NewMemory()
			s := mustOpen(t, testOptions(t, fs))
			all := cycle(0, 70, 11)
			appendAll(t, s, all)
			if err := s.Sync(); err != nil {
				t.Fatal(err)
			}
			q := s.find(testTopic, 0)
			made, old := build(t, q)
			done = officialReplace(t, q, old, made, steps)
			closeStore(t, s)
			o := testOptions(t, fs)
			o.Trusted, o.Doubt = false, 1
			s = mustOpen(t, o)
			check(t, s, all)
			appendAll(t, s, cycle(70, 30, 11))
			compactNow(t, s)
			check(t, s, append(slices.Clone(all), cycle(70, 30, 11)...))
			closeStore(t, s)
			for _, dir := range []string{q.logDir, q.queueDir} {
				entries, err := readDir(fs, dir)
				if err != nil {
					t.Fatal(err)
				}
				for _, e := range entries {
					if _, ok := parseName(e.Name()); !ok {
						t.Errorf("%s is left in %s", e.Name(), dir)
					}
				}
			}
		})
		if done {
			return
		}
	}
}

// build makes the new segments of a compaction, and stops there.
func build(t *testing.T, q *queue) (made, old []*segment) {
	t.Helper()
	c := &compactor{q: q, ctx: context.Background(), merged: -1, keys: newKeyMap(1 << 20)}
	old = q.ready(-1)
	if _, err := c.collect(old); err != nil {
		t.Fatal(err)
	}
	made, err := c.rewrite(old)
	if err != nil {
		t.Fatal(err)
	}
	return made, old
}

// officialReplace renames and removes in the order of the official broker (CompactionLog.replaceFiles), up to a number of steps, and
// reports whether that was all.
func officialReplace(t *testing.T, q *queue, old, made []*segment, steps int) (done bool) {
	t.Helper()
	do := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	step := func(f func()) {
		if steps > 0 {
			f()
		}
		steps--
	}
	for _, dir := range []string{q.logDir, q.queueDir} {
		for _, g := range old {
			name := path.Join(dir, fileName(g.base))
			step(func() { do(q.s.o.FS.Rename(name, name+doomedSuffix)) })
		}
		for _, g := range made {
			name := fileName(g.base)
			step(func() { do(q.s.o.FS.Rename(path.Join(dir, subFolder, name), path.Join(dir, name))) })
		}
		for _, g := range old {
			step(func() { do(q.s.o.FS.Remove(path.Join(dir, fileName(g.base)+doomedSuffix))) })
		}
	}
	return steps >= 0
}

// A failure in the middle of a replacement leaves the queue readable and writable; the next start finishes it.
func TestReplacementFails(t *testing.T) {
	for fail := 0; ; fail++ {
		fs := vfs.NewMemory()
		s := mustOpen(t, testOptions(t, fs))
		all := cycle(0, 60, 7)
		appendAll(t, s, all)
		n, hit := fail, false
		fs.Inject(func(op vfs.Op) error {
			if op.Kind == vfs.OpRename || op.Kind == vfs.OpRemove || op.Kind == vfs.OpSyncDir {
				if n--; n == -1 {
					hit = true
					return errCut
				}
			}
			return nil
		})
		err := s.Compact(context.Background(), testTopic, 0)
		fs.Inject(nil)
		if hit != (err != nil) {
			t.Errorf("operation %d failed: %v, the compaction says %v", fail, hit, err)
		}
		check(t, s, all)
		appendAll(t, s, cycle(60, 30, 7))
		all = append(all, cycle(60, 30, 7)...)
		check(t, s, all)
		closeStore(t, s)
		if open := fs.OpenFiles(); len(open) > 0 {
			t.Errorf("still open: %v", open)
		}
		s = mustOpen(t, testOptions(t, fs))
		check(t, s, all)
		compactNow(t, s)
		check(t, s, all)
		closeStore(t, s)
		if !hit {
			return
		}
	}
}
