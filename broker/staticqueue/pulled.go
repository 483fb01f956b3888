package staticqueue

import (
	"github.com/gantrymq/gantry/logicqueue"
	"github.com/gantrymq/gantry/protocol"
)

// Pulled is what a pull of a broker's queue came to: at first in offsets of that
// queue, after Place.Translate in those of the logical queue.
type Pulled struct {
	Code           protocol.ResponseCode
	Next, Min, Max int64
	Delta          int64 // set by Translate: what to add to the offsets of the messages
}

// Translate makes of the answer to a pull of p.Item, asked for from an offset of that
// queue, the answer to the pull of the logical queue (the rules of
// PullMessageProcessor.rewriteResponseForStaticTopic). A pull at the end of an item
// goes on in the next one.
func (p *Place) Translate(asked int64, a *Pulled) {
	item := p.Item
	if a.Code != protocol.ResponseSuccess {
		item = p.turn(asked, a)
	}
	if logicqueue.EndDecided(item) {
		a.Next = min(a.Next, item.EndOffset)
	}
	a.Next, a.Min = logicqueue.Logical(item, a.Next), logicqueue.Logical(item, a.Min)
	a.Max = max(logicqueue.Logical(item, a.Max), p.Items.KnownEnd())
	a.Delta = logicqueue.Delta(item)
}

// turn decides how a pull that found nothing goes on, and returns the item in which.
func (p *Place) turn(asked int64, a *Pulled) *logicqueue.Item {
	item := p.Item
	first, leader := p.Items.First(), p.Items.Leader()
	next := p.Items.After(item)
	switch {
	case asked < a.Min && item == first:
		a.Code, a.Next = protocol.ResponsePullOffsetMoved, a.Min
	case asked < a.Min: // what lay between two items is gone
		a.Code, a.Next = protocol.ResponsePullRetryImmediately, a.Min
	case asked >= a.Max && next != nil:
		a.Code = protocol.ResponsePullRetryImmediately
		a.Next, a.Min, a.Max = next.StartOffset, next.StartOffset, next.StartOffset
		return next
	case asked >= a.Max && item != leader: // the next item's place is not decided yet
		a.Code = protocol.ResponsePullNotFound
	case asked > a.Max && a.Code == protocol.ResponsePullOffsetMoved:
		a.Next = a.Max
	}
	return item
}
