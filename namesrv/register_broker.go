package namesrv

import (
	"errors"
	"fmt"
	"time"

	"github.com/gantrymq/gantry/compat"
	"github.com/gantrymq/gantry/namesrv/kv"
	"github.com/gantrymq/gantry/namesrv/registration"
	"github.com/gantrymq/gantry/namesrv/routes"
	"github.com/gantrymq/gantry/protocol"
	"github.com/gantrymq/gantry/remoting"
)

// registerBroker serves REGISTER_BROKER (103).
func (s *Server) registerBroker(r *remoting.Request) error {
	var h protocol.RegisterBrokerRequestHeader
	unfit := decode(r, &h)
	answer := &protocol.RegisterBrokerResponseHeader{}
	if sum := h.BodyCrc32.Or(0); sum != 0 && sum != registration.Checksum(r.Body) {
		r.Reply(protocol.ResponseSystemError, "crc32 not match", answer, nil)
		return nil
	}
	if err := required(r, unfit, "brokerId"); err != nil {
		return err
	}
	body, err := registration.Decode(r.Body, h.Compressed, r.Version)
	if err != nil {
		return fmt.Errorf("Failed to decode RegisterBrokerBody: %w", err)
	}
	if required(r, unfit, "brokerName", "brokerAddr", "clusterName") != nil {
		// Upstream stumbles in the middle of such a registration, logs that, and succeeds.
		order, err := s.orderTopics()
		if err != nil {
			return err
		}
		r.Reply(protocol.ResponseSuccess, "", answer, order)
		return nil
	}
	registered, err := s.join(r, &h, body)
	if errors.Is(err, routes.ErrPartialRegistration) {
		r.Reply(protocol.ResponseSystemError, "register broker failed", answer, nil)
		return nil
	}
	if err != nil {
		return err
	}
	answer.HAServerAddr, answer.MasterAddr = registered.HAAddr, registered.MasterAddr
	order, err := s.orderTopics()
	if err != nil {
		return err
	}
	r.Reply(protocol.ResponseSuccess, "", answer, order)
	return nil
}

// join enters the broker into the routes and ties it to its session.
func (s *Server) join(r *remoting.Request, h *protocol.RegisterBrokerRequestHeader, body *registration.Body) (routes.Registered, error) {
	timeout := routes.DefaultHeartbeatTimeout
	if h.HeartbeatTimeoutMillis.Set {
		timeout = milliseconds(h.HeartbeatTimeoutMillis.V)
	}
	zone, _ := r.Ext.Get(zoneName)
	addr := routes.Address{Cluster: h.ClusterName, Addr: h.BrokerAddr}
	_, known := s.routes.DataVersion(addr)
	out, err := s.routes.Register(&routes.Registration{
		Address:            addr,
		BrokerName:         h.BrokerName,
		BrokerID:           h.BrokerID,
		HAAddr:             h.HAServerAddr,
		ZoneName:           zone,
		EnableActingMaster: h.EnableActingMaster,
		HeartbeatTimeout:   timeout,
		Version:            body.Version,
		Topics:             body.Topics,
		Mappings:           body.Mappings,
		FilterServers:      body.FilterServers,
		Session:            r.Session.ID(),
	})
	if err != nil {
		s.log.Warnf("broker %s[%d] of %s at %s was not registered: %v", h.BrokerName, h.BrokerID, h.ClusterName, h.BrokerAddr, err)
		return out, err
	}
	if !known {
		s.log.Infof("broker %s[%d] of %s at %s registered %d topics", h.BrokerName, h.BrokerID, h.ClusterName, h.BrokerAddr, len(body.Topics))
	}
	s.departures.follow(r.Session)
	s.notices.send(out.Changed)
	return out, nil
}

// milliseconds is n ms, short of what a time.Duration can hold.
func milliseconds(n int64) time.Duration {
	const longest = 100 * 365 * 24 * time.Hour
	return time.Duration(min(n, longest.Milliseconds())) * time.Millisecond
}

// orderTopics is the order configuration that registering brokers are sent, nil
// when there is none or it is switched off.
func (s *Server) orderTopics() ([]byte, error) {
	if !s.settings.Load().ReturnOrderTopicConfigToBroker {
		return nil, nil
	}
	table, ok := s.kv.List(kv.OrderTopics)
	if !ok {
		return nil, nil
	}
	return compat.MarshalFastjson(protocol.KVTable{Table: table})
}

// unregisterBroker serves UNREGISTER_BROKER (104). The broker is gone a moment
// after the answer. Without a broker id nothing happens, and the answer is the
// same: upstream stumbles over it afterwards.
func (s *Server) unregisterBroker(r *remoting.Request) error {
	var h protocol.UnRegisterBrokerRequestHeader
	if required(r, decode(r, &h), "brokerId") != nil {
		return success(r, nil, nil)
	}
	if !s.departures.submit(routes.Unregistration{
		Address:    routes.Address{Cluster: h.ClusterName, Addr: h.BrokerAddr},
		BrokerName: h.BrokerName,
		BrokerID:   h.BrokerID,
	}) {
		r.Reply(protocol.ResponseSystemError, "", nil, nil)
		return nil
	}
	return success(r, nil, nil)
}

// queryDataVersion serves QUERY_DATA_VERSION (322): a broker asks whether it has
// to register its topics again. Asking is a sign of life.
func (s *Server) queryDataVersion(r *remoting.Request) error {
	if err := required(r, nil, "clusterName", "brokerAddr"); err != nil {
		return err
	}
	cluster, _ := r.Ext.Get("clusterName")
	addr, _ := r.Ext.Get("brokerAddr")
	broker := routes.Address{Cluster: cluster, Addr: addr}

	known, ok := s.routes.DataVersion(broker)
	changed := true
	if len(r.Body) > 0 {
		var asked protocol.DataVersion
		if err := compat.UnmarshalFastjson(r.Body, &asked); err != nil {
			return fmt.Errorf("data version: %w", err)
		}
		changed = !ok || asked != known
	}
	s.routes.Heartbeat(broker)

	answer := &protocol.QueryDataVersionResponseHeader{Changed: changed}
	if !ok {
		r.Reply(protocol.ResponseSuccess, "", answer, nil)
		return nil
	}
	body, err := compat.MarshalFastjson(known)
	if err != nil {
		return err
	}
	r.Reply(protocol.ResponseSuccess, "", answer, body)
	return nil
}

// brokerHeartbeat serves BROKER_HEARTBEAT (904).
func (s *Server) brokerHeartbeat(r *remoting.Request) error {
	if err := required(r, nil, "clusterName", "brokerAddr"); err != nil {
		return err
	}
	cluster, _ := r.Ext.Get("clusterName")
	addr, _ := r.Ext.Get("brokerAddr")
	s.routes.Heartbeat(routes.Address{Cluster: cluster, Addr: addr})
	return success(r, nil, nil)
}
