package broker

import (
	"context"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/gantrymq/gantry/broker/lite"
	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/compat"
	"github.com/gantrymq/gantry/protocol"
	"github.com/gantrymq/gantry/remoting"
)

// messageTypeLite is the type of a parent topic.
const messageTypeLite = "LITE"

// openLite makes what serves lite topics. Everything it keeps is in memory, except
// offsets.
func (b *Broker) openLite() {
	b.liteRoutes.pick = writableQueues
	b.lite = lite.New(lite.Options{
		Now: func() int64 { return b.now().UnixMilli() }, Random: rand.IntN, Settings: b.liteSettings, Messages: liteStore{popStore{b}}, Offsets: b.offsets,
		Group: b.liteGroup, Mine: b.ownsLite, Excluded: b.tellExcluded,
		Wake: func(client string) { b.litePolls.Free("", client, 0) },
		Gone: func(client string) { b.liteSessions.Delete(client) },
	})
}

func (b *Broker) liteSettings() lite.Settings {
	cfg := b.config.Load()
	return lite.Settings{
		Subscriptions: cfg.MaxLiteSubscriptionCount, Events: cfg.MaxClientEventCount, ScanEvery: cfg.LiteEventCheckInterval.Milliseconds(),
		FullDelay: cfg.LiteFullDispatchDelay.Milliseconds(), FullDelayOfWildcard: cfg.LiteFullDispatchDelayForWildcardGroup.Milliseconds(),
		CheckEvery: cfg.LiteSubscriptionCheckInterval.Milliseconds(), SilentFor: cfg.LiteSubscriptionCheckTimeout.Milliseconds(),
		CheckInMemory: cfg.InitPopOffsetByCheckMsgInMem, NoEvents: !cfg.EnableLiteEventMode,
	}
}

// liteGroup is what the attributes of a group say of lite topics.
func (b *Broker) liteGroup(name string) lite.Group {
	c := b.groups.Find(name)
	if c == nil {
		return lite.Group{}
	}
	events, _ := strconv.ParseInt(c.Attributes["lite.sub.client.max.event.cnt"], 10, 32)
	_, wildcard := c.Attributes["lite.sub.wildcard"]
	return lite.Group{
		Bound: c.Attributes["lite.bind.topic"], Exclusive: c.Attributes["lite.sub.model"] == "Exclusive",
		ResetWhenExcluded: c.Attributes["lite.sub.reset.offset.exclusive"] == "true",
		ResetWhenRemoved:  c.Attributes["lite.sub.reset.offset.unsubscribe"] == "true",
		Wildcard:          wildcard, Events: int32(events),
	}
}

// liteParent reports whether a topic is one of lite topics.
func (b *Broker) liteParent(name string) bool {
	c := b.topics.Get(name)
	return c != nil && c.Attributes["message.type"] == messageTypeLite
}

// liteStore is the message store as lite topics see it.
type liteStore struct{ popStore }

// LiteTopics lists the light queues of a parent topic.
func (s liteStore) LiteTopics(parent string) []string {
	return slices.DeleteFunc(s.b.store.Topics(), func(name string) bool {
		topic, _, ok := compat.SplitLiteTopicName(name)
		return !ok || topic != parent
	})
}

// ownsLite reports whether a lite topic belongs to this broker: its name chooses
// one of the parent's writable queues on all brokers.
func (b *Broker) ownsLite(parent, lmq string) bool {
	_, name, ok := compat.SplitLiteTopicName(lmq)
	queues, known := b.liteRoutes.queues(b, parent)
	if !ok || !known || len(queues) == 0 {
		return true
	}
	at := compat.ConsistentHash(int64(compat.HashCode(name)), len(queues))
	return queues[at].BrokerName == b.name
}

// tellExcluded tells a client that another of its group has taken a lite topic
// over (NOTIFY_UNSUBSCRIBE_LITE, 200073).
func (b *Broker) tellExcluded(client, group, lmq string) {
	session, ok := b.liteSessions.Load(client)
	if !ok {
		return
	}
	_, name, _ := compat.SplitLiteTopicName(lmq)
	err := session.(remoting.Session).Push(&codec.Command{
		Code: int32(protocol.NotifyUnsubscribeLite), Language: protocol.LanguageJava, Version: protocol.CurrentVersion,
		Header: &protocol.NotifyUnsubscribeLiteRequestHeader{LiteTopic: name, ConsumerGroup: group, ClientID: client},
	})
	if err != nil {
		b.log.Debugf("group %s: tell %s that it lost a lite topic: %v", group, client, err)
	}
}

// runLite runs the lite topics until ctx ends.
func (b *Broker) runLite(ctx context.Context) error {
	var parts sync.WaitGroup
	parts.Go(func() { _ = b.lite.Run(ctx) })
	parts.Go(func() { _ = b.litePolls.Run(ctx) })
	parts.Go(func() { b.expireLite(ctx) })
	parts.Wait()
	return context.Cause(ctx)
}

// expireLite deletes lite topics that have been silent for longer than their
// parent allows. Nothing goes soon after a start.
func (b *Broker) expireLite(ctx context.Context) {
	const look = 20 * time.Second
	timer := time.NewTimer(look)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		cfg := b.config.Load()
		next := look
		if b.now().Sub(b.started) >= cfg.MinLiteTTL {
			b.deleteLite(b.silentLite(b.now(), cfg.MinLiteTTL))
			next = cfg.LiteTTLCheckInterval
		}
		timer.Reset(max(next, time.Second))
	}
}

// silentLite lists the lite topics whose time is over; none is younger than least.
func (b *Broker) silentLite(now time.Time, least time.Duration) []string {
	return slices.DeleteFunc(b.store.Topics(), func(lmq string) bool {
		parent, _, ok := compat.SplitLiteTopicName(lmq)
		if !ok || !b.liteParent(parent) {
			return true
		}
		minutes := b.liteExpiration(parent)
		end := b.maxOffset(lmq, 0)
		if minutes <= 0 || end <= 0 {
			return true
		}
		newest, err := b.store.StoreTime(lmq, 0, end-1)
		silent := now.UnixMilli() - newest
		return err != nil || silent < least.Milliseconds() || silent <= int64(minutes)*time.Minute.Milliseconds()
	})
}

// liteExpiration is after how many minutes of silence a lite topic goes; -1 is
// never.
func (b *Broker) liteExpiration(parent string) int32 {
	if c := b.topics.Get(parent); c != nil {
		if n, err := strconv.ParseInt(c.Attributes["lite.topic.expiration"], 10, 32); err == nil {
			return int32(n)
		}
	}
	return -1
}

// deleteLite deletes lite topics with their offsets and subscriptions.
func (b *Broker) deleteLite(lmqs []string) {
	if len(lmqs) == 0 {
		return
	}
	groups := b.liteGroups()
	for _, lmq := range lmqs {
		parent, _, _ := compat.SplitLiteTopicName(lmq)
		b.lite.Forget(lmq, groups[parent])
		b.offsets.RemoveTopic(lmq)
	}
	if err := b.store.DeleteTopics(lmqs); err != nil {
		b.log.WithError(err).Warn("lite topics could not be deleted")
	}
}

// liteGroups lists the lite groups by the topic that they are bound to, sorted.
func (b *Broker) liteGroups() map[string][]string {
	bound := map[string][]string{}
	for name, c := range b.groups.Snapshot().SubscriptionGroupTable {
		if parent, ok := c.Attributes["lite.bind.topic"]; ok {
			bound[parent] = append(bound[parent], name)
		}
	}
	for _, names := range bound {
		slices.Sort(names)
	}
	return bound
}

// writableQueues are the queues that a producer chooses from, in its order.
func writableQueues(topic string, data *protocol.TopicRouteData) []protocol.MessageQueue {
	var queues []protocol.MessageQueue
	topic = strings.Clone(topic)
	for _, q := range data.QueueDatas {
		if q == nil || q.Perm&protocol.PermWrite == 0 {
			continue
		}
		for id := range q.WriteQueueNums {
			queues = append(queues, protocol.MessageQueue{Topic: topic, BrokerName: q.BrokerName, QueueID: id})
		}
	}
	slices.SortStableFunc(queues, func(a, b protocol.MessageQueue) int { return strings.Compare(a.BrokerName, b.BrokerName) })
	return queues
}
