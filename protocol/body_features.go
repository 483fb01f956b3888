package protocol

// TimerMetrics counts, by topic, the messages that wait for their time (code 61).
type TimerMetrics struct {
	DataVersion DataVersion              `json:"dataVersion"`
	TimingCount map[string]TimerWaitings `json:"timingCount"`
}

// TimerWaitings are the waiting messages of one topic.
type TimerWaitings struct {
	Count     int64 `json:"count"`
	Timestamp int64 `json:"timeStamp"` // ms
}

// CheckRocksdbCqWriteResult is the answer of code 354.
type CheckRocksdbCqWriteResult struct {
	CheckStatus int32 `json:"checkStatus"` // 0 equal, 1 not, 2 in progress, 3 failed
}

// MessageRequestModeSerializeWrapper is how groups receive, by topic and group
// (code 402); those that are not named pull.
type MessageRequestModeSerializeWrapper struct {
	MessageRequestModeMap map[string]map[string]SetMessageRequestModeRequestBody `json:"messageRequestModeMap"`
}

// SetMessageRequestModeRequestBody is how one group receives a topic.
type SetMessageRequestModeRequestBody struct {
	ConsumerGroup    string      `json:"consumerGroup"`
	Mode             RequestMode `json:"mode,omitempty"` // absent it is PULL
	PopShareQueueNum int32       `json:"popShareQueueNum"`
	Topic            string      `json:"topic"`
}

// ReadJSON reads a mode that is not given as PULL.
func (m *SetMessageRequestModeRequestBody) ReadJSON(read func(any) error) error {
	type plain SetMessageRequestModeRequestBody
	return readOver((*plain)(m), plain{Mode: RequestModePull}, read)
}

// UnmarshalJSON is ReadJSON for standard text.
func (m *SetMessageRequestModeRequestBody) UnmarshalJSON(b []byte) error {
	return m.ReadJSON(standard(b))
}
