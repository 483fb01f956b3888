package protocol

// Names of the message properties that clients and servers of 5.5.0 know
// (upstream's MessageConst). Any other name belongs to the application.
const (
	PropertyKeys                           = "KEYS"
	PropertyTags                           = "TAGS"
	PropertyWait                           = "WAIT"
	PropertyDelayLevel                     = "DELAY"
	PropertyRetryTopic                     = "RETRY_TOPIC"
	PropertyOriginGroup                    = "ORIGIN_GROUP"
	PropertyRealTopic                      = "REAL_TOPIC"
	PropertyRealQueueID                    = "REAL_QID"
	PropertyTransactionPrepared            = "TRAN_MSG"
	PropertyProducerGroup                  = "PGROUP"
	PropertyMinOffset                      = "MIN_OFFSET"
	PropertyMaxOffset                      = "MAX_OFFSET"
	PropertyBuyerID                        = "BUYER_ID"
	PropertyOriginMessageID                = "ORIGIN_MESSAGE_ID"
	PropertyTransferFlag                   = "TRANSFER_FLAG"
	PropertyCorrectionFlag                 = "CORRECTION_FLAG"
	PropertyMQ2Flag                        = "MQ2_FLAG"
	PropertyReconsumeTime                  = "RECONSUME_TIME"
	PropertyMsgRegion                      = "MSG_REGION"
	PropertyTraceOn                        = "TRACE_ON"
	PropertyUniqueKey                      = "UNIQ_KEY"
	PropertyTransOffset                    = "TRANS_OFFSET"
	PropertyExtendUniqInfo                 = "EXTEND_UNIQ_INFO"
	PropertyMaxReconsumeTimes              = "MAX_RECONSUME_TIMES"
	PropertyConsumeStartTimestamp          = "CONSUME_START_TIME"
	PropertyPriority                       = "_SYS_MSG_PRIORITY_"
	PropertyInnerNum                       = "INNER_NUM"
	PropertyInnerBase                      = "INNER_BASE"
	PropertyDupInfo                        = "DUP_INFO"
	PropertyCheckImmunityTimeInSeconds     = "CHECK_IMMUNITY_TIME_IN_SECONDS"
	PropertyTransactionPreparedQueueOffset = "TRAN_PREPARED_QUEUE_OFFSET"
	PropertyTransactionID                  = "__transactionId__"
	PropertyTransactionCheckTimes          = "TRANSACTION_CHECK_TIMES"
	PropertyInstanceID                     = "INSTANCE_ID"
	PropertyCorrelationID                  = "CORRELATION_ID"
	PropertyReplyToClient                  = "REPLY_TO_CLIENT"
	PropertyTTL                            = "TTL"
	PropertyReplyMessageArriveTime         = "ARRIVE_TIME"
	PropertyPushReplyTime                  = "PUSH_REPLY_TIME"
	PropertyCluster                        = "CLUSTER"
	PropertyMessageType                    = "MSG_TYPE"
	PropertyPopCk                          = "POP_CK"
	PropertyPopCkOffset                    = "POP_CK_OFFSET"
	PropertyFirstPopTime                   = "1ST_POP_TIME"
	PropertyShardingKey                    = "__SHARDINGKEY"
	PropertyLiteTopic                      = "__LITE_TOPIC"
	PropertyForwardQueueID                 = "PROPERTY_FORWARD_QUEUE_ID"
	PropertyRedirect                       = "REDIRECT"
	PropertyInnerMultiDispatch             = "INNER_MULTI_DISPATCH"
	PropertyInnerMultiQueueOffset          = "INNER_MULTI_QUEUE_OFFSET"
	PropertyTraceContext                   = "TRACE_CONTEXT"
	PropertyTimerDelaySec                  = "TIMER_DELAY_SEC"
	PropertyTimerDeliverMs                 = "TIMER_DELIVER_MS"
	PropertyBornHost                       = "__BORNHOST"
	PropertyBornTimestamp                  = "BORN_TIMESTAMP"
	PropertyTransientPrefix                = "__RMQ.TRANSIENT."
	PropertyTransientTopicConfig           = "__RMQ.TRANSIENT.TOPIC_SYS_FLAG"
	PropertyTransientGroupConfig           = "__RMQ.TRANSIENT.GROUP_SYS_FLAG"
	PropertyTimerEnqueueMs                 = "TIMER_ENQUEUE_MS"
	PropertyTimerDequeueMs                 = "TIMER_DEQUEUE_MS"
	PropertyTimerRollTimes                 = "TIMER_ROLL_TIMES"
	PropertyTimerOutMs                     = "TIMER_OUT_MS"
	PropertyTimerDeleteUniqueKey           = "TIMER_DEL_UNIQKEY"
	PropertyTimerRollLabel                 = "TIMER_ROLL_LABEL"
	PropertyTimerDelayLevel                = "TIMER_DELAY_LEVEL"
	PropertyTimerDelayMs                   = "TIMER_DELAY_MS"
	PropertyCRC32                          = "__CRC32#"
	PropertyDLQOriginTopic                 = "DLQ_ORIGIN_TOPIC"
	PropertyDLQOriginMessageID             = "DLQ_ORIGIN_MESSAGE_ID"
)

// Separators of the property text: name, NameValueSeparator, value,
// PropertySeparator, for each property.
const (
	NameValueSeparator = '\x01'
	PropertySeparator  = '\x02'
)

// KeySeparator stands between the keys of the KEYS property.
const KeySeparator = " "

// Index types of QUERY_MESSAGE and of the key index.
const (
	IndexTypeKey    = "K"
	IndexTypeUnique = "U"
	IndexTypeTag    = "T"
)
