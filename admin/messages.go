package admin

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/protocol"
)

// maxBody bounds the size of a body after decompression.
const maxBody = 64 << 20

// Message is a message as consumers see it: its body decompressed, its properties a
// table. It shares no memory with the answer that it came in.
type Message struct {
	codec.Message
	BrokerName string
	Properties map[string]string
}

// OffsetID is the message's id made of where it is stored.
func (m *Message) OffsetID() string { return codec.MessageID(m.StoreHost, m.PhysicalOffset) }

// ID is the id that its producer gave it, else its OffsetID.
func (m *Message) ID() string {
	if id := m.Properties[protocol.PropertyUniqueKey]; id != "" {
		return id
	}
	return m.OffsetID()
}

// Tags returns the message's tag; false when it has none.
func (m *Message) Tags() (string, bool) {
	v, ok := m.Properties[protocol.PropertyTags]
	return v, ok
}

// Keys returns the message's keys, with spaces between; false when it has none.
func (m *Message) Keys() (string, bool) {
	v, ok := m.Properties[protocol.PropertyKeys]
	return v, ok
}

// DecodeMessages reads the records that follow one another in b.
func DecodeMessages(b []byte, brokerName string) ([]*Message, error) {
	var all []*Message
	for len(b) > 0 {
		m := &Message{BrokerName: brokerName}
		rest, err := codec.DecodeRecord(b, &m.Message, false)
		if err != nil {
			return all, err
		}
		b = rest
		if err := m.own(); err != nil {
			return all, err
		}
		all = append(all, m)
	}
	return all, nil
}

// own cuts the ties of a message to the bytes it was decoded from.
func (m *Message) own() error {
	m.Topic = strings.Clone(m.Topic)
	m.Message.Properties = strings.Clone(m.Message.Properties)
	m.Properties = map[string]string{}
	for key, value := range codec.Properties(m.Message.Properties) {
		if value != "" {
			m.Properties[key] = value
		}
	}
	if m.SysFlag&protocol.SysFlagCompressed == 0 {
		m.Body = slices.Clone(m.Body)
		return nil
	}
	body, err := codec.AppendDecompressed(nil, m.Body, codec.CompressionOf(m.SysFlag), maxBody)
	if err != nil {
		return fmt.Errorf("the body of message %s cannot be decompressed: %w", m.OffsetID(), err)
	}
	m.Body = body
	return nil
}

// ErrNoMessage says that a query found nothing.
var ErrNoMessage = errors.New("no message was found; if it was sent just now, its index entry may not be written yet")

// ViewMessage reads a message by the id of its place.
func (c *Client) ViewMessage(ctx context.Context, topic, offsetID string) (*Message, error) {
	addr, offset, err := codec.ParseMessageID(offsetID)
	if err != nil {
		return nil, err
	}
	f, err := c.ask(ctx, addr.String(), protocol.ViewMessageByID, &protocol.ViewMessageRequestHeader{Topic: topic, Offset: offset}, nil)
	if err != nil {
		return nil, err
	}
	all, err := DecodeMessages(f.Body, "")
	if err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, ErrNoMessage
	}
	return all[0], nil
}

// FindMessage reads a message by either of its ids: where it is stored, or what its
// producer gave it.
func (c *Client) FindMessage(ctx context.Context, cluster, topic, id string) (*Message, error) {
	if IsOffsetID(id) {
		if m, err := c.ViewMessage(ctx, topic, id); err == nil {
			return m, nil
		}
	}
	all, err := c.QueryMessages(ctx, Query{Cluster: cluster, Topic: topic, Key: id, Unique: true, Max: 32, End: maxTime})
	if err != nil {
		return nil, err
	}
	return all[0], nil
}

// IsOffsetID reports whether an id can be that of a place. Ids of producers have the
// same form, so only trying it tells.
func IsOffsetID(id string) bool {
	addr, offset, err := codec.ParseMessageID(id)
	return err == nil && addr.Port() != 0 && offset >= 0 && addr.Addr() != netip.IPv4Unspecified()
}

const maxTime = 1<<63 - 1

// Query describes which messages QueryMessages looks for.
type Query struct {
	Cluster    string // only brokers of this cluster; "" means all
	Topic      string
	Key        string
	Unique     bool   // Key is the id that the producer gave
	IndexType  string // protocol.IndexTypeKey or IndexTypeTag, or "" for what the broker takes
	LastKey    string // continue behind this entry of the index
	Max        int32  // of one broker
	Begin, End int64  // stored within, ms
}

// QueryMessages finds messages by key in the indexes of all brokers of a topic.
func (c *Client) QueryMessages(ctx context.Context, q Query) ([]*Message, error) {
	routeTopic := q.Topic
	if withoutRoute(q.Topic) && q.Cluster != "" {
		routeTopic = q.Cluster
	}
	route, err := c.Route(ctx, routeTopic)
	if err != nil {
		return nil, err
	}
	var found []*Message
	var failed []error
	for _, b := range route.BrokerDatas {
		addr := Addr(b)
		if addr == "" || routeTopic == q.Topic && q.Cluster != "" && q.Cluster != b.Cluster {
			continue
		}
		part, err := c.queryOne(ctx, addr, b.BrokerName, q)
		if err != nil && !HasCode(err, protocol.ResponseQueryNotFound) {
			failed = append(failed, err)
		}
		found = append(found, part...)
	}
	if len(found) > 0 {
		return found, nil
	}
	if len(failed) > 0 {
		return nil, errors.Join(failed...)
	}
	return nil, ErrNoMessage
}

// queryOne asks one broker. The index knows hashes of keys only, so what it finds is
// looked at again here.
func (c *Client) queryOne(ctx context.Context, addr, brokerName string, q Query) ([]*Message, error) {
	cmd := &codec.Command{Code: int32(protocol.QueryMessage), Header: &protocol.QueryMessageRequestHeader{
		Topic: q.Topic, Key: q.Key, MaxNum: q.Max, BeginTimestamp: q.Begin, EndTimestamp: q.End, IndexType: q.IndexType, LastKey: q.LastKey,
	}, Ext: codec.Fields{{Key: "_UNIQUE_KEY_QUERY", Value: fmt.Sprint(q.Unique)}}}
	f, err := c.call(ctx, addr, cmd)
	if err != nil {
		return nil, err
	}
	if err := answerError(f, addr, protocol.QueryMessage); err != nil {
		return nil, err
	}
	all, err := DecodeMessages(f.Body, brokerName)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(m *Message) bool { return !q.matches(m) }), nil
}

func (q *Query) matches(m *Message) bool {
	if q.Unique {
		return m.ID() == q.Key
	}
	if q.IndexType == protocol.IndexTypeTag {
		tag, _ := m.Tags()
		return tag == q.Key
	}
	keys, _ := m.Keys()
	return m.Topic == q.Topic && slices.Contains(strings.Fields(keys), q.Key)
}
