package namesrv

import (
	"slices"

	"github.com/gantrymq/gantry/protocol"
	"github.com/gantrymq/gantry/remoting"
)

// requests is what the name server serves, by code. Everything else is answered
// with REQUEST_CODE_NOT_SUPPORTED.
func (s *Server) requests() []remoting.Route {
	route := remoting.Route{Code: protocol.GetRouteinfoByTopic, Handle: s.routeInfo}
	if s.settings.Load().ClusterTest {
		// It may have to ask another name server.
		route = remoting.Route{Code: protocol.GetRouteinfoByTopic, Handle: s.testRouteInfo, Worker: s.workers}
	}
	return []remoting.Route{
		{Code: protocol.PutKVConfig, Handle: s.putKVConfig, Worker: s.workers},
		{Code: protocol.GetKVConfig, Handle: s.getKVConfig, Worker: s.workers},
		{Code: protocol.DeleteKVConfig, Handle: s.deleteKVConfig, Worker: s.workers},
		{Code: protocol.RegisterBroker, Handle: s.registerBroker, Worker: s.workers},
		{Code: protocol.UnregisterBroker, Handle: s.unregisterBroker, Worker: s.workers},
		route,
		{Code: protocol.GetBrokerClusterInfo, Handle: s.clusterInfo, Worker: s.workers},
		{Code: protocol.WipeWritePermOfBroker, Handle: s.wipeWritePerm, Worker: s.workers},
		{Code: protocol.GetAllTopicListFromNameserver, Handle: s.allTopics, Worker: s.workers},
		{Code: protocol.DeleteTopicInNamesrv, Handle: s.deleteTopic, Worker: s.workers},
		{Code: protocol.RegisterTopicInNamesrv, Handle: s.registerTopic, Worker: s.workers},
		{Code: protocol.GetKvlistByNamespace, Handle: s.listKVConfig, Worker: s.workers},
		{Code: protocol.GetTopicsByCluster, Handle: s.topicsByCluster, Worker: s.workers},
		{Code: protocol.GetSystemTopicListFromNS, Handle: s.systemTopics, Worker: s.workers},
		{Code: protocol.GetUnitTopicList, Handle: s.topicList(s.routes.UnitTopics), Worker: s.workers},
		{Code: protocol.GetHasUnitSubTopicList, Handle: s.topicList(s.routes.UnitSubTopics), Worker: s.workers},
		{Code: protocol.GetHasUnitSubUnunitTopicList, Handle: s.topicList(s.routes.UnitSubUnUnitTopics), Worker: s.workers},
		{Code: protocol.UpdateNamesrvConfig, Handle: s.updateConfig, Worker: s.workers},
		{Code: protocol.GetNamesrvConfig, Handle: s.getConfig, Worker: s.workers},
		{Code: protocol.QueryDataVersion, Handle: s.queryDataVersion},
		{Code: protocol.AddWritePermOfBroker, Handle: s.addWritePerm, Worker: s.workers},
		{Code: protocol.GetBrokerMemberGroup, Handle: s.brokerMembers, Worker: s.workers},
		{Code: protocol.BrokerHeartbeat, Handle: s.brokerHeartbeat},
	}
}

// field is the value of an ext field as upstream's remarks show it: a field that
// is not there is "null".
func field(r *remoting.Request, key string) string {
	value, ok := r.Ext.Get(key)
	if !ok {
		return "null"
	}
	return value
}

// decode fills h and tells which fields have text that does not fit them.
// Upstream logs such a field and takes it for absent.
func decode(r *remoting.Request, h protocol.Header) (unfit []string) {
	h.Reset()
	for _, f := range r.Ext {
		if h.SetField(f.Key, f.Value) != nil {
			unfit = append(unfit, f.Key)
		}
	}
	return unfit
}

// required refuses a request without one of its fields. Upstream runs into a null
// pointer there and answers with its name; the code is the same.
func required(r *remoting.Request, unfit []string, keys ...string) error {
	for _, key := range keys {
		if _, ok := r.Ext.Get(key); !ok || slices.Contains(unfit, key) {
			return remoting.Errorf(protocol.ResponseSystemError, "%s lacks the field %s", protocol.RequestCode(r.Code), key)
		}
	}
	return nil
}

// success answers with a body and nothing else.
func success(r *remoting.Request, body []byte, err error) error {
	if err != nil {
		return err
	}
	r.Reply(protocol.ResponseSuccess, "", nil, body)
	return nil
}
