package routes

import (
	"maps"
	"slices"
	"strconv"

	"github.com/gantrymq/gantry/protocol"
)

// Dialect is one of the two forms in which upstream's JSON library writes maps
// with numbers for keys.
type Dialect uint8

// The dialects of a route.
const (
	// Loose leaves such keys bare, which no JSON parser but upstream's accepts:
	// {0:"127.0.0.1:10911"}. Clients before 4.9.4 are sent it.
	Loose Dialect = iota
	// Standard quotes every key.
	Standard
	dialects
)

// AppendRoute appends the JSON of a route: fields by name, absent ones left out,
// maps in the order of their keys.
func AppendRoute(dst []byte, r *protocol.TopicRouteData, d Dialect) []byte {
	dst = append(dst, `{"brokerDatas":[`...)
	for i, b := range r.BrokerDatas {
		dst = comma(dst, i)
		dst = appendBroker(dst, b, d)
	}
	dst = append(dst, `],"filterServerTable":{`...)
	for i, addr := range slices.Sorted(maps.Keys(r.FilterServerTable)) {
		dst = comma(dst, i)
		dst = appendString(dst, addr)
		dst = append(dst, ':')
		dst = appendStrings(dst, r.FilterServerTable[addr])
	}
	dst = append(dst, '}')
	if r.OrderTopicConf != "" {
		dst = append(dst, `,"orderTopicConf":`...)
		dst = appendString(dst, r.OrderTopicConf)
	}
	dst = append(dst, `,"queueDatas":[`...)
	for i, q := range r.QueueDatas {
		dst = comma(dst, i)
		dst = appendQueue(dst, q)
	}
	dst = append(dst, ']')
	if len(r.TopicQueueMappingByBroker) > 0 {
		dst = append(dst, `,"topicQueueMappingByBroker":{`...)
		for i, broker := range slices.Sorted(maps.Keys(r.TopicQueueMappingByBroker)) {
			dst = comma(dst, i)
			dst = appendString(dst, broker)
			dst = append(dst, ':')
			dst = appendMapping(dst, r.TopicQueueMappingByBroker[broker], d)
		}
		dst = append(dst, '}')
	}
	return append(dst, '}')
}

// AppendClusterInfo appends the JSON of a ClusterInfo, in the loose dialect:
// upstream has no other for it.
func AppendClusterInfo(dst []byte, c *protocol.ClusterInfo) []byte {
	dst = append(dst, `{"brokerAddrTable":{`...)
	for i, name := range slices.Sorted(maps.Keys(c.BrokerAddrTable)) {
		dst = comma(dst, i)
		dst = appendString(dst, name)
		dst = append(dst, ':')
		dst = appendBroker(dst, c.BrokerAddrTable[name], Loose)
	}
	dst = append(dst, `},"clusterAddrTable":{`...)
	for i, name := range slices.Sorted(maps.Keys(c.ClusterAddrTable)) {
		dst = comma(dst, i)
		dst = appendString(dst, name)
		dst = append(dst, ':')
		dst = appendStrings(dst, c.ClusterAddrTable[name])
	}
	return append(dst, "}}"...)
}

// AppendMemberGroup appends the JSON of a GetBrokerMemberGroupResponseBody, in
// the loose dialect.
func AppendMemberGroup(dst []byte, g *protocol.BrokerMemberGroup) []byte {
	dst = append(dst, `{"brokerMemberGroup":{"brokerAddrs":`...)
	dst = appendAddrs(dst, g.BrokerAddrs, Loose)
	if g.BrokerName != "" {
		dst = append(dst, `,"brokerName":`...)
		dst = appendString(dst, g.BrokerName)
	}
	if g.Cluster != "" {
		dst = append(dst, `,"cluster":`...)
		dst = appendString(dst, g.Cluster)
	}
	return append(dst, "}}"...)
}

// AppendTopicList appends the JSON of a TopicList.
func AppendTopicList(dst []byte, l *protocol.TopicList) []byte {
	dst = append(dst, '{')
	if l.BrokerAddr != "" {
		dst = append(dst, `"brokerAddr":`...)
		dst = appendString(dst, l.BrokerAddr)
		dst = append(dst, ',')
	}
	dst = append(dst, `"topicList":`...)
	dst = appendStrings(dst, l.TopicList)
	return append(dst, '}')
}

func appendBroker(dst []byte, b *protocol.BrokerData, d Dialect) []byte {
	dst = append(dst, `{"brokerAddrs":`...)
	dst = appendAddrs(dst, b.BrokerAddrs, d)
	dst = append(dst, `,"brokerName":`...)
	dst = appendString(dst, b.BrokerName)
	dst = append(dst, `,"cluster":`...)
	dst = appendString(dst, b.Cluster)
	dst = append(dst, `,"enableActingMaster":`...)
	dst = strconv.AppendBool(dst, b.EnableActingMaster)
	if b.ZoneName != "" {
		dst = append(dst, `,"zoneName":`...)
		dst = appendString(dst, b.ZoneName)
	}
	return append(dst, '}')
}

func appendAddrs(dst []byte, addrs map[int64]string, d Dialect) []byte {
	dst = append(dst, '{')
	for i, id := range slices.Sorted(maps.Keys(addrs)) {
		dst = comma(dst, i)
		dst = appendNumberKey(dst, id, d)
		dst = appendString(dst, addrs[id])
	}
	return append(dst, '}')
}

func appendQueue(dst []byte, q *protocol.QueueData) []byte {
	dst = append(dst, `{"brokerName":`...)
	dst = appendString(dst, q.BrokerName)
	dst = append(dst, `,"perm":`...)
	dst = strconv.AppendInt(dst, int64(q.Perm), 10)
	dst = append(dst, `,"readQueueNums":`...)
	dst = strconv.AppendInt(dst, int64(q.ReadQueueNums), 10)
	dst = append(dst, `,"topicSysFlag":`...)
	dst = strconv.AppendInt(dst, int64(q.TopicSysFlag), 10)
	dst = append(dst, `,"writeQueueNums":`...)
	dst = strconv.AppendInt(dst, int64(q.WriteQueueNums), 10)
	return append(dst, '}')
}

func appendMapping(dst []byte, m *protocol.TopicQueueMappingInfo, d Dialect) []byte {
	dst = append(dst, `{"bname":`...)
	dst = appendString(dst, m.BrokerName)
	dst = append(dst, `,"currIdMap":{`...)
	for i, id := range slices.Sorted(maps.Keys(m.CurrIDMap)) {
		dst = comma(dst, i)
		dst = appendNumberKey(dst, int64(id), d)
		dst = strconv.AppendInt(dst, int64(m.CurrIDMap[id]), 10)
	}
	dst = append(dst, `},"dirty":`...)
	dst = strconv.AppendBool(dst, m.Dirty)
	dst = append(dst, `,"epoch":`...)
	dst = strconv.AppendInt(dst, m.Epoch, 10)
	dst = append(dst, `,"scope":`...)
	dst = appendString(dst, m.Scope)
	dst = append(dst, `,"topic":`...)
	dst = appendString(dst, m.Topic)
	dst = append(dst, `,"totalQueues":`...)
	dst = strconv.AppendInt(dst, int64(m.TotalQueues), 10)
	return append(dst, '}')
}

func appendNumberKey(dst []byte, key int64, d Dialect) []byte {
	if d == Loose {
		return append(strconv.AppendInt(dst, key, 10), ':')
	}
	dst = append(dst, '"')
	dst = strconv.AppendInt(dst, key, 10)
	return append(dst, '"', ':')
}

func appendStrings(dst []byte, list []string) []byte {
	dst = append(dst, '[')
	for i, s := range list {
		dst = comma(dst, i)
		dst = appendString(dst, s)
	}
	return append(dst, ']')
}

func comma(dst []byte, i int) []byte {
	if i > 0 {
		return append(dst, ',')
	}
	return dst
}

const hexDigits = "0123456789abcdef"

// appendString quotes s. Only what JSON demands is escaped, the way upstream's
// library does it; everything else, text beyond ASCII included, stands as it is.
func appendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	from := 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		dst = append(dst, s[from:i]...)
		from = i + 1
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\b':
			dst = append(dst, '\\', 'b')
		case '\f':
			dst = append(dst, '\\', 'f')
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		default:
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&0xf])
		}
	}
	dst = append(dst, s[from:]...)
	return append(dst, '"')
}
