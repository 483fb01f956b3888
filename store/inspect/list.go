package inspect

import (
	"slices"

	"github.com/gantrymq/gantry/codec"
)

// Listing is what lies in a directory, without reading the messages.
type Listing struct {
	Root        string          `json:"root"`
	Unclean     bool            `json:"unclean"` // a broker runs there, or was killed
	Segments    []SegmentInfo   `json:"commitLog"`
	Queues      []QueueInfo     `json:"queues"`
	Compacted   []CompactedInfo `json:"compacted,omitempty"`
	Indexes     []IndexInfo     `json:"indexes"`
	Checkpoint  CheckpointInfo  `json:"checkpoint"`
	Findings    []Finding       `json:"findings,omitempty"` // what is wrong with the files as such
	RecoverFrom int64           `json:"recoverFrom"`        // where the next start begins to look
}

// SegmentInfo is one file of the log. Times are ms, 0 where there is no message.
type SegmentInfo struct {
	Path     string `json:"path"`
	Base     int64  `json:"base"`
	Size     int64  `json:"size"`
	First    int64  `json:"firstStoreTime,omitempty"` // store time of its first message
	Modified int64  `json:"modified"`
}

// QueueInfo is one consume queue: offsets whose messages are there, and the time of the first and last of them.
type QueueInfo struct {
	Topic string `json:"topic"`
	ID    int32  `json:"queueId"`
	Batch bool   `json:"batch,omitempty"` // its entries stand for whole batches
	Files int    `json:"files"`
	Min   int64  `json:"minOffset"`
	Max   int64  `json:"maxOffset"`
	First int64  `json:"firstStoreTime,omitempty"`
	Last  int64  `json:"lastStoreTime,omitempty"`
}

// IndexInfo is one index file.
type IndexInfo struct {
	Path    string `json:"path"`
	Entries int32  `json:"entries"`
	Begin   int64  `json:"beginTime"`
	End     int64  `json:"endTime"`
	From    int64  `json:"beginOffset"`
	To      int64  `json:"endOffset"`
}

// CheckpointInfo is what the checkpoint says.
type CheckpointInfo struct {
	LogTime   int64 `json:"logTime"`
	QueueTime int64 `json:"queueTime"`
	IndexTime int64 `json:"indexTime"`
	QueuePhy  int64 `json:"queueOffset"`
	Own       bool  `json:"gantry"` // Gantry wrote it last
	Position  int64 `json:"position,omitempty"`
}

// List tells what lies in the directory. It reads a few records and entries, so it is quick whatever the store's size.
func (d *Dir) List() (*Listing, error) {
	l := &Listing{Root: d.root, Unclean: d.unclean, Findings: d.faults, RecoverFrom: d.recoverFrom()}
	p := d.point
	l.Checkpoint = CheckpointInfo{p.logTime, p.queueTime, p.indexTime, p.queuePhy, p.own, p.position}
	w := d.walker()
	defer w.close()
	var m codec.Message
	timeOf := func(phy int64) int64 {
		i := d.segmentOf(phy)
		if i == len(d.segments) || phy < d.segments[i].Base {
			return 0
		}
		if size, err := w.record(i, phy, &m); err != nil || size == 0 {
			return 0
		}
		return m.StoreTimestamp
	}
	for _, g := range d.segments {
		l.Segments = append(l.Segments, SegmentInfo{g.Path, g.Base, g.Size, timeOf(g.Base), g.Modified.UnixMilli()})
	}
	for _, q := range slices.Concat(d.queues, d.batches) {
		info, err := d.queueInfo(q, timeOf)
		if err != nil {
			return nil, err
		}
		l.Queues = append(l.Queues, info)
	}
	for _, q := range d.compacted {
		info, err := d.compactedInfo(q)
		if err != nil {
			return nil, err
		}
		l.Compacted = append(l.Compacted, info)
	}
	for _, x := range d.indexes {
		l.Indexes = append(l.Indexes, IndexInfo{x.path, x.head.count - 1, x.head.beginTime, x.head.endTime, x.head.beginPhy, x.head.endPhy})
	}
	return l, nil
}

func (d *Dir) queueInfo(q *queue, timeOf func(phy int64) int64) (QueueInfo, error) {
	info := QueueInfo{Topic: q.topic, ID: q.id, Batch: q.batch(), Files: len(q.files)}
	end, err := d.end(q)
	if err != nil {
		return info, err
	}
	first, err := d.first(q, end)
	if err != nil {
		return info, err
	}
	if info.Min, info.Max, err = d.offsets(q, first, end); err != nil {
		return info, err
	}
	for _, x := range []struct {
		off int64
		to  *int64
	}{{first, &info.First}, {end - 1, &info.Last}} {
		if x.off < first {
			continue
		}
		u, ok, err := d.unit(q, x.off)
		if err != nil {
			return info, err
		}
		if ok && !d.standsForNone(u) {
			*x.to = timeOf(u.phy)
		}
	}
	return info, nil
}
