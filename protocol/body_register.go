package protocol

// RegisterBrokerBody is what a broker registers with a name server. Brokers
// compress it into a form of its own when there are many topics.
type RegisterBrokerBody struct {
	FilterServerList            []string                               `json:"filterServerList"`
	TopicConfigSerializeWrapper *TopicConfigAndMappingSerializeWrapper `json:"topicConfigSerializeWrapper"`
}

// KVTable is a flat table of strings: one namespace of the name server's KV
// configuration, or a broker's run-time figures.
type KVTable struct {
	Table map[string]string `json:"table"`
}
