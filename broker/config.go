package broker

import (
	"net"
	"strconv"
	"time"

	"github.com/gantrymq/gantry/broker/transaction"
	"github.com/gantrymq/gantry/config"
	"github.com/gantrymq/gantry/protocol"
	"github.com/gantrymq/gantry/remoting"
)

// Config is what a broker takes from its configuration: the official keys that it
// honours. A snapshot of it never changes; an update makes a new one.
type Config struct {
	IdentityConfig
	NetworkConfig
	TopicConfig
	ConsumeConfig
	PopConfig
	QueueConfig
	TransactionConfig
	StoreConfig
	ColdReadConfig
	LightQueueConfig
	StatsConfig
	LiteConfig
	TimerConfig
	CompactionConfig
}

// IdentityConfig says who the broker is and whom it registers with.
type IdentityConfig struct {
	BrokerName              string        `conf:"brokerName" when:"start"`
	BrokerClusterName       string        `conf:"brokerClusterName" when:"start"`
	BrokerID                int64         `conf:"brokerId" when:"start"`
	BrokerIP1               string        `conf:"brokerIP1" when:"start"`
	BrokerIP2               string        `conf:"brokerIP2" when:"start"`
	BrokerPermission        int32         `conf:"brokerPermission"`
	BrokerRole              string        `conf:"brokerRole" when:"start"`
	RegionID                string        `conf:"regionId"`
	NamesrvAddr             string        `conf:"namesrvAddr"`
	RegisterPeriod          time.Duration `conf:"registerNameServerPeriod" unit:"ms" when:"start"`
	RegisterTimeout         time.Duration `conf:"registerBrokerTimeoutMills" unit:"ms"`
	ForceRegister           bool          `conf:"forceRegister"`
	CompressedRegister      bool          `conf:"compressedRegister"`
	EnableSlaveActingMaster bool          `conf:"enableSlaveActingMaster" when:"start"`
	NotActiveTimeout        time.Duration `conf:"brokerNotActiveTimeoutMillis" unit:"ms"`
}

// NetworkConfig says where the broker listens and how it treats connections.
type NetworkConfig struct {
	config.NettyServer
	TLS            remoting.TLSSettings
	HAListenPort   int32         `conf:"haListenPort" when:"start"`
	ConnectTimeout time.Duration `conf:"connectTimeoutMillis" unit:"ms" when:"start"`  // to other servers
	ForwardTimeout time.Duration `conf:"forwardTimeout" unit:"ms"`                     // of what another broker is asked
	ClientExpiry   time.Duration `conf:"channelExpiredTimeout" unit:"ms" when:"start"` // of consumers; producers have 120 s
}

// TopicConfig says how topics and groups come into being.
type TopicConfig struct {
	DefaultTopicQueueNums              int32  `conf:"defaultTopicQueueNums" when:"start"`
	AutoCreateTopicEnable              bool   `conf:"autoCreateTopicEnable"`
	ClusterTopicEnable                 bool   `conf:"clusterTopicEnable" when:"start"`
	BrokerTopicEnable                  bool   `conf:"brokerTopicEnable" when:"start"`
	EnableCreateSysGroup               bool   `conf:"enableCreateSysGroup" when:"start"`
	AutoCreateSubscriptionGroup        bool   `conf:"autoCreateSubscriptionGroup"`
	TraceOn                            bool   `conf:"traceOn"`
	TraceTopicEnable                   bool   `conf:"traceTopicEnable" when:"start"`
	MsgTraceTopicName                  string `conf:"msgTraceTopicName" when:"start"`
	ReviveQueueNum                     int32  `conf:"reviveQueueNum" when:"start"`
	ValidateSystemTopicWhenUpdateTopic bool   `conf:"validateSystemTopicWhenUpdateTopic"`
	EnableMixedMessageType             bool   `conf:"enableMixedMessageType"`
	ClearRetryTopicWhenDeleteTopic     bool   `conf:"clearRetryTopicWhenDeleteTopic"`
	EnableSplitMetadata                bool   `conf:"enableSplitMetadata"`
	SplitMetadataSize                  int32  `conf:"splitMetadataSize"`
}

// ConsumeConfig says how messages are given out and offsets kept.
type ConsumeConfig struct {
	LongPollingEnable                  bool          `conf:"longPollingEnable"`
	ShortPollingTime                   time.Duration `conf:"shortPollingTimeMills" unit:"ms"`
	SlaveReadEnable                    bool          `conf:"slaveReadEnable"`
	LitePullMessageEnable              bool          `conf:"litePullMessageEnable"`
	RejectPullConsumerEnable           bool          `conf:"rejectPullConsumerEnable"`
	UseServerSideResetOffset           bool          `conf:"useServerSideResetOffset"`
	StartAcceptSendRequestTimeStamp    int64         `conf:"startAcceptSendRequestTimeStamp"`
	NotifyConsumerIDsChangedEnable     bool          `conf:"notifyConsumerIdsChangedEnable"`
	RealTimeNotifyConsumerChange       bool          `conf:"realTimeNotifyConsumerChange"`
	SubscriptionExpiry                 time.Duration `conf:"subscriptionExpiredTimeout" unit:"ms" when:"start"`
	OffsetVersionStep                  int64         `conf:"consumerOffsetUpdateVersionStep"`
	DelayVersionStep                   int64         `conf:"delayOffsetUpdateVersionStep"`
	EnableRegisterProducer             bool          `conf:"enableRegisterProducer"`
	FlushConsumerOffsetInterval        time.Duration `conf:"flushConsumerOffsetInterval" unit:"ms" when:"start"`
	StoreReplyMessageEnable            bool          `conf:"storeReplyMessageEnable"`
	TransferMsgByHeap                  bool          `conf:"transferMsgByHeap"`
	DisableConsumeIfConsumerReadSlowly bool          `conf:"disableConsumeIfConsumerReadSlowly"`
	ConsumerFallbehindThreshold        int64         `conf:"consumerFallbehindThreshold"` // bytes
	DiskFallRecorded                   bool          `conf:"diskFallRecorded"`
	EnablePropertyFilter               bool          `conf:"enablePropertyFilter"`
	FilterSupportRetry                 bool          `conf:"filterSupportRetry"`
	MaxErrorRateOfBloomFilter          int32         `conf:"maxErrorRateOfBloomFilter" when:"start"`
	ExpectConsumerNumUseFilter         int32         `conf:"expectConsumerNumUseFilter" when:"start"`
	EnableBroadcastOffsetStore         bool          `conf:"enableBroadcastOffsetStore"`
	BroadcastOffsetExpiry              time.Duration `conf:"broadcastOffsetExpireSecond" unit:"s"`
	BroadcastOffsetExpiryMax           time.Duration `conf:"broadcastOffsetExpireMaxSecond" unit:"s"`
	FilterDataCleanTimeSpan            time.Duration `conf:"filterDataCleanTimeSpan" unit:"ms" when:"start"`
	EnableCalcFilterBitMap             bool          `conf:"enableCalcFilterBitMap"`
}

// PopConfig says how messages are popped.
type PopConfig struct {
	ReviveInterval                       time.Duration `conf:"reviveInterval" unit:"ms"`
	PopPollingSize                       int32         `conf:"popPollingSize"`
	MaxPopPollingSize                    int64         `conf:"maxPopPollingSize"`
	PopLongPollingForceNotifyInterval    int64         `conf:"popLongPollingForceNotifyInterval"`
	InitPopOffsetByCheckMsgInMem         bool          `conf:"initPopOffsetByCheckMsgInMem"`
	EnableRetryTopicV2                   bool          `conf:"enableRetryTopicV2"`
	RetrieveMessageFromPopRetryTopicV1   bool          `conf:"retrieveMessageFromPopRetryTopicV1"`
	PopFromRetryProbability              int32         `conf:"popFromRetryProbability"`
	PopFromRetryProbabilityForPriority   int32         `conf:"popFromRetryProbabilityForPriority"`
	UseMessageFilterForNotification      bool          `conf:"useMessageFilterForNotification"`
	MaxMessageFilterNumForNotification   int32         `conf:"maxMessageFilterNumForNotification"`
	PriorityOrderAsc                     bool          `conf:"priorityOrderAsc"`
	UseSeparateRetryQueue                bool          `conf:"useSeparateRetryQueue"`
	EnablePopMessageThreshold            bool          `conf:"enablePopMessageThreshold"`
	PopInflightMessageThreshold          int64         `conf:"popInflightMessageThreshold"`
	PopResponseReturnActualRetryTopic    bool          `conf:"popResponseReturnActualRetryTopic"`
	SkipWhenCKRePutReachMaxTimes         bool          `conf:"skipWhenCKRePutReachMaxTimes"`
	EnableNotifyAfterPopOrderLockRelease bool          `conf:"enableNotifyAfterPopOrderLockRelease"`
	ServerLoadBalancerEnable             bool          `conf:"serverLoadBalancerEnable"`
	DefaultMessageRequestMode            string        `conf:"defaultMessageRequestMode"`
	DefaultPopShareQueueNum              int32         `conf:"defaultPopShareQueueNum"`
}

// QueueConfig bounds the worker pools and what waits for them.
type QueueConfig struct {
	BrokerFastFailureEnable            bool          `conf:"brokerFastFailureEnable"`
	WaitInSendQueue                    time.Duration `conf:"waitTimeMillsInSendQueue" unit:"ms"`
	WaitInPullQueue                    time.Duration `conf:"waitTimeMillsInPullQueue" unit:"ms"`
	WaitInTransactionQueue             time.Duration `conf:"waitTimeMillsInTransactionQueue" unit:"ms"`
	WaitInAdminBrokerQueue             time.Duration `conf:"waitTimeMillsInAdminBrokerQueue" unit:"ms"`
	SendMessageThreadPoolNums          int32         `conf:"sendMessageThreadPoolNums" when:"start"`
	PullMessageThreadPoolNums          int32         `conf:"pullMessageThreadPoolNums" when:"start"`
	QueryMessageThreadPoolNums         int32         `conf:"queryMessageThreadPoolNums" when:"start"`
	ReplyMessageThreadPoolNums         int32         `conf:"processReplyMessageThreadPoolNums" when:"start"`
	EndTransactionThreadPoolNums       int32         `conf:"endTransactionThreadPoolNums" when:"start"`
	AdminBrokerThreadPoolNums          int32         `conf:"adminBrokerThreadPoolNums" when:"start"`
	LoadBalanceProcessorThreadPoolNums int32         `conf:"loadBalanceProcessorThreadPoolNums" when:"start"`
	LoadBalanceThreadPoolQueueCapacity int32         `conf:"loadBalanceThreadPoolQueueCapacity" when:"start"`
	AckMessageThreadPoolNums           int32         `conf:"ackMessageThreadPoolNums" when:"start"`
	AckThreadPoolQueueCapacity         int32         `conf:"ackThreadPoolQueueCapacity" when:"start"`
	WaitInAckQueue                     time.Duration `conf:"waitTimeMillsInAckQueue" unit:"ms"`
	SendThreadPoolQueueCapacity        int32         `conf:"sendThreadPoolQueueCapacity" when:"start"`
	PullThreadPoolQueueCapacity        int32         `conf:"pullThreadPoolQueueCapacity" when:"start"`
	QueryThreadPoolQueueCapacity       int32         `conf:"queryThreadPoolQueueCapacity" when:"start"`
	ReplyThreadPoolQueueCapacity       int32         `conf:"replyThreadPoolQueueCapacity" when:"start"`
	EndTransactionPoolQueueCapacity    int32         `conf:"endTransactionPoolQueueCapacity" when:"start"`
	AdminBrokerThreadPoolQueueCapacity int32         `conf:"adminBrokerThreadPoolQueueCapacity" when:"start"`
}

// TransactionConfig says how transactions are carried out.
type TransactionConfig struct {
	RejectTransactionMessage       bool          `conf:"rejectTransactionMessage"`
	TransactionTimeout             time.Duration `conf:"transactionTimeOut" unit:"ms"`
	TransactionCheckMax            int32         `conf:"transactionCheckMax"`
	TransactionCheckInterval       time.Duration `conf:"transactionCheckInterval" unit:"ms"`
	TransactionMetricFlushInterval time.Duration `conf:"transactionMetricFlushInterval" unit:"ms"`
	TransactionOpMsgMaxSize        int32         `conf:"transactionOpMsgMaxSize"`
	TransactionOpBatchInterval     time.Duration `conf:"transactionOpBatchInterval" unit:"ms"`
}

// StoreConfig says where messages are kept and for how long.
type StoreConfig struct {
	StorePathRootDir                  string        `conf:"storePathRootDir" when:"start"`
	StorePathCommitLog                string        `conf:"storePathCommitLog" when:"start"`
	EnabledAppendPropCRC              bool          `conf:"enabledAppendPropCRC" when:"start"`
	ReadOnlyLogStorePaths             string        `conf:"readOnlyCommitLogStorePaths" when:"start"`
	MappedFileSizeCommitLog           int64         `conf:"mappedFileSizeCommitLog" when:"start"`
	MappedFileSizeConsumeQueue        int64         `conf:"mappedFileSizeConsumeQueue" when:"start"`
	BatchQueueFileSize                int64         `conf:"mapperFileSizeBatchConsumeQueue" when:"start"`
	EnableConsumeQueueExt             bool          `conf:"enableConsumeQueueExt"`
	MappedFileSizeQueueExt            int64         `conf:"mappedFileSizeConsumeQueueExt" when:"start"`
	FlushDiskType                     string        `conf:"flushDiskType" when:"start"`
	SyncFlushTimeout                  time.Duration `conf:"syncFlushTimeout" unit:"ms"`
	FlushIntervalCommitLog            time.Duration `conf:"flushIntervalCommitLog" unit:"ms"`
	FlushIntervalConsumeQueue         time.Duration `conf:"flushIntervalConsumeQueue" unit:"ms"`
	FlushCommitLogLeastPages          int32         `conf:"flushCommitLogLeastPages"`
	FlushCommitLogThoroughInterval    time.Duration `conf:"flushCommitLogThoroughInterval" unit:"ms"`
	FlushConsumeQueueThoroughInterval time.Duration `conf:"flushConsumeQueueThoroughInterval" unit:"ms"`
	FlushDelayOffsetInterval          time.Duration `conf:"flushDelayOffsetInterval" unit:"ms" when:"start"`
	MaxMessageSize                    int32         `conf:"maxMessageSize"`
	MessageDelayLevel                 string        `conf:"messageDelayLevel" when:"start"`
	MessageIndexEnable                bool          `conf:"messageIndexEnable"`
	MaxHashSlotNum                    int32         `conf:"maxHashSlotNum" when:"start"`
	MaxIndexNum                       int32         `conf:"maxIndexNum" when:"start"`
	MaxMsgsNumBatch                   int32         `conf:"maxMsgsNumBatch"`
	DefaultQueryMaxNum                int32         `conf:"defaultQueryMaxNum"`
	DeleteWhen                        string        `conf:"deleteWhen"`
	FileReservedTime                  int32         `conf:"fileReservedTime"` // hours
	DiskMaxUsedSpaceRatio             int32         `conf:"diskMaxUsedSpaceRatio"`
	DiskWarningRatio                  int32         `conf:"diskSpaceWarningLevelRatio"`
	DiskForciblyRatio                 int32         `conf:"diskSpaceCleanForciblyRatio"`
	CleanFileForciblyEnable           bool          `conf:"cleanFileForciblyEnable"`
	DeleteFileBatchMax                int32         `conf:"deleteFileBatchMax"`
	DeleteCommitLogFilesInterval      time.Duration `conf:"deleteCommitLogFilesInterval" unit:"ms"`
	MaxFilterMessageSize              int32         `conf:"maxFilterMessageSize"` // bytes of consume queue
	CleanResourceInterval             time.Duration `conf:"cleanResourceInterval" unit:"ms"`
	MaxCountInMemory                  int32         `conf:"maxTransferCountOnMessageInMemory"`
	MaxBytesInMemory                  int32         `conf:"maxTransferBytesOnMessageInMemory"`
	MaxCountInDisk                    int32         `conf:"maxTransferCountOnMessageInDisk"`
	MaxBytesInDisk                    int32         `conf:"maxTransferBytesOnMessageInDisk"`
	MemoryRatio                       int32         `conf:"accessMessageInMemoryMaxRatio"`
	HotRatio                          int32         `conf:"accessMessageInMemoryHotRatio"`
}

// ColdReadConfig says how much of what is no longer in memory groups may read.
type ColdReadConfig struct {
	ColdDataFlowControlEnable bool  `conf:"coldDataFlowControlEnable"`
	ColdReadOfGroup           int64 `conf:"cgColdReadThreshold"`     // bytes in five seconds
	ColdReadOfAll             int64 `conf:"globalColdReadThreshold"` // the same
	ColdReadAdaptive          bool  `conf:"coldCtrStrategyEnable"`
	ColdReadPID               bool  `conf:"usePIDColdCtrStrategy" when:"start"`
	DataReadAheadEnable       bool  `conf:"dataReadAheadEnable" when:"start"`
}

// LightQueueConfig says what is done with the light message queues that messages
// name.
type LightQueueConfig struct {
	EnableLMQ           bool  `conf:"enableLmq" when:"start"`
	EnableMultiDispatch bool  `conf:"enableMultiDispatch" when:"start"`
	EnableLMQQuota      bool  `conf:"enableLmqQuota"`
	MaxLMQ              int32 `conf:"maxLmqConsumeQueueNum"`
	EnableLMQStats      bool  `conf:"enableLmqStats"`
}

// StatsConfig says what is counted.
type StatsConfig struct {
	EnableDetailStat           bool `conf:"enableDetailStat" when:"start"` // by queue too
	EnableScheduleMessageStats bool `conf:"enableScheduleMessageStats"`    // deliveries of delayed messages
	AutoDeleteUnusedStats      bool `conf:"autoDeleteUnusedStats"`         // of what is deleted
}

// LiteConfig says how lite topics are served.
type LiteConfig struct {
	MaxLiteSubscriptionCount              int64         `conf:"maxLiteSubscriptionCount"`
	MaxClientEventCount                   int32         `conf:"maxClientEventCount"`
	EnableLiteEventMode                   bool          `conf:"enableLiteEventMode"`
	LiteEventCheckInterval                time.Duration `conf:"liteEventCheckInterval" unit:"ms"`
	LiteFullDispatchDelay                 time.Duration `conf:"liteEventFullDispatchDelayTime" unit:"ms"`
	LiteFullDispatchDelayForWildcardGroup time.Duration `conf:"liteEventFullDispatchDelayTimeForWildcardGroup" unit:"ms"`
	LiteSubscriptionCheckInterval         time.Duration `conf:"liteSubscriptionCheckInterval" unit:"ms"`
	LiteSubscriptionCheckTimeout          time.Duration `conf:"liteSubscriptionCheckTimeoutMills" unit:"ms"`
	LiteTTLCheckInterval                  time.Duration `conf:"liteTtlCheckInterval" unit:"ms"`
	MinLiteTTL                            time.Duration `conf:"minLiteTTl" unit:"ms"`
}

// SyncFlush reports whether a send is answered only when it is on the disk.
func (c *Config) SyncFlush() bool { return c.FlushDiskType == "SYNC_FLUSH" }

// offsetsFile is the name of the file of consumer offsets: a broker with light
// message queues has one of its own, and does not look at the other.
func (c *Config) offsetsFile() string {
	if c.EnableLMQ {
		return "lmqConsumerOffset.json"
	}
	return "consumerOffset.json"
}

// transactions is what the check of half messages is steered by.
func (c *Config) transactions() transaction.Settings {
	return transaction.Settings{
		Timeout: c.TransactionTimeout, CheckInterval: c.TransactionCheckInterval, CheckMax: int(c.TransactionCheckMax),
		OpMaxSize: int(c.TransactionOpMsgMaxSize), OpInterval: c.TransactionOpBatchInterval,
		FileReserved: time.Duration(c.FileReservedTime) * time.Hour, FlushMetrics: c.TransactionMetricFlushInterval,
	}
}

// HAAddr is the address that slaves are told: host:port.
func (c *Config) HAAddr() string {
	return net.JoinHostPort(c.BrokerIP2, strconv.Itoa(int(c.HAListenPort)))
}

func (c *Config) readable() bool { return c.BrokerPermission&protocol.PermRead != 0 }
func (c *Config) writable() bool { return c.BrokerPermission&protocol.PermWrite != 0 }
