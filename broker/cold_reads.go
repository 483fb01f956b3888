package broker

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/gantrymq/gantry/broker/coldread"
	"github.com/gantrymq/gantry/protocol"
	"github.com/gantrymq/gantry/remoting"
)

// Upstream's times (ColdDataCgCtrService, ColdDataPullRequestHoldService).
const (
	coldReadTurn = 5 * time.Second // between two counts, and between two looks at the pulls that wait
	coldPullWait = 3 * time.Second // at least, of a pull of a group that has read enough
)

// maxColdPulls is how many pulls wait at most. Upstream leaves what comes then without an
// answer; here it is served at once, with one message, like those that have waited
// (intended difference 40).
const maxColdPulls = 10_000

func (b *Broker) coldReadSettings() coldread.Settings {
	cfg := b.config.Load()
	return coldread.Settings{Group: cfg.ColdReadOfGroup, Total: cfg.ColdReadOfAll, Adaptive: cfg.ColdReadAdaptive}
}

// coldPulls are pulls of groups that have read enough of what is cold, in the order in
// which they came.
type coldPulls struct {
	mu   sync.Mutex // guards list
	list []coldPull
}

type coldPull struct {
	*heldPull
	due time.Time
}

func (c *coldPulls) add(p coldPull) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.list) >= maxColdPulls {
		return false
	}
	c.list = append(c.list, p)
	return true
}

// full reports whether the next pull may find no room.
func (c *coldPulls) full() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.list) >= maxColdPulls
}

// take removes those whose time has come.
func (c *coldPulls) take(now time.Time) []coldPull {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := slices.IndexFunc(c.list, func(p coldPull) bool { return p.due.After(now) })
	if n < 0 {
		n = len(c.list)
	}
	due := slices.Clone(c.list[:n])
	c.list = slices.Delete(c.list, 0, n)
	return due
}

// boundColdRead judges a pull that arrives. One that has to wait is held, and op given back.
func (b *Broker) boundColdRead(r *remoting.Request, op *pullOp) (held bool, err error) {
	wait, err := b.judgeColdRead(&op.header)
	if !wait || err != nil {
		return false, err
	}
	pull := detachPull(r, op)
	op.release()
	b.holdColdPull(pull)
	return true, nil
}

// boundHeldRead judges a pull that has waited for a message, as upstream does: what has
// come for it may be cold by now.
func (b *Broker) boundHeldRead(held *heldPull) (settled bool) {
	wait, err := b.judgeColdRead(&held.header)
	switch {
	case err != nil:
		held.pending.Fail(err)
	case wait:
		b.holdColdPull(held)
	default:
		return false
	}
	return true
}

func (b *Broker) holdColdPull(held *heldPull) {
	if p := (coldPull{held, b.now().Add(coldPullWait)}); !b.coldPulls.add(p) {
		b.resumeColdPull(p)
	}
}

// judgeColdRead judges a pull of a group that has read enough of what is no longer in
// memory, if it would read more of that: the push consumer is told that the broker is
// busy and comes back later, the pull consumer has to wait, and POP is let through.
func (b *Broker) judgeColdRead(h *protocol.PullMessageRequestHeader) (wait bool, err error) {
	if !b.tooCold(h) {
		return false, nil
	}
	switch view := b.consumers.View(h.ConsumerGroup); {
	case view == nil:
		// Upstream stumbles over the group that nobody knows, with the same code.
		return false, refuse(protocol.ResponseSystemError, "the group %s has read enough of what is no longer in memory, and no consumer of it is known that could wait", h.ConsumerGroup)
	case view.ConsumeType == protocol.ConsumePassively:
		return false, refuse(protocol.ResponseSystemBusy, "This consumer group is reading cold data. It has been flow control")
	case view.ConsumeType == protocol.ConsumeActively && b.coldPulls.full():
		h.MaxMsgNums = 1
	case view.ConsumeType == protocol.ConsumeActively:
		return true, nil
	}
	return false, nil
}

// tooCold reports whether a pull is of a group that has read enough, and begins with a
// message that is cold.
func (b *Broker) tooCold(h *protocol.PullMessageRequestHeader) bool {
	if !b.config.Load().ColdDataFlowControlEnable || readsForBroker(h.ConsumerGroup) || !b.coldReads.Exceeded(h.ConsumerGroup) {
		return false
	}
	units, err := b.store.Units(h.Topic, h.QueueID, h.QueueOffset, 1)
	return err == nil && len(units) > 0 && b.store.BehindHot(units[0].Physical)
}

// resumeColdPull serves a pull that has waited. If its group has still read enough it
// gets one message.
func (b *Broker) resumeColdPull(p coldPull) {
	if b.tooCold(&p.header) {
		p.header.MaxMsgNums = 1
	}
	b.resumePull(p.heldPull, false)
}

// runColdReads begins a new count every few seconds and serves the pulls that have
// waited, until ctx ends.
func (b *Broker) runColdReads(ctx context.Context) {
	ticker := time.NewTicker(coldReadTurn)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		for _, p := range b.coldPulls.take(b.now()) {
			if !pullGone(p.heldPull) {
				b.resumeColdPull(p)
			}
		}
		b.coldReads.Turn()
	}
}

// brokerGroups are the groups of the broker and of tools that have no system group's name.
var brokerGroups = []string{
	protocol.GroupDefaultConsumer, protocol.GroupTools, protocol.GroupSchedule, protocol.GroupFilterServer, protocol.GroupMonitor,
	protocol.GroupSelfTestConsumer, protocol.GroupONSHTTPProxy, protocol.GroupONSAPIPermission, protocol.GroupONSAPIOwner, protocol.GroupONSAPIPull,
}

// readsForBroker reports whether a group is one of the broker's own, whose reading is
// neither counted nor turned away (upstream's isSysConsumerGroupPullMessage).
func readsForBroker(group string) bool {
	return protocol.IsSystemGroup(group) || slices.Contains(brokerGroups, group)
}
