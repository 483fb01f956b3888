package compaction

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"

	"github.com/gantrymq/gantry/compat"
	"github.com/gantrymq/gantry/store/vfs"
)

// positionFile holds, for each queue, the newest offset that a compaction has merged: no key has two messages up to there
// (CompactionPositionMgr). Losing it costs a compaction that looks at everything again.
const positionFile = "position-checkpoint"

// positions is its content.
type positions struct {
	Offsets map[string]int64 `json:"queueOffsetMap"`
}

// loadPositions reads the file, or its backup, or begins anew.
func loadPositions(fsys vfs.FS, root string) (map[string]int64, error) {
	for _, name := range []string{positionFile, positionFile + ".bak"} {
		raw, err := readFile(fsys, path.Join(root, name))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("read the positions of compacted queues: %w", err)
		}
		var p positions
		if json.Unmarshal(raw, &p) == nil && p.Offsets != nil {
			return p.Offsets, nil
		}
	}
	return map[string]int64{}, nil
}

// setPosition notes how far a queue is merged, or forgets it if at is negative, and writes the file: the old one becomes the backup, as
// the official broker does it.
func (s *Store) setPosition(key string, at int64) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	s.mu.Lock()
	old, known := s.merged[key]
	if at < 0 {
		delete(s.merged, key)
	} else {
		s.merged[key] = at
	}
	content := positions{maps.Clone(s.merged)}
	s.mu.Unlock()
	if at < 0 && !known || known && old == at {
		return nil
	}
	if err := s.writePositions(content); err != nil {
		return fmt.Errorf("write the positions of compacted queues: %w", err)
	}
	return nil
}

func (s *Store) writePositions(content positions) error {
	raw, err := compat.AppendFastjson(nil, content, compat.Pretty)
	if err != nil {
		return err
	}
	name := path.Join(s.o.Root, positionFile)
	if err := writeFile(s.o.FS, name+".tmp", raw); err != nil {
		return err
	}
	if err := s.o.FS.Rename(name, name+".bak"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := s.o.FS.Rename(name+".tmp", name); err != nil {
		return err
	}
	return s.o.FS.SyncDir(s.o.Root)
}

func readFile(fsys vfs.FS, name string) ([]byte, error) {
	f, err := fsys.Open(name, false)
	if err != nil {
		return nil, err
	}
	size, err := f.Size()
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	raw := make([]byte, size)
	if _, err = f.ReadAt(raw, 0); err == io.EOF {
		err = nil
	}
	return raw, errors.Join(err, f.Close())
}

// writeFile writes a small file whole and durably; its name is not durable yet.
func writeFile(fsys vfs.FS, name string, raw []byte) error {
	f, err := makeFile(fsys, name, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteAt(raw, 0)
	return errors.Join(err, f.Sync(), f.Close())
}
