package protocol

import (
	"maps"
)

// TopicFilterType says how many tags a message of a topic may have. No server reads it any more.
type TopicFilterType string

// The filter types.
const (
	FilterSingleTag TopicFilterType = "SINGLE_TAG"
	FilterMultiTag  TopicFilterType = "MULTI_TAG"
)

// Known reports whether t is one of the filter types.
func (t TopicFilterType) Known() bool { return t == FilterSingleTag || t == FilterMultiTag }

// JSONNames lists the filter types in upstream's order.
func (TopicFilterType) JSONNames() []string {
	return []string{string(FilterSingleTag), string(FilterMultiTag)}
}

// TopicConfig is what a broker knows of one of its topics.
type TopicConfig struct {
	Attributes      map[string]string `json:"attributes"`
	Order           bool              `json:"order"`
	Perm            int32             `json:"perm"`
	ReadQueueNums   int32             `json:"readQueueNums"`
	TopicFilterType TopicFilterType   `json:"topicFilterType,omitempty"`
	TopicName       string            `json:"topicName"`
	TopicSysFlag    int32             `json:"topicSysFlag"`
	WriteQueueNums  int32             `json:"writeQueueNums"`
}

// DefaultTopicConfig is a topic of upstream's default shape: 16 queues each way,
// readable and writable.
func DefaultTopicConfig(name string) TopicConfig {
	return TopicConfig{
		Attributes:      map[string]string{},
		Perm:            PermRead | PermWrite,
		ReadQueueNums:   16,
		TopicFilterType: FilterSingleTag,
		TopicName:       name,
		WriteQueueNums:  16,
	}
}

// ReadJSON gives what the text leaves out the value that upstream's class
// starts with, which is not Go's zero.
func (c *TopicConfig) ReadJSON(read func(any) error) error {
	type plain TopicConfig
	d := plain(DefaultTopicConfig(""))
	if err := read(&d); err != nil {
		return err
	}
	if d.Attributes == nil {
		d.Attributes = map[string]string{}
	}
	*c = TopicConfig(d)
	return nil
}

// UnmarshalJSON is ReadJSON for standard text.
func (c *TopicConfig) UnmarshalJSON(b []byte) error { return c.ReadJSON(standard(b)) }

// Clone is a copy that shares nothing with c.
func (c *TopicConfig) Clone() *TopicConfig {
	d := *c
	d.Attributes = maps.Clone(c.Attributes)
	return &d
}

// TopicConfigSerializeWrapper is a table of topics with its version: the file
// topics.json, the answer to GET_ALL_TOPIC_CONFIG, and the registration body of
// brokers before 3.0.11.
type TopicConfigSerializeWrapper struct {
	DataVersion      DataVersion             `json:"dataVersion"`
	TopicConfigTable map[string]*TopicConfig `json:"topicConfigTable"`
}

// TopicConfigAndQueueMapping is the answer to GET_TOPIC_CONFIG: a topic's settings at one
// broker and, when the question says so and the topic is static, its part of that.
type TopicConfigAndQueueMapping struct {
	Attributes      map[string]string        `json:"attributes"`
	MappingDetail   *TopicQueueMappingDetail `json:"mappingDetail,omitempty"`
	Order           bool                     `json:"order"`
	Perm            int32                    `json:"perm"`
	ReadQueueNums   int32                    `json:"readQueueNums"`
	TopicFilterType TopicFilterType          `json:"topicFilterType,omitempty"`
	TopicName       string                   `json:"topicName,omitempty"`
	TopicSysFlag    int32                    `json:"topicSysFlag"`
	WriteQueueNums  int32                    `json:"writeQueueNums"`
}

// TopicConfigAndMappingSerializeWrapper is the table with the static topics that
// brokers of 5.0 and later add to it.
type TopicConfigAndMappingSerializeWrapper struct {
	DataVersion                DataVersion                         `json:"dataVersion"`
	MappingDataVersion         DataVersion                         `json:"mappingDataVersion"`
	TopicConfigTable           map[string]*TopicConfig             `json:"topicConfigTable"`
	TopicQueueMappingDetailMap map[string]*TopicQueueMappingDetail `json:"topicQueueMappingDetailMap"`
	TopicQueueMappingInfoMap   map[string]*TopicQueueMappingInfo   `json:"topicQueueMappingInfoMap"`
}
