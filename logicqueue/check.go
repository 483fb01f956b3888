package logicqueue

import (
	"errors"
	"fmt"
	"slices"
)

// Check finds what is wrong with a logical queue by itself. The texts are
// upstream's: brokers answer them.
func (q Queue) Check() error {
	lastGen, lastOffset := int32(-1), int64(-1)
	for n := len(q) - 1; n >= 0; n-- {
		item := q[n]
		switch {
		case item.StartOffset < 0 || item.Gen < 0 || item.QueueID < 0:
			return errors.New("The field is illegal, should not be negative")
		case n < len(q)-1 && !Decided(item):
			return errors.New("The non-latest item has negative logic offset")
		case lastGen != -1 && item.Gen >= lastGen:
			return errors.New("The gen does not increase monotonically")
		case item.EndOffset != -1 && item.EndOffset < item.StartOffset:
			return errors.New("The endOffset is smaller than the start offset")
		}
		if lastOffset != -1 && item.LogicOffset != -1 {
			if item.LogicOffset >= lastOffset {
				return errors.New("The base logic offset does not increase monotonically")
			}
			if KnownEnd(item) >= lastOffset {
				return errors.New("The max logic offset does not increase monotonically")
			}
		}
		lastGen, lastOffset = item.Gen, item.LogicOffset
	}
	return nil
}

// CheckFollows finds why a logical queue cannot take the place of old at the broker
// that keeps it. With the same epoch the leader must be the same; what an item says
// of where it lies never changes, and its place is decided once.
func (q Queue) CheckFollows(old Queue, sameEpoch bool) error {
	if len(old) == 0 {
		return nil
	}
	if len(q) == 0 {
		return errors.New("The new item list is null or empty")
	}
	for o, n := 0, 0; o < len(old) && n < len(q); {
		was, is := old[o], q[n]
		switch {
		case is.Gen < was.Gen: // the earliest item was removed meanwhile
			n++
		case was.Gen < is.Gen: // it came back to a broker that had it before, or the earliest item is removed
			o++
		default:
			if err := checkSame(was, is); err != nil {
				return err
			}
			o, n = o+1, n+1
		}
	}
	was, is := old.Leader(), q.Leader()
	if sameEpoch && (is.Gen != was.Gen || is.BrokerName != was.BrokerName || is.QueueID != was.QueueID || is.StartOffset != was.StartOffset) {
		return errors.New("The new leader is different but epoch equal")
	}
	return nil
}

// Keeping is q with the places that old has decided where q has not: a plan may be carried
// out again.
func (q Queue) Keeping(old Queue) Queue {
	kept := slices.Clone(q)
	for i, item := range q {
		for _, was := range old {
			if was.Gen == item.Gen && Decided(was) && !Decided(item) {
				decided := *item
				decided.LogicOffset = was.LogicOffset
				kept[i] = &decided
			}
		}
	}
	return kept
}

// checkSame holds a new version of an item against the old. Upstream only asserts
// this, which its servers leave out.
func checkSame(was, is *Item) error {
	if was.BrokerName != is.BrokerName || was.QueueID != is.QueueID || was.StartOffset != is.StartOffset {
		return fmt.Errorf("generation %d lies in queue %d of broker %s from offset %d, and cannot be moved to queue %d of broker %s from offset %d",
			was.Gen, was.QueueID, was.BrokerName, was.StartOffset, is.QueueID, is.BrokerName, is.StartOffset)
	}
	if Decided(was) && was.LogicOffset != is.LogicOffset {
		return fmt.Errorf("generation %d begins at offset %d of the logical queue, which cannot be changed to %d", was.Gen, was.LogicOffset, is.LogicOffset)
	}
	return nil
}
