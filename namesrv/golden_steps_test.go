package namesrv

import (
	"github.com/gantrymq/gantry/protocol"
)

// badInputSteps run on an empty name server.
func badInputSteps() []step {
	return []step{
		{name: "unknown code", request: simple(9999)},
		{name: "negative code", request: simple(-5)},
		{name: "a broker's code", request: simple(protocol.SendMessage)},
		{name: "route of an unknown topic", request: routeOf("X")},
		{name: "route without topic", request: simple(protocol.GetRouteinfoByTopic)},
		{name: "route of an empty topic", request: routeOf("")},
		{name: "no clusters", request: simple(protocol.GetBrokerClusterInfo)},
		{name: "no topics", request: simple(protocol.GetAllTopicListFromNameserver)},
		{name: "no system topics", request: simple(protocol.GetSystemTopicListFromNS)},
		{name: "no unit topics", request: simple(protocol.GetUnitTopicList)},
		{name: "no unit subscription topics", request: simple(protocol.GetHasUnitSubTopicList)},
		{name: "no un-unit topics", request: simple(protocol.GetHasUnitSubUnunitTopicList)},
		{name: "topics of an unknown cluster", request: simple(protocol.GetTopicsByCluster, "cluster", "zz")},
		{name: "topics of no cluster", request: simple(protocol.GetTopicsByCluster)},
		{name: "members of an unknown group", request: simple(protocol.GetBrokerMemberGroup, "clusterName", "c", "brokerName", "a")},
		{name: "members of no group", request: simple(protocol.GetBrokerMemberGroup)},
		{name: "wipe an unknown broker", request: simple(protocol.WipeWritePermOfBroker, "brokerName", "zz")},
		{name: "wipe no broker", request: simple(protocol.WipeWritePermOfBroker)},
		{name: "add to no broker", request: simple(protocol.AddWritePermOfBroker)},
		{name: "delete no topic", request: simple(protocol.DeleteTopicInNamesrv)},
		{name: "delete an unknown topic", request: simple(protocol.DeleteTopicInNamesrv, "topic", "zz")},
		{name: "delete a topic of an unknown cluster", request: simple(protocol.DeleteTopicInNamesrv, "topic", "zz", "clusterName", "c")},
		{name: "register a topic without body", request: simple(protocol.RegisterTopicInNamesrv, "topic", "zz")},
		{name: "register a topic with a broken body", remark: true, request: request{code: protocol.RegisterTopicInNamesrv, ext: fields("topic", "zz"), body: []byte("{bad")}},
		{name: "register a topic on unknown brokers", request: request{code: protocol.RegisterTopicInNamesrv, ext: fields("topic", "zz"), body: []byte(`{"queueDatas":[{"brokerName":"a","perm":6}]}`)}},
		{name: "register no topic", request: request{code: protocol.RegisterTopicInNamesrv, body: []byte(`{"queueDatas":[{"brokerName":"a","perm":6}]}`)}},
		{name: "data version of an unknown broker", request: broker{cluster: "c", name: "a", addr: "h:1"}.askVersion(`{"counter":1,"stateVersion":0,"timestamp":5}`)},
		{name: "no data version", request: broker{cluster: "c", name: "a", addr: "h:1"}.askVersion("")},
		{name: "data version of nobody", remark: true, request: simple(protocol.QueryDataVersion)},
		{name: "heartbeat of an unknown broker", request: simple(protocol.BrokerHeartbeat, "clusterName", "c", "brokerAddr", "h:1", "brokerName", "a")},
		{name: "heartbeat of nobody", remark: true, request: simple(protocol.BrokerHeartbeat)},
		{name: "unregister nobody", request: simple(protocol.UnregisterBroker)},
		{name: "unregister an unknown broker", request: broker{cluster: "c", name: "a", addr: "h:1"}.unregister()},
		{name: "unregister an id that is no number", request: simple(protocol.UnregisterBroker, "clusterName", "c", "brokerAddr", "h:1", "brokerName", "a", "brokerId", "q")},
		{name: "register nobody", remark: true, request: simple(protocol.RegisterBroker)},
		{name: "register an id that is no number", remark: true, request: simple(protocol.RegisterBroker, "clusterName", "c", "brokerAddr", "h:1", "brokerName", "a", "brokerId", "q", "haServerAddr", "h:2")},
		{name: "register a broken body", remark: true, request: request{code: protocol.RegisterBroker, ext: broker{cluster: "c", name: "a", addr: "h:1"}.header(), body: []byte("{bad")}},
		{name: "register a compressed body that is not", remark: true, request: request{code: protocol.RegisterBroker, ext: append(broker{cluster: "c", name: "a", addr: "h:1"}.header(), fields("compressed", "true")...), body: []byte("{}")}},
		{name: "register with a wrong checksum", request: request{code: protocol.RegisterBroker, ext: append(broker{cluster: "c", name: "a", addr: "h:1"}.header(), fields("bodyCrc32", "77")...), body: []byte("{}")}},
		{name: "register with a checksum of nothing", request: request{code: protocol.RegisterBroker, ext: append(broker{cluster: "c", name: "a", addr: "h:1"}.header(), fields("bodyCrc32", "77")...)}},
		{name: "nothing came of it", request: simple(protocol.GetBrokerClusterInfo)},
	}
}

func kvSteps() []step {
	order := fields("namespace", "ORDER_TOPIC_CONFIG", "key", "Td", "value", "b2:4;b3:4")
	return []step{
		{name: "get what is not there", request: simple(protocol.GetKVConfig, "namespace", "n", "key", "k")},
		{name: "get nothing", request: simple(protocol.GetKVConfig)},
		{name: "put nothing", request: simple(protocol.PutKVConfig)},
		{name: "put without key", request: simple(protocol.PutKVConfig, "namespace", "n")},
		{name: "list what is not there", request: simple(protocol.GetKvlistByNamespace, "namespace", "n")},
		{name: "list nothing", request: simple(protocol.GetKvlistByNamespace)},
		{name: "delete what is not there", request: simple(protocol.DeleteKVConfig, "namespace", "n", "key", "k")},
		{name: "delete nothing", request: simple(protocol.DeleteKVConfig)},
		{name: "deleting creates nothing", request: simple(protocol.GetKvlistByNamespace, "namespace", "n")},
		{name: "put without value", request: simple(protocol.PutKVConfig, "namespace", "n", "key", "k")},
		{name: "it has none", request: simple(protocol.GetKVConfig, "namespace", "n", "key", "k")},
		{name: "its namespace is there", request: simple(protocol.GetKvlistByNamespace, "namespace", "n")},
		{name: "put", request: simple(protocol.PutKVConfig, "namespace", "n", "key", "k", "value", "v \u00e9\"\n")},
		{name: "put an empty value", request: simple(protocol.PutKVConfig, "namespace", "n", "key", "l", "value", "")},
		{name: "get", request: simple(protocol.GetKVConfig, "namespace", "n", "key", "k")},
		{name: "get an empty value", request: simple(protocol.GetKVConfig, "namespace", "n", "key", "l")},
		{name: "list", request: simple(protocol.GetKvlistByNamespace, "namespace", "n")},
		{name: "delete", request: simple(protocol.DeleteKVConfig, "namespace", "n", "key", "k")},
		{name: "list what is left", request: simple(protocol.GetKvlistByNamespace, "namespace", "n")},
		{name: "put an order configuration", request: request{code: protocol.PutKVConfig, ext: order}},
	}
}

var (
	b2      = broker{cluster: "c0", name: "b2", addr: "10.0.0.1:10911", counter: 1, topics: []string{"Td", "Te:4:1", "Tf:6:3", "Tg:6:2"}}
	b2slave = broker{cluster: "c0", name: "b2", addr: "10.0.0.2:10911", id: 1, counter: 1, topics: []string{"Td", "Te", "Tl"}}
	b3      = broker{cluster: "c0", name: "b3", addr: "10.0.1.1:10911", counter: 1, topics: []string{"Td", "Th"}, filters: []string{"f1:1", "f2:2"},
		ext: fields("__ZONE_NAME", "z1", "enableActingMaster", "true", "heartbeatTimeoutMillis", "100000")}
	packed = broker{cluster: "c1", name: "b4", addr: "10.0.2.1:10911", counter: 1, topics: []string{"Td:4", "Ti"}}
	old    = broker{cluster: "c1", name: "b5", addr: "10.0.3.1:10911", counter: 1, topics: []string{"Td", "Tj"}}
)

func registerSteps() []step {
	grown, single := b2, b2
	grown.topics, grown.counter = append(grown.topics, "Tk"), 2
	single.topics, single.counter = []string{"Tm"}, 3
	return []step{
		{name: "register a master", request: b2.register()},
		{name: "it is there", request: simple(protocol.GetBrokerClusterInfo)},
		{name: "register its slave", conn: "slave", request: b2slave.register()},
		{name: "a slave's topics do not count", request: routeOf("Tl")},
		{name: "register a zoned master with filter servers", conn: "b3", request: b3.register()},
		{name: "register by a compressed body", request: packed.registerPacked()},
		{name: "register as before 3.0.11", request: old.registerOld()},
		{name: "clusters", request: simple(protocol.GetBrokerClusterInfo)},
		{name: "members", request: simple(protocol.GetBrokerMemberGroup, "clusterName", "any", "brokerName", "b2")},
		{name: "topics", request: simple(protocol.GetAllTopicListFromNameserver)},
		{name: "topics of c0", request: simple(protocol.GetTopicsByCluster, "cluster", "c0")},
		{name: "system topics", request: simple(protocol.GetSystemTopicListFromNS)},
		{name: "unit topics", request: simple(protocol.GetUnitTopicList)},
		{name: "unit subscription topics", request: simple(protocol.GetHasUnitSubTopicList)},
		{name: "un-unit topics", request: simple(protocol.GetHasUnitSubUnunitTopicList)},
		{name: "same data version", request: b2.askVersion(b2.dataVersion())},
		{name: "newer data version", request: b2.askVersion(grown.dataVersion())},
		{name: "no data version", request: b2.askVersion("")},
		{name: "topics without a new data version do not change", request: broker{cluster: b2.cluster, name: b2.name, addr: b2.addr, counter: 1, topics: []string{"Td:2", "Te:2"}}.register()},
		{name: "it has not changed", request: routeOf("Td")},
		{name: "a new topic with a new data version", request: grown.register()},
		{name: "it has a route", request: routeOf("Tk")},
		{name: "a single topic", request: single.register()},
		{name: "it has a route too", request: routeOf("Tm")},
		{name: "a topic by itself", request: request{code: protocol.RegisterTopicInNamesrv, ext: fields("topic", "R1"), body: []byte(`{"queueDatas":[{"brokerName":"b2","perm":6,"readQueueNums":1,"writeQueueNums":2,"topicSysFlag":0}]}`)}},
		{name: "its route", request: routeOf("R1")},
		{name: "a new topic on an unknown broker too", request: request{code: protocol.RegisterTopicInNamesrv, ext: fields("topic", "R2"), body: []byte(`{"queueDatas":[{"brokerName":"b2","perm":6},{"brokerName":"zz","perm":6}]}`)}},
		{name: "it has no route", request: routeOf("R2")},
		{name: "a known topic on an unknown broker too", request: request{code: protocol.RegisterTopicInNamesrv, ext: fields("topic", "R1"), body: []byte(`{"queueDatas":[{"brokerName":"b2","perm":2},{"brokerName":"zz","perm":6}]}`)}},
		{name: "its route changed", request: routeOf("R1")},
		{name: "register without order configurations", request: configure("returnOrderTopicConfigToBroker=false")},
		{name: "none came", request: grown.register()},
		{name: "and again with them", request: configure("returnOrderTopicConfigToBroker=true")},
		{name: "they came", request: grown.register()},
		{name: "register with optional fields that do not fit", request: request{code: protocol.RegisterBroker, body: b2.register().body, ext: append(broker{cluster: "c2", name: "b6", addr: "10.0.4.1:10911"}.header(), fields("heartbeatTimeoutMillis", "x", "bodyCrc32", "y", "enableActingMaster", "zz", "compressed", "q")...)}},
		{name: "it is there", request: simple(protocol.GetBrokerMemberGroup, "clusterName", "c2", "brokerName", "b6")},
		{name: "unregister it without id", request: simple(protocol.UnregisterBroker, "clusterName", "c2", "brokerAddr", "10.0.4.1:10911", "brokerName", "b6")},
		{name: "unregister it by an id that is no number", request: simple(protocol.UnregisterBroker, "clusterName", "c2", "brokerId", "q", "brokerAddr", "10.0.4.1:10911", "brokerName", "b6")},
		{name: "it is still there", wait: true, request: simple(protocol.GetBrokerMemberGroup, "clusterName", "c2", "brokerName", "b6")},
		{name: "register nothing", request: request{code: protocol.RegisterBroker, ext: broker{cluster: "c2", name: "b6", addr: "10.0.4.1:10911"}.header()}},
		{name: "its data version", request: broker{cluster: "c2", name: "b6", addr: "10.0.4.1:10911"}.askVersion(`{"counter":0,"stateVersion":0,"timestamp":0}`)},
		{name: "unregister it", request: broker{cluster: "c2", name: "b6", addr: "10.0.4.1:10911"}.unregister()},
		{name: "it is gone", wait: true, request: simple(protocol.GetBrokerClusterInfo)},
	}
}

func routeSteps() []step {
	return []step{
		{name: "route for 5.5.0", request: routeOf("Td")},
		{name: "route for 4.9.4", request: routeOf("Td").from(protocol.V4_9_4)},
		{name: "route for 4.9.3", request: routeOf("Td").from(protocol.V4_9_4 - 1)},
		{name: "route for a negative version", request: routeOf("Td").from(-1)},
		{name: "standard route for 4.9.3", request: routeOf("Td", "acceptStandardJsonOnly", "true").from(protocol.V4_9_3)},
		{name: "not so standard", request: routeOf("Td", "acceptStandardJsonOnly", "false").from(protocol.V4_9_3)},
		{name: "zone", request: routeOf("Td", "__ZONE_MODE", "true", "__ZONE_NAME", "Z1")},
		{name: "another zone", request: routeOf("Td", "__ZONE_MODE", "true", "__ZONE_NAME", "z9")},
		{name: "zone without mode", request: routeOf("Td", "__ZONE_NAME", "z1")},
		{name: "mode without zone", request: routeOf("Td", "__ZONE_MODE", "TRUE", "__ZONE_NAME", " ")},
		{name: "zone of an unknown topic", request: routeOf("X", "__ZONE_MODE", "true", "__ZONE_NAME", "z1")},
		{name: "show order configurations", request: configure("orderMessageEnable=true")},
		{name: "ordered", request: routeOf("Td")},
		{name: "ordered for 4.9.3", request: routeOf("Td").from(protocol.V4_9_3)},
		{name: "not ordered", request: routeOf("Te")},
		{name: "change the order", request: simple(protocol.PutKVConfig, "namespace", "ORDER_TOPIC_CONFIG", "key", "Td", "value", "b2:8")},
		{name: "the new order", request: routeOf("Td")},
		{name: "hide them", request: configure("orderMessageEnable=false")},
		{name: "hidden", request: routeOf("Td")},
		{name: "a filter server less", conn: "b3", request: broker{cluster: b3.cluster, name: b3.name, addr: b3.addr, counter: 1, topics: b3.topics, ext: b3.ext}.register()},
		{name: "without filter servers", request: routeOf("Th")},
	}
}

func permSteps() []step {
	return []step{
		{name: "wipe b2", request: simple(protocol.WipeWritePermOfBroker, "brokerName", "b2")},
		{name: "read only", request: routeOf("Td")},
		{name: "add b2", request: simple(protocol.AddWritePermOfBroker, "brokerName", "b2")},
		{name: "even what was not", request: routeOf("Te")},
		{name: "delete Td of c0", request: simple(protocol.DeleteTopicInNamesrv, "topic", "Td", "clusterName", "c0")},
		{name: "c1 still has it", request: routeOf("Td")},
		{name: "delete Td", request: simple(protocol.DeleteTopicInNamesrv, "topic", "Td")},
		{name: "nobody has it", request: routeOf("Td")},
		{name: "a registration brings it back", conn: "b3", request: b3.register()},
		{name: "from that broker", request: routeOf("Td")},
		{name: "forbid topic lists", request: configure("enableTopicList=false\nenableAllTopicList=false\n")},
		{name: "all topics", request: simple(protocol.GetAllTopicListFromNameserver)},
		{name: "topics of c0", request: simple(protocol.GetTopicsByCluster, "cluster", "c0")},
		{name: "unit topics", request: simple(protocol.GetUnitTopicList)},
		{name: "unit subscription topics", request: simple(protocol.GetHasUnitSubTopicList)},
		{name: "un-unit topics", request: simple(protocol.GetHasUnitSubUnunitTopicList)},
		{name: "allow topic lists", request: configure("enableTopicList=true\nenableAllTopicList=TRUE\n")},
		{name: "topics of c1", request: simple(protocol.GetTopicsByCluster, "cluster", "c1")},
		{name: "drop what is not reported", request: configure("deleteTopicWithBrokerRegistration=true")},
		{name: "report less", conn: "b3", request: broker{cluster: b3.cluster, name: b3.name, addr: b3.addr, counter: 5, topics: []string{"Th", "Ti"}, ext: b3.ext}.register()},
		{name: "gone", request: routeOf("Td")},
		{name: "drop nothing", request: configure("deleteTopicWithBrokerRegistration=false")},
	}
}

func staticSteps() []step {
	const mapping = `{"bname":"b4","currIdMap":{0:0,1:1,10:2},"dirty":false,"epoch":1700000000000,"scope":"__global__","topic":"U1","totalQueues":11}`
	static, again := packed, packed
	static.topics, static.counter, static.mappings = []string{"U1", "Ti"}, 2, `{"U1":`+mapping+`}`
	again.topics, again.counter, again.mappings = []string{"U1", "U2"}, 3, mapping
	return []step{
		{name: "register a static topic", request: static.register()},
		{name: "its route", request: routeOf("U1")},
		{name: "its route for 4.9.3", request: routeOf("U1").from(protocol.V4_9_3)},
		{name: "register it by a compressed body", request: again.registerPacked()},
		{name: "the same route", request: routeOf("U1")},
		{name: "and another topic", request: routeOf("U2")},
	}
}

func actingSteps() []step {
	member := func(id int, addr string, perm string, state int) broker {
		return broker{cluster: "c2", name: "b7", addr: addr, id: id, counter: 1, state: state, topics: []string{"A1:" + perm, "A2:6", "rmq_sys_SYNC_BROKER_MEMBER_b7"}, ext: fields("enableActingMaster", "true")}
	}
	master, slave1, slave2 := member(0, "10.0.5.1:1", "6", 2), member(1, "10.0.5.2:1", "6", 2), member(2, "10.0.5.3:1", "6", 2)
	stale, moved := member(0, "10.0.5.9:1", "6", 1), member(3, "10.0.5.2:1", "6", 2)
	return []step{
		{name: "acting masters", request: configure("supportActingMaster=true")},
		{name: "a slave alone", request: slave2.register()},
		{name: "it acts, read only", request: routeOf("A1")},
		{name: "but not to its members", request: routeOf("rmq_sys_SYNC_BROKER_MEMBER_b7")},
		{name: "a lower slave", request: slave1.register()},
		{name: "it acts now", request: routeOf("A2")},
		{name: "the master", request: master.register()},
		{name: "nobody acts", request: routeOf("A1")},
		{name: "a slave learns its master", request: slave1.register()},
		{name: "a master that slept", request: stale.register()},
		{name: "it is ignored", request: simple(protocol.GetBrokerMemberGroup, "clusterName", "c2", "brokerName", "b7")},
		{name: "and not alive", request: stale.askVersion(stale.dataVersion())},
		{name: "a slave with another id", request: moved.register()},
		{name: "has that id alone", request: simple(protocol.GetBrokerMemberGroup, "clusterName", "c2", "brokerName", "b7")},
		{name: "the master leaves", request: master.unregister()},
		{name: "a slave acts, read only", wait: true, request: routeOf("A1")},
		{name: "members do not show it", request: simple(protocol.GetBrokerMemberGroup, "clusterName", "c2", "brokerName", "b7")},
		{name: "no acting masters", request: configure("supportActingMaster=false")},
		{name: "nobody acts again", request: routeOf("A1")},
		{name: "the slave of b2 hangs up", conn: "slave", hangup: true},
		{name: "it left its group", wait: true, request: simple(protocol.GetBrokerMemberGroup, "clusterName", "c0", "brokerName", "b2")},
		{name: "b3 hangs up", conn: "b3", hangup: true},
		{name: "its topic has no route", wait: true, request: routeOf("Th")},
		{name: "nor its cluster it", request: simple(protocol.GetBrokerClusterInfo)},
	}
}

func configSteps() []step {
	return []step{
		{name: "no update", request: configure("")},
		{name: "unknown and unfit values", request: configure("foo=bar\nscanNotActiveBrokerInterval=abc\nwaitSecondsForService= 7\n")},
		{name: "no properties", request: configure("enableTopicList=\\u12")},
		{name: "kvConfigPath", request: configure("enableTopicList=false\n kvConfigPath = /tmp/x")},
		{name: "configStorePath", request: configure("configStorePath=/tmp/x")},
		{name: "configBlackList", request: configure("configBlackList=")},
		{name: "rocketmqHome", request: configure("rocketmqHome:/tmp/x")},
		{name: "nothing of it happened", request: simple(protocol.GetTopicsByCluster, "cluster", "c1")},
		{name: "wait for service", request: configure("needWaitForService=true\nwaitSecondsForService=100000")},
		{name: "waiting", request: routeOf("A1")},
		{name: "waiting knows no zone", request: routeOf("A1", "__ZONE_MODE", "true", "__ZONE_NAME", "z")},
		{name: "wait no longer", request: configure("needWaitForService=false\nwaitSecondsForService=45")},
		{name: "not waiting", request: routeOf("A2")},
	}
}
