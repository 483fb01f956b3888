package protocol

// ResetOffsetBody says where each queue of a reset goes (answer of code 222, and
// code 220 that tells consumers).
type ResetOffsetBody struct {
	OffsetTable map[MessageQueue]int64 `json:"offsetTable"`
}

// ResetOffsetBodyForC is ResetOffsetBody as a list, which C++ programs can read.
type ResetOffsetBodyForC struct {
	OffsetTable []MessageQueueForC `json:"offsetTable"`
}

// MessageQueueForC is one entry of ResetOffsetBodyForC.
type MessageQueueForC struct {
	BrokerName string `json:"brokerName"`
	Offset     int64  `json:"offset"`
	QueueID    int32  `json:"queueId"`
	Topic      string `json:"topic"`
}

// GetConsumerStatusBody says where consumers are: a consumer fills the first
// table (code 221), a broker the second, by client id (code 223).
type GetConsumerStatusBody struct {
	MessageQueueTable map[MessageQueue]int64            `json:"messageQueueTable"`
	ConsumerTable     map[string]map[MessageQueue]int64 `json:"consumerTable"`
}

// QueryConsumeTimeSpanBody says between which times a group moves in each queue
// of a topic (code 303).
type QueryConsumeTimeSpanBody struct {
	ConsumeTimeSpanSet []QueueTimeSpan `json:"consumeTimeSpanSet"`
}

// QueueTimeSpan is a group's place in one queue in terms of store times, in ms.
// The texts say the same for people, and are -1 ms for a message that is not there.
type QueueTimeSpan struct {
	ConsumeTimestamp     int64        `json:"consumeTimeStamp"`
	ConsumeTimestampText string       `json:"consumeTimeStampStr"`
	DelayTime            int64        `json:"delayTime"`
	MaxTimestamp         int64        `json:"maxTimeStamp"`
	MaxTimestampText     string       `json:"maxTimeStampStr"`
	MessageQueue         MessageQueue `json:"messageQueue"`
	MinTimestamp         int64        `json:"minTimeStamp"`
	MinTimestampText     string       `json:"minTimeStampStr"`
}

// ConsumeStatsList is how far all groups of a broker are (code 317): one map of
// one entry a group, with an element for each topic.
type ConsumeStatsList struct {
	BrokerAddr        string                      `json:"brokerAddr"`
	ConsumeStatsList  []map[string][]ConsumeStats `json:"consumeStatsList"`
	TotalDiff         int64                       `json:"totalDiff"`
	TotalInflightDiff int64                       `json:"totalInflightDiff"`
}

// QueryCorrectionOffsetBody holds, by queue, the least offset that any group has
// (code 308).
type QueryCorrectionOffsetBody struct {
	CorrectionOffsets map[int32]int64 `json:"correctionOffsets"`
}

// QueryConsumeQueueResponseBody shows part of a consume queue (code 321).
type QueryConsumeQueueResponseBody struct {
	SubscriptionData *SubscriptionData  `json:"subscriptionData"`
	FilterData       Opt[string]        `json:"filterData"`
	QueueData        []ConsumeQueueData `json:"queueData"`
	MaxQueueIndex    int64              `json:"maxQueueIndex"`
	MinQueueIndex    int64              `json:"minQueueIndex"`
}

// ConsumeQueueData is one unit of a consume queue.
type ConsumeQueueData struct {
	PhysicalOffset int64 `json:"physicOffset"`
	PhysicalSize   int32 `json:"physicSize"`
	TagsCode       int64 `json:"tagsCode"`
	Eval           bool  `json:"eval"` // whether the group's filter takes it, where a unit has more than its tag
}

// QuerySubscriptionResponseBody is what a group wants of a topic (code 345).
type QuerySubscriptionResponseBody struct {
	Group            string            `json:"group"`
	SubscriptionData *SubscriptionData `json:"subscriptionData"`
	Topic            Opt[string]       `json:"topic"`
}

// GroupForbidden says whether a group may read a topic (code 353).
type GroupForbidden struct {
	Group    string      `json:"group"`
	Readable bool        `json:"readable"`
	Topic    Opt[string] `json:"topic"`
}
