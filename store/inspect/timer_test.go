package inspect

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/compat"
	"github.com/gantrymq/gantry/protocol"
	"github.com/gantrymq/gantry/store"
	"github.com/gantrymq/gantry/store/timerwheel"
	"github.com/gantrymq/gantry/store/vfs"
)

const (
	timerNow   = 1750000000000 // everything before has been delivered
	timerUnits = 40            // messages that have been entered
	timerFile  = 16*timerUnitSize + timerFillerSize
	firstTimer = "/store/timerlog/00000000000000000000"
)

// timed is a disk with a store in which messages wait for their time, some of which is over, one second after the other.
func timed(t *testing.T) *vfs.Memory {
	t.Helper()
	disk := vfs.NewMemory()
	s, err := store.Open(ours(disk))
	if err != nil {
		t.Fatal(err)
	}
	f, _, err := timerwheel.Open(timerwheel.Options{FS: disk, Root: "/store", Checkpoint: "/store/config/timercheck", Precision: 1000, FileSize: timerFile})
	if err != nil {
		t.Fatal(err)
	}
	for i := range timerUnits {
		topic, due := fmt.Sprintf("t%d", i%3), int64(timerNow+(i%10-3)*1000)
		m := &codec.Message{
			Topic: protocol.TopicWheelTimer, BornTimestamp: timerNow, BornHost: netip.MustParseAddrPort("127.0.0.1:1"), Body: []byte("later"),
			Properties: fmt.Sprintf("REAL_TOPIC\x01%s\x02REAL_QID\x010\x02TIMER_OUT_MS\x01%d\x02UNIQ_KEY\x01U%d\x02", topic, due, i),
		}
		r, err := s.Append(m)
		if err != nil {
			t.Fatal(err)
		}
		u := timerwheel.Unit{Marks: timerwheel.Normal, Written: timerNow, Delay: int32(due - timerNow), Physical: r.PhysicalOffset, Size: int32(r.Size), TopicHash: compat.HashCode(topic)}
		if err := f.Add(u); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Write(); err != nil {
		t.Fatal(err)
	}
	if err := f.Finish(timerwheel.Progress{ReadTime: timerNow, QueueOffset: timerUnits}, timerNow); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return disk
}

func slotAt(seconds int64) int64 { return seconds % timerSlots * timerSlotSize }

// timerWays are ways to spoil what timed makes.
func timerWays() []spoiled {
	const soon = timerNow/1000 + 2
	return []spoiled{
		{"a wheel of another size", func(t *testing.T, d *vfs.Memory) { cut(t, d, "/store/timerwheel", 320) }, []string{"320 bytes where 38707200"}},
		{"a wheel of zeros", func(t *testing.T, d *vfs.Memory) {
			overwrite(t, d, "/store/timerwheel", slotAt(soon-20), make([]byte, 40*timerSlotSize))
		}, []string{"no slot leads to the entry"}},
		{"a slot of another time", func(t *testing.T, d *vfs.Memory) { overwrite(t, d, "/store/timerwheel", slotAt(soon), word(soon+5)) }, []string{"which belongs to slot"}},
		{"a slot that leads elsewhere", func(t *testing.T, d *vfs.Memory) { overwrite(t, d, "/store/timerwheel", slotAt(soon)+16, word(0)) }, []string{"no slot leads to the entry"}},
		{"a slot that leads behind the log", func(t *testing.T, d *vfs.Memory) {
			overwrite(t, d, "/store/timerwheel", slotAt(soon)+16, word(1<<30))
		}, []string{"where no entry of its time is"}},
		{"a timer log file of another size", func(t *testing.T, d *vfs.Memory) { cut(t, d, "/store/timerlog/"+fmt.Sprintf("%020d", timerFile), 100) }, []string{"100 bytes where its neighbours"}},
		{"a timer log file gone", func(_ *testing.T, d *vfs.Memory) { d.Remove("/store/timerlog/" + fmt.Sprintf("%020d", timerFile)) }, []string{"the timer log lacks"}},
		{"garbage in the timer log", func(t *testing.T, d *vfs.Memory) { overwrite(t, d, firstTimer, 7*timerUnitSize, []byte("garbage!")) }, []string{"the timer log ends here, but it was synced"}},
		{"an entry for another record", func(t *testing.T, d *vfs.Memory) {
			overwrite(t, d, firstTimer, 5*timerUnitSize+28, word(77))
		}, []string{"where none of the timer topic is", "it would never be delivered"}},
		{"an entry of another topic", func(t *testing.T, d *vfs.Memory) { overwrite(t, d, firstTimer, 5*timerUnitSize+40, []byte{1}) }, []string{"the entry does not fit its message"}},
		{"an entry that leads ahead", func(t *testing.T, d *vfs.Memory) {
			overwrite(t, d, firstTimer, 5*timerUnitSize+4, word(9*timerUnitSize))
		}, []string{"the entry leads back to"}},
		{"an entry that leads to another slot", func(t *testing.T, d *vfs.Memory) {
			overwrite(t, d, firstTimer, 15*timerUnitSize+4, word(4*timerUnitSize))
		}, []string{"the entry leads back to"}},
		{"a timer checkpoint from the future", func(t *testing.T, d *vfs.Memory) { overwrite(t, d, "/store/config/timercheck", 0, word(1<<60)) }, []string{"in the future"}},
		{"a short timer checkpoint", func(t *testing.T, d *vfs.Memory) { cut(t, d, "/store/config/timercheck", 5) }, []string{"5 bytes where 4096"}},
	}
}

// TestTimerFiles: intact files are found intact, every way of spoiling them is found, and a repair leaves a directory on which the
// timer goes on.
func TestTimerFiles(t *testing.T) {
	if r := mustVerify(t, oursShape(timed(t))); len(r.List) > 0 || r.TimerUnits != timerUnits {
		t.Errorf("%d entries of the timer, and found in intact files:\n%s", r.TimerUnits, lines(r.List))
	}
	for _, tt := range timerWays() {
		t.Run(tt.name, func(t *testing.T) {
			disk := timed(t)
			tt.spoil(t, disk)
			before := snapshot(t, disk)
			plan, err := mustOpen(t, oursShape(disk)).PlanRepair(t.Context(), repairTime)
			if err != nil || len(plan.Steps) == 0 || len(plan.Manual) > 0 {
				t.Fatalf("planned %q, by hand %q: %v", plan.Steps, plan.Manual, err)
			}
			for _, want := range tt.want {
				if found := lines(plan.Report.List); plan.Report.Damaged == 0 || !strings.Contains(found, want) {
					t.Errorf("no damage says %q:\n%s", want, found)
				}
			}
			if err := plan.Apply(t.Context(), nil); err != nil {
				t.Fatal(err)
			}
			checkKept(t, disk, before)
			if r := mustVerify(t, oursShape(disk)); r.Damaged > 0 {
				t.Errorf("after %q:\n%s", plan.Steps, lines(r.List))
			}
			if _, err := disk.Stat("/store/abort"); err == nil {
				t.Error("a repair of the timer's files has marked the store as not stopped cleanly")
			}
			f, _, err := timerwheel.Open(timerwheel.Options{FS: disk, Root: "/store", Checkpoint: "/store/config/timercheck", Precision: 1000, FileSize: timerFile})
			if err != nil {
				t.Fatal(err)
			}
			f.Close()
			if open := disk.OpenFiles(); len(open) > 0 {
				t.Errorf("left open: %v", open)
			}
		})
	}
}

// TestTimerAfterKill: what was not synced when a broker was killed is looked at by the next start and is no damage.
func TestTimerAfterKill(t *testing.T) {
	disk := timed(t)
	if err := writeFile(disk, "/store/abort", nil); err != nil {
		t.Fatal(err)
	}
	overwrite(t, disk, "/store/config/timercheck", 8, append(word(3*timerUnitSize), word(3)...)) // spoils the checksum of Gantry's part as well
	overwrite(t, disk, "/store/timerwheel", slotAt(timerNow/1000), make([]byte, 8*timerSlotSize))
	overwrite(t, disk, firstTimer, 9*timerUnitSize+28, word(1<<40))
	r := mustVerify(t, oursShape(disk))
	if r.Damaged > 0 || r.Noted == 0 {
		t.Errorf("%d damages:\n%s", r.Damaged, lines(r.List))
	}
}

// TestConfigFiles: every file below config is looked at, and its copy.
func TestConfigFiles(t *testing.T) {
	const dir = "/store/config/"
	grown := `{"dataVersion":{"counter":1},` + "\n\t\"topicConfigTable\":{\"t0\":{\"perm\":6},\"t1\":{\"perm\":6},\"rmq_sys_wheel_timer\":{\"perm\":6}"
	tests := []struct {
		name   string
		files  map[string]string
		damage int64
		want   []string
	}{
		{"sound", map[string]string{"consumerFilter.json": "{}", "consumerFilter.json.bak": "{}", "timermetrics": "{}", "broker.properties": "a=b"}, 0, nil},
		{"cut in half, with a copy", map[string]string{"consumerOrderInfo.json": `{"table":{"a`, "consumerOrderInfo.json.bak": "{}"}, 0, []string{"its copy .bak can, and is what a broker takes"}},
		{"empty, with a copy", map[string]string{"transactionMetrics": "", "transactionMetrics.bak": "{}"}, 0, []string{"the file is empty"}},
		{"only the copy", map[string]string{"subscriptionGroup.json.bak": "{}"}, 0, []string{"subscriptionGroup.json", "its copy .bak can"}},
		{"neither", map[string]string{"timermetrics": "{", "timermetrics.bak": "}"}, 1, []string{"nor can its copy"}},
		{"a copy that is broken", map[string]string{"topicQueueMapping.json": "{}", "topicQueueMapping.json.bak": "{"}, 0, []string{"nothing to fall back on"}},
		{"changes appended", map[string]string{"topics.json": grown + ",\n\"x\":{\"perm\":6}\n\t}\n}"}, 0, nil},
		{"changes torn", map[string]string{"topics.json": grown + ",\n\"x\":{\"perm\":6},\n\"y\":{\"pe"}, 0, []string{"its last changes were cut off"}},
		{"a topic that is not there", map[string]string{"topics.json": `{"topicConfigTable":{"t0":{}}}`}, 0, []string{"topic t1 has consume queues and is not in the table"}},
		{"leftovers", map[string]string{"topics.json.tmp": "{", "consumerOffset.json.corrupt": "{", "notes.txt": "hello"}, 0, []string{"cut short", "set aside", "notes.txt"}},
		{"a RocksDB", map[string]string{"metadata/CURRENT": "MANIFEST-000004"}, 0, []string{"RocksDB"}},
		{"a timer checkpoint", map[string]string{"timercheck": string(make([]byte, timerCheckSize))}, 0, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			disk := filled(t, 20)
			for name, text := range tt.files {
				if err := writeFile(disk, dir+name, []byte(text)); err != nil {
					t.Fatal(err)
				}
			}
			r := mustVerify(t, oursShape(disk))
			found := lines(r.List)
			if r.Damaged != tt.damage || len(tt.want) == 0 && found != "" {
				t.Errorf("%d damages:\n%s", r.Damaged, found)
			}
			for _, want := range tt.want {
				if !strings.Contains(found, want) {
					t.Errorf("nothing says %q:\n%s", want, found)
				}
			}
		})
	}
}

// TestRepairSeveralPaths mends a commit log that lies in two directories, one of them outside of the store and on another disk.
func TestRepairSeveralPaths(t *testing.T) {
	const other = "/disk2/commitlog"
	spread := func(t *testing.T) *vfs.Memory {
		disk := filled(t, 500)
		if err := disk.MkdirAll(other); err != nil {
			t.Fatal(err)
		}
		if err := disk.Rename(secondSegment, other+"/00000000000000016384"); err != nil {
			t.Fatal(err)
		}
		return disk
	}
	shape := func(disk vfs.FS) Options {
		o := oursShape(disk)
		o.CommitLog = []string{"/store/commitlog", other}
		return o
	}
	for _, tt := range []spoiled{
		{"a byte in the first", func(t *testing.T, d *vfs.Memory) { overwrite(t, d, firstSegment, 90, []byte{0}) }, []string{"hold no whole record"}},
		{"zeros in the second", func(t *testing.T, d *vfs.Memory) {
			overwrite(t, d, other+"/00000000000000016384", 3000, make([]byte, 2000))
		}, []string{"hold no whole record"}},
		{"a segment gone", func(_ *testing.T, d *vfs.Memory) { d.Remove(other + "/00000000000000016384") }, []string{"the log lacks what lies before"}},
		{"a short segment", func(t *testing.T, d *vfs.Memory) { cut(t, d, other+"/00000000000000016384", 100) }, []string{"100 bytes where its neighbours"}},
		{"a stray file in the second", func(_ *testing.T, d *vfs.Memory) { writeFile(d, other+"/notes.txt", []byte("x")) }, []string{"no name of a file"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			disk := spread(t)
			if r := mustVerify(t, shape(disk)); len(r.List) > 0 {
				t.Fatalf("found in an intact store:\n%s", lines(r.List))
			}
			tt.spoil(t, disk)
			before, whole := snapshot(t, disk), offsets(t, shape(disk))
			plan, err := mustOpen(t, shape(disk)).PlanRepair(t.Context(), repairTime)
			if err != nil || len(plan.Manual) > 0 || !strings.Contains(lines(plan.Report.List), tt.want[0]) {
				t.Fatalf("planned %q, by hand %q: %v\n%s", plan.Steps, plan.Manual, err, lines(plan.Report.List))
			}
			if err := plan.Apply(t.Context(), nil); err != nil {
				t.Fatal(err)
			}
			if r := mustVerify(t, shape(disk)); r.Damaged > 0 {
				t.Errorf("after %q:\n%s", plan.Steps, lines(r.List))
			}
			now := map[int64]bool{}
			for _, off := range offsets(t, shape(disk)) {
				now[off] = true
			}
			for _, off := range whole {
				if !now[off] {
					t.Errorf("the message at %d was whole, and is gone", off)
				}
			}
			checkKept(t, disk, before)
		})
	}
	t.Run("the same part twice", func(t *testing.T) {
		disk := spread(t)
		if err := writeFile(disk, other+"/00000000000000000000", content(t, disk, firstSegment)); err != nil {
			t.Fatal(err)
		}
		plan, err := mustOpen(t, shape(disk)).PlanRepair(t.Context(), repairTime)
		if err != nil || len(plan.Steps) > 0 || len(plan.Manual) != 1 || !strings.Contains(plan.Manual[0], "is the same part of the log") {
			t.Errorf("planned %q, by hand %q: %v", plan.Steps, plan.Manual, err)
		}
	})
}
