package pop

import "strconv"

// Info collects the texts by which an answer says what was popped from where.
// The parts of each are joined by semicolons.
type Info struct {
	start, offsets, counts []byte
}

// add notes the messages popped from one queue.
func (i *Info) add(origin Origin, queue int32, start int64, offsets []int64) {
	i.start = appendPart(i.start, origin, queue)
	i.start = strconv.AppendInt(i.start, start, 10)
	i.offsets = appendPart(i.offsets, origin, queue)
	for n, off := range offsets {
		if n > 0 {
			i.offsets = append(i.offsets, ',')
		}
		i.offsets = strconv.AppendInt(i.offsets, off, 10)
	}
}

// addCount notes how often a message of an ordered group was consumed before.
func (i *Info) addCount(origin Origin, queue int32, offset int64, times int32) {
	i.counts = appendSeparator(i.counts)
	i.counts = append(append(i.counts, origin...), " qo"...)
	i.counts = strconv.AppendInt(i.counts, int64(queue), 10)
	i.counts = append(i.counts, '%')
	i.counts = strconv.AppendInt(i.counts, offset, 10)
	i.counts = append(i.counts, ' ')
	i.counts = strconv.AppendInt(i.counts, int64(times), 10)
}

// addQueueCount notes the least of a queue's counts, which older clients read.
func (i *Info) addQueueCount(origin Origin, queue int32, times int32) {
	i.counts = appendPart(i.counts, origin, queue)
	i.counts = strconv.AppendInt(i.counts, int64(times), 10)
}

// StartOffsets is the field startOffsetInfo: kind, queue, first offset.
func (i *Info) StartOffsets() string { return string(i.start) }

// MessageOffsets is the field msgOffsetInfo: kind, queue, offsets with commas.
func (i *Info) MessageOffsets() string { return string(i.offsets) }

// OrderCounts is the field orderCountInfo: kind, queue or qo<queue>%<offset>, count.
func (i *Info) OrderCounts() string { return string(i.counts) }

func appendSeparator(dst []byte) []byte {
	if len(dst) > 0 {
		return append(dst, ';')
	}
	return dst
}

func appendPart(dst []byte, origin Origin, queue int32) []byte {
	dst = appendSeparator(dst)
	dst = append(append(dst, origin...), ' ')
	dst = strconv.AppendInt(dst, int64(queue), 10)
	return append(dst, ' ')
}
