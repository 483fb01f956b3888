package store

import (
	"bytes"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/protocol"
	"github.com/gantrymq/gantry/store/vfs"
)

// cleanStore is a store with several segments whose clock and disk the test holds.
func cleanStore(t *testing.T) (*Store, *vfs.Memory, *time.Time, sent) {
	disk := vfs.NewMemory()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.Local)
	o := smallOptions(disk, "/store")
	o.Now = func() time.Time { return now }
	s := mustOpen(t, o)
	x := sent{}
	x.fill(t, s, 0, 1000)
	dispatchAll(t, s)
	for _, g := range s.log.view.Load().segs {
		if err := disk.SetModTime(g.path, now); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return s, disk, &now, x
}

func TestRetention(t *testing.T) {
	day := 24 * time.Hour
	tests := []struct {
		name   string
		change func(s *Store, disk *vfs.Memory, now *time.Time)
		gone   bool
	}{
		{"fresh files at the hour", func(_ *Store, _ *vfs.Memory, now *time.Time) { *now = now.Add(16 * time.Hour) }, false},
		{"expired files at another hour", func(_ *Store, _ *vfs.Memory, now *time.Time) { *now = now.Add(10 * day) }, false},
		{"expired files at the hour", func(_ *Store, _ *vfs.Memory, now *time.Time) { *now = now.Add(10*day + 16*time.Hour) }, true},
		{"expired files by hand", func(s *Store, _ *vfs.Memory, now *time.Time) {
			*now = now.Add(10 * day)
			s.DeleteExpiredFiles()
		}, true},
		{"fresh files by hand", func(s *Store, _ *vfs.Memory, now *time.Time) { s.DeleteExpiredFiles() }, false},
		{"expired files, disk above the mark", func(_ *Store, d *vfs.Memory, now *time.Time) {
			*now = now.Add(10 * day)
			fillTo(d, 0.8)
		}, true},
		{"fresh files, disk above the mark", func(_ *Store, d *vfs.Memory, _ *time.Time) { fillTo(d, 0.8) }, false},
		{"fresh files, disk nearly full", func(_ *Store, d *vfs.Memory, _ *time.Time) { fillTo(d, 0.88) }, true},
		{"the same, not forcibly", func(s *Store, d *vfs.Memory, _ *time.Time) {
			s.Tune(func(t *Tuning) { t.CleanForcibly = false })
			fillTo(d, 0.88)
		}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, disk, now, x := cleanStore(t)
			tt.change(s, disk, now)
			if err := s.Tune(func(t *Tuning) { t.DeleteFilesPause = 0 }); err != nil {
				t.Fatal(err)
			}
			if err := s.clean(t.Context()); err != nil {
				t.Fatal(err)
			}
			lo, hi := s.LogRange()
			if (lo > 0) != tt.gone {
				t.Fatalf("the log begins at %d", lo)
			}
			if tt.gone && hi-lo > s.o.SegmentSize {
				t.Errorf("files were left: the log is %d to %d", lo, hi)
			}
			for key, list := range x {
				x[key] = slices.DeleteFunc(list, func(m *codec.Message) bool { return m.PhysicalOffset < lo })
			}
			x.check(t, s)
		})
	}
}

// TestRetentionOfTheIndex: index files go with the messages in them, from the oldest on, and what is left is still asked.
func TestRetentionOfTheIndex(t *testing.T) {
	s, disk, _, _ := cleanStore(t)
	find := func(key string) IndexResult {
		t.Helper()
		r, err := s.QueryIndex("topic0", protocol.IndexTypeKey, key, 64, 0, 1<<60)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	list := func() (names []string) {
		entries, err := disk.ReadDir("/store/index")
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			names = append(names, e.Name())
		}
		return names
	}
	before := list()
	if len(find("k0").Records) != 1 {
		t.Fatal("the first message is not found")
	}
	fillTo(disk, 0.88)
	if err := s.Tune(func(t *Tuning) { t.DeleteFilesPause = 0 }); err != nil {
		t.Fatal(err)
	}
	if err := s.clean(t.Context()); err != nil {
		t.Fatal(err)
	}
	lo, _ := s.LogRange()
	after := list()
	if len(after) == 0 || len(after) >= len(before) || !slices.Equal(after, before[len(before)-len(after):]) {
		t.Fatalf("of the index files %q are left %q", before, after)
	}
	if h, ok, err := s.index.inspect("/store/index/" + after[0]); err != nil || !ok || h.endPhy < lo {
		t.Errorf("the oldest index file ends at %d (%v), the log begins at %d", h.endPhy, err, lo)
	}
	if r := find("k0"); len(r.Records) > 0 || r.LastUpdateTime > 0 {
		t.Errorf("the first message is found: %+v", r)
	}
	if n, m := len(find("k999").Records), len(find("all").Records); n != 1 || m == 0 {
		t.Errorf("the last message is found %d times, of all %d", n, m)
	}
}

// fillTo makes a disk look used to a share.
func fillTo(d *vfs.Memory, ratio float64) {
	u, _ := d.Usage("/")
	d.SetCapacity(int64(float64(u.Used) / ratio))
}

// TestWarningLevel: above the warning level appends are refused, below they are taken again.
func TestWarningLevel(t *testing.T) {
	s, disk, _, _ := cleanStore(t)
	if err := s.Tune(func(t *Tuning) { t.CleanForcibly = false }); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		ratio float64
		want  Status
	}{{0.95, ServiceNotAvailable}, {0.87, ServiceNotAvailable}, {0.5, PutOK}} { // between the levels nothing changes
		fillTo(disk, tt.ratio)
		if err := s.clean(t.Context()); err != nil {
			t.Fatal(err)
		}
		if r, err := s.Append(message("t", 0, 1)); r.Status != tt.want {
			t.Errorf("at %v: %v, %v; want %v", tt.ratio, r.Status, err, tt.want)
		}
	}
	dispatchAll(t, s)
}

// twoDisks has the commit log on a disk of its own.
type twoDisks struct {
	*vfs.Memory
	log, queues float64 // how full
}

func (d *twoDisks) Usage(name string) (vfs.Usage, error) {
	ratio := d.queues
	if strings.Contains(name, "commitlog") {
		ratio = d.log
	}
	return vfs.Usage{Total: 1000, Used: int64(ratio * 1000), Available: int64((1 - ratio) * 1000)}, nil
}

// TestWarningLevelOfTwoDisks: the log's disk is judged first, and the queues' only when it has room (upstream's isSpaceToDelete).
func TestWarningLevelOfTwoDisks(t *testing.T) {
	disk := &twoDisks{Memory: vfs.NewMemory()}
	s := mustOpen(t, smallOptions(disk, "/store"))
	for _, tt := range []struct {
		log, queues float64
		want        Status
	}{
		{0.5, 0.5, PutOK},
		{0.5, 0.95, ServiceNotAvailable},
		{0.87, 0.5, ServiceNotAvailable}, // between the levels nothing changes
		{0.5, 0.87, PutOK},               // the log's disk has room
		{0.95, 0.5, ServiceNotAvailable},
		{0.87, 0.95, ServiceNotAvailable},
		{0.5, 0.5, PutOK},
		{0.87, 0.95, PutOK}, // the queues' disk is not looked at
	} {
		disk.log, disk.queues = tt.log, tt.queues
		p := s.judgeDisk()
		if r, err := s.Append(message("t", 0, 1)); r.Status != tt.want {
			t.Errorf("log at %v, queues at %v: %v, %v; want %v", tt.log, tt.queues, r.Status, err, tt.want)
		}
		if want := max(tt.log, tt.queues) > 0.85; p.forcibly != want || p.above != want {
			t.Errorf("log at %v, queues at %v: %+v, want forcibly %t", tt.log, tt.queues, p, want)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestReadOutlivesRetention: who is in the middle of sending a segment that expires sends what was there.
func TestReadOutlivesRetention(t *testing.T) {
	s, _, now, _ := cleanStore(t)
	var mapped, cold GetResult
	s.Get(&Query{Topic: "topic0", QueueID: 0, Offset: 0, MaxCount: 10}, &mapped)
	for _, g := range s.log.view.Load().segs {
		g.cool()
	}
	s.Get(&Query{Topic: "topic0", QueueID: 0, Offset: 0, MaxCount: 10}, &cold)
	want := bytes.Clone(bytes.Join(mapped.Buffers, nil))
	*now = now.Add(10*24*time.Hour + 16*time.Hour)
	if err := s.clean(t.Context()); err != nil {
		t.Fatal(err)
	}
	if lo, _ := s.LogRange(); lo == 0 {
		t.Fatal("nothing expired")
	}
	for _, r := range []*GetResult{&mapped, &cold} {
		if r.Status != Found || r.Count != 10 || !bytes.Equal(bytes.Join(r.Buffers, nil), want) {
			t.Errorf("%v with %d messages", r.Status, r.Count)
		}
		r.Release()
		r.Release()
	}
	s.Get(&Query{Topic: "topic0", QueueID: 0, Offset: 0, MaxCount: 10}, &cold)
	if cold.Status != OffsetTooSmall || cold.NextOffset != cold.MinOffset || cold.MinOffset == 0 {
		t.Errorf("the first message afterwards: %v, next %d, min %d", cold.Status, cold.NextOffset, cold.MinOffset)
	}
}

func TestDeleteTopics(t *testing.T) {
	s, disk, now, x := cleanStore(t)
	if err := s.DeleteTopics([]string{"topic1", "unknown"}); err != nil {
		t.Fatal(err)
	}
	if _, err := disk.Stat("/store/consumequeue/topic1"); err == nil {
		t.Error("the topic's directory is left")
	}
	if got := s.Topics(); !slices.Equal(got, []string{"topic0", "topic2"}) {
		t.Errorf("topics: %v", got)
	}
	var r GetResult
	if s.Get(&Query{Topic: "topic1", MaxCount: 1}, &r); r.Status != NoMessageInQueue {
		t.Errorf("a deleted topic: %v", r.Status)
	}
	if res := mustAppend(t, s, message("topic1", 0, 5)); res.QueueOffset != 0 {
		t.Errorf("the topic begins anew at %d", res.QueueOffset)
	}
	delete(x, "topic1 0")
	delete(x, "topic1 1")
	dispatchAll(t, s)
	x.check(t, s)

	x.fill(t, s, 1000, 3) // so that topic0 and topic2 have something in the last segment
	mustAppend(t, s, message("fresh", 0, 1))
	dispatchAll(t, s)
	*now = now.Add(10*24*time.Hour + 16*time.Hour)
	for range 30 {
		x.fill(t, s, 0, 60)
	}
	if err := s.DeleteTopics([]string{"topic0"}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := s.clean(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	gone, err := s.CleanExpiredQueues(func(topic string) bool { return topic == "spared" })
	if err != nil || !slices.Equal(gone, []string{"fresh"}) {
		t.Errorf("expired topics: %v, %v", gone, err)
	}
	gone, err = s.CleanUnusedTopics(func(topic string) bool { return topic != "topic2" })
	if err != nil || !slices.Equal(gone, []string{"topic2"}) {
		t.Errorf("unused topics: %v, %v", gone, err)
	}
}

// TestLogExpiresOnAFullDisk: what a checkpoint has behind it goes while queues have entries for which there is no room: that is how room
// comes back.
func TestLogExpiresOnAFullDisk(t *testing.T) {
	disk, x := vfs.NewMemory(), sent{}
	s := mustOpen(t, damageOptions(disk))
	defer func() { s.Close() }()
	x.fill(t, s, 0, 300)
	dispatchAll(t, s)
	if err := s.takeCheckpoint(); err != nil {
		t.Fatal(err)
	}
	x.fill(t, s, 300, 3)
	dispatchAll(t, s)
	disk.Inject(func(op vfs.Op) error {
		switch op.Kind {
		case vfs.OpCreate, vfs.OpAllocate, vfs.OpTruncate, vfs.OpWrite:
			return syscall.ENOSPC
		}
		return nil
	})
	tuning := *s.tuning.Load()
	tuning.DeleteFilesBatch = 1
	n, err := s.deleteSegments(t.Context(), &tuning, true)
	if n != 1 || err != nil {
		t.Errorf("%d segments went: %v", n, err)
	}
	disk.Inject(nil)
}
