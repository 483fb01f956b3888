package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"path"

	"github.com/gantrymq/gantry/store/vfs"
)

// checkpointSize is the official size of the file; what is not named below is zero.
const checkpointSize = 4096

// checkpoint is the official checkpoint file (store-format §7, v5.5-delta §1), followed by Gantry's own part.
//
//	 0 i64  store time of the newest synced record of the log
//	 8 i64  store time of the newest consume queue entry that was synced
//	16 i64  end time of the newest full index file
//	24 i64  the master's flushed offset, used by slaves that act for masters
//	32 i64  confirm offset
//	40 i64  physical offset of the newest message whose consume queue entry was synced; 0 is unknown
//	64      "GANTRY01", i64 position, i64 index position, 56 bytes boot id, i64 synced, u64 queues, u32 CRC-32 of bytes 0 to 159
//
// Upstream keeps the file mapped and writes its six words only, so the own part survives a run of the official broker, but
// its checksum, which covers the six words, does not: it is believed only if Gantry was the last to write.
type checkpoint struct {
	logTime     int64
	queueTime   int64
	indexTime   int64
	masterFlush int64
	confirm     int64
	queuePhy    int64

	own      bool   // the own part is there and valid
	position int64  // log, consume queues and index are synced up to here
	indexed  int64  // the index has everything before
	bootID   string // of the run that wrote it
	synced   int64  // the log was synced up to here; 0 is unknown
	queues   uint64 // which queues had entries for records before position, see begunFiles; 0 is unknown
}

const (
	checkpointOwn   = 64
	checkpointMagic = "GANTRY01"
	checkpointBoot  = 56 // room for a boot id
	checkpointSum   = checkpointOwn + 8 + 8 + 8 + checkpointBoot + 8 + 8
)

func (c *checkpoint) encode() []byte {
	b := make([]byte, 0, checkpointSize)
	be := binary.BigEndian
	for _, v := range []int64{c.logTime, c.queueTime, c.indexTime, c.masterFlush, c.confirm, c.queuePhy} {
		b = be.AppendUint64(b, uint64(v))
	}
	b = append(b[:checkpointOwn], checkpointMagic...)
	b = be.AppendUint64(b, uint64(c.position))
	b = be.AppendUint64(b, uint64(c.indexed))
	boot := make([]byte, checkpointBoot)
	copy(boot, c.bootID)
	b = append(b, boot...)
	b = be.AppendUint64(b, uint64(c.synced))
	b = be.AppendUint64(b, c.queues)
	b = be.AppendUint32(b, crc32.ChecksumIEEE(b))
	return b[:checkpointSize]
}

// decodeCheckpoint reads the checkpointSize bytes of a file.
func decodeCheckpoint(b []byte) checkpoint {
	be := binary.BigEndian
	word := func(at int) int64 { return int64(be.Uint64(b[at:])) }
	c := checkpoint{logTime: word(0), queueTime: word(8), indexTime: word(16), masterFlush: word(24), confirm: word(32), queuePhy: word(40)}
	if string(b[checkpointOwn:checkpointOwn+8]) != checkpointMagic ||
		be.Uint32(b[checkpointSum:]) != crc32.ChecksumIEEE(b[:checkpointSum]) {
		return c
	}
	c.own = true
	c.position, c.indexed = word(checkpointOwn+8), word(checkpointOwn+16)
	c.synced, c.queues = word(checkpointSum-16), be.Uint64(b[checkpointSum-8:])
	boot := b[checkpointOwn+24 : checkpointSum-16]
	for len(boot) > 0 && boot[len(boot)-1] == 0 {
		boot = boot[:len(boot)-1]
	}
	c.bootID = string(boot)
	return c
}

// minTime is the time up to which log and queues are known to be synced, with upstream's margin.
func (c *checkpoint) minTime() int64 {
	const margin = 3000 // ms
	return max(0, min(c.logTime, c.queueTime)-margin)
}

// forgetFuture drops times that are still to come. They would stamp the next messages, and keep index files that were never
// synced. Gantry's own part proves that they were store times: then the clock was set back.
func (c *checkpoint) forgetFuture(now int64) (forgot bool) {
	for _, t := range []*int64{&c.logTime, &c.queueTime, &c.indexTime} {
		if !c.own && *t > now {
			*t, forgot = 0, true
		}
	}
	return forgot
}

// checkpointFile is the checkpoint on the disk. It is made when a start is certain: one that is refused makes nothing.
type checkpointFile struct {
	fs   vfs.FS
	root string
	file vfs.File // nil until it is there
	made bool     // it has its size, and its name is durable
}

// openCheckpoint reads the file, if there is one. A file of the wrong length is refused: upstream maps 4096 bytes of it. One
// without a byte was made by a start that was cut short.
func openCheckpoint(fsys vfs.FS, root string) (checkpointFile, checkpoint, error) {
	c := checkpointFile{fs: fsys, root: root}
	f, err := fsys.Open(c.path(), true)
	if errors.Is(err, fs.ErrNotExist) {
		return c, checkpoint{}, nil
	}
	if err != nil {
		return c, checkpoint{}, fmt.Errorf("open the checkpoint: %w", err)
	}
	size, err := f.Size()
	b := make([]byte, checkpointSize)
	switch {
	case err != nil:
	case size == 0:
		c.file = f
		return c, checkpoint{}, nil
	case size != checkpointSize:
		f.Close()
		return c, checkpoint{}, fmt.Errorf("%s: checkpoint has %d bytes where %d are expected: move it away, and more of the commit log is read", c.path(), size, checkpointSize)
	default:
		_, err = f.ReadAt(b, 0)
	}
	if err != nil {
		f.Close()
		return c, checkpoint{}, fmt.Errorf("read the checkpoint: %w", err)
	}
	c.file, c.made = f, true
	return c, decodeCheckpoint(b), nil
}

func (f *checkpointFile) path() string { return path.Join(f.root, "checkpoint") }

// make gives the file its size and a durable name, if it has not got them.
func (f *checkpointFile) make() (err error) {
	if f.made {
		return nil
	}
	if f.file == nil {
		f.file, err = f.fs.Create(f.path())
	}
	if err == nil {
		err = f.file.Truncate(checkpointSize)
	}
	if err == nil {
		err = f.fs.SyncDir(f.root)
	}
	if err != nil {
		return fmt.Errorf("make the checkpoint: %w", err)
	}
	f.made = true
	return nil
}

// write makes c durable. It fits into one sector, so it is written whole or not at all; if a disk tears it nevertheless, the
// checksum of the own part fails and the six words are taken alone, which then only costs time.
func (f *checkpointFile) write(c *checkpoint) error {
	if err := f.make(); err != nil {
		return err
	}
	if _, err := f.file.WriteAt(c.encode(), 0); err != nil {
		return fmt.Errorf("write the checkpoint: %w", err)
	}
	if err := f.file.Sync(); err != nil {
		return fmt.Errorf("sync the checkpoint: %w", err)
	}
	return nil
}

// takeCheckpoint syncs everything that was dispatched so far and records that it did. In this order: the log first, because
// queues must never point to what a crash can take away.
func (s *Store) takeCheckpoint() error {
	s.checkpointing.Lock()
	defer s.checkpointing.Unlock()
	s.dispatch.running.Lock() // a batch in progress would leave last and pos apart
	pos, last, time := s.dispatch.pos.Load(), s.dispatch.last.Load(), s.dispatch.time.Load()
	var queues uint64
	if !s.dispatch.torn {
		queues = s.queues.begun.now()
	}
	s.dispatch.running.Unlock()
	if err := s.flush(); err != nil {
		return err
	}
	if err := s.queues.writeOut(); err != nil { // a full disk, perhaps: it is tried again
		return err
	}
	if err := s.queues.sync(); err != nil {
		return s.syncFailed(err)
	}
	if s.compacted != nil {
		if err := s.compacted.files.Sync(); err != nil {
			return s.syncFailed(err)
		}
	}
	c := s.checkpoint
	indexTime, err := s.index.sync()
	if err != nil {
		return s.syncFailed(err)
	}
	c.indexTime = max(c.indexTime, indexTime)
	c.own, c.position, c.indexed, c.bootID = true, pos, pos, s.o.FS.BootID()
	if len(s.index.doomed) > 0 {
		c.bootID = "" // a start that is cut short before they are gone leaves it to the next one to find them again
	}
	c.logTime, c.synced = s.flusher.time.Load(), s.flusher.flushed.Load()
	c.queueTime, c.queuePhy, c.confirm, c.queues = time, last, last, queues
	if s.deleting > 0 {
		c.queues = 0
	}
	if err := s.checkpointFile.write(&c); err != nil {
		return s.syncFailed(err)
	}
	s.checkpoint = c
	s.checkpointed.Store(pos)
	return nil
}
