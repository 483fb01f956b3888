package timerwheel

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/gantrymq/gantry/store/vfs"
)

const (
	testSlots     = 64
	testPrecision = 1000
	testFileSize  = 10*unitSize + fillerSize + 20 // ten units, and a filler that does not end the file
)

func testOptions(fs vfs.FS) Options {
	return Options{FS: fs, Root: "/store", Checkpoint: "/store/config/timercheck", Precision: testPrecision, FileSize: testFileSize, Slots: testSlots}
}

func mustOpen(t testing.TB, o Options) (*Files, Found) {
	t.Helper()
	f, found, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	return f, found
}

// add enters messages 0 to n-1 of a size of 100 for a time each.
func add(t testing.TB, f *Files, from int64, due ...int64) {
	t.Helper()
	for i, d := range due {
		if err := f.Add(Unit{Marks: Normal, Written: 1000, Delay: int32(d - 1000), Physical: (from + int64(i)) * 100, Size: 100}); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Write(); err != nil {
		t.Fatal(err)
	}
}

// messages lists the messages of a slot, by number.
func messages(t testing.TB, f *Files, time int64) []int64 {
	t.Helper()
	var c Chain
	if err := f.Chain(&c, time); err != nil {
		t.Fatal(err)
	}
	var list []int64
	for _, pos := range c.Units {
		u, err := f.Unit(pos)
		if err != nil {
			t.Fatal(err)
		}
		if u.Due()/testPrecision*testPrecision != time {
			t.Errorf("slot %d holds a unit that is due at %d", time, u.Due())
		}
		list = append(list, u.Physical/100)
	}
	return list
}

func expect(t testing.TB, f *Files, time int64, want ...int64) {
	t.Helper()
	if got := messages(t, f, time); !slices.Equal(got, want) {
		t.Errorf("slot %d has the messages %v, want %v", time, got, want)
	}
}

func finish(t testing.TB, f *Files, p Progress) {
	t.Helper()
	if err := errors.Join(f.Finish(p, 1), f.Close()); err != nil {
		t.Fatal(err)
	}
}

// The layout, byte by byte.
func TestUnitBytes(t *testing.T) {
	text := "00000034" + "ffffffffffffffff" + "00000001" + "0000019aa5ac8bc8" + "00000fa0" + "0000000000000162" + "000001f4" + "0c0ffee0" + "0000000000000000"
	u, ok := decodeUnit(fromHex(t, text))
	want := Unit{Prev: -1, Marks: Normal, Written: 0x19aa5ac8bc8, Delay: 4000, Physical: 0x162, Size: 500, TopicHash: 0xc0ffee0}
	if !ok || u != want {
		t.Errorf("decoded %+v, %t, want %+v", u, ok, want)
	}
	if got := hex.EncodeToString(u.append(nil)); got != text {
		t.Errorf("encoded %s", got)
	}
	if got := hex.EncodeToString(appendFiller(nil, 16)); got != "000000100000000000000000cbd43194" {
		t.Errorf("the filler is %s", got)
	}
}

func fromHex(t *testing.T, text string) []byte {
	b, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func FuzzUnit(f *testing.F) {
	f.Add(Unit{Prev: -1, Marks: Normal, Physical: 1, Size: 1}.append(nil))
	f.Add(make([]byte, unitSize))
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) < unitSize {
			return
		}
		b = b[:unitSize]
		u, ok := decodeUnit(b)
		if !ok {
			return
		}
		if again := u.append(nil); !bytes.Equal(again[:44], b[:44]) {
			t.Errorf("%x was encoded as %x", b, again)
		}
	})
}

func FuzzCheckpoint(f *testing.F) {
	f.Add(encodeCheckpoint(&Checkpoint{ReadTime: 1}, &ownPart{precision: 1000, waiting: 3, bootID: "boot"}))
	f.Add([]byte("short"))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, own := decodeCheckpoint(b)
		if own == nil {
			own = &ownPart{waiting: -1}
		}
		c2, own2 := decodeCheckpoint(encodeCheckpoint(&c, own))
		if c != c2 || own2 == nil || own2.progress != own.progress || own2.waiting != own.waiting || own2.latest != own.latest {
			t.Errorf("%+v %+v was read again as %+v %+v", c, own, c2, own2)
		}
	})
}

func TestSlots(t *testing.T) {
	disk := vfs.NewMemory()
	f, found := mustOpen(t, testOptions(disk))
	if !found.Fresh || found.Last != nil {
		t.Errorf("found %+v in an empty directory", found)
	}
	var due []int64
	for i := range 25 { // over three files
		due = append(due, 5000+int64(i%3)*1000)
	}
	add(t, f, 0, due...)
	expect(t, f, 5000, 0, 3, 6, 9, 12, 15, 18, 21, 24)
	expect(t, f, 6000, 1, 4, 7, 10, 13, 16, 19, 22)
	expect(t, f, 8000)
	if f.Waiting() != 25 || f.Latest() != 7000 {
		t.Errorf("%d wait, the latest at %d", f.Waiting(), f.Latest())
	}
	if time, ok, err := f.NextBusy(1000, 9000); time != 5000 || !ok || err != nil {
		t.Errorf("NextBusy = %d, %t, %v", time, ok, err)
	}
	if time, ok, err := f.NextBusy(6000, 9000); time != 6000 || !ok || err != nil {
		t.Errorf("NextBusy = %d, %t, %v", time, ok, err)
	}
	if _, ok, err := f.NextBusy(8000, 1<<60); ok || err != nil {
		t.Errorf("NextBusy found something beyond the latest: %v", err)
	}
	if err := f.Passed(5000); err != nil || f.Waiting() != 16 {
		t.Errorf("%d wait, %v", f.Waiting(), err)
	}
	// A slot is used again, one turn of the wheel later.
	add(t, f, 25, 5000+testSlots*testPrecision)
	expect(t, f, 5000)
	expect(t, f, 5000+testSlots*testPrecision, 25)
	if err := f.Clear(6000, 8000); err != nil {
		t.Error(err)
	}
	expect(t, f, 6000)
	finish(t, f, Progress{ReadTime: 8000, QueueOffset: 26})
	if open := disk.OpenFiles(); len(open) != 0 {
		t.Errorf("left open: %v", open)
	}
}

func TestDeletions(t *testing.T) {
	f, _ := mustOpen(t, testOptions(vfs.NewMemory()))
	add(t, f, 0, 5000)
	if err := errors.Join(
		f.Add(Unit{Marks: Normal | Delete, Written: 1000, Delay: 4000, Physical: 100, Size: 100}),
		f.Add(Unit{Marks: Normal | Delete | Rolled, Written: 1000, Delay: 4000, Physical: 200, Size: 100}),
		f.Write(),
	); err != nil {
		t.Fatal(err)
	}
	var c Chain
	if err := f.Chain(&c, 5000); err != nil || !slices.Equal(c.Units, []int64{0, 2 * unitSize}) || !slices.Equal(c.Deletes, []int64{unitSize}) {
		t.Errorf("chain %+v, %v", c, err)
	}
	if n, err := f.Num(5500); n != -1 || err != nil {
		t.Errorf("the slot counts %d, %v", n, err)
	}
	finish(t, f, Progress{})
}

func TestReopen(t *testing.T) {
	for _, test := range []struct {
		name string
		stop func(t *testing.T, f *Files, disk *vfs.Memory) *vfs.Memory
		want Progress
	}{
		{"clean", func(t *testing.T, f *Files, disk *vfs.Memory) *vfs.Memory {
			finish(t, f, Progress{4000, 1, 13})
			return disk.Reboot()
		}, Progress{4000, 1, 13}},
		{"killed", func(t *testing.T, f *Files, disk *vfs.Memory) *vfs.Memory {
			if err := f.Note(Progress{4000, 1, 12}); err != nil {
				t.Fatal(err)
			}
			return disk.Kill()
		}, Progress{4000, 1, 12}},
		{"power lost with luck", func(t *testing.T, f *Files, disk *vfs.Memory) *vfs.Memory {
			if err := f.Note(Progress{4000, 1, 12}); err != nil {
				t.Fatal(err)
			}
			return disk.Reboot()
		}, Progress{3000, 0, 3}},
	} {
		t.Run(test.name, func(t *testing.T) {
			disk := vfs.NewMemory()
			f, _ := mustOpen(t, testOptions(disk))
			add(t, f, 0, 5000, 6000, 5000)
			if err := f.Commit(Progress{ReadTime: 3000, QueueOffset: 3}, 77); err != nil {
				t.Fatal(err)
			}
			if c := f.Checkpoint(); c != (Checkpoint{3000, 3 * unitSize, 3, 3, 0, 77, 1}) {
				t.Errorf("checkpoint %+v", c)
			}
			add(t, f, 3, 5000, 6000, 5000, 5000, 5000, 5000, 5000, 5000, 6000)
			disk = test.stop(t, f, disk)
			f, found := mustOpen(t, testOptions(disk))
			if found.Progress != test.want || found.Damaged || found.Fresh || found.Last == nil || found.Last.Physical != 1100 {
				t.Errorf("found %+v, last %+v", found, found.Last)
			}
			expect(t, f, 5000, 0, 2, 3, 5, 6, 7, 8, 9, 10)
			expect(t, f, 6000, 1, 4, 11)
			if f.Waiting() != 12 || f.Latest() != 6000 {
				t.Errorf("%d wait, the latest at %d", f.Waiting(), f.Latest())
			}
			add(t, f, 12, 5000)
			expect(t, f, 5000, 0, 2, 3, 5, 6, 7, 8, 9, 10, 12)
			finish(t, f, Progress{})
		})
	}
}

// What the official broker leaves has no part of ours: the wheel is made from the log,
// for whatever precision.
func TestRebuild(t *testing.T) {
	for name, spoil := range map[string]func(disk *vfs.Memory, o *Options) error{
		"no wheel": func(disk *vfs.Memory, _ *Options) error { return disk.Remove("/store/timerwheel") },
		"zeroed wheel": func(disk *vfs.Memory, _ *Options) error {
			return rewrite(disk, "/store/timerwheel", 0, make([]byte, testSlots*slotSize))
		},
		"foreign file": func(disk *vfs.Memory, _ *Options) error {
			return rewrite(disk, "/store/config/timercheck", 56, make([]byte, 1000))
		},
		"other precision": func(_ *vfs.Memory, o *Options) error { o.Precision = 500; return nil },
	} {
		t.Run(name, func(t *testing.T) {
			disk, o := vfs.NewMemory(), testOptions(nil)
			f, _ := mustOpen(t, testOptions(disk))
			var due []int64
			for i := range 25 {
				due = append(due, 5000+int64(i%3)*1000)
			}
			add(t, f, 0, due...)
			if err := f.Commit(Progress{ReadTime: 6000, QueueOffset: 25}, 1); err != nil {
				t.Fatal(err)
			}
			if name != "zeroed wheel" {
				finish(t, f, Progress{ReadTime: 6000, QueueOffset: 25})
			}
			if err := spoil(disk, &o); err != nil {
				t.Fatal(err)
			}
			if name == "zeroed wheel" { // zeros are believed: make the part of ours unknown too
				if err := rewrite(disk, "/store/config/timercheck", 56, make([]byte, 1000)); err != nil {
					t.Fatal(err)
				}
				disk = disk.Kill()
			}
			o.FS = disk
			f, found := mustOpen(t, o)
			if !found.Rebuilt || found.Damaged || found.Progress.QueueOffset != 25 {
				t.Errorf("found %+v", found)
			}
			expect(t, f, 5000) // before the read time
			expect(t, f, 6000, 1, 4, 7, 10, 13, 16, 19, 22)
			expect(t, f, 7000, 2, 5, 8, 11, 14, 17, 20, 23)
			if f.Waiting() != 16 {
				t.Errorf("%d wait", f.Waiting())
			}
			finish(t, f, Progress{})
		})
	}
}

func rewrite(disk *vfs.Memory, name string, off int64, b []byte) error {
	f, err := disk.Open(name, true)
	if err != nil {
		return err
	}
	_, err = f.WriteAt(b, off)
	return errors.Join(err, f.Close())
}

// A slot that points behind the log, and a chain that was broken, are put right.
func TestRepair(t *testing.T) {
	disk := vfs.NewMemory()
	f, _ := mustOpen(t, testOptions(disk))
	add(t, f, 0, 5000, 6000, 5000)
	if err := errors.Join(f.Commit(Progress{QueueOffset: 3}, 1), f.wheel.put(slot{time: 9000, first: 50 * unitSize, last: 50 * unitSize, num: 1})); err != nil {
		t.Fatal(err)
	}
	disk = disk.Kill()
	f, found := mustOpen(t, testOptions(disk))
	if !found.Rebuilt || f.Waiting() != 3 {
		t.Errorf("found %+v, %d wait", found, f.Waiting())
	}
	expect(t, f, 9000)
	expect(t, f, 5000, 0, 2)
	// The newest unit of the slot names one of another slot as the one before it.
	if err := rewrite(disk, "/store/timerlog/00000000000000000000", 2*unitSize+4, []byte{0, 0, 0, 0, 0, 0, 0, unitSize}); err != nil {
		t.Fatal(err)
	}
	expect(t, f, 5000, 0, 2)
	finish(t, f, Progress{})
}

func TestDamagedLog(t *testing.T) {
	disk := vfs.NewMemory()
	f, _ := mustOpen(t, testOptions(disk))
	due := make([]int64, 25)
	for i := range due {
		due[i] = 5000
	}
	add(t, f, 0, due...)
	finish(t, f, Progress{QueueOffset: 25})
	if err := rewrite(disk, "/store/timerlog/00000000000000000000", 7*unitSize, make([]byte, unitSize)); err != nil {
		t.Fatal(err)
	}
	// Behind a checkpoint nothing is looked at again; without one the log ends there.
	if err := disk.Remove("/store/config/timercheck"); err != nil {
		t.Fatal(err)
	}
	f, found := mustOpen(t, testOptions(disk))
	if found.Last == nil || found.Last.Physical != 600 {
		t.Errorf("last unit %+v", found.Last)
	}
	expect(t, f, 5000, 0, 1, 2, 3, 4, 5, 6)
	if names := names(t, disk, "/store/timerlog"); names != "00000000000000000000" {
		t.Errorf("files %s", names)
	}
	finish(t, f, Progress{QueueOffset: 7})
	if err := disk.RemoveAll("/store/timerlog"); err != nil {
		t.Fatal(err)
	}
	f, found = mustOpen(t, testOptions(disk))
	if !found.Damaged || found.Last != nil || f.Waiting() != 0 {
		t.Errorf("without a log: found %+v, %d wait", found, f.Waiting())
	}
	expect(t, f, 5000)
	add(t, f, 0, 5000)
	expect(t, f, 5000, 0)
	finish(t, f, Progress{})
}

// Units whose record the commit log has lost are cut off, synced or not.
func TestUnsoundUnits(t *testing.T) {
	disk := vfs.NewMemory()
	f, _ := mustOpen(t, testOptions(disk))
	add(t, f, 0, 5000, 5000, 5000, 5000, 5000, 5000, 5000, 5000, 5000, 5000, 5000, 5000)
	finish(t, f, Progress{QueueOffset: 12})
	o := testOptions(disk)
	o.Sound = func(u Unit) bool { return u.Physical+int64(u.Size) <= 900 }
	f, found := mustOpen(t, o)
	if !found.Damaged || found.Last.Physical != 800 {
		t.Errorf("found %+v, last %+v", found, found.Last)
	}
	expect(t, f, 5000, 0, 1, 2, 3, 4, 5, 6, 7, 8)
	add(t, f, 9, 5000, 5000, 5000)
	expect(t, f, 5000, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11)
	finish(t, f, Progress{})
}

func names(t *testing.T, disk *vfs.Memory, dir string) string {
	entries, err := disk.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, e := range entries {
		list = append(list, e.Name())
	}
	return strings.Join(list, " ")
}

func TestExpire(t *testing.T) {
	disk := vfs.NewMemory()
	f, _ := mustOpen(t, testOptions(disk))
	due := make([]int64, 25)
	for i := range due {
		due[i] = 5000
	}
	add(t, f, 0, due...)
	for _, test := range []struct {
		logMin int64
		want   string
	}{
		{900, "00000000000000000000 00000000000000000556 00000000000000001112"},
		{901, "00000000000000000556 00000000000000001112"},
		{1 << 40, "00000000000000001112"},
	} {
		if _, err := f.Expire(test.logMin); err != nil {
			t.Error(err)
		}
		if got := names(t, disk, "/store/timerlog"); got != test.want {
			t.Errorf("with a log from %d: %s, want %s", test.logMin, got, test.want)
		}
	}
	expect(t, f, 5000, 20, 21, 22, 23, 24)
	finish(t, f, Progress{QueueOffset: 25})
	f, found := mustOpen(t, testOptions(disk))
	if found.Damaged || found.Last.Physical != 2400 {
		t.Errorf("found %+v", found)
	}
	expect(t, f, 5000, 20, 21, 22, 23, 24)
	finish(t, f, Progress{})
}

// A full disk is an error, and what was meant is done when there is room.
func TestFullDisk(t *testing.T) {
	disk := vfs.NewMemory()
	f, _ := mustOpen(t, testOptions(disk))
	disk.Inject(func(op vfs.Op) error {
		if op.Kind == vfs.OpWrite {
			return syscall.ENOSPC
		}
		return nil
	})
	for i := range int64(10) {
		if err := f.Add(Unit{Marks: Normal, Written: 1000, Delay: 4000, Physical: i * 100, Size: 100}); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Add(Unit{Marks: Normal, Written: 1000, Delay: 4000, Physical: 1000, Size: 100}); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("a unit for a new file: %v", err)
	}
	if err := f.Write(); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("Write = %v", err)
	}
	if err := f.Commit(Progress{}, 1); err == nil {
		t.Error("slots that are not written were committed")
	}
	disk.Inject(nil)
	if err := f.Write(); err != nil {
		t.Error(err)
	}
	add(t, f, 10, 5000)
	expect(t, f, 5000, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10)
	finish(t, f, Progress{})
	f, _ = mustOpen(t, testOptions(disk))
	expect(t, f, 5000, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10)
	finish(t, f, Progress{})
}

func TestOpenRefuses(t *testing.T) {
	for name, spoil := range map[string]struct {
		do   func(disk *vfs.Memory) error
		want string
	}{
		"wheel of a wrong length": {func(d *vfs.Memory) error { return rewrite(d, "/store/timerwheel", testSlots*slotSize, []byte{0}) }, "2049 bytes where 2048"},
		"file of a wrong length": {func(d *vfs.Memory) error {
			return rewrite(d, "/store/timerlog/00000000000000000000", testFileSize, []byte{0})
		}, "mappedFileSizeTimerLog"},
		"missing file": {func(d *vfs.Memory) error { return d.Remove("/store/timerlog/00000000000000000556") }, "has no file 00000000000000000556"},
	} {
		t.Run(name, func(t *testing.T) {
			disk := vfs.NewMemory()
			f, _ := mustOpen(t, testOptions(disk))
			add(t, f, 0, slices.Repeat([]int64{5000}, 25)...)
			finish(t, f, Progress{})
			if err := spoil.do(disk); err != nil {
				t.Fatal(err)
			}
			if _, _, err := Open(testOptions(disk)); err == nil || !strings.Contains(err.Error(), spoil.want) {
				t.Errorf("Open = %v", err)
			}
			if open := disk.OpenFiles(); len(open) != 0 {
				t.Errorf("left open: %v", open)
			}
		})
	}
	o := testOptions(vfs.NewMemory())
	o.Precision = 0
	if _, _, err := Open(o); err == nil {
		t.Error("a precision of nothing was taken")
	}
}

// The last file of the log has its full size, and the wheel its own, whatever is in
// them: upstream refuses others.
func TestSizes(t *testing.T) {
	disk := vfs.NewMemory()
	f, _ := mustOpen(t, testOptions(disk))
	add(t, f, 0, 5000)
	for name, want := range map[string]int64{"/store/timerwheel": testSlots * slotSize, "/store/timerlog/00000000000000000000": testFileSize, "/store/config/timercheck": 4096} {
		if info, err := disk.Stat(name); err != nil || info.Size != want {
			t.Errorf("%s has %d bytes, %v, want %d", name, info.Size, err, want)
		}
	}
	finish(t, f, Progress{})
	full, err := disk.Open("/store/timerlog/00000000000000000000", false)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(io.NewSectionReader(full, 0, testFileSize))
	if err != nil || len(bytes.TrimRight(b[unitSize:], "\x00")) != 0 {
		t.Errorf("behind the unit there is something: %v", err)
	}
	if err := full.Close(); err != nil {
		t.Error(err)
	}
}

// Where a file ends is where upstream ends it: the last unit leaves room for the filler.
func TestOfficialFileEnd(t *testing.T) {
	const official = 104_857_600
	last := int64(official-fillerSize) / unitSize * unitSize
	if got := fmt.Sprint(last-unitSize, last, official-last); got != "104857532 104857584 16" {
		t.Errorf("the last unit, the filler and its length: %s", got)
	}
}

// TestFailedSync: nothing counts after a sync that failed, whatever later ones say, and the next start goes on from where the last
// good one was.
func TestFailedSync(t *testing.T) {
	for _, file := range []string{"timerlog", "timerwheel", "timercheck"} {
		t.Run(file, func(t *testing.T) {
			disk := vfs.NewMemory()
			f, _ := mustOpen(t, testOptions(disk))
			add(t, f, 0, 5000)
			if err := f.Commit(Progress{ReadTime: 1000, QueueOffset: 1}, 1); err != nil {
				t.Fatal(err)
			}
			add(t, f, 1, 6000)
			later := Progress{ReadTime: 2000, QueueOffset: 2}
			disk.Inject(func(op vfs.Op) error {
				if op.Kind == vfs.OpSync && strings.Contains(op.Name, file) {
					return syscall.EIO
				}
				return nil
			})
			if err := f.Commit(later, 2); !errors.Is(err, ErrSync) || !errors.Is(err, syscall.EIO) {
				t.Errorf("committed with %v", err)
			}
			disk.Inject(nil)
			for _, err := range []error{f.Commit(later, 3), f.Note(later), f.Finish(later, 4)} {
				if !errors.Is(err, ErrSync) {
					t.Errorf("after a failed sync: %v", err)
				}
			}
			if err := f.Close(); err != nil {
				t.Fatal(err)
			}
			o := testOptions(disk)
			o.Distrust = true
			f, found := mustOpen(t, o)
			if found.Progress.QueueOffset != 1 || found.Progress.ReadTime != 1000 {
				t.Errorf("the next start goes on from %+v", found.Progress)
			}
			expect(t, f, 5000, 0)
			if err := f.Close(); err != nil {
				t.Fatal(err)
			}
		})
	}
}
