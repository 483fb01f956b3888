package inspect

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/store"
	"github.com/gantrymq/gantry/store/vfs"
)

var repairTime = time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)

// offsets dumps the physical offsets of the messages that clients sent.
func offsets(t *testing.T, o Options) []int64 {
	t.Helper()
	var out bytes.Buffer
	if _, err := mustOpen(t, o).Dump(t.Context(), Filter{Queue: -1}, &out, func(int64, int64, error) {}); err != nil {
		t.Fatal(err)
	}
	var list []int64
	for dec := json.NewDecoder(&out); ; {
		var r Record
		if err := dec.Decode(&r); errors.Is(err, io.EOF) {
			return list
		} else if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(r.Topic, "t") {
			list = append(list, r.Offset)
		}
	}
}

// TestRepair mends every way of spoiling a store: nothing whole is lost, what is taken out is kept, and log, queues and index
// fit together again.
func TestRepair(t *testing.T) {
	manual := []string{"a consumer ahead", "configuration without a copy"}
	for _, tt := range ways() {
		t.Run(tt.name, func(t *testing.T) {
			disk := filled(t, 500)
			tt.spoil(t, disk)
			before, whole := snapshot(t, disk), offsets(t, oursShape(disk))
			plan, err := mustOpen(t, oursShape(disk)).PlanRepair(t.Context(), repairTime)
			if err != nil {
				t.Fatal(err)
			}
			if after := snapshot(t, disk); fmt.Sprint(after) != fmt.Sprint(before) {
				t.Error("planning has changed the disk")
			}
			if slices.Contains(manual, tt.name) {
				if len(plan.Manual) == 0 || len(plan.Steps) > 0 {
					t.Errorf("planned %q, by hand %q", plan.Steps, plan.Manual)
				}
				return
			}
			if len(plan.Steps) < 2 || len(plan.Manual) > 0 {
				t.Errorf("planned %q, by hand %q", plan.Steps, plan.Manual)
			}
			if err := plan.Apply(t.Context(), nil); err != nil {
				t.Fatal(err)
			}
			r := mustVerify(t, oursShape(disk))
			if r.Damaged > 0 {
				t.Errorf("after %q:\n%s", plan.Steps, lines(r.List))
			}
			now := offsets(t, oursShape(disk))
			for _, off := range whole {
				if !slices.Contains(now, off) {
					t.Errorf("the message at %d was whole, and is gone", off)
				}
			}
			checkKept(t, disk, before)
			checkGoesOn(t, disk)
			if open := disk.OpenFiles(); len(open) > 0 {
				t.Errorf("left open: %v", open)
			}
		})
	}
}

// checkKept: every file that is there no more, and that was not made again, lies in the quarantine.
func checkKept(t *testing.T, disk *vfs.Memory, before map[string]string) {
	t.Helper()
	after := snapshot(t, disk)
	for name, data := range before {
		if _, there := after[name]; there || data == "directory" {
			continue
		}
		kept := false
		for other, copied := range after {
			kept = kept || strings.HasPrefix(other, "/store/"+store.QuarantineDir+"/") && strings.HasSuffix(other, strings.TrimPrefix(name, "/store")) && copied == data
		}
		if !kept {
			t.Errorf("%s is gone and was not kept", name)
		}
	}
}

// checkGoesOn: a broker starts on the directory and its next messages get the next offsets.
func checkGoesOn(t *testing.T, disk *vfs.Memory) {
	t.Helper()
	s, err := store.Open(ours(disk))
	if err != nil {
		t.Fatal(err)
	}
	for queue := range int32(2) {
		r, err := s.Append(&codec.Message{Topic: "t0", QueueID: queue, BornHost: ours(disk).StoreHost, Body: []byte("next")})
		if err != nil || r.QueueOffset != 125 {
			t.Errorf("the next message of queue %d gets offset %d, want 125: %v", queue, r.QueueOffset, err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if r := mustVerify(t, oursShape(disk)); r.Damaged > 0 {
		t.Errorf("after the next messages:\n%s", lines(r.List))
	}
}

// TestRepairIntact: there is nothing to do.
func TestRepairIntact(t *testing.T) {
	disk := filled(t, 100)
	before := snapshot(t, disk)
	plan, err := mustOpen(t, oursShape(disk)).PlanRepair(t.Context(), repairTime)
	if err != nil {
		t.Fatal(err)
	}
	if err := plan.Apply(t.Context(), nil); err != nil || len(plan.Steps) > 0 {
		t.Errorf("%v, planned %q", err, plan.Steps)
	}
	if after := snapshot(t, disk); fmt.Sprint(after) != fmt.Sprint(before) {
		t.Error("the disk has changed")
	}
}

// TestRepairCutAnywhere cuts the disk off at every operation of a repair and repairs again, until it gets through.
func TestRepairCutAnywhere(t *testing.T) {
	disk := filled(t, 300)
	overwrite(t, disk, secondSegment, 3000, make([]byte, 2000))
	overwrite(t, disk, firstQueue, 3*unitSize, make([]byte, 40))
	overwrite(t, disk, indexName(t, disk), 40+4*50+20*7+4, make([]byte, 8))
	whole := offsets(t, oursShape(disk))
	errCut := errors.New("the machine is off")
	for n := 0; ; n++ {
		left := n
		disk.Inject(func(op vfs.Op) error {
			if !op.Changes() {
				return nil
			}
			if left--; left < 0 {
				return errCut
			}
			return nil
		})
		plan, err := mustOpen(t, oursShape(disk)).PlanRepair(t.Context(), repairTime.Add(time.Duration(n)*time.Second))
		if err == nil {
			err = plan.Apply(t.Context(), nil)
		}
		if err == nil {
			break
		}
		if !errors.Is(err, errCut) {
			t.Fatalf("cut at %d: %v", n, err)
		}
		disk = disk.Kill()
	}
	disk.Inject(nil)
	if r := mustVerify(t, oursShape(disk)); r.Damaged > 0 {
		t.Errorf("in the end:\n%s", lines(r.List))
	}
	if now := offsets(t, oursShape(disk)); !slices.Equal(now, whole) {
		t.Errorf("%d messages are left of %d", len(now), len(whole))
	}
}

// TestRepairOfficial mends a spoiled directory of the official broker.
func TestRepairOfficial(t *testing.T) {
	disk := official(t)
	overwrite(t, disk, firstSegment, 5000, make([]byte, 300))
	overwrite(t, disk, "/store/consumequeue/Golden/2/00000000000000000000", 40, make([]byte, 60))
	plan, err := mustOpen(t, officialShape(disk)).PlanRepair(t.Context(), repairTime)
	if err != nil {
		t.Fatal(err)
	}
	if err := plan.Apply(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if r := mustVerify(t, officialShape(disk)); r.Damaged > 0 || r.Records < 60 {
		t.Errorf("%d records; after %q:\n%s", r.Records, plan.Steps, lines(r.List))
	}
}

// TestInUse: no repair while a broker runs.
func TestInUse(t *testing.T) {
	disk := filled(t, 10)
	overwrite(t, disk, firstQueue, 0, make([]byte, 20))
	s, err := store.Open(ours(disk))
	if err != nil {
		t.Fatal(err)
	}
	d := mustOpen(t, oursShape(disk))
	if used, err := d.InUse(); !used || err != nil {
		t.Errorf("in use: %v, %v", used, err)
	}
	plan, err := d.PlanRepair(t.Context(), repairTime)
	if err != nil {
		t.Fatal(err)
	}
	if err := plan.Apply(t.Context(), nil); !errors.Is(err, vfs.ErrLocked) {
		t.Errorf("repaired below a broker: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if used, err := d.InUse(); used || err != nil {
		t.Errorf("in use after the end: %v, %v", used, err)
	}
}
