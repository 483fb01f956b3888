package broker

import (
	"context"
	"time"

	"github.com/gantrymq/gantry/broker/broadcast"
	"github.com/gantrymq/gantry/protocol"
	"github.com/gantrymq/gantry/remoting"
)

// recognize finds out which client a pull is one of, if its group broadcasts: the
// proxy names it, a client that is connected here is a member of its group. Groups
// whose consumers pull by themselves are not meant.
func (b *Broker) recognize(op *pullOp, s remoting.Session) {
	op.broadcasts = false
	if !b.config.Load().EnableBroadcastOffsetStore {
		return
	}
	h := &op.header
	op.client = broadcast.Client{Topic: h.Topic, Group: h.ConsumerGroup}
	if h.RequestSource.Or(0) == forBroadcast {
		op.broadcasts, op.client.Proxied, op.client.ID = true, true, h.ProxyFrowardClientID
		return
	}
	view := b.consumers.View(h.ConsumerGroup)
	if view == nil || view.MessageModel != protocol.Broadcasting || view.ConsumeType != protocol.ConsumePassively {
		return
	}
	if member := b.consumers.Find(h.ConsumerGroup, s); member != nil {
		op.broadcasts, op.client.ID = true, member.ID
	}
}

// broadcastBegin is where the client of a pull has to begin instead of where it
// asks: where it was when it came by another way, or, if nothing is known of it,
// where a client that is new begins.
func (b *Broker) broadcastBegin(op *pullOp) (int64, bool) {
	if !op.broadcasts {
		return 0, false
	}
	h := &op.header
	known, elsewhere := b.broadcasts.Begin(op.client, h.QueueID, h.QueueOffset)
	if !elsewhere || known >= 0 {
		return known, elsewhere
	}
	if offset, ok := b.offsets.Query(broadcast.CommitGroup(h.ConsumerGroup), h.Topic, h.QueueID); ok && offset >= 0 {
		return offset, true
	}
	if b.startsInMemory(h.Topic, h.QueueID) {
		return 0, true
	}
	return b.maxOffset(h.Topic, h.QueueID), true
}

// notePulled keeps where a client of a group that broadcasts has got to: where it
// pulled from, not behind what it got, of which it may not have taken anything yet.
func (b *Broker) notePulled(op *pullOp) {
	if !op.broadcasts {
		return
	}
	offset := op.header.QueueOffset
	if op.code == protocol.ResponsePullOffsetMoved {
		offset = op.result.NextOffset
	}
	b.broadcasts.Pulled(op.client, op.header.QueueID, offset)
}

// sweepBroadcasts forgets clients that have gone, and commits what the others have in
// common.
func (b *Broker) sweepBroadcasts(ctx context.Context) {
	tick := time.NewTicker(broadcast.SweepInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			b.broadcasts.Sweep(b.consumers.ClientIDs, b.commitBroadcast)
		}
	}
}

// commitBroadcast commits an offset unless it is committed already: it would have
// the file written again.
func (b *Broker) commitBroadcast(topic, group string, queue int32, offset int64) {
	group = broadcast.CommitGroup(group)
	if committed, ok := b.offsets.Query(group, topic, queue); !ok || committed != offset {
		b.offsets.Commit(group, topic, queue, offset)
	}
}
