package timerwheel

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"path"

	"github.com/gantrymq/gantry/store/vfs"
)

// Checkpoint is the official part of config/timercheck, and the body of
// GET_TIMER_CHECK_POINT (upstream's TimerCheckpoint).
type Checkpoint struct {
	ReadTime          int64 // ms: every slot before this one has been delivered
	LogFlushed        int64 // the timer log is synced up to here
	QueueOffset       int64 // of the first message of the timer topic that has no unit
	MasterQueueOffset int64 // the same of the master, for slaves

	StateVersion, Timestamp, Counter int64 // the data version
}

// AppendTo appends the seven numbers to dst.
func (c *Checkpoint) AppendTo(dst []byte) []byte {
	for _, v := range [...]int64{c.ReadTime, c.LogFlushed, c.QueueOffset, c.MasterQueueOffset, c.StateVersion, c.Timestamp, c.Counter} {
		dst = binary.BigEndian.AppendUint64(dst, uint64(v))
	}
	return dst
}

// Progress is how far the delivery is.
type Progress struct {
	ReadTime    int64 // ms: every slot before this one has been delivered
	Delivered   int64 // units of the slot at ReadTime that have been dealt with
	QueueOffset int64 // of the first message of the timer topic that has no unit
}

// The file has 4096 bytes. Upstream keeps it mapped and writes the first 56, so what
// stands behind survives a run of the official broker; the checksum, which covers the
// 56 bytes too, tells whether it is still about them.
//
//	 0 i64 × 7  Checkpoint
//	64          "GANTRYT1", i64 precision ms, i64 read time, i64 delivered, i64 queue offset,
//	            i64 messages that wait or -1, i64 latest slot, 64 bytes boot id, u32 CRC-32 of all before
//
// The own part is written each time that something was delivered, without a sync: it is believed
// after the end of the process, when the page cache is still the same, and tells then what the
// official part, which is synced, does not know yet. The number of messages that wait is
// there after a clean stop only.
const (
	checkpointSize  = 4096
	checkpointOwn   = 64
	checkpointMagic = "GANTRYT1"
	bootIDSize      = 64
	checkpointSum   = checkpointOwn + 8 + 6*8 + bootIDSize
)

// ownPart is what Gantry keeps besides.
type ownPart struct {
	precision int64
	progress  Progress
	waiting   int64 // -1 unless the stop was clean
	latest    int64 // see Files.Latest
	bootID    string
}

func encodeCheckpoint(c *Checkpoint, own *ownPart) []byte {
	be := binary.BigEndian
	b := c.AppendTo(make([]byte, 0, checkpointSize))
	b = append(b[:checkpointOwn], checkpointMagic...)
	for _, v := range [...]int64{own.precision, own.progress.ReadTime, own.progress.Delivered, own.progress.QueueOffset, own.waiting, own.latest} {
		b = be.AppendUint64(b, uint64(v))
	}
	boot := make([]byte, bootIDSize)
	copy(boot, own.bootID)
	b = append(b, boot...)
	return be.AppendUint32(b, crc32.ChecksumIEEE(b))
}

// decodeCheckpoint reads a file; own is nil when that part is not there or not about
// the rest.
func decodeCheckpoint(b []byte) (c Checkpoint, own *ownPart) {
	var whole [checkpointSize]byte
	copy(whole[:], b)
	be := binary.BigEndian
	word := func(at int) int64 { return int64(be.Uint64(whole[at:])) }
	c = Checkpoint{word(0), word(8), word(16), word(24), word(32), word(40), word(48)}
	if string(whole[checkpointOwn:checkpointOwn+8]) != checkpointMagic || be.Uint32(whole[checkpointSum:]) != crc32.ChecksumIEEE(whole[:checkpointSum]) {
		return c, nil
	}
	at := checkpointOwn + 8
	own = &ownPart{precision: word(at), progress: Progress{word(at + 8), word(at + 16), word(at + 24)}, waiting: word(at + 32), latest: word(at + 40)}
	boot := whole[checkpointSum-bootIDSize : checkpointSum]
	for len(boot) > 0 && boot[len(boot)-1] == 0 {
		boot = boot[:len(boot)-1]
	}
	own.bootID = string(boot)
	return c, own
}

// openCheckpoint opens or makes the file. With distrust it reads what the disk has.
func openCheckpoint(fsys vfs.FS, name string, distrust bool) (f vfs.File, c Checkpoint, own *ownPart, err error) {
	fail := func(err error) (vfs.File, Checkpoint, *ownPart, error) {
		if f != nil {
			err = errors.Join(err, f.Close())
		}
		return nil, Checkpoint{}, nil, fmt.Errorf("open the timer's checkpoint: %w", err)
	}
	if err := vfs.MakeDir(fsys, path.Dir(name)); err != nil {
		return fail(err)
	}
	f, err = fsys.Open(name, true)
	if errors.Is(err, fs.ErrNotExist) {
		f, err = fsys.Create(name)
		if err == nil {
			err = errors.Join(f.Truncate(checkpointSize), fsys.SyncDir(path.Dir(name)))
		}
	}
	if err == nil && distrust {
		err = f.Forget()
	}
	if err != nil {
		return fail(err)
	}
	b := make([]byte, checkpointSize)
	n, err := f.ReadAt(b, 0)
	if err != nil && err != io.EOF {
		return fail(err)
	}
	if n < checkpointSize { // a start that was cut short
		if err := f.Truncate(checkpointSize); err != nil {
			return fail(err)
		}
	}
	c, own = decodeCheckpoint(b[:n])
	return f, c, own, nil
}
