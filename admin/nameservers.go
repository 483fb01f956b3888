package admin

import (
	"context"
	"strings"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/compat"
	"github.com/gantrymq/gantry/protocol"
)

// OrderTopics is the namespace of the name servers' key-value table that holds how
// many queues an ordered topic has on which broker.
const OrderTopics = "ORDER_TOPIC_CONFIG"

// PutKV writes one value to every name server.
func (c *Client) PutKV(ctx context.Context, namespace, key, value string) error {
	return c.eachServer(func(addr string) error {
		return c.do(ctx, addr, protocol.PutKVConfig, &protocol.PutKVConfigRequestHeader{Namespace: namespace, Key: key, Value: value}, nil)
	})
}

// GetKV reads one value; an absent one is QUERY_NOT_FOUND.
func (c *Client) GetKV(ctx context.Context, namespace, key string) (string, error) {
	var answer protocol.GetKVConfigResponseHeader
	err := c.anyServer(func(addr string) error {
		return c.askHeader(ctx, addr, protocol.GetKVConfig, &protocol.GetKVConfigRequestHeader{Namespace: namespace, Key: key}, &answer)
	})
	return strings.Clone(answer.Value), err
}

// ListKV reads a namespace.
func (c *Client) ListKV(ctx context.Context, namespace string) (map[string]string, error) {
	table, err := askServers[protocol.KVTable](ctx, c, protocol.GetKvlistByNamespace, &protocol.GetKVListByNamespaceRequestHeader{Namespace: namespace})
	return table.Table, err
}

// DeleteKV removes one value from every name server. That it is absent is no error.
func (c *Client) DeleteKV(ctx context.Context, namespace, key string) error {
	return c.eachServer(func(addr string) error {
		return c.do(ctx, addr, protocol.DeleteKVConfig, &protocol.DeleteKVConfigRequestHeader{Namespace: namespace, Key: key}, nil)
	})
}

// NameServerConfig reads the configuration of one name server.
func (c *Client) NameServerConfig(ctx context.Context, addr string) (map[string]string, error) {
	return c.properties(ctx, addr, protocol.GetNamesrvConfig)
}

// UpdateNameServerConfig changes the configuration of one name server.
func (c *Client) UpdateNameServerConfig(ctx context.Context, addr string, values map[string]string) error {
	return c.do(ctx, addr, protocol.UpdateNamesrvConfig, nil, compat.AppendProperties(nil, values))
}

// WipeWritePerm takes from all topics of a broker, at one name server, that they can
// be written to, and returns how many there were.
func (c *Client) WipeWritePerm(ctx context.Context, addr, brokerName string) (topics int, err error) {
	var answer protocol.WipeWritePermOfBrokerResponseHeader
	err = c.askHeader(ctx, addr, protocol.WipeWritePermOfBroker, &protocol.WipeWritePermOfBrokerRequestHeader{BrokerName: brokerName}, &answer)
	return int(answer.WipeTopicCount), err
}

// AddWritePerm undoes WipeWritePerm.
func (c *Client) AddWritePerm(ctx context.Context, addr, brokerName string) (topics int, err error) {
	var answer protocol.AddWritePermOfBrokerResponseHeader
	err = c.askHeader(ctx, addr, protocol.AddWritePermOfBroker, &protocol.AddWritePermOfBrokerRequestHeader{BrokerName: brokerName}, &answer)
	return int(answer.AddTopicCount), err
}

// properties asks a question whose answer is Java properties.
func (c *Client) properties(ctx context.Context, addr string, code protocol.RequestCode) (map[string]string, error) {
	f, err := c.ask(ctx, addr, code, nil, nil)
	if err != nil {
		return nil, err
	}
	return parseProperties(f, addr, code)
}

func parseProperties(f *codec.Frame, addr string, code protocol.RequestCode) (map[string]string, error) {
	list, err := compat.ParseProperties(f.Body)
	if err != nil {
		return nil, &Error{Request: code, Addr: addr, Code: protocol.ResponseSuccess, Remark: "the properties in its body cannot be read: " + err.Error()}
	}
	return compat.PropertyMap(list), nil
}
