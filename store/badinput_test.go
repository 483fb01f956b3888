package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gantrymq/gantry/store/vfs"
)

// stopped is a disk with a store of some files that was stopped cleanly.
func stopped(t *testing.T) *vfs.Memory {
	t.Helper()
	disk := vfs.NewMemory()
	s := mustOpen(t, damageOptions(disk))
	x := sent{}
	x.fill(t, s, 0, 200)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return disk
}

func putFile(t *testing.T, disk vfs.FS, name string, data []byte) {
	t.Helper()
	f, err := disk.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt(data, 0); err != nil {
		t.Fatal(err)
	}
	f.Close()
}

func resizeFile(t *testing.T, disk vfs.FS, name string, size int64) {
	t.Helper()
	f, err := disk.Open(name, true)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := f.Truncate(size); err != nil {
		t.Fatal(err)
	}
}

// afterCleanStop ends the names of damage that a crash does as well, and that is put right then.
const afterCleanStop = ", after a clean stop"

// TestRefusals: what cannot be opened is refused with a sentence that names the file and says what to do, and nothing is touched.
func TestRefusals(t *testing.T) {
	const log, queue = "/store/commitlog/", "/store/consumequeue/topic0/0/"
	tests := []struct {
		name  string
		spoil func(t *testing.T, disk *vfs.Memory)
		want  []string
	}{
		{"a log file of another size", func(t *testing.T, d *vfs.Memory) { resizeFile(t, d, log+segmentName(0), 1000) }, []string{log + segmentName(0), "1000 bytes", "mappedFileSizeCommitLog"}},
		{"an empty log file in the middle", func(t *testing.T, d *vfs.Memory) { resizeFile(t, d, log+segmentName(0), 0) }, []string{log + segmentName(0), "0 bytes"}},
		{"a stray file in the log", func(t *testing.T, d *vfs.Memory) { putFile(t, d, log+"notes.txt", []byte("x")) }, []string{"notes.txt is no commit log file", "move it out"}},
		{"a log file of zeros", func(t *testing.T, d *vfs.Memory) {
			resizeFile(t, d, log+segmentName(16<<10), 0)
			resizeFile(t, d, log+segmentName(16<<10), 16<<10)
		}, []string{log + segmentName(16<<10), "does not begin with a message", "gantry store repair"}},
		{"two log files exchanged", func(t *testing.T, d *vfs.Memory) {
			d.Rename(log+segmentName(16<<10), log+"x")
			d.Rename(log+segmentName(32<<10), log+segmentName(16<<10))
			d.Rename(log+"x", log+segmentName(32<<10))
		}, []string{log + segmentName(16<<10), "does not begin with a message"}},
		{"a log file gone", func(_ *testing.T, d *vfs.Memory) { d.Remove(log + segmentName(16<<10)) }, []string{"the commit log lacks", "bring the missing files back"}},
		{"the last log files gone", func(_ *testing.T, d *vfs.Memory) {
			for base := int64(16 << 10); base < 200<<10; base += 16 << 10 {
				d.Remove(log + segmentName(base))
			}
		}, []string{"the checkpoint says", "its files end at 16384"}},
		{"the whole log gone", func(_ *testing.T, d *vfs.Memory) { d.RemoveAll("/store/commitlog") }, []string{"has no commit log files, but there are consume queues", "mount it"}},
		{"RocksDB queues", func(t *testing.T, d *vfs.Memory) {
			putFile(t, d, "/store/consumequeue/CURRENT", []byte("MANIFEST-000004"))
		}, []string{"RocksDB", "move consumequeue away"}},
		{"RocksDB queues beside", func(t *testing.T, d *vfs.Memory) {
			d.MkdirAll("/store/consumequeue_rocksdb")
			putFile(t, d, "/store/consumequeue_rocksdb/CURRENT", nil)
		}, []string{"RocksDB", "move consumequeue_rocksdb away"}},
		{"a DLedger log", func(_ *testing.T, d *vfs.Memory) { d.MkdirAll("/store/dledger-n0") }, []string{"DLedger", "dledger-n0"}},
		{"queues of batches of no topic", func(_ *testing.T, d *vfs.Memory) { d.MkdirAll("/store/batchconsumequeue/Bulk/0") }, []string{"BatchCQ", "Bulk", "remove the directory"}},
		{"a repair cut short", func(t *testing.T, d *vfs.Memory) {
			d.MkdirAll("/store/quarantine")
			putFile(t, d, "/store/"+RepairMark, []byte("1"))
		}, []string{"repair", "cut short"}},
		{"a short checkpoint", func(t *testing.T, d *vfs.Memory) { resizeFile(t, d, "/store/checkpoint", 17) }, []string{"checkpoint", "17 bytes"}},
		{"a checkpoint from another log", func(t *testing.T, d *vfs.Memory) {
			c := checkpoint{own: true, position: 1 << 40}
			f, err := d.Open("/store/checkpoint", true)
			if err != nil {
				t.Fatal(err)
			}
			f.WriteAt(c.encode(), 0)
			f.Close()
		}, []string{"checkpoint says", "remove /store/checkpoint"}},
		{"an index of another size", func(t *testing.T, d *vfs.Memory) {
			entries, err := d.ReadDir("/store/index")
			if err != nil {
				t.Fatal(err)
			}
			resizeFile(t, d, "/store/index/"+entries[0].Name(), 77)
		}, []string{"index file", "77 bytes", "maxHashSlotNum"}},
		{"a queue file of another size", func(t *testing.T, d *vfs.Memory) { resizeFile(t, d, queue+segmentName(0), 100) }, []string{queue + segmentName(0), "100 bytes", "mappedFileSizeConsumeQueue", "gantry store repair"}},
		{"an empty queue file in the middle" + afterCleanStop, func(t *testing.T, d *vfs.Memory) {
			putFile(t, d, queue+segmentName(2000), make([]byte, 2000))
			resizeFile(t, d, queue+segmentName(0), 0)
		}, []string{queue + segmentName(0), "0 bytes"}},
		{"a stray file in a queue", func(t *testing.T, d *vfs.Memory) { putFile(t, d, queue+"notes", []byte("x")) }, []string{queue + "notes", "no consume queue file"}},
		{"two things at once", func(t *testing.T, d *vfs.Memory) { // the first alone would be put right
			putFile(t, d, log+segmentName(1<<30), nil)
			putFile(t, d, queue+segmentName(1<<30), []byte("x"))
		}, []string{queue + segmentName(1<<30), "no consume queue file"}},
		{"an ext file of another size", func(t *testing.T, d *vfs.Memory) {
			d.MkdirAll("/store/consumequeue_ext/topic0/0")
			putFile(t, d, "/store/consumequeue_ext/topic0/0/"+segmentName(0), []byte("short"))
		}, []string{"consumequeue_ext/topic0/0", "5 bytes", "mappedFileSizeConsumeQueueExt"}},
		{"an ext file of another name", func(t *testing.T, d *vfs.Memory) {
			d.MkdirAll("/store/consumequeue_ext/topic0/0")
			putFile(t, d, "/store/consumequeue_ext/topic0/0/x", []byte("short"))
		}, []string{"consumequeue_ext/topic0/0/x", "move it out"}},
	}
	for i := range 2 * len(tests) {
		tt, killed := tests[i/2], i%2 == 1
		if killed && strings.HasSuffix(tt.name, afterCleanStop) {
			continue
		}
		t.Run(fmt.Sprintf("%s killed %t", tt.name, killed), func(t *testing.T) {
			disk := stopped(t)
			if killed { // what a start would put right does not count as changed by one that is refused
				putFile(t, disk, "/store/abort", nil)
			}
			tt.spoil(t, disk)
			before := memoryState(t, disk)
			o := damageOptions(disk)
			o.Tuning.QueueExt = true
			s, err := Open(o)
			if err == nil {
				s.Close()
				t.Fatal("started")
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("the refusal does not say %q: %v", want, err)
				}
			}
			if after := memoryState(t, disk); after != before {
				t.Error("the refusal has changed the disk")
			}
			if open := disk.OpenFiles(); len(open) > 0 {
				t.Errorf("left open: %v", open)
			}
		})
	}
}

// TestQueuesMadeAgain: what the last checkpoint knew of the consume queues and a start does not find is completed from the log, every
// offset stays, and the next start goes by the checkpoint again.
func TestQueuesMadeAgain(t *testing.T) {
	const queue = "/store/consumequeue/topic0/0"
	zero := func(t *testing.T, d *vfs.Memory, name string) {
		f, err := d.Open(name, true)
		if err == nil {
			_, err = f.WriteAt(make([]byte, 200), 0)
		}
		if err != nil {
			t.Fatal(err)
		}
		f.Close()
	}
	last := func(t *testing.T, d *vfs.Memory) string { // that was begun before the checkpoint
		entries, err := d.ReadDir(queue)
		if err != nil || len(entries) < 6 {
			t.Fatal("too few files", err)
		}
		_, c, err := openCheckpoint(d, "/store")
		if err != nil || !c.own {
			return queue + "/" + entries[len(entries)-1].Name()
		}
		l := layout{unit: queueUnit, fileSize: 200}
		base, err := l.lastBegun(d, queue, entries, c.position)
		if err != nil {
			t.Fatal(err)
		}
		for next := base + 200; next < 2000; next += 200 {
			d.Remove(queue + "/" + segmentName(next))
		}
		return queue + "/" + segmentName(base)
	}
	for _, tt := range []struct {
		name  string
		spoil func(t *testing.T, d *vfs.Memory)
	}{
		{"nothing", nil},
		{"a queue gone", func(_ *testing.T, d *vfs.Memory) { d.RemoveAll(queue) }},
		{"a topic gone", func(_ *testing.T, d *vfs.Memory) { d.RemoveAll("/store/consumequeue/topic0") }},
		{"all gone but batches", func(_ *testing.T, d *vfs.Memory) { d.RemoveAll("/store/consumequeue") }},
		{"a queue of batches gone", func(_ *testing.T, d *vfs.Memory) { d.RemoveAll("/store/batchconsumequeue/topic2/1") }},
		{"a queue's files gone", func(_ *testing.T, d *vfs.Memory) { d.RemoveAll(queue); d.MkdirAll(queue) }},
		{"a file in the middle gone", func(_ *testing.T, d *vfs.Memory) { d.Remove(queue + "/" + segmentName(400)) }},
		{"the last file gone", func(t *testing.T, d *vfs.Memory) { d.Remove(last(t, d)) }},
		{"a file without a byte", func(t *testing.T, d *vfs.Memory) { resizeFile(t, d, last(t, d), 0) }},
		{"a file of zeros", func(t *testing.T, d *vfs.Memory) { zero(t, d, last(t, d)) }},
	} {
		for _, how := range []string{"clean", "killed", "power", "new and killed"} {
			t.Run(tt.name+" "+how, func(t *testing.T) {
				disk, x := leftBehind(t, how)
				if tt.spoil != nil {
					tt.spoil(t, disk)
				}
				for start := range 3 {
					said := ""
					o := remadeOptions(disk)
					o.Event = func(e Event) { said += e.Text + "\n" }
					s := mustOpen(t, o)
					// The whole log is dispatched anyway where no checkpoint was taken.
					quiet := start > 0 || tt.spoil == nil || how == "new and killed" && !strings.Contains(tt.name, "middle")
					if whole := strings.Contains(said, wholeLog); whole == quiet {
						t.Errorf("start %d says %q", start, said)
					}
					x.check(t, s)
					if start == 1 { // the second time it is killed
						disk.Inject(func(vfs.Op) error { return errCut })
						s.Close()
						disk = disk.Kill()
					} else if err := s.Close(); err != nil {
						t.Fatal(err)
					}
				}
			})
		}
	}
}

// remadeOptions are a store's whose queues have several files, and queues of batches.
func remadeOptions(disk vfs.FS) Options {
	o := damageOptions(disk)
	o.QueueFileSize, o.BatchQueueFileSize = 200, 10*batchUnit
	o.BatchQueues = func(topic string) bool { return topic == "topic2" }
	return o
}

// leftBehind is a store that was left in some way, and what is in it.
func leftBehind(t *testing.T, how string) (*vfs.Memory, sent) {
	t.Helper()
	disk, x := vfs.NewMemory(), sent{}
	s := mustOpen(t, remadeOptions(disk))
	x.fill(t, s, 0, 170)
	dispatchAll(t, s)
	if how != "new and killed" {
		if err := s.takeCheckpoint(); err != nil {
			t.Fatal(err)
		}
	}
	x.fill(t, s, 170, 200)
	if how == "clean" {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		return disk, x
	}
	dispatchAll(t, s)
	if err := errors.Join(s.queues.writeOut(), s.flush()); err != nil {
		t.Fatal(err)
	}
	disk.Inject(func(vfs.Op) error { return errCut })
	s.Close()
	if how == "power" {
		return disk.Reboot(), x
	}
	return disk.Kill(), x
}

// TestMakingQueuesAgainIsCutAnywhere: a start that reads the whole log is cut off at each operation, and the next one does not take
// half a queue for a whole one.
func TestMakingQueuesAgainIsCutAnywhere(t *testing.T) {
	for _, how := range []string{"clean", "killed"} {
		good, x := leftBehind(t, how)
		good.RemoveAll("/store/consumequeue/topic0/0")
		good.RemoveAll("/store/consumequeue/topic1/1")
		for n, done := 0, false; !done; n += 3 {
			disk := good.Kill()
			left := n
			disk.Inject(func(op vfs.Op) error {
				if op.Changes() {
					if left--; left < 0 {
						return errCut
					}
				}
				return nil
			})
			s, err := Open(remadeOptions(disk))
			if done = err == nil; !done && !errors.Is(err, errCut) {
				t.Fatal(err)
			}
			if done {
				s.Close()
			}
			if n%2 == 0 {
				disk = disk.Reboot()
			} else {
				disk = disk.Kill()
			}
			s = mustOpen(t, remadeOptions(disk))
			x.check(t, s)
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestLostMessageIsNotJoined: a file in the middle of what a start reads again is missed by the first message behind it.
func TestLostEntriesAreNotJoined(t *testing.T) {
	disk, x := leftBehind(t, "killed")
	c, point, err := openCheckpoint(disk, "/store")
	if err != nil {
		t.Fatal(err)
	}
	point.queues = 0 // as after the deletion of a topic
	if err := c.write(&point); err != nil {
		t.Fatal(err)
	}
	const queue = "/store/consumequeue/topic0/0/"
	for base := int64(200); base < 2000; base += 200 {
		disk.Remove(queue + segmentName(base))
	}
	said := ""
	o := remadeOptions(disk)
	o.Event = func(e Event) { said += e.Text + "\n" }
	s := mustOpen(t, o)
	if !strings.Contains(said, "topic0/0 ends at offset 10") || !strings.Contains(said, wholeLog) {
		t.Errorf("the start says %q", said)
	}
	x.check(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestDeletedTopicIsNotMissed: queues that were deleted are no lost ones, however the store ends, and a topic that was made again
// keeps what it got since, also when the whole log is read.
func TestDeletedTopicIsNotMissed(t *testing.T) {
	for _, checkpointed := range []bool{false, true} {
		disk, x := vfs.NewMemory(), sent{}
		s := mustOpen(t, remadeOptions(disk))
		x.fill(t, s, 0, 200)
		dispatchAll(t, s)
		if err := s.takeCheckpoint(); err != nil {
			t.Fatal(err)
		}
		if err := s.DeleteTopics([]string{"topic0"}); err != nil {
			t.Fatal(err)
		}
		for id := range int32(3) {
			delete(x, fmt.Sprintf("topic0 %d", id))
		}
		for i := range 7 {
			m := message("topic0", 0, 1000+i)
			mustAppend(t, s, m)
			x["topic0 0"] = append(x["topic0 0"], m)
		}
		dispatchAll(t, s)
		if checkpointed {
			if err := s.takeCheckpoint(); err != nil {
				t.Fatal(err)
			}
		}
		disk.Inject(func(vfs.Op) error { return errCut })
		s.Close()
		disk = disk.Kill()
		for start := range 2 {
			said := ""
			o := remadeOptions(disk)
			o.Event = func(e Event) { said += e.Text + "\n" }
			s := mustOpen(t, o)
			if whole := strings.Contains(said, wholeLog); whole != (start == 1) {
				t.Errorf("start %d says %q", start, said)
			}
			x.check(t, s)
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			disk.RemoveAll("/store/consumequeue/topic1/1")
			disk.RemoveAll("/store/consumequeue/topic0/0")
		}
	}
}

// TestWhatThereIsIsKnownAtOnce: a topic whose queues are lost is missed by the start after a kill too, when the official broker wrote last before,
// and when a topic was deleted and nothing has come since.
func TestWhatThereIsIsKnownAtOnce(t *testing.T) {
	const lost = "/store/consumequeue/topic1"
	for _, how := range []string{"after the official broker", "after a deletion"} {
		t.Run(how, func(t *testing.T) {
			disk, x := leftBehind(t, "clean")
			if how == "after the official broker" {
				f, err := disk.Open("/store/checkpoint", true)
				if err == nil {
					_, err = f.WriteAt([]byte{1}, 39) // a word that Gantry does not use: the checksum of its own part is wrong now
				}
				if err = errors.Join(err, f.Close()); err != nil {
					t.Fatal(err)
				}
			}
			s := mustOpen(t, remadeOptions(disk))
			if how == "after a deletion" {
				synced := make(chan struct{}, 100)
				disk.Inject(func(op vfs.Op) error {
					if op.Kind == vfs.OpSync && op.Name == "/store/checkpoint" {
						synced <- struct{}{}
					}
					return nil
				})
				cancel := runOnly(t, s)
				if err := s.DeleteTopics([]string{"topic0"}); err != nil {
					t.Fatal(err)
				}
				for id := range int32(3) {
					delete(x, fmt.Sprintf("topic0 %d", id))
				}
				<-synced // that it is not known
				select {
				case <-synced:
				case <-time.After(time.Minute):
					t.Fatal("no checkpoint is taken after a deletion")
				}
				cancel()
			}
			disk.Inject(func(vfs.Op) error { return errCut })
			s.Close()
			disk = disk.Kill()
			if _, err := disk.Stat(lost); err != nil {
				t.Fatal(err)
			}
			disk.RemoveAll(lost)
			said := ""
			o := remadeOptions(disk)
			o.Event = func(e Event) { said += e.Text + "\n" }
			s = mustOpen(t, o)
			if !strings.Contains(said, wholeLog) {
				t.Errorf("lost queues are not missed: %s", said)
			}
			x.check(t, s)
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// TestManyQueuesAreLookedAt: so many that it is done side by side; one is found among them.
func TestManyQueuesAreLookedAt(t *testing.T) {
	const topics = 2 * checkTogether
	disk, x := vfs.NewMemory(), sent{}
	s := mustOpen(t, damageOptions(disk))
	for i := range 2 * topics {
		m := message(fmt.Sprintf("many%d", i%topics), int32(i/topics), i)
		mustAppend(t, s, m)
		key := fmt.Sprintf("%s %d", m.Topic, m.QueueID)
		x[key] = append(x[key], m)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	start := func() (said string) {
		o := damageOptions(disk)
		o.Event = func(e Event) { said += e.Text + "\n" }
		s := mustOpen(t, o)
		x.check(t, s)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		return said
	}
	if said := start(); strings.Contains(said, "read as a whole") {
		t.Errorf("a start on a whole store says %s", said)
	}
	disk.RemoveAll("/store/consumequeue/many77/1")
	if said := start(); !strings.Contains(said, "read as a whole") {
		t.Errorf("a start on a store without a queue says %s", said)
	}
	name := "/store/consumequeue/many99/0/" + segmentName(0)
	resizeFile(t, disk, name, 100)
	if _, err := Open(damageOptions(disk)); err == nil || !strings.Contains(err.Error(), name) {
		t.Errorf("with a file of a wrong size: %v", err)
	}
}

// TestCheckpointFromTheFuture: an official checkpoint whose times lie ahead only costs time; the next message is stored today.
func TestCheckpointFromTheFuture(t *testing.T) {
	for _, unclean := range []bool{false, true} {
		t.Run(fmt.Sprintf("unclean %t", unclean), func(t *testing.T) { checkpointFromTheFuture(t, unclean) })
	}
}

func checkpointFromTheFuture(t *testing.T, unclean bool) {
	disk := stopped(t)
	f, err := disk.Open("/store/checkpoint", true)
	if err != nil {
		t.Fatal(err)
	}
	const future = 1 << 60
	for word := range int64(3) { // spoils the checksum of Gantry's part too
		if _, err := f.WriteAt(binary.BigEndian.AppendUint64(nil, future), 8*word); err != nil {
			t.Fatal(err)
		}
	}
	f.Close()
	if unclean {
		putFile(t, disk, "/store/abort", nil)
	}
	s := mustOpen(t, damageOptions(disk))
	if got := readAll(t, s, "topic0", 0); len(got) == 0 {
		t.Error("no messages are left")
	}
	if r := mustAppend(t, s, message("topic0", 0, 1)); r.StoreTimestamp >= future {
		t.Error("the next message was stored in the future")
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	_, c, err := openCheckpoint(disk, "/store")
	if err != nil || max(c.logTime, c.queueTime, c.indexTime) >= future {
		t.Errorf("the next checkpoint says %+v: %v", c, err)
	}
}

// TestNoPermission: a directory that may not be written is refused, and so is a file system mounted for reading.
func TestNoPermission(t *testing.T) {
	disk := stopped(t)
	before := memoryState(t, disk)
	disk.Inject(func(op vfs.Op) error {
		if op.Changes() || op.Kind == vfs.OpLock {
			return fs.ErrPermission
		}
		return nil
	})
	if _, err := Open(damageOptions(disk)); !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), "/store") {
		t.Errorf("opened with %v", err)
	}
	disk.Inject(func(op vfs.Op) error { // the directory is there: nothing is made before the lock
		if op.Kind == vfs.OpLock {
			return syscall.EROFS
		}
		return nil
	})
	if _, err := Open(damageOptions(disk)); !errors.Is(err, syscall.EROFS) || !strings.Contains(err.Error(), "/store cannot be written") {
		t.Errorf("opened with %v", err)
	}
	disk.Inject(nil)
	if after := memoryState(t, disk); after != before {
		t.Error("the refusal has changed the disk")
	}
	if os.Getuid() == 0 {
		return // who may write anything
	}
	dir := filepath.Join(t.TempDir(), "store")
	if err := os.Mkdir(dir, 0o500); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(NewOptions(dir)); !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), dir) {
		t.Errorf("opened with %v", err)
	}
}
