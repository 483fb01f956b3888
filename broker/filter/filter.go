package filter

import (
	"encoding/binary"
	"slices"
	"strings"

	"github.com/gantrymq/gantry/broker/filter/sql92"
	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/protocol"
)

// Filter is what one reader of a queue wants. It is what store.Query and
// longpoll.Waiter call a filter, and costs no allocation per message.
//
// Of tags it judges by their hash: two tags with one hash both pass, and the
// client compares the text. The zero value lets everything through.
type Filter struct {
	codes []int32           // nil: any tag
	sql   *sql92.Expression // nil: any properties

	// retry makes it judge the messages of a retry topic by the expression that the
	// group has registered for the topic they came from.
	retry *Registry
	group string

	// entry, when it is not nil, lets bit maps speak for the expression that a group
	// has registered.
	entry *Entry
}

// ForTags is the filter of a tag subscription. It shares the subscription's
// codes, which must not change any more.
func ForTags(s *protocol.SubscriptionData) Filter {
	if s.ClassFilterMode || s.SubString == protocol.SubscribeAll {
		return Filter{}
	}
	if s.CodeSet == nil {
		return Filter{codes: []int32{}}
	}
	return Filter{codes: s.CodeSet}
}

// ForExpression is the filter of a compiled expression. nil stands for one that
// could not be compiled, which upstream lets everything pass.
func ForExpression(e *sql92.Expression) Filter { return Filter{sql: e} }

// ForEntry is the filter of what a group has registered, nil standing for an
// expression that could not be compiled.
func ForEntry(e *Entry) Filter { return Filter{sql: e.compiled, entry: e} }

// ForRetry is the filter of a group in its retry topic under filterSupportRetry.
func (r *Registry) ForRetry(group string) Filter { return Filter{retry: r, group: group} }

// MatchUnit judges a consume queue unit by its tags code.
func (f *Filter) MatchUnit(tagsCode int64) bool {
	return f.codes == nil || slices.Contains(f.codes, int32(tagsCode))
}

// MatchBitMap judges by the bits that were noted for a message when it was stored,
// if it was stored after the group had registered: upstream's
// ExpressionMessageFilter. What it refuses, MatchRecord would refuse too; what it
// takes may still be none of the group's, since groups share bits.
func (f *Filter) MatchBitMap(storeTime int64, bitMap []byte) bool {
	e := f.entry
	if e == nil || e.compiled == nil || storeTime <= e.Born || 8*len(bitMap) != int(e.bitMapBits) {
		return true
	}
	for _, p := range e.positions {
		if bitMap[p/8]&(1<<(p%8)) == 0 {
			return false
		}
	}
	return true
}

// MatchRecord judges a stored message by its properties. What cannot be read
// does not pass.
func (f *Filter) MatchRecord(record []byte) bool {
	if f.sql == nil && f.retry == nil {
		return true // the unit has decided
	}
	var m codec.Message
	if _, err := codec.DecodeRecord(record, &m, false); err != nil {
		return false
	}
	return f.matchProperties(m.Properties)
}

func (f *Filter) matchProperties(properties string) bool {
	if f.retry == nil {
		return f.sql.Match(properties)
	}
	topic, _ := codec.Property(properties, protocol.PropertyRetryTopic)
	entry := f.retry.Find(topic, f.group)
	return entry == nil || entry.compiled == nil || entry.compiled.Match(properties)
}

// All reports whether the filter lets everything through.
func (f *Filter) All() bool { return f.codes == nil && f.sql == nil && f.retry == nil }

// ByTags reports whether the filter judges by tags.
func (f *Filter) ByTags() bool { return f.codes != nil }

// Kind tells filters apart: of two with equal Kinds each judges as the other does.
type Kind struct {
	codes string
	tags  bool
	sql   *sql92.Expression
	retry *Registry
	group string
}

// Kind is this filter's. It shares no memory with a request.
func (f *Filter) Kind() Kind {
	k := Kind{tags: f.codes != nil, sql: f.sql, retry: f.retry, group: strings.Clone(f.group)}
	if len(f.codes) > 0 {
		b := make([]byte, 0, 4*len(f.codes))
		for _, code := range f.codes {
			b = binary.NativeEndian.AppendUint32(b, uint32(code))
		}
		k.codes = string(b)
	}
	return k
}

// Constant reports whether the filter judges a message today as it will tomorrow.
func (f *Filter) Constant() bool { return f.retry == nil }

// Clone is a filter that shares no memory with a request.
func (f *Filter) Clone() Filter {
	c := *f
	c.codes, c.group = slices.Clone(f.codes), strings.Clone(f.group)
	return c
}
