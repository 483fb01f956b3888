package broker

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// unregisterTimeout bounds the good-bye to the name servers at the end: a name
// server that does not answer must not hold up the stop.
const unregisterTimeout = 300 * time.Millisecond

// shortestPersist bounds how often tables are written, whatever is configured.
const shortestPersist = 10 * time.Millisecond

// Run serves until ctx ends or something that the broker cannot do without
// fails, and then stops in the order that the package's documentation gives.
func (b *Broker) Run(ctx context.Context) error {
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	storeCtx, stopStore := context.WithCancel(context.WithoutCancel(ctx))
	defer stopStore()
	var last, services sync.WaitGroup
	last.Go(func() { fail(part("the store", b.store.Run(storeCtx))) })
	services.Go(func() { fail(part("the delay service", b.delay.Run(ctx))) })
	if b.timer != nil {
		services.Go(func() { fail(part("the timer", b.timer.Run(ctx))) })
	}
	services.Go(func() { fail(part("the check of transactions", b.halves.Run(ctx))) })
	services.Go(func() { fail(part("long polling", b.hold.Run(ctx))) })
	services.Go(func() { b.runColdReads(ctx) })
	services.Go(func() { b.sweepBroadcasts(ctx) })
	services.Go(func() { fail(part("pops", b.runPops(ctx))) })
	services.Go(func() { fail(part("lite topics", b.runLite(ctx))) })
	services.Go(func() { fail(part("the statistics", b.stats.Run(ctx))) })
	services.Go(func() { b.housekeeping(ctx) })
	services.Go(func() { b.notifyLate(ctx) })
	services.Go(func() { b.cleanMappings(ctx) })
	services.Go(func() { b.registration(ctx) })
	b.checkReach()
	services.Go(func() { fail(part("the server", b.server.Run(ctx))) })
	services.Wait()
	b.sayGoodbye()
	stopStore()
	last.Wait()
	err := errors.Join(context.Cause(ctx), b.Close())
	if errors.Is(err, context.Canceled) && b.closeErr == nil {
		return context.Canceled
	}
	return err
}

// part names what ended. A part that ended because it was asked to is no fault.
func part(name string, err error) error {
	if err == nil || errors.Is(err, context.Canceled) {
		return context.Canceled
	}
	return fmt.Errorf("%s: %w", name, err)
}

// housekeeping writes what changes all the time and drops clients that have gone
// silent.
func (b *Broker) housekeeping(ctx context.Context) {
	cfg := b.config.Load()
	offsets := time.NewTicker(max(cfg.FlushConsumerOffsetInterval, shortestPersist))
	defer offsets.Stop()
	delays := time.NewTicker(max(cfg.FlushDelayOffsetInterval, shortestPersist))
	defer delays.Stop()
	scan := time.NewTicker(10 * time.Second)
	defer scan.Stop()
	slow := time.NewTicker(slowReadersTurn)
	defer slow.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-offsets.C:
			if err := b.topics.Settle(); err != nil {
				b.log.WithError(err).Error("topics could not be written")
			}
			if err := b.groups.Settle(); err != nil {
				b.log.WithError(err).Error("consumer groups could not be written")
			}
			if err := b.offsets.Persist(); err != nil {
				b.log.WithError(err).Error("consumer offsets could not be written")
			}
		case <-slow.C:
			b.stopSlowReaders()
		case <-delays.C:
			if err := b.delay.Persist(); err != nil {
				b.log.WithError(err).Error("delay offsets could not be written")
			}
		case <-scan.C:
			if err := b.orders.Persist(); err != nil {
				b.log.WithError(err).Error("what ordered groups have popped could not be written")
			}
			if err := b.filters.Persist(); err != nil {
				b.log.WithError(err).Error("registered filters could not be written")
			}
			b.producers.Expire()
			b.consumers.Expire()
		}
	}
}

// sayGoodbye takes the broker off its name servers.
func (b *Broker) sayGoodbye() {
	if len(b.registrar.Servers()) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), unregisterTimeout)
	defer cancel()
	if err := b.registrar.Unregister(ctx); err != nil {
		b.log.WithError(err).Warn("not every name server was told that this broker ends")
	}
}
