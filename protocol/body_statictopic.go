package protocol

// MappingScopeGlobal is the scope of a static topic whose logical queues span
// every broker (upstream's METADATA_SCOPE_GLOBAL).
const MappingScopeGlobal = "__global__"

// TopicQueueMappingInfo says which logical queues of a static topic one broker
// leads now. It is what the name server keeps and clients receive.
type TopicQueueMappingInfo struct {
	BrokerName  string          `json:"bname"`
	CurrIDMap   map[int32]int32 `json:"currIdMap"` // logical queue → queue of the broker
	Dirty       bool            `json:"dirty"`
	Epoch       int64           `json:"epoch"` // a higher one replaces older data
	Scope       string          `json:"scope"`
	Topic       string          `json:"topic"`
	TotalQueues int32           `json:"totalQueues"`
}

// ReadJSON reads a mapping without a scope as a global one, as upstream's class does.
func (m *TopicQueueMappingInfo) ReadJSON(read func(any) error) error {
	type plain TopicQueueMappingInfo
	return readOver((*plain)(m), plain{Scope: MappingScopeGlobal}, read)
}

// UnmarshalJSON is ReadJSON for standard text.
func (m *TopicQueueMappingInfo) UnmarshalJSON(b []byte) error { return m.ReadJSON(standard(b)) }

// TopicQueueMappingDetail adds the history of each logical queue. It stays
// between brokers and mqadmin.
type TopicQueueMappingDetail struct {
	BrokerName   string                             `json:"bname"`
	CurrIDMap    map[int32]int32                    `json:"currIdMap"`
	Dirty        bool                               `json:"dirty"`
	Epoch        int64                              `json:"epoch"`
	HostedQueues map[int32][]*LogicQueueMappingItem `json:"hostedQueues"` // by logical queue, oldest item first
	Scope        string                             `json:"scope"`
	Topic        string                             `json:"topic"`
	TotalQueues  int32                              `json:"totalQueues"`
}

// ReadJSON reads a mapping without a scope as a global one, as upstream's class does.
func (m *TopicQueueMappingDetail) ReadJSON(read func(any) error) error {
	type plain TopicQueueMappingDetail
	return readOver((*plain)(m), plain{Scope: MappingScopeGlobal}, read)
}

// UnmarshalJSON is ReadJSON for standard text.
func (m *TopicQueueMappingDetail) UnmarshalJSON(b []byte) error { return m.ReadJSON(standard(b)) }

// LogicQueueMappingItem maps one stretch of a logical queue to a queue of a
// broker. EndOffset, TimeOfStart and TimeOfEnd are -1 while unknown.
type LogicQueueMappingItem struct {
	BrokerName  string `json:"bname"`
	EndOffset   int64  `json:"endOffset"` // physical, excluded
	Gen         int32  `json:"gen"`
	LogicOffset int64  `json:"logicOffset"` // where the stretch starts in the logical queue; negative until decided
	QueueID     int32  `json:"queueId"`
	StartOffset int64  `json:"startOffset"` // physical
	TimeOfEnd   int64  `json:"timeOfEnd"`
	TimeOfStart int64  `json:"timeOfStart"`
}

// ReadJSON gives what the text leaves out the value that upstream's class
// starts with, which is not Go's zero.
func (i *LogicQueueMappingItem) ReadJSON(read func(any) error) error {
	type plain LogicQueueMappingItem
	return readOver((*plain)(i), plain{EndOffset: -1, TimeOfStart: -1, TimeOfEnd: -1}, read)
}

// UnmarshalJSON is ReadJSON for standard text.
func (i *LogicQueueMappingItem) UnmarshalJSON(b []byte) error { return i.ReadJSON(standard(b)) }

// TopicQueueMappingSerializeWrapper is the file topicQueueMapping.json.
type TopicQueueMappingSerializeWrapper struct {
	DataVersion              DataVersion                         `json:"dataVersion"`
	TopicQueueMappingInfoMap map[string]*TopicQueueMappingDetail `json:"topicQueueMappingInfoMap"`
}
