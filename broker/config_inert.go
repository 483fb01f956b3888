package broker

// InertConfig holds the official keys of brokers that this version accepts and
// does not act on, each with its reason.
type InertConfig struct {
	ClientWorkerThreads                             int32  `conf:"clientWorkerThreads" default:"4" inert:"requests of this kind have no pool of their own"`
	ClientCallbackExecutorThreads                   int32  `conf:"clientCallbackExecutorThreads" inert:"the Go runtime and the operating system manage connections"`
	ClientOnewaySemaphoreValue                      int32  `conf:"clientOnewaySemaphoreValue" default:"65535" inert:"the Go runtime and the operating system manage connections"`
	ClientAsyncSemaphoreValue                       int32  `conf:"clientAsyncSemaphoreValue" default:"65535" inert:"the Go runtime and the operating system manage connections"`
	ConnectTimeoutMillis                            int32  `conf:"connectTimeoutMillis" default:"3000" inert:"this version behaves as with the default"`
	ChannelNotActiveInterval                        int64  `conf:"channelNotActiveInterval" default:"60000" inert:"this version behaves as with the default"`
	ClientChannelMaxIdleTimeSeconds                 int32  `conf:"clientChannelMaxIdleTimeSeconds" default:"120" inert:"the Go runtime and the operating system manage connections"`
	ClientSocketSndBufSize                          int32  `conf:"clientSocketSndBufSize" default:"0" inert:"the Go runtime and the operating system manage connections"`
	ClientSocketRcvBufSize                          int32  `conf:"clientSocketRcvBufSize" default:"0" inert:"the Go runtime and the operating system manage connections"`
	ClientPooledByteBufAllocatorEnable              bool   `conf:"clientPooledByteBufAllocatorEnable" default:"false" inert:"the Go runtime and the operating system manage connections"`
	ClientCloseSocketIfTimeout                      bool   `conf:"clientCloseSocketIfTimeout" default:"true" inert:"the Go runtime and the operating system manage connections"`
	UseTLS                                          bool   `conf:"useTLS" inert:"this version behaves as with the default"`
	SocksProxyConfig                                string `conf:"socksProxyConfig" default:"{}" inert:"this version behaves as with the default"`
	DisableCallbackExecutor                         bool   `conf:"disableCallbackExecutor" default:"false" inert:"the Go runtime and the operating system manage connections"`
	DisableNettyWorkerGroup                         bool   `conf:"disableNettyWorkerGroup" default:"false" inert:"the Go runtime and the operating system manage connections"`
	MaxReconnectIntervalTimeSeconds                 int64  `conf:"maxReconnectIntervalTimeSeconds" default:"60" inert:"this version behaves as with the default"`
	EnableReconnectForGoAway                        bool   `conf:"enableReconnectForGoAway" default:"true" inert:"this version behaves as with the default"`
	ScanAvailableNameSrv                            bool   `conf:"scanAvailableNameSrv" default:"true" inert:"this version behaves as with the default"`
	IsBrokerContainer                               bool   `conf:"isBrokerContainer" default:"false" inert:"this version behaves as with the default"`
	BrokerConfigPath                                string `conf:"brokerConfigPath" inert:"this version behaves as with the default"`
	RocketmqHome                                    string `conf:"rocketmqHome" inert:"this version behaves as with the default"`
	RecoverConcurrently                             bool   `conf:"recoverConcurrently" default:"false" inert:"this version behaves as with the default"`
	MessageStorePlugIn                              string `conf:"messageStorePlugIn" inert:"this version behaves as with the default"`
	PutMessageFutureThreadPoolNums                  int32  `conf:"putMessageFutureThreadPoolNums" inert:"requests of this kind have no pool of their own"`
	LitePullMessageThreadPoolNums                   int32  `conf:"litePullMessageThreadPoolNums" inert:"lite topics are not served by this version"`
	AckMessageThreadPoolNums                        int32  `conf:"ackMessageThreadPoolNums" default:"16" inert:"POP consumption is not served by this version"`
	ClientManageThreadPoolNums                      int32  `conf:"clientManageThreadPoolNums" default:"32" inert:"requests of this kind have no pool of their own"`
	ConsumerManageThreadPoolNums                    int32  `conf:"consumerManageThreadPoolNums" default:"32" inert:"requests of this kind have no pool of their own"`
	LoadBalanceProcessorThreadPoolNums              int32  `conf:"loadBalanceProcessorThreadPoolNums" default:"32" inert:"requests of this kind have no pool of their own"`
	HeartbeatThreadPoolNums                         int32  `conf:"heartbeatThreadPoolNums" inert:"requests of this kind have no pool of their own"`
	RecoverThreadPoolNums                           int32  `conf:"recoverThreadPoolNums" default:"32" inert:"requests of this kind have no pool of their own"`
	EndTransactionThreadPoolNums                    int32  `conf:"endTransactionThreadPoolNums" inert:"transactions are not served by this version"`
	FlushConsumerOffsetHistoryInterval              int32  `conf:"flushConsumerOffsetHistoryInterval" default:"60000" inert:"this version behaves as with the default"`
	FetchNameSrvAddrByDnsLookup                     bool   `conf:"fetchNameSrvAddrByDnsLookup" default:"false" inert:"this version behaves as with the default"`
	FetchNamesrvAddrByAddressServer                 bool   `conf:"fetchNamesrvAddrByAddressServer" default:"false" inert:"this version behaves as with the default"`
	PutThreadPoolQueueCapacity                      int32  `conf:"putThreadPoolQueueCapacity" default:"10000" inert:"requests of this kind have no pool of their own"`
	LitePullThreadPoolQueueCapacity                 int32  `conf:"litePullThreadPoolQueueCapacity" default:"100000" inert:"lite topics are not served by this version"`
	AckThreadPoolQueueCapacity                      int32  `conf:"ackThreadPoolQueueCapacity" default:"100000" inert:"POP consumption is not served by this version"`
	ClientManagerThreadPoolQueueCapacity            int32  `conf:"clientManagerThreadPoolQueueCapacity" default:"1000000" inert:"requests of this kind have no pool of their own"`
	ConsumerManagerThreadPoolQueueCapacity          int32  `conf:"consumerManagerThreadPoolQueueCapacity" default:"1000000" inert:"requests of this kind have no pool of their own"`
	HeartbeatThreadPoolQueueCapacity                int32  `conf:"heartbeatThreadPoolQueueCapacity" default:"50000" inert:"requests of this kind have no pool of their own"`
	EndTransactionPoolQueueCapacity                 int32  `conf:"endTransactionPoolQueueCapacity" default:"100000" inert:"transactions are not served by this version"`
	LoadBalanceThreadPoolQueueCapacity              int32  `conf:"loadBalanceThreadPoolQueueCapacity" default:"100000" inert:"requests of this kind have no pool of their own"`
	NotifyConsumerIdsChangedEnable                  bool   `conf:"notifyConsumerIdsChangedEnable" default:"true" inert:"this version behaves as with the default"`
	HighSpeedMode                                   bool   `conf:"highSpeedMode" default:"false" inert:"this version behaves as with the default"`
	CommercialBaseCount                             int32  `conf:"commercialBaseCount" default:"1" inert:"this version behaves as with the default"`
	CommercialSizePerMsg                            int32  `conf:"commercialSizePerMsg" default:"4096" inert:"this version behaves as with the default"`
	AccountStatsEnable                              bool   `conf:"accountStatsEnable" default:"true" inert:"metrics are not exported by this version"`
	AccountStatsPrintZeroValues                     bool   `conf:"accountStatsPrintZeroValues" default:"true" inert:"metrics are not exported by this version"`
	MaxStatsIdleTimeInMinutes                       int32  `conf:"maxStatsIdleTimeInMinutes" default:"-1" inert:"metrics are not exported by this version"`
	TransferMsgByHeap                               bool   `conf:"transferMsgByHeap" default:"true" inert:"this version behaves as with the default"`
	SendHeartbeatTimeoutMillis                      int32  `conf:"sendHeartbeatTimeoutMillis" default:"1000" inert:"this version behaves as with the default"`
	DisableConsumeIfConsumerReadSlowly              bool   `conf:"disableConsumeIfConsumerReadSlowly" default:"false" inert:"this version behaves as with the default"`
	ConsumerFallbehindThreshold                     int64  `conf:"consumerFallbehindThreshold" default:"17179869184" inert:"this version behaves as with the default"`
	WaitTimeMillsInLitePullQueue                    int64  `conf:"waitTimeMillsInLitePullQueue" default:"5000" inert:"lite topics are not served by this version"`
	WaitTimeMillsInHeartbeatQueue                   int64  `conf:"waitTimeMillsInHeartbeatQueue" default:"31000" inert:"requests of this kind have no queue of their own"`
	WaitTimeMillsInTransactionQueue                 int64  `conf:"waitTimeMillsInTransactionQueue" default:"3000" inert:"transactions are not served by this version"`
	WaitTimeMillsInAckQueue                         int64  `conf:"waitTimeMillsInAckQueue" default:"3000" inert:"POP consumption is not served by this version"`
	EnableCalcFilterBitMap                          bool   `conf:"enableCalcFilterBitMap" default:"false" inert:"property filters are not served by this version"`
	ExpectConsumerNumUseFilter                      int32  `conf:"expectConsumerNumUseFilter" default:"32" inert:"property filters are not served by this version"`
	MaxErrorRateOfBloomFilter                       int32  `conf:"maxErrorRateOfBloomFilter" default:"20" inert:"property filters are not served by this version"`
	FilterDataCleanTimeSpan                         int64  `conf:"filterDataCleanTimeSpan" default:"86400000" inert:"property filters are not served by this version"`
	FilterSupportRetry                              bool   `conf:"filterSupportRetry" default:"false" inert:"property filters are not served by this version"`
	EnablePropertyFilter                            bool   `conf:"enablePropertyFilter" default:"false" inert:"property filters are not served by this version"`
	UpdateNameServerAddrPeriod                      int32  `conf:"updateNameServerAddrPeriod" default:"120000" inert:"this version behaves as with the default"`
	BrokerHeartbeatInterval                         int32  `conf:"brokerHeartbeatInterval" default:"1000" inert:"this version behaves as with the default"`
	EnableNetWorkFlowControl                        bool   `conf:"enableNetWorkFlowControl" default:"false" inert:"this version behaves as with the default"`
	EnableBroadcastOffsetStore                      bool   `conf:"enableBroadcastOffsetStore" default:"true" inert:"this version behaves as with the default"`
	BroadcastOffsetExpireSecond                     int64  `conf:"broadcastOffsetExpireSecond" default:"120" inert:"this version behaves as with the default"`
	BroadcastOffsetExpireMaxSecond                  int64  `conf:"broadcastOffsetExpireMaxSecond" default:"300" inert:"this version behaves as with the default"`
	PopPollingSize                                  int32  `conf:"popPollingSize" default:"1024" inert:"POP consumption is not served by this version"`
	PopPollingMapSize                               int32  `conf:"popPollingMapSize" default:"100000" inert:"POP consumption is not served by this version"`
	PopPollingMapExpireTimeSeconds                  int32  `conf:"popPollingMapExpireTimeSeconds" default:"600" inert:"POP consumption is not served by this version"`
	MaxPopPollingSize                               int64  `conf:"maxPopPollingSize" default:"100000" inert:"POP consumption is not served by this version"`
	ReviveInterval                                  int64  `conf:"reviveInterval" default:"1000" inert:"POP consumption is not served by this version"`
	ReviveMaxSlow                                   int64  `conf:"reviveMaxSlow" default:"3" inert:"POP consumption is not served by this version"`
	ReviveScanTime                                  int64  `conf:"reviveScanTime" default:"10000" inert:"POP consumption is not served by this version"`
	EnableSkipLongAwaitingAck                       bool   `conf:"enableSkipLongAwaitingAck" default:"false" inert:"POP consumption is not served by this version"`
	ReviveAckWaitMs                                 int64  `conf:"reviveAckWaitMs" default:"180000" inert:"POP consumption is not served by this version"`
	EnablePopLog                                    bool   `conf:"enablePopLog" default:"false" inert:"POP consumption is not served by this version"`
	EnablePopBufferMerge                            bool   `conf:"enablePopBufferMerge" default:"false" inert:"POP consumption is not served by this version"`
	PopCkStayBufferTime                             int32  `conf:"popCkStayBufferTime" default:"10000" inert:"POP consumption is not served by this version"`
	PopCkStayBufferTimeOut                          int32  `conf:"popCkStayBufferTimeOut" default:"3000" inert:"POP consumption is not served by this version"`
	PopCkMaxBufferSize                              int32  `conf:"popCkMaxBufferSize" default:"200000" inert:"POP consumption is not served by this version"`
	PopCkOffsetMaxQueueSize                         int32  `conf:"popCkOffsetMaxQueueSize" default:"20000" inert:"POP consumption is not served by this version"`
	EnablePopBatchAck                               bool   `conf:"enablePopBatchAck" default:"false" inert:"POP consumption is not served by this version"`
	PopLongPollingForceNotifyInterval               int64  `conf:"popLongPollingForceNotifyInterval" default:"800" inert:"POP consumption is not served by this version"`
	EnableNotifyBeforePopCalculateLag               bool   `conf:"enableNotifyBeforePopCalculateLag" default:"true" inert:"POP consumption is not served by this version"`
	EnableNotifyAfterPopOrderLockRelease            bool   `conf:"enableNotifyAfterPopOrderLockRelease" default:"true" inert:"POP consumption is not served by this version"`
	InitPopOffsetByCheckMsgInMem                    bool   `conf:"initPopOffsetByCheckMsgInMem" default:"true" inert:"POP consumption is not served by this version"`
	RetrieveMessageFromPopRetryTopicV1              bool   `conf:"retrieveMessageFromPopRetryTopicV1" default:"true" inert:"POP consumption is not served by this version"`
	EnableRetryTopicV2                              bool   `conf:"enableRetryTopicV2" default:"false" inert:"this version behaves as with the default"`
	PopFromRetryProbability                         int32  `conf:"popFromRetryProbability" default:"20" inert:"POP consumption is not served by this version"`
	PopFromRetryProbabilityForPriority              int32  `conf:"popFromRetryProbabilityForPriority" default:"0" inert:"POP consumption is not served by this version"`
	PriorityOrderAsc                                bool   `conf:"priorityOrderAsc" default:"true" inert:"this version behaves as with the default"`
	PopConsumerFSServiceInit                        bool   `conf:"popConsumerFSServiceInit" default:"true" inert:"POP consumption is not served by this version"`
	PopConsumerKVServiceLog                         bool   `conf:"popConsumerKVServiceLog" default:"false" inert:"POP consumption is not served by this version"`
	PopConsumerKVServiceInit                        bool   `conf:"popConsumerKVServiceInit" default:"false" inert:"POP consumption is not served by this version"`
	PopConsumerKVServiceEnable                      bool   `conf:"popConsumerKVServiceEnable" default:"false" inert:"POP consumption is not served by this version"`
	PopReviveMaxReturnSizePerRead                   int32  `conf:"popReviveMaxReturnSizePerRead" default:"16384" inert:"POP consumption is not served by this version"`
	PopReviveConcurrency                            int32  `conf:"popReviveConcurrency" default:"32" inert:"POP consumption is not served by this version"`
	PopReviveMaxAttemptTimes                        int32  `conf:"popReviveMaxAttemptTimes" default:"16" inert:"POP consumption is not served by this version"`
	PopReviveSkipIfGroupAbsent                      bool   `conf:"popReviveSkipIfGroupAbsent" default:"true" inert:"POP consumption is not served by this version"`
	UseSeparateRetryQueue                           bool   `conf:"useSeparateRetryQueue" default:"false" inert:"this version behaves as with the default"`
	RealTimeNotifyConsumerChange                    bool   `conf:"realTimeNotifyConsumerChange" default:"true" inert:"this version behaves as with the default"`
	UseMessageFilterForNotification                 bool   `conf:"useMessageFilterForNotification" default:"true" inert:"property filters are not served by this version"`
	MaxMessageFilterNumForNotification              int32  `conf:"maxMessageFilterNumForNotification" default:"64" inert:"property filters are not served by this version"`
	SyncBrokerMemberGroupPeriod                     int32  `conf:"syncBrokerMemberGroupPeriod" default:"1000" inert:"there is no replication in this version"`
	LoadBalancePollNameServerInterval               int64  `conf:"loadBalancePollNameServerInterval" default:"30000" inert:"this version behaves as with the default"`
	CleanOfflineBrokerInterval                      int32  `conf:"cleanOfflineBrokerInterval" default:"30000" inert:"this version behaves as with the default"`
	ServerLoadBalancerEnable                        bool   `conf:"serverLoadBalancerEnable" default:"true" inert:"this version behaves as with the default"`
	DefaultMessageRequestMode                       string `conf:"defaultMessageRequestMode" default:"PULL" inert:"this version behaves as with the default"`
	DefaultPopShareQueueNum                         int32  `conf:"defaultPopShareQueueNum" default:"-1" inert:"POP consumption is not served by this version"`
	TransactionTimeOut                              int64  `conf:"transactionTimeOut" default:"6000" inert:"transactions are not served by this version"`
	TransactionCheckMax                             int32  `conf:"transactionCheckMax" default:"15" inert:"transactions are not served by this version"`
	TransactionCheckInterval                        int64  `conf:"transactionCheckInterval" default:"30000" inert:"transactions are not served by this version"`
	TransactionMetricFlushInterval                  int64  `conf:"transactionMetricFlushInterval" default:"10000" inert:"transactions are not served by this version"`
	TransactionCheckRocksdbCoreThreads              int32  `conf:"transactionCheckRocksdbCoreThreads" default:"2" inert:"RocksDB queues, indexes and configuration are not written by this version"`
	TransactionCheckRocksdbMaxThreads               int32  `conf:"transactionCheckRocksdbMaxThreads" default:"5" inert:"RocksDB queues, indexes and configuration are not written by this version"`
	TransactionCheckRocksdbQueueCapacity            int32  `conf:"transactionCheckRocksdbQueueCapacity" default:"2000" inert:"RocksDB queues, indexes and configuration are not written by this version"`
	TransactionOpMsgMaxSize                         int32  `conf:"transactionOpMsgMaxSize" default:"4096" inert:"transactions are not served by this version"`
	TransactionOpBatchInterval                      int32  `conf:"transactionOpBatchInterval" default:"3000" inert:"transactions are not served by this version"`
	AclEnable                                       bool   `conf:"aclEnable" default:"false" inert:"this version behaves as with the default"`
	EnableDetailStat                                bool   `conf:"enableDetailStat" default:"true" inert:"metrics are not exported by this version"`
	AutoDeleteUnusedStats                           bool   `conf:"autoDeleteUnusedStats" default:"true" inert:"metrics are not exported by this version"`
	IsolateLogEnable                                bool   `conf:"isolateLogEnable" default:"false" inert:"this version behaves as with the default"`
	ForwardTimeout                                  int64  `conf:"forwardTimeout" default:"3000" inert:"this version behaves as with the default"`
	EnableRemoteEscape                              bool   `conf:"enableRemoteEscape" default:"false" inert:"this version behaves as with the default"`
	SkipPreOnline                                   bool   `conf:"skipPreOnline" default:"false" inert:"this version behaves as with the default"`
	AsyncSendEnable                                 bool   `conf:"asyncSendEnable" default:"true" inert:"this version behaves as with the default"`
	ConsumerOffsetUpdateVersionStep                 int64  `conf:"consumerOffsetUpdateVersionStep" default:"500" inert:"this version behaves as with the default"`
	DelayOffsetUpdateVersionStep                    int64  `conf:"delayOffsetUpdateVersionStep" default:"200" inert:"this version behaves as with the default"`
	LockInStrictMode                                bool   `conf:"lockInStrictMode" default:"false" inert:"this version behaves as with the default"`
	CompatibleWithOldNameSrv                        bool   `conf:"compatibleWithOldNameSrv" default:"true" inert:"this version behaves as with the default"`
	EnableControllerMode                            bool   `conf:"enableControllerMode" default:"false" inert:"there is no controller mode in this version"`
	ControllerAddr                                  string `conf:"controllerAddr" inert:"there is no controller mode in this version"`
	FetchControllerAddrByDnsLookup                  bool   `conf:"fetchControllerAddrByDnsLookup" default:"false" inert:"there is no controller mode in this version"`
	SyncBrokerMetadataPeriod                        int64  `conf:"syncBrokerMetadataPeriod" default:"5000" inert:"there is no controller mode in this version"`
	CheckSyncStateSetPeriod                         int64  `conf:"checkSyncStateSetPeriod" default:"5000" inert:"there is no controller mode in this version"`
	SyncControllerMetadataPeriod                    int64  `conf:"syncControllerMetadataPeriod" default:"10000" inert:"there is no controller mode in this version"`
	ControllerHeartBeatTimeoutMills                 int64  `conf:"controllerHeartBeatTimeoutMills" default:"10000" inert:"there is no controller mode in this version"`
	BrokerElectionPriority                          int32  `conf:"brokerElectionPriority" default:"2147483647" inert:"this version behaves as with the default"`
	UseStaticSubscription                           bool   `conf:"useStaticSubscription" default:"false" inert:"metrics are not exported by this version"`
	MetricsExporterType                             string `conf:"metricsExporterType" default:"DISABLE" inert:"metrics are not exported by this version"`
	MetricsOtelCardinalityLimit                     int32  `conf:"metricsOtelCardinalityLimit" default:"50000" inert:"metrics are not exported by this version"`
	MetricsGrpcExporterTarget                       string `conf:"metricsGrpcExporterTarget" inert:"metrics are not exported by this version"`
	MetricsGrpcExporterHeader                       string `conf:"metricsGrpcExporterHeader" inert:"metrics are not exported by this version"`
	MetricGrpcExporterTimeOutInMills                int64  `conf:"metricGrpcExporterTimeOutInMills" default:"3000" inert:"metrics are not exported by this version"`
	MetricGrpcExporterIntervalInMills               int64  `conf:"metricGrpcExporterIntervalInMills" default:"60000" inert:"metrics are not exported by this version"`
	MetricLoggingExporterIntervalInMills            int64  `conf:"metricLoggingExporterIntervalInMills" default:"10000" inert:"metrics are not exported by this version"`
	MetricsPromExporterPort                         int32  `conf:"metricsPromExporterPort" default:"5557" inert:"metrics are not exported by this version"`
	MetricsPromExporterHost                         string `conf:"metricsPromExporterHost" inert:"metrics are not exported by this version"`
	MetricsLabel                                    string `conf:"metricsLabel" inert:"metrics are not exported by this version"`
	MetricsExportBatchMaxDataPoints                 int32  `conf:"metricsExportBatchMaxDataPoints" default:"1000" inert:"metrics are not exported by this version"`
	MetricsInDelta                                  bool   `conf:"metricsInDelta" default:"false" inert:"metrics are not exported by this version"`
	EnableRemotingMetrics                           bool   `conf:"enableRemotingMetrics" default:"true" inert:"metrics are not exported by this version"`
	EnableMessageStoreMetrics                       bool   `conf:"enableMessageStoreMetrics" default:"true" inert:"metrics are not exported by this version"`
	EnablePopMetrics                                bool   `conf:"enablePopMetrics" default:"true" inert:"POP consumption is not served by this version"`
	EnableConnectionMetrics                         bool   `conf:"enableConnectionMetrics" default:"true" inert:"metrics are not exported by this version"`
	EnableTransactionMetrics                        bool   `conf:"enableTransactionMetrics" default:"true" inert:"transactions are not served by this version"`
	EnableStatsMetrics                              bool   `conf:"enableStatsMetrics" default:"true" inert:"metrics are not exported by this version"`
	EnableRequestMetrics                            bool   `conf:"enableRequestMetrics" default:"true" inert:"metrics are not exported by this version"`
	EnableLagAndDlqMetrics                          bool   `conf:"enableLagAndDlqMetrics" default:"true" inert:"metrics are not exported by this version"`
	ChannelExpiredTimeout                           int64  `conf:"channelExpiredTimeout" default:"120000" inert:"this version behaves as with the default"`
	SubscriptionExpiredTimeout                      int64  `conf:"subscriptionExpiredTimeout" default:"600000" inert:"this version behaves as with the default"`
	EstimateAccumulation                            bool   `conf:"estimateAccumulation" default:"true" inert:"this version behaves as with the default"`
	ColdCtrStrategyEnable                           bool   `conf:"coldCtrStrategyEnable" default:"false" inert:"cold-data flow control is not served by this version"`
	UsePIDColdCtrStrategy                           bool   `conf:"usePIDColdCtrStrategy" default:"true" inert:"cold-data flow control is not served by this version"`
	CgColdReadThreshold                             int64  `conf:"cgColdReadThreshold" default:"3145728" inert:"cold-data flow control is not served by this version"`
	GlobalColdReadThreshold                         int64  `conf:"globalColdReadThreshold" default:"104857600" inert:"cold-data flow control is not served by this version"`
	FetchNamesrvAddrInterval                        int64  `conf:"fetchNamesrvAddrInterval" default:"10000" inert:"this version behaves as with the default"`
	PopResponseReturnActualRetryTopic               bool   `conf:"popResponseReturnActualRetryTopic" default:"false" inert:"POP consumption is not served by this version"`
	EnableSingleTopicRegister                       bool   `conf:"enableSingleTopicRegister" default:"false" inert:"this version behaves as with the default"`
	EnableSplitRegistration                         bool   `conf:"enableSplitRegistration" default:"false" inert:"this version behaves as with the default"`
	PopInflightMessageThreshold                     int64  `conf:"popInflightMessageThreshold" default:"10000" inert:"POP consumption is not served by this version"`
	EnablePopMessageThreshold                       bool   `conf:"enablePopMessageThreshold" default:"false" inert:"POP consumption is not served by this version"`
	EnableFastChannelEventProcess                   bool   `conf:"enableFastChannelEventProcess" default:"false" inert:"this version behaves as with the default"`
	PrintChannelGroups                              bool   `conf:"printChannelGroups" default:"false" inert:"this version behaves as with the default"`
	PrintChannelGroupsMinNum                        int32  `conf:"printChannelGroupsMinNum" default:"5" inert:"this version behaves as with the default"`
	SplitRegistrationSize                           int32  `conf:"splitRegistrationSize" default:"800" inert:"this version behaves as with the default"`
	SkipWhenCKRePutReachMaxTimes                    bool   `conf:"skipWhenCKRePutReachMaxTimes" default:"false" inert:"this version behaves as with the default"`
	AppendAckAsync                                  bool   `conf:"appendAckAsync" default:"false" inert:"POP consumption is not served by this version"`
	AppendCkAsync                                   bool   `conf:"appendCkAsync" default:"false" inert:"this version behaves as with the default"`
	EnableLmqStats                                  bool   `conf:"enableLmqStats" default:"false" inert:"light message queues are not served by this version"`
	ConfigManagerVersion                            string `conf:"configManagerVersion" default:"v1" inert:"this version behaves as with the default"`
	UseSingleRocksDBForAllConfigs                   bool   `conf:"useSingleRocksDBForAllConfigs" default:"false" inert:"RocksDB queues, indexes and configuration are not written by this version"`
	AllowRecallWhenBrokerNotWriteable               bool   `conf:"allowRecallWhenBrokerNotWriteable" default:"true" inert:"this version behaves as with the default"`
	RecallMessageEnable                             bool   `conf:"recallMessageEnable" default:"false" inert:"this version behaves as with the default"`
	EnableRegisterProducer                          bool   `conf:"enableRegisterProducer" default:"true" inert:"this version behaves as with the default"`
	EnableCreateSysGroup                            bool   `conf:"enableCreateSysGroup" default:"true" inert:"this version behaves as with the default"`
	EnableLiteEventMode                             bool   `conf:"enableLiteEventMode" default:"true" inert:"lite topics are not served by this version"`
	LiteEventCheckInterval                          int64  `conf:"liteEventCheckInterval" default:"10000" inert:"lite topics are not served by this version"`
	LiteTtlCheckInterval                            int64  `conf:"liteTtlCheckInterval" default:"120000" inert:"lite topics are not served by this version"`
	MinLiteTTl                                      int64  `conf:"minLiteTTl" default:"900000" inert:"lite topics are not served by this version"`
	LiteSubscriptionCheckInterval                   int64  `conf:"liteSubscriptionCheckInterval" default:"120000" inert:"lite topics are not served by this version"`
	LiteSubscriptionCheckTimeoutMills               int64  `conf:"liteSubscriptionCheckTimeoutMills" default:"180000" inert:"lite topics are not served by this version"`
	PersistConsumerOffsetIncrementally              bool   `conf:"persistConsumerOffsetIncrementally" default:"false" inert:"this version behaves as with the default"`
	MaxLiteSubscriptionCount                        int64  `conf:"maxLiteSubscriptionCount" default:"100000" inert:"lite topics are not served by this version"`
	EnableLitePopLog                                bool   `conf:"enableLitePopLog" default:"false" inert:"lite topics are not served by this version"`
	MaxClientEventCount                             int32  `conf:"maxClientEventCount" default:"100" inert:"the Go runtime and the operating system manage connections"`
	LiteEventFullDispatchDelayTime                  int64  `conf:"liteEventFullDispatchDelayTime" default:"10000" inert:"lite topics are not served by this version"`
	LiteEventFullDispatchDelayTimeForWildcardGroup  int64  `conf:"liteEventFullDispatchDelayTimeForWildcardGroup" default:"10000" inert:"lite topics are not served by this version"`
	LiteLagLatencyCollectEnable                     bool   `conf:"liteLagLatencyCollectEnable" default:"false" inert:"lite topics are not served by this version"`
	LiteLagLatencyMetricsEnable                     bool   `conf:"liteLagLatencyMetricsEnable" default:"false" inert:"lite topics are not served by this version"`
	LiteLagCountMetricsEnable                       bool   `conf:"liteLagCountMetricsEnable" default:"false" inert:"lite topics are not served by this version"`
	LiteLagLatencyTopK                              int32  `conf:"liteLagLatencyTopK" default:"50" inert:"lite topics are not served by this version"`
	InBrokerContainer                               bool   `conf:"inBrokerContainer" default:"false" inert:"this version behaves as with the default"`
	StorePathDLedgerCommitLog                       string `conf:"storePathDLedgerCommitLog" inert:"DLedger logs are not served"`
	StorePathEpochFile                              string `conf:"storePathEpochFile" inert:"there is no controller mode in this version"`
	StorePathBrokerIdentity                         string `conf:"storePathBrokerIdentity" inert:"there is no controller mode in this version"`
	ReadOnlyCommitLogStorePaths                     string `conf:"readOnlyCommitLogStorePaths" inert:"this version behaves as with the default"`
	CompactionMappedFileSize                        int32  `conf:"compactionMappedFileSize" default:"104857600" inert:"the log is written through one mapping whose blocks are allocated ahead"`
	CompactionCqMappedFileSize                      int32  `conf:"compactionCqMappedFileSize" default:"10485760" inert:"the log is written through one mapping whose blocks are allocated ahead"`
	CompactionScheduleInternal                      int32  `conf:"compactionScheduleInternal" default:"900000" inert:"compaction topics are not served by this version"`
	MaxOffsetMapSize                                int32  `conf:"maxOffsetMapSize" default:"104857600" inert:"this version behaves as with the default"`
	CompactionThreadNum                             int32  `conf:"compactionThreadNum" default:"6" inert:"compaction topics are not served by this version"`
	EnableCompaction                                bool   `conf:"enableCompaction" default:"true" inert:"compaction topics are not served by this version"`
	MappedFileSizeTimerLog                          int32  `conf:"mappedFileSizeTimerLog" default:"104857600" inert:"the log is written through one mapping whose blocks are allocated ahead"`
	TimerPrecisionMs                                int32  `conf:"timerPrecisionMs" default:"1000" inert:"messages with an arbitrary delivery time are not served by this version"`
	TimerRollWindowSlot                             int32  `conf:"timerRollWindowSlot" default:"172800" inert:"messages with an arbitrary delivery time are not served by this version"`
	TimerFlushIntervalMs                            int32  `conf:"timerFlushIntervalMs" default:"1000" inert:"messages with an arbitrary delivery time are not served by this version"`
	TimerGetMessageThreadNum                        int32  `conf:"timerGetMessageThreadNum" default:"3" inert:"messages with an arbitrary delivery time are not served by this version"`
	TimerPutMessageThreadNum                        int32  `conf:"timerPutMessageThreadNum" default:"3" inert:"messages with an arbitrary delivery time are not served by this version"`
	TimerEnableDisruptor                            bool   `conf:"timerEnableDisruptor" default:"false" inert:"messages with an arbitrary delivery time are not served by this version"`
	TimerEnableCheckMetrics                         bool   `conf:"timerEnableCheckMetrics" default:"true" inert:"messages with an arbitrary delivery time are not served by this version"`
	TimerInterceptDelayLevel                        bool   `conf:"timerInterceptDelayLevel" default:"false" inert:"messages with an arbitrary delivery time are not served by this version"`
	TimerWheelSnapshotFlush                         bool   `conf:"timerWheelSnapshotFlush" default:"false" inert:"messages with an arbitrary delivery time are not served by this version"`
	DisappearTimeAfterStart                         int32  `conf:"disappearTimeAfterStart" default:"-1" inert:"this version behaves as with the default"`
	TimerStopEnqueue                                bool   `conf:"timerStopEnqueue" default:"false" inert:"messages with an arbitrary delivery time are not served by this version"`
	TimerCheckMetricsWhen                           string `conf:"timerCheckMetricsWhen" default:"05" inert:"messages with an arbitrary delivery time are not served by this version"`
	TimerSkipUnknownError                           bool   `conf:"timerSkipUnknownError" default:"false" inert:"messages with an arbitrary delivery time are not served by this version"`
	TimerWarmEnable                                 bool   `conf:"timerWarmEnable" default:"false" inert:"the log is written through one mapping whose blocks are allocated ahead"`
	TimerStopDequeue                                bool   `conf:"timerStopDequeue" default:"false" inert:"messages with an arbitrary delivery time are not served by this version"`
	TimerEnableRetryUntilSuccess                    bool   `conf:"timerEnableRetryUntilSuccess" default:"false" inert:"messages with an arbitrary delivery time are not served by this version"`
	TimerCongestNumEachSlot                         int32  `conf:"timerCongestNumEachSlot" default:"2147483647" inert:"messages with an arbitrary delivery time are not served by this version"`
	TimerMetricSmallThreshold                       int32  `conf:"timerMetricSmallThreshold" default:"1000000" inert:"messages with an arbitrary delivery time are not served by this version"`
	TimerProgressLogIntervalMs                      int32  `conf:"timerProgressLogIntervalMs" default:"10000" inert:"messages with an arbitrary delivery time are not served by this version"`
	TimerWheelSnapshotIntervalMs                    int32  `conf:"timerWheelSnapshotIntervalMs" default:"10000" inert:"messages with an arbitrary delivery time are not served by this version"`
	CommitLogRecoverMaxNum                          int32  `conf:"commitLogRecoverMaxNum" default:"10" inert:"this version behaves as with the default"`
	TimerRocksDBEnable                              bool   `conf:"timerRocksDBEnable" default:"false" inert:"RocksDB queues, indexes and configuration are not written by this version"`
	TimerRocksDBStopScan                            bool   `conf:"timerRocksDBStopScan" default:"false" inert:"RocksDB queues, indexes and configuration are not written by this version"`
	TimerRocksDBPrecisionMs                         int64  `conf:"timerRocksDBPrecisionMs" default:"1000" inert:"RocksDB queues, indexes and configuration are not written by this version"`
	TimerRocksDBRollMaxTps                          string `conf:"timerRocksDBRollMaxTps" default:"8000.0" inert:"RocksDB queues, indexes and configuration are not written by this version"`
	TimerRocksDBTimeExpiredMaxTps                   string `conf:"timerRocksDBTimeExpiredMaxTps" default:"200000.0" inert:"RocksDB queues, indexes and configuration are not written by this version"`
	TimerRocksDBRollIntervalHours                   int32  `conf:"timerRocksDBRollIntervalHours" default:"1" inert:"RocksDB queues, indexes and configuration are not written by this version"`
	TimerRocksDBRollRangeHours                      int32  `conf:"timerRocksDBRollRangeHours" default:"2" inert:"RocksDB queues, indexes and configuration are not written by this version"`
	TimerRecallToTimeWheelEnable                    bool   `conf:"timerRecallToTimeWheelEnable" default:"true" inert:"messages with an arbitrary delivery time are not served by this version"`
	TimerRecallToTimelineEnable                     bool   `conf:"timerRecallToTimelineEnable" default:"true" inert:"messages with an arbitrary delivery time are not served by this version"`
	TimerReputServiceCorePoolSize                   int32  `conf:"timerReputServiceCorePoolSize" default:"6" inert:"messages with an arbitrary delivery time are not served by this version"`
	TimerReputServiceMaxPoolSize                    int32  `conf:"timerReputServiceMaxPoolSize" default:"6" inert:"messages with an arbitrary delivery time are not served by this version"`
	TimerReputServiceQueueCapacity                  int32  `conf:"timerReputServiceQueueCapacity" default:"10000" inert:"messages with an arbitrary delivery time are not served by this version"`
	TransRocksDBEnable                              bool   `conf:"transRocksDBEnable" default:"false" inert:"RocksDB queues, indexes and configuration are not written by this version"`
	TransWriteOriginTransHalfEnable                 bool   `conf:"transWriteOriginTransHalfEnable" default:"true" inert:"transactions are not served by this version"`
	IndexRocksDBEnable                              bool   `conf:"indexRocksDBEnable" default:"false" inert:"RocksDB queues, indexes and configuration are not written by this version"`
	MaxRocksDBIndexQueryDays                        int32  `conf:"maxRocksDBIndexQueryDays" default:"7" inert:"RocksDB queues, indexes and configuration are not written by this version"`
	IndexFileWriteEnable                            bool   `conf:"indexFileWriteEnable" default:"true" inert:"this version behaves as with the default"`
	IndexFileReadEnable                             bool   `conf:"indexFileReadEnable" default:"true" inert:"this version behaves as with the default"`
	StoreType                                       string `conf:"storeType" default:"default" inert:"this version behaves as with the default"`
	IteratorWhenUseRocksdbConsumeQueue              bool   `conf:"iteratorWhenUseRocksdbConsumeQueue" default:"true" inert:"RocksDB queues, indexes and configuration are not written by this version"`
	EnableConsumeQueueExt                           bool   `conf:"enableConsumeQueueExt" default:"false" inert:"property filters are not served by this version"`
	MappedFileSizeConsumeQueueExt                   int32  `conf:"mappedFileSizeConsumeQueueExt" default:"50331648" inert:"the log is written through one mapping whose blocks are allocated ahead"`
	MapperFileSizeBatchConsumeQueue                 int32  `conf:"mapperFileSizeBatchConsumeQueue" default:"13800000" inert:"this version behaves as with the default"`
	BitMapLengthConsumeQueueExt                     int32  `conf:"bitMapLengthConsumeQueueExt" default:"64" inert:"property filters are not served by this version"`
	CommitIntervalCommitLog                         int32  `conf:"commitIntervalCommitLog" default:"200" inert:"this version behaves as with the default"`
	MaxRecoveryCommitlogFiles                       int32  `conf:"maxRecoveryCommitlogFiles" default:"30" inert:"this version behaves as with the default"`
	UseReentrantLockWhenPutMessage                  bool   `conf:"useReentrantLockWhenPutMessage" default:"true" inert:"this version behaves as with the default"`
	FlushCommitLogTimed                             bool   `conf:"flushCommitLogTimed" default:"true" inert:"this version behaves as with the default"`
	DeleteCommitLogFilesInterval                    int32  `conf:"deleteCommitLogFilesInterval" default:"100" inert:"this version behaves as with the default"`
	DeleteConsumeQueueFilesInterval                 int32  `conf:"deleteConsumeQueueFilesInterval" default:"100" inert:"this version behaves as with the default"`
	DestroyMapedFileIntervalForcibly                int32  `conf:"destroyMapedFileIntervalForcibly" default:"120000" inert:"the log is written through one mapping whose blocks are allocated ahead"`
	RedeleteHangedFileInterval                      int32  `conf:"redeleteHangedFileInterval" default:"120000" inert:"this version behaves as with the default"`
	DeleteFileBatchMax                              int32  `conf:"deleteFileBatchMax" default:"10" inert:"this version behaves as with the default"`
	PutMsgIndexHightWater                           int32  `conf:"putMsgIndexHightWater" default:"600000" inert:"this version behaves as with the default"`
	MaxFilterMessageSize                            int32  `conf:"maxFilterMessageSize" default:"16000" inert:"property filters are not served by this version"`
	CheckCRCOnRecover                               bool   `conf:"checkCRCOnRecover" default:"true" inert:"this version behaves as with the default"`
	CheckCommitLogOffsetOnRecover                   bool   `conf:"checkCommitLogOffsetOnRecover" default:"false" inert:"this version behaves as with the default"`
	FlushCommitLogLeastPages                        int32  `conf:"flushCommitLogLeastPages" default:"4" inert:"this version behaves as with the default"`
	CommitCommitLogLeastPages                       int32  `conf:"commitCommitLogLeastPages" default:"4" inert:"this version behaves as with the default"`
	FlushLeastPagesWhenWarmMapedFile                int32  `conf:"flushLeastPagesWhenWarmMapedFile" default:"4096" inert:"the log is written through one mapping whose blocks are allocated ahead"`
	FlushConsumeQueueLeastPages                     int32  `conf:"flushConsumeQueueLeastPages" default:"2" inert:"this version behaves as with the default"`
	FlushCommitLogThoroughInterval                  int32  `conf:"flushCommitLogThoroughInterval" default:"10000" inert:"this version behaves as with the default"`
	CommitCommitLogThoroughInterval                 int32  `conf:"commitCommitLogThoroughInterval" default:"200" inert:"this version behaves as with the default"`
	FlushConsumeQueueThoroughInterval               int32  `conf:"flushConsumeQueueThoroughInterval" default:"60000" inert:"this version behaves as with the default"`
	MaxMsgsNumBatch                                 int32  `conf:"maxMsgsNumBatch" default:"64" inert:"this version behaves as with the default"`
	MessageIndexSafe                                bool   `conf:"messageIndexSafe" default:"false" inert:"this version behaves as with the default"`
	HaSendHeartbeatInterval                         int32  `conf:"haSendHeartbeatInterval" default:"5000" inert:"there is no replication in this version"`
	HaHousekeepingInterval                          int32  `conf:"haHousekeepingInterval" default:"20000" inert:"there is no replication in this version"`
	HaTransferBatchSize                             int32  `conf:"haTransferBatchSize" default:"32768" inert:"there is no replication in this version"`
	HaMasterAddress                                 string `conf:"haMasterAddress" inert:"there is no replication in this version"`
	HaMaxGapNotInSync                               int32  `conf:"haMaxGapNotInSync" default:"268435456" inert:"there is no replication in this version"`
	PutMessageTimeout                               int32  `conf:"putMessageTimeout" default:"8000" inert:"this version behaves as with the default"`
	SlaveTimeout                                    int32  `conf:"slaveTimeout" default:"3000" inert:"there is no replication in this version"`
	WarmMapedFileEnable                             bool   `conf:"warmMapedFileEnable" default:"false" inert:"the log is written through one mapping whose blocks are allocated ahead"`
	OffsetCheckInSlave                              bool   `conf:"offsetCheckInSlave" default:"false" inert:"there is no replication in this version"`
	DebugLockEnable                                 bool   `conf:"debugLockEnable" default:"false" inert:"this version behaves as with the default"`
	DuplicationEnable                               bool   `conf:"duplicationEnable" default:"false" inert:"this version behaves as with the default"`
	DiskFallRecorded                                bool   `conf:"diskFallRecorded" default:"true" inert:"this version behaves as with the default"`
	OsPageCacheBusyTimeOutMills                     int64  `conf:"osPageCacheBusyTimeOutMills" default:"1000" inert:"this version behaves as with the default"`
	TransientStorePoolEnable                        bool   `conf:"transientStorePoolEnable" default:"false" inert:"the log is written through one mapping whose blocks are allocated ahead"`
	TransientStorePoolSize                          int32  `conf:"transientStorePoolSize" default:"5" inert:"the log is written through one mapping whose blocks are allocated ahead"`
	FastFailIfNoBufferInStorePool                   bool   `conf:"fastFailIfNoBufferInStorePool" default:"false" inert:"this version behaves as with the default"`
	WriteWithoutMmap                                bool   `conf:"writeWithoutMmap" default:"false" inert:"the log is written through one mapping whose blocks are allocated ahead"`
	EnableDLegerCommitLog                           bool   `conf:"enableDLegerCommitLog" default:"false" inert:"DLedger logs are not served"`
	DLegerGroup                                     string `conf:"dLegerGroup" inert:"DLedger logs are not served"`
	DLegerPeers                                     string `conf:"dLegerPeers" inert:"DLedger logs are not served"`
	DLegerSelfId                                    string `conf:"dLegerSelfId" inert:"DLedger logs are not served"`
	PreferredLeaderId                               string `conf:"preferredLeaderId" inert:"this version behaves as with the default"`
	EnableBatchPush                                 bool   `conf:"enableBatchPush" default:"false" inert:"this version behaves as with the default"`
	EnableScheduleMessageStats                      bool   `conf:"enableScheduleMessageStats" default:"true" inert:"metrics are not exported by this version"`
	EnableLmq                                       bool   `conf:"enableLmq" default:"false" inert:"light message queues are not served by this version"`
	EnableMultiDispatch                             bool   `conf:"enableMultiDispatch" default:"false" inert:"light message queues are not served by this version"`
	MaxLmqConsumeQueueNum                           int32  `conf:"maxLmqConsumeQueueNum" default:"20000" inert:"light message queues are not served by this version"`
	EnableLmqQuota                                  bool   `conf:"enableLmqQuota" default:"false" inert:"light message queues are not served by this version"`
	EnableScheduleAsyncDeliver                      bool   `conf:"enableScheduleAsyncDeliver" default:"false" inert:"this version behaves as with the default"`
	ScheduleAsyncDeliverMaxPendingLimit             int32  `conf:"scheduleAsyncDeliverMaxPendingLimit" default:"2000" inert:"this version behaves as with the default"`
	ScheduleAsyncDeliverMaxResendNum2Blocked        int32  `conf:"scheduleAsyncDeliverMaxResendNum2Blocked" default:"3" inert:"this version behaves as with the default"`
	MaxBatchDeleteFilesNum                          int32  `conf:"maxBatchDeleteFilesNum" default:"50" inert:"this version behaves as with the default"`
	DispatchCqThreads                               int32  `conf:"dispatchCqThreads" default:"10" inert:"requests of this kind have no pool of their own"`
	DispatchCqCacheNum                              int32  `conf:"dispatchCqCacheNum" default:"4096" inert:"this version behaves as with the default"`
	EnableAsyncReput                                bool   `conf:"enableAsyncReput" default:"true" inert:"this version behaves as with the default"`
	RecheckReputOffsetFromCq                        bool   `conf:"recheckReputOffsetFromCq" default:"false" inert:"this version behaves as with the default"`
	MaxTopicLength                                  int32  `conf:"maxTopicLength" default:"127" inert:"this version behaves as with the default"`
	AutoMessageVersionOnTopicLen                    bool   `conf:"autoMessageVersionOnTopicLen" default:"true" inert:"this version behaves as with the default"`
	EnableRunningFlagsInFlush                       bool   `conf:"enableRunningFlagsInFlush" default:"false" inert:"this version behaves as with the default"`
	EnabledAppendPropCRC                            bool   `conf:"enabledAppendPropCRC" default:"false" inert:"this version behaves as with the default"`
	ForceVerifyPropCRC                              bool   `conf:"forceVerifyPropCRC" default:"false" inert:"this version behaves as with the default"`
	TravelCqFileNumWhenGetMessage                   int32  `conf:"travelCqFileNumWhenGetMessage" default:"1" inert:"this version behaves as with the default"`
	CorrectLogicMinOffsetSleepInterval              int32  `conf:"correctLogicMinOffsetSleepInterval" default:"1" inert:"this version behaves as with the default"`
	CorrectLogicMinOffsetForceInterval              int32  `conf:"correctLogicMinOffsetForceInterval" default:"300000" inert:"this version behaves as with the default"`
	MappedFileSwapEnable                            bool   `conf:"mappedFileSwapEnable" default:"true" inert:"the log is written through one mapping whose blocks are allocated ahead"`
	CommitLogForceSwapMapInterval                   int64  `conf:"commitLogForceSwapMapInterval" default:"43200000" inert:"the log is written through one mapping whose blocks are allocated ahead"`
	CommitLogSwapMapInterval                        int64  `conf:"commitLogSwapMapInterval" default:"3600000" inert:"the log is written through one mapping whose blocks are allocated ahead"`
	CommitLogSwapMapReserveFileNum                  int32  `conf:"commitLogSwapMapReserveFileNum" default:"100" inert:"the log is written through one mapping whose blocks are allocated ahead"`
	LogicQueueForceSwapMapInterval                  int64  `conf:"logicQueueForceSwapMapInterval" default:"43200000" inert:"the log is written through one mapping whose blocks are allocated ahead"`
	LogicQueueSwapMapInterval                       int64  `conf:"logicQueueSwapMapInterval" default:"3600000" inert:"the log is written through one mapping whose blocks are allocated ahead"`
	CleanSwapedMapInterval                          int64  `conf:"cleanSwapedMapInterval" default:"300000" inert:"this version behaves as with the default"`
	LogicQueueSwapMapReserveFileNum                 int32  `conf:"logicQueueSwapMapReserveFileNum" default:"20" inert:"the log is written through one mapping whose blocks are allocated ahead"`
	SearchBcqByCacheEnable                          bool   `conf:"searchBcqByCacheEnable" default:"true" inert:"this version behaves as with the default"`
	DispatchFromSenderThread                        bool   `conf:"dispatchFromSenderThread" default:"false" inert:"this version behaves as with the default"`
	WakeCommitWhenPutMessage                        bool   `conf:"wakeCommitWhenPutMessage" default:"true" inert:"this version behaves as with the default"`
	WakeFlushWhenPutMessage                         bool   `conf:"wakeFlushWhenPutMessage" default:"false" inert:"this version behaves as with the default"`
	EnableCleanExpiredOffset                        bool   `conf:"enableCleanExpiredOffset" default:"false" inert:"this version behaves as with the default"`
	MaxAsyncPutMessageRequests                      int32  `conf:"maxAsyncPutMessageRequests" default:"5000" inert:"this version behaves as with the default"`
	PullBatchMaxMessageCount                        int32  `conf:"pullBatchMaxMessageCount" default:"160" inert:"this version behaves as with the default"`
	TotalReplicas                                   int32  `conf:"totalReplicas" default:"1" inert:"there is no replication in this version"`
	InSyncReplicas                                  int32  `conf:"inSyncReplicas" default:"1" inert:"there is no replication in this version"`
	MinInSyncReplicas                               int32  `conf:"minInSyncReplicas" default:"1" inert:"there is no replication in this version"`
	AllAckInSyncStateSet                            bool   `conf:"allAckInSyncStateSet" default:"false" inert:"there is no controller mode in this version"`
	EnableAutoInSyncReplicas                        bool   `conf:"enableAutoInSyncReplicas" default:"false" inert:"there is no replication in this version"`
	HaFlowControlEnable                             bool   `conf:"haFlowControlEnable" default:"false" inert:"there is no replication in this version"`
	MaxHaTransferByteInSecond                       int64  `conf:"maxHaTransferByteInSecond" default:"104857600" inert:"there is no replication in this version"`
	HaMaxTimeSlaveNotCatchup                        int64  `conf:"haMaxTimeSlaveNotCatchup" default:"15000" inert:"there is no replication in this version"`
	SyncMasterFlushOffsetWhenStartup                bool   `conf:"syncMasterFlushOffsetWhenStartup" default:"false" inert:"this version behaves as with the default"`
	MaxChecksumRange                                int64  `conf:"maxChecksumRange" default:"1073741824" inert:"this version behaves as with the default"`
	ReplicasPerDiskPartition                        int32  `conf:"replicasPerDiskPartition" default:"1" inert:"there is no replication in this version"`
	LogicalDiskSpaceCleanForciblyThreshold          string `conf:"logicalDiskSpaceCleanForciblyThreshold" default:"0.8" inert:"this version behaves as with the default"`
	MaxSlaveResendLength                            int64  `conf:"maxSlaveResendLength" default:"268435456" inert:"there is no replication in this version"`
	SyncFromLastFile                                bool   `conf:"syncFromLastFile" default:"false" inert:"this version behaves as with the default"`
	AsyncLearner                                    bool   `conf:"asyncLearner" default:"false" inert:"this version behaves as with the default"`
	MaxConsumeQueueScan                             int32  `conf:"maxConsumeQueueScan" default:"20000" inert:"this version behaves as with the default"`
	SampleCountThreshold                            int32  `conf:"sampleCountThreshold" default:"5000" inert:"this version behaves as with the default"`
	ColdDataFlowControlEnable                       bool   `conf:"coldDataFlowControlEnable" default:"false" inert:"cold-data flow control is not served by this version"`
	ColdDataScanEnable                              bool   `conf:"coldDataScanEnable" default:"false" inert:"cold-data flow control is not served by this version"`
	DataReadAheadEnable                             bool   `conf:"dataReadAheadEnable" default:"true" inert:"this version behaves as with the default"`
	TimerColdDataCheckIntervalMs                    int32  `conf:"timerColdDataCheckIntervalMs" default:"60000" inert:"messages with an arbitrary delivery time are not served by this version"`
	SampleSteps                                     int32  `conf:"sampleSteps" default:"32" inert:"this version behaves as with the default"`
	AccessMessageInMemoryHotRatio                   int32  `conf:"accessMessageInMemoryHotRatio" default:"26" inert:"this version behaves as with the default"`
	EnableBuildConsumeQueueConcurrently             bool   `conf:"enableBuildConsumeQueueConcurrently" default:"false" inert:"this version behaves as with the default"`
	BatchDispatchRequestThreadPoolNums              int32  `conf:"batchDispatchRequestThreadPoolNums" default:"16" inert:"requests of this kind have no pool of their own"`
	CleanRocksDBDirtyCQIntervalMin                  int64  `conf:"cleanRocksDBDirtyCQIntervalMin" default:"60" inert:"RocksDB queues, indexes and configuration are not written by this version"`
	StatRocksDBCQIntervalSec                        int64  `conf:"statRocksDBCQIntervalSec" default:"10" inert:"RocksDB queues, indexes and configuration are not written by this version"`
	MemTableFlushIntervalMs                         int64  `conf:"memTableFlushIntervalMs" default:"3600000" inert:"this version behaves as with the default"`
	RealTimePersistRocksDBConfig                    bool   `conf:"realTimePersistRocksDBConfig" default:"true" inert:"RocksDB queues, indexes and configuration are not written by this version"`
	EnableRocksDBLog                                bool   `conf:"enableRocksDBLog" default:"false" inert:"RocksDB queues, indexes and configuration are not written by this version"`
	TopicQueueLockNum                               int32  `conf:"topicQueueLockNum" default:"32" inert:"this version behaves as with the default"`
	ReadUnCommitted                                 bool   `conf:"readUnCommitted" default:"false" inert:"this version behaves as with the default"`
	PutConsumeQueueDataByFileChannel                bool   `conf:"putConsumeQueueDataByFileChannel" default:"true" inert:"this version behaves as with the default"`
	RocksdbCQDoubleWriteEnable                      bool   `conf:"rocksdbCQDoubleWriteEnable" default:"false" inert:"RocksDB queues, indexes and configuration are not written by this version"`
	CombineCQLoadingCQTypes                         string `conf:"combineCQLoadingCQTypes" default:"default;defaultRocksDB" inert:"this version behaves as with the default"`
	CombineCQPreferCQType                           string `conf:"combineCQPreferCQType" default:"default" inert:"this version behaves as with the default"`
	CombineAssignOffsetCQType                       string `conf:"combineAssignOffsetCQType" default:"default" inert:"this version behaves as with the default"`
	CombineCQEnableCheckSelf                        bool   `conf:"combineCQEnableCheckSelf" default:"false" inert:"this version behaves as with the default"`
	CombineCQMaxExtraSearchCommitLogFiles           int32  `conf:"combineCQMaxExtraSearchCommitLogFiles" default:"3" inert:"this version behaves as with the default"`
	CombineCQUseRocksdbForLmq                       bool   `conf:"combineCQUseRocksdbForLmq" default:"false" inert:"RocksDB queues, indexes and configuration are not written by this version"`
	BottomMostCompressionTypeForConsumeQueueStore   string `conf:"bottomMostCompressionTypeForConsumeQueueStore" default:"zstd" inert:"this version behaves as with the default"`
	RocksdbCompressionType                          string `conf:"rocksdbCompressionType" default:"lz4" inert:"RocksDB queues, indexes and configuration are not written by this version"`
	RocksdbFlushWalFrequency                        int32  `conf:"rocksdbFlushWalFrequency" default:"1024" inert:"RocksDB queues, indexes and configuration are not written by this version"`
	RocksdbWalFileRollingThreshold                  int64  `conf:"rocksdbWalFileRollingThreshold" default:"1073741824" inert:"RocksDB queues, indexes and configuration are not written by this version"`
	EnableAcceleratedRecovery                       bool   `conf:"enableAcceleratedRecovery" default:"false" inert:"this version behaves as with the default"`
	SharedByteBufferNum                             int32  `conf:"sharedByteBufferNum" default:"16" inert:"this version behaves as with the default"`
	UseSeparateStorePathForRocksdbCQ                bool   `conf:"useSeparateStorePathForRocksdbCQ" default:"false" inert:"RocksDB queues, indexes and configuration are not written by this version"`
	SpinLockCollisionRetreatOptimalDegree           int32  `conf:"spinLockCollisionRetreatOptimalDegree" default:"1000" inert:"this version behaves as with the default"`
	UseABSLock                                      bool   `conf:"useABSLock" default:"false" inert:"this version behaves as with the default"`
	EnableLogConsumeQueueRepeatedlyBuildWhenRecover bool   `conf:"enableLogConsumeQueueRepeatedlyBuildWhenRecover" default:"false" inert:"this version behaves as with the default"`
	AppendTopicForTimerDeleteKey                    bool   `conf:"appendTopicForTimerDeleteKey" default:"false" inert:"messages with an arbitrary delivery time are not served by this version"`
	ConfigName                                      string `conf:"configName" inert:"this version behaves as with the default"`
	ClusterName                                     string `conf:"clusterName" inert:"this version behaves as with the default"`
	AuthConfigPath                                  string `conf:"authConfigPath" inert:"there is no authentication or authorization in this version"`
	AuthenticationEnabled                           bool   `conf:"authenticationEnabled" default:"false" inert:"there is no authentication or authorization in this version"`
	AuthenticationProvider                          string `conf:"authenticationProvider" inert:"there is no authentication or authorization in this version"`
	AuthenticationMetadataProvider                  string `conf:"authenticationMetadataProvider" inert:"there is no authentication or authorization in this version"`
	AuthenticationStrategy                          string `conf:"authenticationStrategy" inert:"there is no authentication or authorization in this version"`
	AuthenticationWhitelist                         string `conf:"authenticationWhitelist" inert:"there is no authentication or authorization in this version"`
	InitAuthenticationUser                          string `conf:"initAuthenticationUser" inert:"there is no authentication or authorization in this version"`
	InnerClientAuthenticationCredentials            string `conf:"innerClientAuthenticationCredentials" inert:"there is no authentication or authorization in this version"`
	AuthorizationEnabled                            bool   `conf:"authorizationEnabled" default:"false" inert:"there is no authentication or authorization in this version"`
	AuthorizationProvider                           string `conf:"authorizationProvider" inert:"there is no authentication or authorization in this version"`
	AuthorizationMetadataProvider                   string `conf:"authorizationMetadataProvider" inert:"there is no authentication or authorization in this version"`
	AuthorizationStrategy                           string `conf:"authorizationStrategy" inert:"there is no authentication or authorization in this version"`
	AuthorizationWhitelist                          string `conf:"authorizationWhitelist" inert:"there is no authentication or authorization in this version"`
	MigrateAuthFromV1Enabled                        bool   `conf:"migrateAuthFromV1Enabled" default:"false" inert:"there is no authentication or authorization in this version"`
	UserCacheMaxNum                                 int32  `conf:"userCacheMaxNum" default:"1000" inert:"there is no authentication or authorization in this version"`
	UserCacheExpiredSecond                          int32  `conf:"userCacheExpiredSecond" default:"600" inert:"there is no authentication or authorization in this version"`
	UserCacheRefreshSecond                          int32  `conf:"userCacheRefreshSecond" default:"60" inert:"there is no authentication or authorization in this version"`
	AclCacheMaxNum                                  int32  `conf:"aclCacheMaxNum" default:"1000" inert:"there is no authentication or authorization in this version"`
	AclCacheExpiredSecond                           int32  `conf:"aclCacheExpiredSecond" default:"600" inert:"there is no authentication or authorization in this version"`
	AclCacheRefreshSecond                           int32  `conf:"aclCacheRefreshSecond" default:"60" inert:"there is no authentication or authorization in this version"`
	StatefulAuthenticationCacheMaxNum               int32  `conf:"statefulAuthenticationCacheMaxNum" default:"10000" inert:"there is no authentication or authorization in this version"`
	StatefulAuthenticationCacheExpiredSecond        int32  `conf:"statefulAuthenticationCacheExpiredSecond" default:"60" inert:"there is no authentication or authorization in this version"`
	StatefulAuthorizationCacheMaxNum                int32  `conf:"statefulAuthorizationCacheMaxNum" default:"10000" inert:"there is no authentication or authorization in this version"`
	StatefulAuthorizationCacheExpiredSecond         int32  `conf:"statefulAuthorizationCacheExpiredSecond" default:"60" inert:"there is no authentication or authorization in this version"`
}
