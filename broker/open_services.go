package broker

import (
	"path/filepath"
	"time"

	"github.com/gantrymq/gantry/broker/broadcast"
	"github.com/gantrymq/gantry/broker/clients"
	"github.com/gantrymq/gantry/broker/coldread"
	"github.com/gantrymq/gantry/broker/delay"
	"github.com/gantrymq/gantry/broker/longpoll"
	"github.com/gantrymq/gantry/broker/queuelock"
	"github.com/gantrymq/gantry/broker/registration"
	"github.com/gantrymq/gantry/broker/stats"
	"github.com/gantrymq/gantry/broker/transaction"
	"github.com/gantrymq/gantry/protocol"
)

// Times after which upstream forgets what nobody renews.
const (
	producerExpiry = 120 * time.Second // ProducerManager's
	lockExpiry     = 60 * time.Second  // RebalanceLockManager's
)

// openRooms makes what has no file. It comes before the store, whose arrivals
// wake waiting pulls.
func (b *Broker) openRooms(cfg *Config) {
	nowMs := func() int64 { return b.now().UnixMilli() }
	b.ids = newUniqueIDs(b.storeHost.Addr(), b.now)
	b.producers = clients.NewProducers(clients.ProducerOptions{Now: nowMs, Expiry: producerExpiry.Milliseconds()})
	b.consumers = clients.NewConsumers(clients.ConsumerOptions{
		Now: nowMs, Expiry: cfg.ClientExpiry.Milliseconds(), SubscriptionExpiry: cfg.SubscriptionExpiry.Milliseconds(),
		Events: clients.ConsumerEvents{
			MembersChanged: b.notifyConsumers,
			Registered:     func(group string, subs []protocol.SubscriptionData) { b.filters.Register(group, subs) },
			GroupGone:      func(group string) { b.filters.Unregister(group) },
		},
	})
	b.broadcasts = broadcast.New(broadcast.Options{Now: b.now, Expiry: func() (absent, present time.Duration) {
		cfg := b.config.Load()
		return cfg.BroadcastOffsetExpiry, cfg.BroadcastOffsetExpiryMax
	}})
	b.coldReads = coldread.New(nowMs, b.coldReadSettings, cfg.ColdReadPID)
	b.locks = queuelock.New(nowMs, lockExpiry.Milliseconds())
	b.hold = longpoll.New(longpoll.Options[*heldPull]{
		Now: nowMs, Recheck: recheckPulls(cfg), Gone: pullGone, Resume: b.resumePulls,
		MaxOffset: b.maxOffset,
	})
	b.deliverPulls = b.hold.Deliver
	b.stats = stats.New(cfg.BrokerClusterName, cfg.EnableDetailStat, nowMs, func(topic string) bool { return b.topics.IsSystem(topic) })
	b.registrar = registration.New(registration.Identity{
		Cluster: cfg.BrokerClusterName, Name: cfg.BrokerName, ID: cfg.BrokerID,
		Addr: b.told, HAAddr: cfg.HAAddr(), ActingOK: cfg.EnableSlaveActingMaster,
	}, b.client, nameServers(cfg.NamesrvAddr), registrationForm(cfg))
	b.openPolls(cfg)
	b.configChanged(cfg)
}

// registrationForm is how the broker registers. The time-out of heartbeats is the name
// server's where the broker sends none of its own.
func registrationForm(cfg *Config) registration.Form {
	f := registration.Form{Timeout: cfg.RegisterTimeout, Compressed: cfg.CompressedRegister}
	if cfg.EnableSlaveActingMaster {
		f.ActiveTimeout = cfg.NotActiveTimeout
	}
	return f
}

// recheckPulls is how often waiting pulls are compared with the ends of their
// queues.
func recheckPulls(cfg *Config) time.Duration {
	if cfg.LongPollingEnable {
		return longpoll.DefaultRecheck
	}
	return cfg.ShortPollingTime
}

// openDelay takes up the delivery of delayed messages where it was.
func (b *Broker) openDelay(cfg *Config, dir string) error {
	scheduler, loaded, err := delay.Open(delay.Options{
		Levels: b.levels, Store: delayStore{b}, Now: func() int64 { return b.now().UnixMilli() },
		FS: b.tables, Path: filepath.Join(dir, "delayOffset.json"), VersionStep: cfg.DelayVersionStep,
		OnError: func(err error) { b.log.WithError(err).Warn("a delayed message cannot be delivered") },
	})
	b.delay = scheduler
	return b.noteLoad(loaded, err)
}

// openTransactions takes up the check of half messages where it was.
func (b *Broker) openTransactions(dir string) error {
	service, loaded, err := transaction.Open(b.transactionOptions(dir))
	b.halves = service
	return b.noteLoad(loaded, err)
}

func (b *Broker) transactionOptions(dir string) transaction.Options {
	return transaction.Options{
		Store: halfStore{b}, Progress: b.offsets, Now: func() int64 { return b.now().UnixMilli() }, Host: b.storeHost,
		Settings:    func() transaction.Settings { return b.config.Load().transactions() },
		Ask:         b.askProducer,
		OpenDiscard: func() { b.topics.CreateTransCheckMaxTime(1, protocol.PermRead|protocol.PermWrite) },
		Path:        filepath.Join(dir, "transactionMetrics"),
		OnError:     func(err error) { b.log.WithError(err).Warn("transactions") },
	}
}
