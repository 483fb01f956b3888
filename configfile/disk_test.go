package configfile

import (
	"errors"
	"io/fs"
	"maps"
	"path/filepath"
)

// disk is a file system in memory that stops working after a number of
// operations, and that can be looked at as a machine would find it after power
// was lost: with the content that was synced, under the names of either the
// last synced directory or the present one.
type disk struct {
	files   map[string]string // what a process sees; every write here is synced by contract
	names   map[string]string // the names as of the last SyncDir
	opsLeft int               // operations until the cut; negative: no cut
	ops     int               // operations done
	failOn  string            // operation that fails once with errDisk
	dirs    map[string]bool
}

var (
	errCut  = errors.New("power cut")
	errDisk = errors.New("input/output error")
)

func newDisk() *disk {
	return &disk{files: map[string]string{}, names: map[string]string{}, dirs: map[string]bool{"config": true}, opsLeft: -1}
}

func (d *disk) step(op string) error {
	if d.opsLeft == 0 {
		return errCut
	}
	if d.opsLeft > 0 {
		d.opsLeft--
	}
	d.ops++
	if d.failOn == op {
		d.failOn = ""
		return errDisk
	}
	return nil
}

func (d *disk) ReadFile(name string) ([]byte, error) {
	if err := d.step("read"); err != nil {
		return nil, err
	}
	data, ok := d.files[name]
	if !ok {
		return nil, fs.ErrNotExist
	}
	return []byte(data), nil
}

// WriteFile leaves half of the data when it is cut or fails.
func (d *disk) WriteFile(name string, data []byte) error {
	if !d.dirs[filepath.Dir(name)] {
		return fs.ErrNotExist
	}
	if err := d.step("write"); err != nil {
		d.files[name] = string(data[:len(data)/2])
		return err
	}
	d.files[name] = string(data)
	return nil
}

// WriteAt leaves half of the data when it is cut or fails, and the rest of what it
// should replace.
func (d *disk) WriteAt(name string, data []byte, off int64) error {
	old, ok := d.files[name]
	if !ok {
		return fs.ErrNotExist
	}
	err := d.step("patch")
	if err != nil {
		data = data[:len(data)/2]
	}
	patched := []byte(old)[:off:off]
	patched = append(patched, data...)
	if len(old) > len(patched) {
		patched = append(patched, old[len(patched):]...)
	}
	d.files[name] = string(patched)
	return err
}

func (d *disk) Rename(oldName, newName string) error {
	if err := d.step("rename"); err != nil {
		return err
	}
	data, ok := d.files[oldName]
	if !ok {
		return fs.ErrNotExist
	}
	delete(d.files, oldName)
	d.files[newName] = data
	return nil
}

func (d *disk) Remove(name string) error {
	if err := d.step("remove"); err != nil {
		return err
	}
	delete(d.files, name)
	return nil
}

func (d *disk) MkdirAll(dir string) error {
	if err := d.step("mkdir"); err != nil {
		return err
	}
	d.dirs[dir] = true
	return nil
}

func (d *disk) SyncDir(string) error {
	if err := d.step("syncdir"); err != nil {
		return err
	}
	d.names = maps.Clone(d.files)
	return nil
}

// afterCrash is the disk as the next process finds it. When named is false the
// renames since the last SyncDir are lost too.
func (d *disk) afterCrash(named bool) *disk {
	n := newDisk()
	if named {
		n.files = maps.Clone(d.files)
	} else {
		n.files = maps.Clone(d.names)
	}
	n.names = maps.Clone(n.files)
	return n
}
