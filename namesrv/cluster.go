package namesrv

import (
	"github.com/gantrymq/gantry/compat"
	"github.com/gantrymq/gantry/protocol"
	"github.com/gantrymq/gantry/remoting"
)

// remarkNoCode stands in the successful answer to GET_BROKER_MEMBER_GROUP:
// upstream sets the code and forgets the remark that answers begin with.
const remarkNoCode = "not set any response code"

// clusterInfo serves GET_BROKER_CLUSTER_INFO (106), always in the loose form.
func (s *Server) clusterInfo(r *remoting.Request) error {
	body, err := compat.MarshalFastjson(s.routes.ClusterInfo())
	return success(r, body, err)
}

// brokerMembers serves GET_BROKER_MEMBER_GROUP (901). The cluster is repeated, not
// looked at.
func (s *Server) brokerMembers(r *remoting.Request) error {
	var h protocol.GetBrokerMemberGroupRequestHeader
	decode(r, &h)
	body, err := compat.MarshalFastjson(protocol.GetBrokerMemberGroupResponseBody{
		BrokerMemberGroup: &protocol.BrokerMemberGroup{
			BrokerAddrs: s.routes.Members(h.BrokerName),
			BrokerName:  h.BrokerName,
			Cluster:     h.ClusterName,
		},
	})
	if err != nil {
		return err
	}
	r.Reply(protocol.ResponseSuccess, remarkNoCode, nil, body)
	return nil
}

// wipeWritePerm serves WIPE_WRITE_PERM_OF_BROKER (205).
func (s *Server) wipeWritePerm(r *remoting.Request) error {
	broker, _ := r.Ext.Get("brokerName")
	n := s.routes.WipeWritePerm(broker)
	s.log.Infof("%s may no longer be written to: %d topics, asked by %s", broker, n, r.Session.RemoteAddr())
	r.Reply(protocol.ResponseSuccess, "", &protocol.WipeWritePermOfBrokerResponseHeader{WipeTopicCount: int32(n)}, nil)
	return nil
}

// addWritePerm serves ADD_WRITE_PERM_OF_BROKER (327).
func (s *Server) addWritePerm(r *remoting.Request) error {
	broker, _ := r.Ext.Get("brokerName")
	n := s.routes.AddWritePerm(broker)
	s.log.Infof("%s may be written to: %d topics, asked by %s", broker, n, r.Session.RemoteAddr())
	r.Reply(protocol.ResponseSuccess, "", &protocol.AddWritePermOfBrokerResponseHeader{AddTopicCount: int32(n)}, nil)
	return nil
}
