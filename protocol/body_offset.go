package protocol

// ConsumerOffsetSerializeWrapper is a broker's table of consumer offsets
// (code 43), by "topic@group" and queue.
type ConsumerOffsetSerializeWrapper struct {
	DataVersion     DataVersion                `json:"dataVersion"`
	GroupTopicMap   map[string][]string        `json:"groupTopicMap,omitzero"`  // the topics in which a group has offsets
	LightTable      map[string]int64           `json:"lmqOffsetTable,omitzero"` // of light groups, which have one offset in a topic; absent without light queues
	OffsetTable     map[string]map[int32]int64 `json:"offsetTable"`
	PullOffsetTable map[string]map[int32]int64 `json:"pullOffsetTable,omitzero"` // where a group pulled last
}

// DelayOffsetSerializeWrapper is how far each delay level has been delivered
// (code 45 and delayOffset.json), by level.
type DelayOffsetSerializeWrapper struct {
	DataVersion DataVersion     `json:"dataVersion"`
	OffsetTable map[int32]int64 `json:"offsetTable"`
}
