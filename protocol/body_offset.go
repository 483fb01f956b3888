package protocol

// ConsumerOffsetSerializeWrapper is a broker's table of consumer offsets
// (code 43), by "topic@group" and queue.
type ConsumerOffsetSerializeWrapper struct {
	DataVersion DataVersion                `json:"dataVersion"`
	OffsetTable map[string]map[int32]int64 `json:"offsetTable"`
	LightTable  map[string]int64           `json:"lmqOffsetTable,omitempty"` // of light groups, which have one offset in a topic
}

// DelayOffsetSerializeWrapper is how far each delay level has been delivered
// (code 45 and delayOffset.json), by level.
type DelayOffsetSerializeWrapper struct {
	DataVersion DataVersion     `json:"dataVersion"`
	OffsetTable map[int32]int64 `json:"offsetTable"`
}
