package broker

import (
	"time"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/compat"
	"github.com/gantrymq/gantry/protocol"
	"github.com/gantrymq/gantry/store"
)

// countPut notes messages that were stored.
func (b *Broker) countPut(topic string, messages, bytes int) {
	b.stats.Topic(topic).Add(messages, bytes)
	rates := b.stats.Rates()
	rates.Put.Add(int64(messages), 0)
	rates.PutBytes.Add(int64(bytes), 0)
}

// timePut notes how long a message that came from outside took to the store, for
// the queue that it was sent to, but under the topic that it waits in. The store has
// looked at the clock anyway.
func (b *Broker) timePut(topic string, queueID int32, received time.Time, result store.AppendResult) {
	took := result.StoreTimestamp - received.UnixMilli()
	b.stats.Rates().PutTime.Add(took)
	b.stats.PutLatency(topic, queueID, took)
}

// countDeferred notes a message that was put into a queue of delayed messages.
func (b *Broker) countDeferred(m *codec.Message, bytes int) {
	if m.Topic == protocol.TopicSchedule {
		b.stats.QueuePut(m.Topic, m.QueueID, 1, bytes)
	}
}

// countGet notes messages that were given out.
func (b *Broker) countGet(group, topic string, messages, bytes int) {
	b.stats.Group(b.counted(group), b.counted(topic)).Add(messages, bytes)
}

// timeGet notes how long it took to find messages for a group. Upstream does so only
// where it copies an answer, and nothing else shows of transferMsgByHeap.
func (b *Broker) timeGet(group, topic string, queueID int32, began time.Time) {
	if !b.config.Load().TransferMsgByHeap {
		return
	}
	b.stats.GetLatency(b.counted(group), b.counted(topic), queueID, time.Now().UnixMilli()-began.UnixMilli())
}

// counted is the name that statistics are kept under. There may be thousands of
// light message queues, so they count as one unless enableLmqStats says otherwise
// (upstream's LmqBrokerStatsManager).
func (b *Broker) counted(name string) string {
	if compat.IsLMQ(name) {
		if cfg := b.config.Load(); cfg.EnableLMQ && !cfg.EnableLMQStats {
			return protocol.PrefixLMQ
		}
	}
	return name
}

// get reads messages for a group, or for none, and counts how the read ended.
func (b *Broker) get(group string, q *store.Query, r *store.GetResult) {
	began := time.Now()
	b.store.Get(q, r)
	if r.Cold {
		return // asked again by a worker, and counted there
	}
	if group != "" && b.config.Load().watchesReaders() {
		b.noteRead(group, q, r)
	}
	rates := b.stats.Rates()
	rates.GetTime.Add(time.Since(began).Milliseconds())
	if r.Status != store.Found {
		rates.Miss.Add(1, 0)
		return
	}
	rates.Found.Add(1, 0)
	rates.Transferred.Add(int64(r.Messages), 0)
}
