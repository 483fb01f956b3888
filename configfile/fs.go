package configfile

import (
	"os"
)

// FS is what a File needs of the operating system. Tests put a disk behind it
// that fails or loses what was not synced.
type FS interface {
	// ReadFile returns the whole file, or an error that wraps fs.ErrNotExist.
	ReadFile(name string) ([]byte, error)
	// WriteFile creates or empties the file, writes data and syncs the file.
	WriteFile(name string, data []byte) error
	// WriteAt writes data into a file that exists, from off on, without a sync.
	WriteAt(name string, data []byte, off int64) error
	// Rename replaces newName by oldName in one step.
	Rename(oldName, newName string) error
	Remove(name string) error
	// MkdirAll creates a directory and its parents, and is content when they exist.
	MkdirAll(dir string) error
	// SyncDir makes the names in a directory durable.
	SyncDir(dir string) error
}

// OS is the file system of the machine.
var OS FS = osFS{}

type osFS struct{}

func (osFS) ReadFile(name string) ([]byte, error) { return os.ReadFile(name) }

func (osFS) WriteFile(name string, data []byte) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	return err
}

func (osFS) WriteAt(name string, data []byte, off int64) error {
	f, err := os.OpenFile(name, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteAt(data, off)
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	return err
}

func (osFS) Rename(oldName, newName string) error { return os.Rename(oldName, newName) }

func (osFS) Remove(name string) error { return os.Remove(name) }

func (osFS) MkdirAll(dir string) error { return os.MkdirAll(dir, 0o755) }

func (osFS) SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	err = d.Sync()
	if closeErr := d.Close(); err == nil {
		err = closeErr
	}
	return err
}

// Trial reads the files of the machine, and takes every change for made without
// making it: whoever opens a table by it finds out whether it can be had.
var Trial FS = trialFS{}

type trialFS struct{ osFS }

func (trialFS) WriteFile(string, []byte) error { return nil }

func (trialFS) WriteAt(string, []byte, int64) error { return nil }

func (trialFS) Rename(_, _ string) error { return nil }

func (trialFS) Remove(string) error { return nil }

func (trialFS) MkdirAll(string) error { return nil }

func (trialFS) SyncDir(string) error { return nil }
