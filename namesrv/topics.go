package namesrv

import (
	"fmt"

	"github.com/gantrymq/gantry/compat"
	"github.com/gantrymq/gantry/protocol"
	"github.com/gantrymq/gantry/remoting"
)

// errDisabled answers requests for topic lists that the configuration forbids.
var errDisabled = &remoting.RemoteError{Code: protocol.ResponseSystemError, Remark: "disable"}

// allTopics serves GET_ALL_TOPIC_LIST_FROM_NAMESERVER (206).
func (s *Server) allTopics(r *remoting.Request) error {
	if !s.settings.Load().EnableAllTopicList {
		return errDisabled
	}
	return replyTopics(r, protocol.TopicList{TopicList: s.routes.Topics()})
}

// topicsByCluster serves GET_TOPICS_BY_CLUSTER (224).
func (s *Server) topicsByCluster(r *remoting.Request) error {
	cluster, _ := r.Ext.Get("cluster")
	return s.topicList(func() []string { return s.routes.TopicsOfCluster(cluster) })(r)
}

// topicList serves GET_UNIT_TOPIC_LIST (311), GET_HAS_UNIT_SUB_TOPIC_LIST (312)
// and GET_HAS_UNIT_SUB_UNUNIT_TOPIC_LIST (313).
func (s *Server) topicList(list func() []string) remoting.Handler {
	return func(r *remoting.Request) error {
		if !s.settings.Load().EnableTopicList {
			return errDisabled
		}
		return replyTopics(r, protocol.TopicList{TopicList: list()})
	}
}

// systemTopics serves GET_SYSTEM_TOPIC_LIST_FROM_NS (304), which no setting forbids.
func (s *Server) systemTopics(r *remoting.Request) error {
	names, addr := s.routes.SystemTopics()
	return replyTopics(r, protocol.TopicList{TopicList: names, BrokerAddr: addr})
}

func replyTopics(r *remoting.Request, list protocol.TopicList) error {
	body, err := compat.MarshalFastjson(list)
	return success(r, body, err)
}

// deleteTopic serves DELETE_TOPIC_IN_NAMESRV (216).
func (s *Server) deleteTopic(r *remoting.Request) error {
	var h protocol.DeleteTopicFromNamesrvRequestHeader
	decode(r, &h)
	s.routes.DeleteTopic(h.Topic, h.ClusterName)
	return success(r, nil, nil)
}

// registerTopic serves REGISTER_TOPIC_IN_NAMESRV (217), which brokers send with
// enableSingleTopicRegister. Of the route in its body the queues count. A request
// that names no topic or unknown brokers succeeds and changes nothing.
func (s *Server) registerTopic(r *remoting.Request) error {
	var route protocol.TopicRouteData
	if len(r.Body) > 0 {
		if err := compat.UnmarshalFastjson(r.Body, &route); err != nil {
			return fmt.Errorf("route: %w", err)
		}
	}
	if topic, _ := r.Ext.Get("topic"); topic != "" {
		s.routes.RegisterTopic(topic, route.QueueDatas)
	}
	return success(r, nil, nil)
}
