package timerwheel

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/gantrymq/gantry/store/vfs"
)

// complete fills in what was left out.
func (o *Options) complete() {
	if o.FS == nil {
		o.FS = vfs.OS{}
	}
	if o.Slots == 0 {
		o.Slots = OfficialSlots
	}
}

// CheckSizes refuses what Open refuses for its name or its size, and changes nothing.
func CheckSizes(o Options) error {
	o.complete()
	l := &unitLog{fs: o.FS, dir: logPath(o.Root), fileSize: o.FileSize}
	if _, err := l.list(); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	name := wheelPath(o.Root)
	info, err := o.FS.Stat(name)
	if errors.Is(err, fs.ErrNotExist) || err == nil && info.Size == 0 {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look at the timer wheel: %w", err)
	}
	return (&wheel{slots: o.Slots}).checkSize(name, info.Size)
}
