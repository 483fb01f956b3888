package broker

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/gantrymq/gantry/broker/assignment"
	"github.com/gantrymq/gantry/broker/broadcast"
	"github.com/gantrymq/gantry/broker/clients"
	"github.com/gantrymq/gantry/broker/coldread"
	"github.com/gantrymq/gantry/broker/delay"
	"github.com/gantrymq/gantry/broker/filter"
	"github.com/gantrymq/gantry/broker/groups"
	"github.com/gantrymq/gantry/broker/lite"
	"github.com/gantrymq/gantry/broker/longpoll"
	"github.com/gantrymq/gantry/broker/offsets"
	"github.com/gantrymq/gantry/broker/pop"
	"github.com/gantrymq/gantry/broker/queuelock"
	"github.com/gantrymq/gantry/broker/registration"
	"github.com/gantrymq/gantry/broker/staticqueue"
	"github.com/gantrymq/gantry/broker/stats"
	"github.com/gantrymq/gantry/broker/timer"
	"github.com/gantrymq/gantry/broker/topics"
	"github.com/gantrymq/gantry/broker/transaction"
	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/config"
	"github.com/gantrymq/gantry/configfile"
	"github.com/gantrymq/gantry/protocol"
	"github.com/gantrymq/gantry/remoting"
	"github.com/gantrymq/gantry/store"
)

// Logger is what the broker says to its operator. It says nothing per message.
type Logger = logrus.FieldLogger

// Options are what a broker is made of.
type Options struct {
	Settings *config.Settings
	// ConfigFile is the file that an update of the settings replaces.
	ConfigFile string
	Log        Logger
	Now        func() time.Time // nil is time.Now
}

// Broker is one broker. New opens its ports and what it keeps, Run serves until it
// is told to stop.
type Broker struct {
	config     *config.Live[Config]
	configFile *configfile.File
	applying   sync.Mutex                           // held while a change of config takes effect, so that the last one wins
	version    atomic.Pointer[protocol.DataVersion] // of config
	log        Logger
	now        func() time.Time
	name       string
	started    time.Time

	told          string         // host:port that clients are told
	storeHost     netip.AddrPort // the same as an address, which records carry
	ownProperties atomic.Pointer[brokerProperties]
	sendExt       atomic.Pointer[codec.Fields] // goes with every answer to a send

	store     *store.Store
	topics    *topics.Manager
	statics   *staticqueue.Manager // static topics
	brokers   brokerAddrs          // of other brokers
	groups    *groups.Manager
	offsets   *offsets.Manager
	filters   *filter.Registry
	orders    *pop.Orders // what ordered groups have popped
	popper    *pop.Popper
	polls     *pop.Polls[*heldPop] // pops that wait
	notices   *pop.Polls[*heldPop] // notifications that wait
	lite      *lite.Manager
	litePolls *pop.Polls[*heldPop] // pops from lite topics that wait, by client
	// liteSessions are the connections on which clients last changed their lite
	// subscriptions: client string → remoting.Session.
	liteSessions sync.Map
	liteRoutes   topicRoutes
	revivers     []*pop.Reviver
	revived      revivedMessages
	modes        *assignment.Modes // how groups receive
	routes       topicRoutes
	producers    *clients.Producers
	consumers    *clients.Consumers
	beats        beats // heartbeats that may come again
	locks        *queuelock.Manager
	hold         *longpoll.Holder[*heldPull]
	broadcasts   *broadcast.Manager // how far clients of groups that broadcast have pulled
	deliverPulls func()             // hold.Deliver, bound once
	delay        *delay.Scheduler
	halves       *transaction.Service
	levels       delay.Levels
	timer        *timer.Service // nil when timerWheelEnable is off
	stats        *stats.Manager

	tables       configfile.FS   // where the tables are
	storedTopics *topics.Manager // what topics.json says, until topics is there

	reviveTopic string
	coldReads   *coldread.Control
	coldPulls   coldPulls    // pulls of groups that have read enough
	slow        slowReaders  // groups that may be too far behind
	late        lateNotices  // members that are told later of changes
	expressions filter.Cache // of pulls that bring one along

	pools     *pools
	server    *remoting.Server
	client    *remoting.Client
	registrar *registration.Registrar
	ids       *uniqueIDs
	changed   chan struct{} // a topic changed: register soon
	rounds    registration.Rounds
	// permissionChanged says that what is registered of every topic has changed.
	permissionChanged atomic.Bool
	closeOnce         sync.Once
	closeErr          error
}

// New opens the ports, the data directory and everything that is kept in it.
// Clients may connect at once; they are served when Run runs. What New opened is
// closed by Run, or by Close when Run is never called.
func New(o Options) (*Broker, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	live, err := config.NewLive(o.Settings, check)
	if err != nil {
		return nil, err
	}
	cfg := live.Load()
	if err := checkNameServers(cfg.NamesrvAddr); err != nil {
		return nil, err
	}
	secure, err := cfg.TLS.ClientConfig()
	if err != nil {
		return nil, err
	}
	b := &Broker{config: live, log: o.Log, now: o.Now, name: cfg.BrokerName, started: o.Now(), changed: make(chan struct{}, 1), tables: configfile.OS}
	b.version.Store(&protocol.DataVersion{Timestamp: b.started.UnixMilli()})
	b.configFile = configfile.New(configfile.OS, o.ConfigFile, func() ([]byte, error) { return live.Settings().File(), nil })
	b.pools = newPools(cfg)
	b.client = remoting.NewClient(remoting.ClientOptions{TLS: secure, DialTimeout: cfg.ConnectTimeout})
	if err := b.start(cfg); err != nil {
		return nil, errors.Join(err, b.Close())
	}
	return b, nil
}

func (b *Broker) start(cfg *Config) error {
	if err := b.listen(cfg); err != nil {
		return err
	}
	return b.open(cfg)
}

// open opens what the broker keeps. The store comes before the tables: it takes
// the lock of the directory.
func (b *Broker) open(cfg *Config) (err error) {
	if b.levels, err = delay.ParseLevels(cfg.MessageDelayLevel); err != nil {
		return err
	}
	b.openRooms(cfg)
	dir := filepath.Join(cfg.StorePathRootDir, "config")
	if err := refuseRocksConfig(dir); err != nil { // before anything is touched
		return err
	}
	if err := b.tryTables(cfg, dir); err != nil {
		return err
	}
	if err := b.openStore(cfg); err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("make the data directory: %w", err)
	}
	if err := b.openTables(cfg, dir); err != nil {
		return err
	}
	if err := b.openCompaction(cfg); err != nil {
		return err
	}
	b.openLite()
	if err := b.openDelay(cfg, dir); err != nil {
		return err
	}
	if err := b.openTimer(cfg, dir); err != nil {
		return err
	}
	if err := b.openTransactions(dir); err != nil {
		return err
	}
	return b.openPops(cfg, dir)
}

// openTables loads topics, groups, registered filters and offsets.
func (b *Broker) openTables(cfg *Config, dir string) error {
	nowMs := func() int64 { return b.now().UnixMilli() }
	report := func(err error) { b.log.WithError(err).Error("a table could not be written") }
	trace := ""
	if cfg.TraceTopicEnable {
		trace = cfg.MsgTraceTopicName
	}
	var loaded configfile.Loaded
	var err error
	b.topics, loaded, err = topics.Open(topics.Options{
		FS: b.tables, Path: filepath.Join(dir, "topics.json"), Now: nowMs,
		ClusterName: cfg.BrokerClusterName, BrokerName: cfg.BrokerName,
		AutoCreate: cfg.AutoCreateTopicEnable, DefaultQueues: cfg.DefaultTopicQueueNums, ClusterTopic: cfg.ClusterTopicEnable,
		BrokerTopic: cfg.BrokerTopicEnable, TraceTopic: trace, ReviveQueues: cfg.ReviveQueueNum, TimerWheelTopic: cfg.TimerWheelEnable,
		LightQueues: cfg.EnableLMQ, OnCreate: func(*protocol.TopicConfig) { b.registerSoon() }, OnError: report,
	})
	if err = b.noteLoad(loaded, err); err != nil {
		return err
	}
	b.storedTopics = nil
	b.statics, loaded, err = staticqueue.Open(staticqueue.Options{FS: b.tables, Path: filepath.Join(dir, "topicQueueMapping.json"), Now: nowMs})
	if err = b.noteLoad(loaded, err); err != nil {
		return err
	}
	b.warnOfKeylessBatches()
	b.groups, loaded, err = groups.Open(groups.Options{
		FS: b.tables, Path: filepath.Join(dir, "subscriptionGroup.json"), Now: nowMs, AutoCreate: cfg.AutoCreateSubscriptionGroup, CreateSysGroups: cfg.EnableCreateSysGroup,
		LightQueues: cfg.EnableLMQ, OnError: report,
	})
	if err = b.noteLoad(loaded, err); err != nil {
		return err
	}
	b.offsets, loaded, err = offsets.Open(offsets.Options{
		FS: b.tables, Path: filepath.Join(dir, cfg.offsetsFile()), Now: nowMs, ServerSideReset: cfg.UseServerSideResetOffset, VersionStep: cfg.OffsetVersionStep,
		LightQueues: cfg.EnableLMQ,
	})
	if err = b.noteLoad(loaded, err); err != nil {
		return err
	}
	b.filters, loaded, err = filter.OpenRegistry(filter.Options{
		FS: b.tables, Path: filepath.Join(dir, "consumerFilter.json"), Now: nowMs, ErrorRate: cfg.MaxErrorRateOfBloomFilter,
		Groups: cfg.ExpectConsumerNumUseFilter, CleanAfter: cfg.FilterDataCleanTimeSpan.Milliseconds(),
	})
	return b.noteLoad(loaded, err)
}

// noteLoad says what an operator should know of a table that was loaded.
func (b *Broker) noteLoad(loaded configfile.Loaded, err error) error {
	if note := loaded.Note(); err == nil && note != "" {
		b.log.Warn(note)
	}
	return err
}

// Addr is the address that clients are told.
func (b *Broker) Addr() netip.AddrPort { return b.storeHost }

// Told is Addr as clients are told it: with a host name, if one was configured.
func (b *Broker) Told() string { return b.told }

// Close closes what New opened. It may be called twice, and after Run.
func (b *Broker) Close() error {
	b.closeOnce.Do(func() { b.closeErr = b.close() })
	return b.closeErr
}

func (b *Broker) close() error {
	var faults []error
	if b.server != nil {
		faults = append(faults, b.server.Close())
	}
	b.pools.close()
	faults = append(faults, b.client.Close())
	if b.delay != nil {
		faults = append(faults, b.delay.Persist())
	}
	if b.halves != nil {
		faults = append(faults, b.halves.Close())
	}
	if b.topics != nil {
		faults = append(faults, b.topics.Settle())
	}
	if b.groups != nil {
		faults = append(faults, b.groups.Settle())
	}
	if b.offsets != nil {
		faults = append(faults, b.offsets.Persist())
	}
	if b.filters != nil {
		faults = append(faults, b.filters.Persist())
	}
	if b.timer != nil {
		faults = append(faults, b.timer.Close())
	}
	if b.orders != nil {
		faults = append(faults, b.orders.Persist())
	}
	if b.store != nil {
		faults = append(faults, b.store.Close())
	}
	return errors.Join(faults...)
}
