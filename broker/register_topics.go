package broker

import (
	"context"
	"time"

	"github.com/gantrymq/gantry/broker/registration"
	"github.com/gantrymq/gantry/protocol"
)

// narrowed makes a table what the name servers are told of it: a broker that may
// not be written or read takes that permission from all its topics. The table is
// the caller's.
func (b *Broker) narrowed(table map[string]*protocol.TopicConfig) map[string]*protocol.TopicConfig {
	allowed := b.config.Load().BrokerPermission
	if allowed&(protocol.PermRead|protocol.PermWrite) != protocol.PermRead|protocol.PermWrite {
		for name, topic := range table {
			narrowed := topic.Clone()
			narrowed.Perm &= allowed
			table[name] = narrowed
		}
	}
	return table
}

// registerSoon asks for a registration because topics changed. Several changes at
// once are told together.
func (b *Broker) registerSoon() {
	select {
	case b.changed <- struct{}{}:
	default:
	}
}

// awaitRegistered has the name servers told of changes that were just made, and
// returns when they have been, so that whoever is answered now finds the route.
// For a name server that does not answer it waits registerBrokerTimeoutMills, as
// upstream does. It must not be called on a connection's reader.
func (b *Broker) awaitRegistered() {
	if len(b.registrar.Servers()) == 0 {
		return
	}
	told := b.rounds.Join()
	b.registerSoon()
	timer := time.NewTimer(b.config.Load().RegisterTimeout)
	defer timer.Stop()
	select {
	case <-told:
	case <-timer.C:
	}
}

// registration tells the name servers of this broker at the start, of each
// change, and of everything from time to time.
func (b *Broker) registration(ctx context.Context) {
	defer b.rounds.End()
	cfg := b.config.Load()
	tick := time.NewTicker(min(max(cfg.RegisterPeriod, 10*time.Second), time.Minute))
	defer tick.Stop()
	told := b.registerAll(ctx)
	for {
		select {
		case <-ctx.Done():
			return
		case <-b.changed:
			if b.permissionChanged.Swap(false) {
				told = b.registerAll(ctx)
			} else {
				told = b.registerChanges(ctx, told)
			}
		case <-tick.C:
			if b.config.Load().ForceRegister || b.registrar.Changed(ctx, b.topics.DataVersion()) {
				told = b.registerAll(ctx)
			}
		}
	}
}

// registerAll tells the name servers every topic and returns the version of that.
func (b *Broker) registerAll(ctx context.Context) (told protocol.DataVersion) {
	defer b.rounds.Begin()()
	b.topics.Unregistered()
	t := registration.Topics{}
	t.Table, t.Version = b.topics.Snapshot()
	t.Table, t.Mappings = b.narrowed(t.Table), b.statics.Infos(nil)
	results, err := b.registrar.Register(ctx, t)
	b.registered(ctx, results, err)
	return t.Version
}

// registerChanges tells the name servers the topics that changed since they were
// told of a version, as upstream does by default: with thousands of topics a new
// one must not cost the whole table.
func (b *Broker) registerChanges(ctx context.Context, since protocol.DataVersion) (told protocol.DataVersion) {
	defer b.rounds.Begin()()
	changes := registration.Topics{}
	changes.Table, changes.Version = b.topics.Unregistered()
	if changes.Version == since {
		return since // the round before has told it
	}
	changes.Table, changes.Mappings = b.narrowed(changes.Table), b.statics.Infos(changes.Table)
	results, err := b.registrar.RegisterChanges(ctx, since, changes, func() registration.Topics {
		table, _ := b.topics.Snapshot()
		return registration.Topics{Table: b.narrowed(table), Mappings: b.statics.Infos(nil)}
	})
	b.registered(ctx, results, err)
	return changes.Version
}

// registered takes in what the name servers answered.
func (b *Broker) registered(ctx context.Context, results []registration.Result, err error) {
	if err != nil && ctx.Err() == nil {
		b.log.WithError(err).Warn("this broker is not registered everywhere")
	}
	for _, result := range results {
		var ordered []string
		for topic := range result.OrderTopic {
			ordered = append(ordered, topic)
		}
		b.topics.MarkOrdered(ordered)
	}
}
