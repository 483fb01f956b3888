package broker

import (
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/gantrymq/gantry/config"
	"github.com/gantrymq/gantry/protocol"
)

// Config is what a broker takes from its configuration: the official keys that it
// honours, with the official defaults. A snapshot of it never changes; an update
// makes a new one.
type Config struct {
	IdentityConfig
	NetworkConfig
	TopicConfig
	ConsumeConfig
	QueueConfig
	StoreConfig
	InertConfig
}

// IdentityConfig says who the broker is and whom it registers with.
type IdentityConfig struct {
	BrokerName              string        `conf:"brokerName"`
	BrokerClusterName       string        `conf:"brokerClusterName" default:"DefaultCluster"`
	BrokerID                int64         `conf:"brokerId" default:"0"`
	BrokerIP1               string        `conf:"brokerIP1"`
	BrokerIP2               string        `conf:"brokerIP2"`
	BrokerPermission        int32         `conf:"brokerPermission" default:"6"`
	BrokerRole              string        `conf:"brokerRole" default:"ASYNC_MASTER"`
	RegionID                string        `conf:"regionId" default:"DefaultRegion"`
	NamesrvAddr             string        `conf:"namesrvAddr"`
	RegisterPeriod          time.Duration `conf:"registerNameServerPeriod" unit:"ms" default:"30000"`
	RegisterTimeout         time.Duration `conf:"registerBrokerTimeoutMills" unit:"ms" default:"24000"`
	ForceRegister           bool          `conf:"forceRegister" default:"true"`
	CompressedRegister      bool          `conf:"compressedRegister" default:"false"`
	EnableSlaveActingMaster bool          `conf:"enableSlaveActingMaster" default:"false"`
	NotActiveTimeout        time.Duration `conf:"brokerNotActiveTimeoutMillis" unit:"ms" default:"10000"`
	ConfigBlackList         string        `conf:"configBlackList" default:"configBlackList;brokerConfigPath"`
}

// NetworkConfig says where the broker listens and how it treats connections.
type NetworkConfig struct {
	config.NettyServer
	HAListenPort int32 `conf:"haListenPort" default:"0"` // 0: listenPort + 1
}

// TopicConfig says how topics and groups come into being.
type TopicConfig struct {
	DefaultTopicQueueNums              int32  `conf:"defaultTopicQueueNums" default:"8"`
	AutoCreateTopicEnable              bool   `conf:"autoCreateTopicEnable" default:"true"`
	ClusterTopicEnable                 bool   `conf:"clusterTopicEnable" default:"true"`
	BrokerTopicEnable                  bool   `conf:"brokerTopicEnable" default:"true"`
	AutoCreateSubscriptionGroup        bool   `conf:"autoCreateSubscriptionGroup" default:"true"`
	TraceOn                            bool   `conf:"traceOn" default:"true"`
	TraceTopicEnable                   bool   `conf:"traceTopicEnable" default:"false"`
	MsgTraceTopicName                  string `conf:"msgTraceTopicName" default:"RMQ_SYS_TRACE_TOPIC"`
	ReviveQueueNum                     int32  `conf:"reviveQueueNum" default:"8"`
	ValidateSystemTopicWhenUpdateTopic bool   `conf:"validateSystemTopicWhenUpdateTopic" default:"true"`
	EnableMixedMessageType             bool   `conf:"enableMixedMessageType" default:"false"`
	ClearRetryTopicWhenDeleteTopic     bool   `conf:"clearRetryTopicWhenDeleteTopic" default:"true"`
	EnableSplitMetadata                bool   `conf:"enableSplitMetadata" default:"true"`
	SplitMetadataSize                  int32  `conf:"splitMetadataSize" default:"2000"`
}

// ConsumeConfig says how messages are given out and offsets kept.
type ConsumeConfig struct {
	LongPollingEnable               bool          `conf:"longPollingEnable" default:"true"`
	ShortPollingTime                time.Duration `conf:"shortPollingTimeMills" unit:"ms" default:"1000"`
	SlaveReadEnable                 bool          `conf:"slaveReadEnable" default:"false"`
	LitePullMessageEnable           bool          `conf:"litePullMessageEnable" default:"true"`
	RejectPullConsumerEnable        bool          `conf:"rejectPullConsumerEnable" default:"false"`
	UseServerSideResetOffset        bool          `conf:"useServerSideResetOffset" default:"true"`
	StartAcceptSendRequestTimeStamp int64         `conf:"startAcceptSendRequestTimeStamp" default:"0"`
	FlushConsumerOffsetInterval     time.Duration `conf:"flushConsumerOffsetInterval" unit:"ms" default:"5000"`
	StoreReplyMessageEnable         bool          `conf:"storeReplyMessageEnable" default:"true"`
	RejectTransactionMessage        bool          `conf:"rejectTransactionMessage" default:"false"`
}

// QueueConfig bounds the worker pools and what waits for them.
type QueueConfig struct {
	BrokerFastFailureEnable            bool          `conf:"brokerFastFailureEnable" default:"true"`
	WaitInSendQueue                    time.Duration `conf:"waitTimeMillsInSendQueue" unit:"ms" default:"200"`
	WaitInPullQueue                    time.Duration `conf:"waitTimeMillsInPullQueue" unit:"ms" default:"5000"`
	WaitInAdminBrokerQueue             time.Duration `conf:"waitTimeMillsInAdminBrokerQueue" unit:"ms" default:"5000"`
	SendMessageThreadPoolNums          int32         `conf:"sendMessageThreadPoolNums"`
	PullMessageThreadPoolNums          int32         `conf:"pullMessageThreadPoolNums"`
	QueryMessageThreadPoolNums         int32         `conf:"queryMessageThreadPoolNums"`
	ReplyMessageThreadPoolNums         int32         `conf:"processReplyMessageThreadPoolNums"`
	AdminBrokerThreadPoolNums          int32         `conf:"adminBrokerThreadPoolNums" default:"16"`
	SendThreadPoolQueueCapacity        int32         `conf:"sendThreadPoolQueueCapacity" default:"10000"`
	PullThreadPoolQueueCapacity        int32         `conf:"pullThreadPoolQueueCapacity" default:"100000"`
	QueryThreadPoolQueueCapacity       int32         `conf:"queryThreadPoolQueueCapacity" default:"20000"`
	ReplyThreadPoolQueueCapacity       int32         `conf:"replyThreadPoolQueueCapacity" default:"10000"`
	AdminBrokerThreadPoolQueueCapacity int32         `conf:"adminBrokerThreadPoolQueueCapacity" default:"10000"`
}

// StoreConfig says where messages are kept and for how long.
type StoreConfig struct {
	StorePathRootDir           string        `conf:"storePathRootDir"`
	StorePathCommitLog         string        `conf:"storePathCommitLog"`
	MappedFileSizeCommitLog    int64         `conf:"mappedFileSizeCommitLog" default:"1073741824"`
	MappedFileSizeConsumeQueue int64         `conf:"mappedFileSizeConsumeQueue" default:"6000000"`
	FlushDiskType              string        `conf:"flushDiskType" default:"ASYNC_FLUSH"`
	SyncFlushTimeout           time.Duration `conf:"syncFlushTimeout" unit:"ms" default:"5000"`
	FlushIntervalCommitLog     time.Duration `conf:"flushIntervalCommitLog" unit:"ms" default:"500"`
	FlushIntervalConsumeQueue  time.Duration `conf:"flushIntervalConsumeQueue" unit:"ms" default:"1000"`
	FlushDelayOffsetInterval   time.Duration `conf:"flushDelayOffsetInterval" unit:"ms" default:"10000"`
	MaxMessageSize             int32         `conf:"maxMessageSize" default:"4194304"`
	MessageDelayLevel          string        `conf:"messageDelayLevel" default:"1s 5s 10s 30s 1m 2m 3m 4m 5m 6m 7m 8m 9m 10m 20m 30m 1h 2h"`
	MessageIndexEnable         bool          `conf:"messageIndexEnable" default:"true"`
	MaxHashSlotNum             int32         `conf:"maxHashSlotNum" default:"5000000"`
	MaxIndexNum                int32         `conf:"maxIndexNum" default:"20000000"`
	DefaultQueryMaxNum         int32         `conf:"defaultQueryMaxNum" default:"32"`
	TimerWheelEnable           bool          `conf:"timerWheelEnable" default:"true"`
	TimerMaxDelay              time.Duration `conf:"timerMaxDelaySec" unit:"s" default:"259200"`
	DeleteWhen                 string        `conf:"deleteWhen" default:"04"`
	FileReservedTime           int32         `conf:"fileReservedTime" default:"72"` // hours
	DiskMaxUsedSpaceRatio      int32         `conf:"diskMaxUsedSpaceRatio" default:"75"`
	DiskWarningRatio           int32         `conf:"diskSpaceWarningLevelRatio" default:"90"`
	DiskForciblyRatio          int32         `conf:"diskSpaceCleanForciblyRatio" default:"85"`
	CleanFileForciblyEnable    bool          `conf:"cleanFileForciblyEnable" default:"true"`
	CleanResourceInterval      time.Duration `conf:"cleanResourceInterval" unit:"ms" default:"10000"`
	MaxCountInMemory           int32         `conf:"maxTransferCountOnMessageInMemory" default:"32"`
	MaxBytesInMemory           int32         `conf:"maxTransferBytesOnMessageInMemory" default:"262144"`
	MaxCountInDisk             int32         `conf:"maxTransferCountOnMessageInDisk" default:"8"`
	MaxBytesInDisk             int32         `conf:"maxTransferBytesOnMessageInDisk" default:"65536"`
	MemoryRatio                int32         `conf:"accessMessageInMemoryMaxRatio" default:"40"`
}

// defaultPort is upstream's listenPort of brokers.
const defaultPort = 10911

// DefaultConfig is the configuration of an official broker without a file: what
// upstream computes from the machine is computed here.
func DefaultConfig() *Config {
	c := &Config{}
	config.SetDefaults(c)
	c.ListenPort = defaultPort
	c.BrokerName = "DEFAULT_BROKER"
	if host, err := os.Hostname(); err == nil {
		c.BrokerName = host
	}
	ip := localIP().String()
	c.BrokerIP1, c.BrokerIP2 = ip, ip
	c.NamesrvAddr = os.Getenv("NAMESRV_ADDR")
	cpus := int32(runtime.NumCPU())
	c.SendMessageThreadPoolNums = min(cpus, 4)
	c.PullMessageThreadPoolNums = 16 + 2*cpus
	c.ReplyMessageThreadPoolNums = 16 + 2*cpus
	c.QueryMessageThreadPoolNums = 8 + cpus
	if home, err := os.UserHomeDir(); err == nil {
		c.StorePathRootDir = filepath.Join(home, "store")
	}
	return c
}

// SyncFlush reports whether a send is answered only when it is on the disk.
func (c *Config) SyncFlush() bool { return c.FlushDiskType == "SYNC_FLUSH" }

// Addr is the address that clients are told.
func (c *Config) Addr() netip.AddrPort { return addrPort(c.BrokerIP1, c.ListenPort) }

// HAAddr is the address that slaves are told.
func (c *Config) HAAddr() netip.AddrPort {
	port := c.HAListenPort
	if port == 0 {
		port = c.ListenPort + 1
	}
	return addrPort(c.BrokerIP2, port)
}

func addrPort(ip string, port int32) netip.AddrPort {
	addr, err := netip.ParseAddr(ip)
	if err != nil {
		addr = localIP()
	}
	return netip.AddrPortFrom(addr, uint16(port))
}

func (c *Config) readable() bool { return c.BrokerPermission&protocol.PermRead != 0 }
func (c *Config) writable() bool { return c.BrokerPermission&protocol.PermWrite != 0 }
