package store

import (
	"errors"
	"fmt"
	"math"
	"path"
	"sort"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/store/vfs"
)

// commitLog is the sequence of segments and the place where the next record goes.
//
// Readers use view, end and the segments' pins, all without a lock. The writer's side is under mu and does no I/O: what
// needs I/O (a new segment, more allocated blocks) is done under prepare, mostly ahead of need by the preparer, and by the
// appender itself, with mu released, when it got there first.
type commitLog struct {
	fs        vfs.FS
	cache     *fileCache
	paths     logPaths
	size      int64 // of every segment
	lookAhead int64 // how far findAhead searches in each segment
	event     func(Event)

	empty string // a last file without a byte; the start's

	view atomic.Pointer[logView]
	end  atomic.Int64 // where the next record goes; everything before is readable

	scattered atomic.Bool // the system is not to read ahead in the files

	mu            sync.Mutex // guards the fields down to the blank line, and every queue's next offset
	active        *hotSegment
	pos           int64    // where the next record goes: base of the active segment to its end
	allocated     int64    // the active segment's blocks below this physical offset exist
	next          *segment // made ahead, mapped, not yet in the view
	nextAllocated int64    // the same for next
	lastTime      int64    // store time of the newest record
	wakeAt        int64    // the preparer has work when pos gets here
	closed        bool     // no more appends

	prepare   sync.Mutex   // guards ahead, and the making of files
	ahead     pageAhead    // which pages are prepared for writing
	roomAgain atomic.Int64 // after a failed allocation: do not try again before this time, in ms

	wakePreparer chan struct{}
}

// logView is the readable segments, oldest first. It is immutable.
type logView struct {
	segs []*segment
}

// Errors of the log that decide a Status.
var (
	errNeedSegment = errors.New("the next segment is not there yet")
	errNeedRoom    = errors.New("blocks are not allocated yet")
	errRecordSize  = errors.New("record does not fit into a commit log file")
	errClosed      = errors.New("the store is closed")
)

func newCommitLog(o *Options, cache *fileCache) *commitLog {
	l := &commitLog{fs: o.FS, cache: cache, paths: o.paths, size: o.SegmentSize, event: o.Event, wakePreparer: newWaker(), lookAhead: defaultLookAhead}
	if o.Rebuild != nil {
		l.lookAhead = l.size
	}
	l.view.Store(&logView{})
	l.ahead.enabled = o.FlushMode == AsyncFlush // each sync writes prepared pages out: one per group of messages is too many
	return l
}

// find returns the segment that holds a physical offset, or nil.
func (v *logView) find(phy int64) *segment {
	n := sort.Search(len(v.segs), func(i int) bool { return v.segs[i].end() > phy })
	if n == len(v.segs) || v.segs[n].base > phy {
		return nil
	}
	return v.segs[n]
}

// min is the first physical offset that a segment holds; 0 for an empty log.
func (l *commitLog) min() int64 {
	if v := l.view.Load(); len(v.segs) > 0 {
		return v.segs[0].base
	}
	return 0
}

// segmentAt is the segment of a file that exists.
func (l *commitLog) segmentAt(base int64, name string) *segment {
	return &segment{base: base, size: l.size, path: name}
}

// segmentName is the official file name: the first physical offset in 20 digits.
func segmentName(base int64) string { return fmt.Sprintf("%020d", base) }

// segmentBase is what segmentName has made a name of.
func segmentBase(name string) (base int64, ok bool) {
	base, err := strconv.ParseInt(name, 10, 64)
	return base, err == nil && len(name) == len(segmentName(0))
}

func (l *commitLog) newSegment(base int64) *segment {
	return &segment{base: base, size: l.size, path: path.Join(l.paths.choose(base, l.size), segmentName(base))}
}

// place copies records, stamped by st once their place is known, to the end of the log, and returns their
// physical offset. mu is held. The bytes lie in one segment; when the active one is too full for them it is closed by a
// filler first. errNeedSegment and errNeedRoom ask the caller to release mu, call makeRoom and try again.
func (l *commitLog) place(records []byte, st *stamper) (phy int64, err error) {
	if l.closed {
		return 0, errClosed
	}
	n := int64(len(records))
	if n+codec.FillerSize > l.size {
		return 0, errRecordSize
	}
	segEnd := l.active.base + l.size
	// Upstream keeps room for a filler after every record (CommitLog.DefaultAppendMessageCallback), so one always fits.
	if l.pos+n+codec.FillerSize > segEnd {
		if l.next == nil {
			return 0, errNeedSegment
		}
		if err := l.roll(segEnd); err != nil {
			return 0, err
		}
	}
	if l.pos+n+codec.FillerSize > l.allocated {
		return 0, errNeedRoom
	}
	st.stamp(records, l.pos)
	// The head goes last: a process that is killed in the middle of the copy leaves a place without a magic word, and not a
	// record with a part of its properties, which no checksum covers. A batch shares that fate as a whole.
	at := l.pos - l.active.base
	dst := l.active.mem[at : at+n]
	err = vfs.CopyIn(dst[codec.FillerSize:], records[codec.FillerSize:])
	if err == nil {
		err = vfs.CopyIn(dst[:codec.FillerSize], records[:codec.FillerSize])
	}
	if err != nil {
		return 0, err
	}
	phy = l.pos
	l.pos += n
	l.end.Store(l.pos)
	if l.pos >= l.wakeAt {
		l.wakeAt = math.MaxInt64
		l.wake()
	}
	return phy, nil
}

// roll closes the active segment with a filler and makes the next one active. mu is held and next is there.
func (l *commitLog) roll(segEnd int64) error {
	if l.pos+codec.FillerSize <= segEnd {
		var filler [codec.FillerSize]byte
		codec.AppendFiller(filler[:0], int32(segEnd-l.pos))
		if err := vfs.CopyIn(l.active.mem[l.pos-l.active.base:], filler[:]); err != nil {
			return err
		}
	}
	g := l.next
	l.next = nil
	l.active = g.hot.Load()
	l.pos, l.allocated = g.base, l.nextAllocated
	old := l.view.Load().segs
	l.view.Store(&logView{segs: append(old[:len(old):len(old)], g)})
	l.end.Store(l.pos)
	l.wakeAt = l.pos
	return nil
}

// wake tells the preparer that there may be something to prepare.
func (l *commitLog) wake() {
	select {
	case l.wakePreparer <- struct{}{}:
	default:
	}
}

// position is the end of the log and the store time of its newest record.
func (l *commitLog) position() (end, lastTime int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.pos, l.lastTime
}
