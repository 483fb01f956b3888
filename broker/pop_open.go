package broker

import (
	"context"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"time"

	"github.com/gantrymq/gantry/broker/assignment"
	"github.com/gantrymq/gantry/broker/pop"
)

// popWorkers hand back pops that waited; each may read and append.
const popWorkers = 8

// openPops takes up what ordered groups hold, and makes the rest of POP
// consumption. What other groups hold is in the log.
func (b *Broker) openPops(cfg *Config, dir string) error {
	nowMs := func() int64 { return b.now().UnixMilli() }
	if err := b.openPopTables(dir); err != nil {
		return err
	}
	st := popStore{b}
	b.popper = pop.New(pop.Options{
		Now: nowMs, Random: rand.IntN, Broker: b.name, Settings: b.popSettings, Messages: st, Offsets: b.offsets, Log: st,
		Orders: b.orders, Queues: b.readQueues, Freed: func(topic, group string, queue int32) { b.polls.Free(topic, group, queue) },
	})
	b.popper.LimitInFlight(cfg.EnablePopMessageThreshold, cfg.PopInflightMessageThreshold)
	b.recoverPops(filepath.Join(dir, cfg.offsetsFile()))
	for queue := range cfg.ReviveQueueNum {
		b.revivers = append(b.revivers, pop.NewReviver(queue, b.name, st, nowMs))
	}
	return nil
}

// openPopTables loads what ordered groups hold, and how groups receive.
func (b *Broker) openPopTables(dir string) error {
	orders, loaded, err := pop.OpenOrders(pop.OrdersOptions{
		FS: b.tables, Path: filepath.Join(dir, "consumerOrderInfo.json"), Now: func() int64 { return b.now().UnixMilli() },
		Queues: b.readQueues, HasGroup: b.groups.Contains, Wakes: func() bool { return b.config.Load().EnableNotifyAfterPopOrderLockRelease },
	})
	if err := b.noteLoad(loaded, err); err != nil {
		return err
	}
	modes, loaded, err := assignment.OpenModes(b.tables, filepath.Join(dir, "messageRequestMode.json"))
	if err := b.noteLoad(loaded, err); err != nil {
		return err
	}
	b.orders, b.modes = orders, modes
	return nil
}

// openPolls makes what holds pops and notifications. Arrivals wake them, so it
// comes before the store.
func (b *Broker) openPolls(cfg *Config) {
	b.reviveTopic = pop.ReviveTopic(cfg.BrokerClusterName)
	options := pop.PollOptions[*heldPop]{
		Now: func() int64 { return b.now().UnixMilli() }, Limits: b.pollLimits, Workers: popWorkers, Gone: popGone, Resume: b.resumePop,
	}
	b.polls, b.notices, b.litePolls = pop.NewPolls(options), pop.NewPolls(options), pop.NewPolls(options)
}

// readQueues is how many queues of a topic are read, 0 when there is no such
// topic.
func (b *Broker) readQueues(topic string) int32 {
	if c := b.topics.Get(topic); c != nil {
		return c.ReadQueueNums
	}
	return 0
}

func (b *Broker) popSettings() pop.Settings {
	cfg := b.config.Load()
	return pop.Settings{
		RetryV2: cfg.EnableRetryTopicV2, RetryV1Too: cfg.RetrieveMessageFromPopRetryTopicV1, RetryPercent: int(cfg.PopFromRetryProbability), RetryPercentOfPriority: int(cfg.PopFromRetryProbabilityForPriority),
		CheckInMemory: cfg.InitPopOffsetByCheckMsgInMem, HighestFirst: cfg.PriorityOrderAsc, ReviveQueues: cfg.ReviveQueueNum,
	}
}

func (b *Broker) pollLimits() pop.PollLimits {
	cfg := b.config.Load()
	return pop.PollLimits{PerQueue: int(cfg.PopPollingSize), Total: cfg.MaxPopPollingSize, Force: cfg.PopLongPollingForceNotifyInterval}
}

// runPops serves what waits and revives what was not acknowledged, until ctx ends.
func (b *Broker) runPops(ctx context.Context) error {
	var parts sync.WaitGroup
	parts.Go(func() { _ = b.polls.Run(ctx) })
	parts.Go(func() { _ = b.notices.Run(ctx) })
	for _, r := range b.revivers {
		parts.Go(func() { b.revive(ctx, r) })
	}
	parts.Go(func() { _ = b.orders.Run(ctx, b.freed) })
	parts.Wait()
	return context.Cause(ctx)
}

// freed wakes who waits for an ordered queue.
func (b *Broker) freed(topic, group string, queue int32) {
	b.polls.Free(topic, group, queue)
	b.notices.Free(topic, group, queue)
}

// revive runs one queue of the revive topic.
func (b *Broker) revive(ctx context.Context, r *pop.Reviver) {
	interval := b.config.Load().ReviveInterval
	timer := time.NewTimer(interval)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		more, err := r.Round()
		if err != nil {
			b.log.WithError(err).Warn("messages that were not acknowledged cannot be given again yet")
		}
		if more && err == nil {
			timer.Reset(0)
		} else {
			timer.Reset(b.config.Load().ReviveInterval)
		}
	}
}
