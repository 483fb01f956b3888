package inspect

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
	"syscall"

	"github.com/gantrymq/gantry/store/vfs"
)

// moveAside keeps a file below the quarantine under the path that it had.
func (p *Plan) moveAside(name string) error {
	fsys := p.d.o.FS
	if _, err := fsys.Stat(name); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	to := path.Join(p.aside, strings.TrimPrefix(strings.TrimPrefix(name, p.d.root), "/"))
	if err := vfs.MakeDir(fsys, path.Dir(to)); err != nil {
		return err
	}
	err := fsys.Rename(name, to)
	if errors.Is(err, syscall.EXDEV) { // the commit log may lie on several disks
		if err = copyFile(fsys, name, to); err == nil {
			err = errors.Join(fsys.SyncDir(path.Dir(to)), fsys.Remove(name))
		}
	}
	if err != nil {
		return fmt.Errorf("move %s aside: %w", name, err)
	}
	return errors.Join(fsys.SyncDir(path.Dir(to)), fsys.SyncDir(path.Dir(name)))
}

// copyFile copies a file's bytes to a new one and syncs it.
func copyFile(fsys vfs.FS, from, to string) error {
	src, err := fsys.Open(from, false)
	if err != nil {
		return err
	}
	defer src.Close()
	dst, err := fsys.Create(to)
	if err != nil {
		return err
	}
	buf := make([]byte, 1<<20)
	for at := int64(0); err == nil; {
		var n int
		n, err = src.ReadAt(buf, at)
		if n > 0 {
			if _, werr := dst.WriteAt(buf[:n], at); werr != nil {
				err = werr
			}
			at += int64(n)
		}
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return errors.Join(err, dst.Sync(), dst.Close())
}
