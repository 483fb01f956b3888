package protocol

import "strings"

// Topics that a broker keeps for itself (upstream's TopicValidator).
const (
	TopicAutoCreate        = "TBW102" // the template of automatically created topics
	TopicSchedule          = "SCHEDULE_TOPIC_XXXX"
	TopicBenchmark         = "BenchmarkTest"
	TopicTransHalf         = "RMQ_SYS_TRANS_HALF_TOPIC"
	TopicTransOpHalf       = "RMQ_SYS_TRANS_OP_HALF_TOPIC"
	TopicRocksTransHalf    = "RMQ_SYS_ROCKSDB_TRANS_HALF_TOPIC"
	TopicRocksTransOpHalf  = "RMQ_SYS_ROCKSDB_TRANS_OP_HALF_TOPIC"
	TopicTransCheckMaxTime = "TRANS_CHECK_MAX_TIME_TOPIC"
	TopicTrace             = "RMQ_SYS_TRACE_TOPIC"
	TopicSelfTest          = "SELF_TEST_TOPIC"
	TopicOffsetMoved       = "OFFSET_MOVED_EVENT"
	TopicCheckpoint        = "CHECKPOINT_TOPIC"
	TopicWheelTimer        = "rmq_sys_wheel_timer"

	PrefixSystemTopic      = "rmq_sys_"
	PrefixReviveTopic      = "rmq_sys_REVIVE_LOG_"
	PrefixSyncBrokerMember = "rmq_sys_SYNC_BROKER_MEMBER_"
	SuffixReplyTopic       = "_REPLY_TOPIC"
)

// Prefixes of topics that the broker derives from a group, and of light message queues.
const (
	PrefixRetry = "%RETRY%"
	PrefixDLQ   = "%DLQ%"
	PrefixLMQ   = "%LMQ%"
)

// Consumer and producer groups with a meaning of their own (upstream's MixAll).
const (
	GroupDefaultProducer     = "DEFAULT_PRODUCER"
	GroupDefaultConsumer     = "DEFAULT_CONSUMER"
	GroupTools               = "TOOLS_CONSUMER"
	GroupSchedule            = "SCHEDULE_CONSUMER"
	GroupFilterServer        = "FILTERSRV_CONSUMER"
	GroupMonitor             = "__MONITOR_CONSUMER"
	GroupClientInnerProducer = "CLIENT_INNER_PRODUCER"
	GroupSelfTestProducer    = "SELF_TEST_P_GROUP"
	GroupSelfTestConsumer    = "SELF_TEST_C_GROUP"
	GroupONSHTTPProxy        = "CID_ONS-HTTP-PROXY"
	GroupONSAPIPermission    = "CID_ONSAPI_PERMISSION"
	GroupONSAPIOwner         = "CID_ONSAPI_OWNER"
	GroupONSAPIPull          = "CID_ONSAPI_PULL"
	GroupSysTrans            = "CID_RMQ_SYS_TRANS"
	GroupSysRevive           = "CID_RMQ_SYS_REVIVE_GROUP"

	PrefixSystemGroup = "CID_RMQ_SYS_"
)

// RetryTopic is the topic that messages sent back by a consumer group wait in.
func RetryTopic(group string) string { return PrefixRetry + group }

// DLQTopic is the topic of a group's messages that are not tried again.
func DLQTopic(group string) string { return PrefixDLQ + group }

// IsSystemGroup reports whether a group's name marks it as one of the broker's own.
func IsSystemGroup(group string) bool { return strings.HasPrefix(group, PrefixSystemGroup) }

// IsPredefinedGroup reports whether upstream lists a group by its full name.
// Its admin tools leave these out of exports.
func IsPredefinedGroup(group string) bool {
	switch group {
	case GroupDefaultConsumer, GroupDefaultProducer, GroupTools, GroupSchedule, GroupFilterServer, GroupMonitor,
		GroupClientInnerProducer, GroupSelfTestProducer, GroupSelfTestConsumer, GroupONSHTTPProxy,
		GroupONSAPIPermission, GroupONSAPIOwner, GroupONSAPIPull, GroupSysTrans:
		return true
	}
	return false
}
