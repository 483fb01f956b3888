package store

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/gantrymq/gantry/store/vfs"
)

// logPaths are the directories that the commit log's files lie in. Several are given as upstream takes them, with a comma in
// between (MultiPathMappedFileQueue).
type logPaths struct {
	fs       vfs.FS
	writable []string              // sorted, without those that are read only; never empty
	readOnly []string              // hold older files; none is made there
	full     func(dir string) bool // the directory's disk is nearly full
}

// newLogPaths reads the two settings.
func newLogPaths(fsys vfs.FS, commitLog, readOnly string) (logPaths, error) {
	p := logPaths{fs: fsys, readOnly: splitPaths(readOnly), full: func(string) bool { return false }}
	for _, dir := range splitPaths(commitLog) {
		if !slices.Contains(p.readOnly, dir) {
			p.writable = append(p.writable, dir)
		}
	}
	if len(p.writable) == 0 {
		return p, fmt.Errorf("store: every directory of storePathCommitLog, %s, is named in readOnlyCommitLogStorePaths too: new messages have no place", commitLog)
	}
	return p, nil
}

// splitPaths splits a setting at its commas and sorts the parts.
func splitPaths(setting string) []string {
	var dirs []string
	for dir := range strings.SplitSeq(setting, ",") {
		if dir = strings.TrimSpace(dir); dir != "" {
			dirs = append(dirs, path.Clean(dir))
		}
	}
	slices.Sort(dirs)
	return slices.Compact(dirs)
}

// choose names the directory for a new file: they take turns, and those on a full disk are left out while there are others.
func (p *logPaths) choose(base, size int64) string {
	if len(p.writable) == 1 {
		return p.writable[0]
	}
	left := slices.DeleteFunc(slices.Clone(p.writable), p.full)
	if len(left) == 0 {
		left = p.writable
	}
	return left[base/size%int64(len(left))]
}

// make makes the directories that new files go to.
func (p *logPaths) make() error {
	for _, dir := range p.writable {
		if err := vfs.MakeDir(p.fs, dir); err != nil {
			return fmt.Errorf("make the commit log directory: %w", err)
		}
	}
	return nil
}

// sync makes the names in the directories for new files durable.
func (p *logPaths) sync() error {
	for _, dir := range p.writable {
		if err := p.fs.SyncDir(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("sync the commit log directory: %w", err)
		}
	}
	return nil
}

// logEntry is a file in one of the directories.
type logEntry struct {
	fs.DirEntry
	path string
}

// list finds the files of all directories, by name.
func (p *logPaths) list() ([]logEntry, error) {
	var all []logEntry
	for _, dir := range slices.Concat(p.writable, p.readOnly) {
		entries, err := p.fs.ReadDir(dir)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("list the commit log: %w", err)
		}
		for _, e := range entries {
			if !e.IsDir() {
				all = append(all, logEntry{e, path.Join(dir, e.Name())})
			}
		}
	}
	slices.SortStableFunc(all, func(a, b logEntry) int { return cmp.Compare(a.Name(), b.Name()) })
	return all, nil
}

// String names the directories for people.
func (p *logPaths) String() string { return strings.Join(p.writable, ",") }

// ratio is how full the emptiest disk below the directories is, -1 where that cannot be told.
func (p *logPaths) ratio(of func(dir string) float64) float64 {
	least := -1.0
	for _, dir := range p.writable {
		if r := of(dir); r >= 0 && (least < 0 || r < least) {
			least = r
		}
	}
	return least
}
