package protocol

// MasterID is the broker id of the master of a broker group; slaves have ids
// above it.
const MasterID int64 = 0

// TopicRouteData tells a client where the queues of a topic are.
type TopicRouteData struct {
	BrokerDatas               []*BrokerData                     `json:"brokerDatas"`
	FilterServerTable         map[string][]string               `json:"filterServerTable"` // by broker address
	OrderTopicConf            string                            `json:"orderTopicConf,omitempty"`
	QueueDatas                []*QueueData                      `json:"queueDatas"`
	TopicQueueMappingByBroker map[string]*TopicQueueMappingInfo `json:"topicQueueMappingByBroker,omitempty"` // by broker name
}

// BrokerData is one broker group: a master and its slaves under one name.
type BrokerData struct {
	BrokerAddrs        map[int64]string `json:"brokerAddrs"` // by broker id
	BrokerName         string           `json:"brokerName"`
	Cluster            string           `json:"cluster"`
	EnableActingMaster bool             `json:"enableActingMaster"`
	ZoneName           string           `json:"zoneName,omitempty"`
}

// QueueData is the share of one broker group in a topic.
type QueueData struct {
	BrokerName     string `json:"brokerName"`
	Perm           int32  `json:"perm"`
	ReadQueueNums  int32  `json:"readQueueNums"`
	TopicSysFlag   int32  `json:"topicSysFlag"`
	WriteQueueNums int32  `json:"writeQueueNums"`
}

// ClusterInfo is the answer to GET_BROKER_CLUSTER_INFO.
type ClusterInfo struct {
	BrokerAddrTable  map[string]*BrokerData `json:"brokerAddrTable"`  // by broker name
	ClusterAddrTable map[string][]string    `json:"clusterAddrTable"` // cluster → broker names, a set
}

// BrokerMemberGroup lists the brokers of one group that are alive.
type BrokerMemberGroup struct {
	BrokerAddrs map[int64]string `json:"brokerAddrs"` // by broker id
	BrokerName  string           `json:"brokerName,omitempty"`
	Cluster     string           `json:"cluster,omitempty"`
}

// GetBrokerMemberGroupResponseBody is the answer to GET_BROKER_MEMBER_GROUP.
type GetBrokerMemberGroupResponseBody struct {
	BrokerMemberGroup *BrokerMemberGroup `json:"brokerMemberGroup"`
}

// TopicList is the answer to every request for topic names. In the answer to
// GET_SYSTEM_TOPIC_LIST_FROM_NS the names are those of clusters and brokers, and
// BrokerAddr is the address of any of them.
type TopicList struct {
	BrokerAddr string   `json:"brokerAddr,omitempty"`
	TopicList  []string `json:"topicList"` // a set
}
