package broker

import (
	"context"
	"sync"
	"time"

	"github.com/gantrymq/gantry/broker/clients"
	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/protocol"
	"github.com/gantrymq/gantry/remoting"
)

// When members are told that are not told at once: from the start of the broker on, as
// upstream's DefaultConsumerIdsChangeListener.
const (
	firstNotices = 30 * time.Second
	nextNotices  = 15 * time.Second
)

// lateNotices keeps whom to tell later that their group has changed.
type lateNotices struct {
	mu      sync.Mutex // guards members
	members map[string][]*clients.Client
}

// put notes the members of a group that has changed. They are told once, however often
// it changes until then.
func (l *lateNotices) put(group string, members []*clients.Client) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.members == nil {
		l.members = map[string][]*clients.Client{}
	}
	l.members[group] = members
}

func (l *lateNotices) take() map[string][]*clients.Client {
	l.mu.Lock()
	defer l.mu.Unlock()
	members := l.members
	l.members = nil
	return members
}

// notifyConsumers tells the members of a group that its membership has changed, so that
// they share the queues out anew at once instead of within 20 s, unless
// notifyConsumerIdsChangedEnable says that none is told, or realTimeNotifyConsumerChange
// that they are told later.
func (b *Broker) notifyConsumers(group string, members []*clients.Client) {
	switch cfg := b.config.Load(); {
	case !cfg.NotifyConsumerIDsChangedEnable:
	case cfg.RealTimeNotifyConsumerChange:
		b.tellMembers(group, members)
	default:
		b.late.put(group, members)
	}
}

// notifyLate tells those who are told later, until ctx ends.
func (b *Broker) notifyLate(ctx context.Context) {
	timer := time.NewTimer(firstNotices)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		timer.Reset(nextNotices)
		for group, members := range b.late.take() {
			if b.config.Load().NotifyConsumerIDsChangedEnable {
				b.tellMembers(group, members)
			}
		}
	}
}

// tellMembers sends NOTIFY_CONSUMER_IDS_CHANGED (40). A client that does not take it is
// not waited for.
func (b *Broker) tellMembers(group string, members []*clients.Client) {
	push := &codec.Command{
		Code: int32(protocol.NotifyConsumerIDsChanged), Language: protocol.LanguageJava, Version: protocol.CurrentVersion,
		Header: &protocol.NotifyConsumerIdsChangedRequestHeader{ConsumerGroup: group},
	}
	for _, member := range members {
		if err := sessionOf(member).Push(push); err != nil {
			b.log.Debugf("group %s: tell %s that the members changed: %v", group, member.ID, err)
		}
	}
}

// sessionOf is the session of a client. All sessions of this broker come from
// package remoting; clients only names them.
func sessionOf(c *clients.Client) remoting.Session { return c.Session.(remoting.Session) }
