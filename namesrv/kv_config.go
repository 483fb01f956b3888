package namesrv

import (
	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/compat"
	"github.com/gantrymq/gantry/namesrv/kv"
	"github.com/gantrymq/gantry/protocol"
	"github.com/gantrymq/gantry/remoting"
)

// putKVConfig serves PUT_KV_CONFIG (100). mqadmin sends it to every name server.
func (s *Server) putKVConfig(r *remoting.Request) error {
	namespace, hasNamespace := r.Ext.Get("namespace")
	key, hasKey := r.Ext.Get("key")
	if !hasNamespace || !hasKey {
		return remoting.Errorf(protocol.ResponseSystemError, "namespace or key is null")
	}
	value, hasValue := r.Ext.Get("value")
	put := func() error { return s.kv.Put(namespace, key, value) }
	if !hasValue {
		put = func() error { return s.kv.PutNothing(namespace, key) }
	}
	return s.changeKV(r, namespace, put)
}

// deleteKVConfig serves DELETE_KV_CONFIG (102). Deleting what is not there succeeds.
func (s *Server) deleteKVConfig(r *remoting.Request) error {
	namespace, _ := r.Ext.Get("namespace")
	key, _ := r.Ext.Get("key")
	return s.changeKV(r, namespace, func() error { return s.kv.Delete(namespace, key) })
}

// changeKV answers once the change is on the disk. Upstream logs that it is not,
// and succeeds.
func (s *Server) changeKV(r *remoting.Request, namespace string, change func() error) error {
	err := change()
	if namespace == kv.OrderTopics {
		s.routes.Invalidate()
	}
	if err != nil {
		s.log.Errorf("%v", err)
	}
	return success(r, nil, err)
}

// getKVConfig serves GET_KV_CONFIG (101).
func (s *Server) getKVConfig(r *remoting.Request) error {
	namespace, named := r.Ext.Get("namespace")
	key, keyed := r.Ext.Get("key")
	value, ok := s.kv.Get(namespace, key)
	if !ok || !named || !keyed {
		return remoting.Errorf(protocol.ResponseQueryNotFound, "No config item, Namespace: %s Key: %s", field(r, "namespace"), field(r, "key"))
	}
	// Not by its header, which takes an empty value for none.
	r.ReplyExt(protocol.ResponseSuccess, "", nil, codec.Fields{{Key: "value", Value: value}}, nil)
	return nil
}

// listKVConfig serves GET_KVLIST_BY_NAMESPACE (219).
func (s *Server) listKVConfig(r *remoting.Request) error {
	namespace, named := r.Ext.Get("namespace")
	table, ok := s.kv.List(namespace)
	if !ok || !named {
		return remoting.Errorf(protocol.ResponseQueryNotFound, "No config item, Namespace: %s", field(r, "namespace"))
	}
	body, err := compat.MarshalFastjson(protocol.KVTable{Table: table})
	return success(r, body, err)
}
