package inspect

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gantrymq/gantry/store/vfs"
)

// noted is a disk with a store whose messages are noted in consumequeue_ext, with a bit map of four bytes.
func noted(t *testing.T, n int) *vfs.Memory {
	t.Helper()
	disk := vfs.NewMemory()
	o := ours(disk)
	o.Tuning.QueueExt, o.QueueExtSize = true, 512
	o.BitMap = func(dst []byte, _, _ string) []byte { return append(dst, 1, 2, 3, 4) }
	fill(t, o, n)
	return disk
}

func TestVerifyExt(t *testing.T) {
	const messages, unit = 100, extHead + 4
	const name = "/store/consumequeue_ext/t0/0/00000000000000000000"
	be := binary.BigEndian
	for _, tt := range []struct {
		name  string
		spoil func(disk *vfs.Memory, first []byte) error // the first unit of a queue
		want  string
	}{
		{"sound", nil, ""},
		{"no unit", func(_ *vfs.Memory, b []byte) error { clear(b); return nil }, "where no unit begins"},
		{"another size", func(_ *vfs.Memory, b []byte) error { be.PutUint16(b, unit+1); return nil }, "where no unit begins"},
		{"another tag", func(_ *vfs.Memory, b []byte) error { b[9]++; return nil }, "where the tag hash is"},
		{"another time", func(_ *vfs.Memory, b []byte) error { b[17]++; return nil }, "which was noted at"},
		{"too long", func(_ *vfs.Memory, b []byte) error {
			be.PutUint16(b, extHead+500)
			be.PutUint16(b[18:], 500)
			return nil
		}, "runs over the end"},
		{"no file", func(disk *vfs.Memory, _ []byte) error { return disk.Remove(name) }, "where there is no file"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			disk := noted(t, messages)
			if tt.spoil != nil {
				spoilAt(t, disk, name, unit, tt.spoil)
			}
			r, err := mustOpen(t, oursShape(disk)).Verify(t.Context(), time.UnixMilli(1750000000000))
			if err != nil {
				t.Fatal(err)
			}
			text := fmt.Sprint(r.List)
			switch {
			case tt.want == "" && (r.Damaged > 0 || r.Ext != messages):
				t.Errorf("%d units of %d were compared: %s", r.Ext, messages, text)
			case tt.want != "" && (r.Damaged == 0 || !strings.Contains(text, tt.want)):
				t.Errorf("the findings do not say %q: %s", tt.want, text)
			}
		})
	}
}

// spoilAt lets spoil change the first bytes of a file.
func spoilAt(t *testing.T, disk *vfs.Memory, name string, n int, spoil func(*vfs.Memory, []byte) error) {
	t.Helper()
	f, err := disk.Open(name, true)
	if err != nil {
		t.Fatal(err)
	}
	b := make([]byte, n)
	if _, err := f.ReadAt(b, 0); err != nil {
		t.Fatal(err)
	}
	if err := spoil(disk, b); err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt(b, 0); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}
