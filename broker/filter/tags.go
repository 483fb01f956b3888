package filter

import (
	"slices"

	"github.com/gantrymq/gantry/protocol"
)

// Tags lets the messages through whose tag has one of the subscription's hash
// codes. Two tags with one hash both pass: the client compares the text.
//
// The zero value lets everything through.
type Tags struct {
	codes []int32 // nil: everything
}

// ForTags is the filter of a tag subscription. It shares the subscription's
// codes, which must not change any more.
func ForTags(s *protocol.SubscriptionData) Tags {
	if s.ClassFilterMode || s.SubString == protocol.SubscribeAll {
		return Tags{}
	}
	if s.CodeSet == nil {
		return Tags{codes: []int32{}}
	}
	return Tags{codes: s.CodeSet}
}

// MatchUnit judges a consume queue unit by its tags code.
func (t Tags) MatchUnit(tagsCode int64) bool {
	return t.codes == nil || slices.Contains(t.codes, int32(tagsCode))
}

// MatchRecord lets every record through: the unit has decided.
func (t Tags) MatchRecord([]byte) bool { return true }

// All reports whether the filter lets everything through.
func (t Tags) All() bool { return t.codes == nil }

// Clone is a filter that shares nothing with the subscription it was made of.
func (t Tags) Clone() Tags { return Tags{codes: slices.Clone(t.codes)} }
