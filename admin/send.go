package admin

import (
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/protocol"
)

func formatInt(n int64) string { return strconv.FormatInt(n, 10) }

// Outgoing is a message to be sent.
type Outgoing struct {
	Group      string // producer group; "" means ToolsProducer
	Topic      string
	Body       []byte
	Flag       int32
	Properties map[string]string // TAGS and KEYS among them; a UNIQ_KEY is added if there is none
}

// ToolsProducer is the group under which the tools send.
const ToolsProducer = "CLIENT_INNER_PRODUCER"

// SendResult says where a message was stored.
type SendResult struct {
	Status      string // SEND_OK, FLUSH_DISK_TIMEOUT, FLUSH_SLAVE_TIMEOUT or SLAVE_NOT_AVAILABLE
	MsgID       string // the producer's
	OffsetMsgID string
	Queue       protocol.MessageQueue
	QueueOffset int64
}

func (r *SendResult) String() string {
	return fmt.Sprintf("SendResult [sendStatus=%s, msgId=%s, offsetMsgId=%s, messageQueue=%s, queueOffset=%d, recallHandle=null]",
		r.Status, r.MsgID, r.OffsetMsgID, QueueString(r.Queue), r.QueueOffset)
}

// QueueString shows a queue as Java does.
func QueueString(q protocol.MessageQueue) string {
	return fmt.Sprintf("MessageQueue [topic=%s, brokerName=%s, queueId=%d]", q.Topic, q.BrokerName, q.QueueID)
}

// Send stores a message in a queue of the broker at addr.
func (c *Client) Send(ctx context.Context, addr string, q protocol.MessageQueue, m *Outgoing) (*SendResult, error) {
	id := m.Properties[protocol.PropertyUniqueKey]
	var props []byte
	if id == "" {
		id = uniqueID(time.Now())
		props = codec.AppendProperty(props, protocol.PropertyUniqueKey, id)
	}
	for key, value := range m.Properties {
		props = codec.AppendProperty(props, key, value)
	}
	header := &protocol.SendMessageRequestHeaderV2{
		ProducerGroup: m.Group, Topic: m.Topic, DefaultTopic: protocol.TopicAutoCreate, DefaultTopicQueueNums: 4, QueueID: q.QueueID,
		BornTimestamp: time.Now().UnixMilli(), Flag: m.Flag, Properties: string(props),
		ReconsumeTimes: protocol.Some[int32](0), UnitMode: protocol.Some(false), Batch: protocol.Some(false),
	}
	if header.ProducerGroup == "" {
		header.ProducerGroup = ToolsProducer
	}
	f, err := c.call(ctx, addr, &codec.Command{Code: int32(protocol.SendMessageV2), Header: header, Body: m.Body})
	if err != nil {
		return nil, err
	}
	status, ok := sendStatus[protocol.ResponseCode(f.Code)]
	if !ok {
		return nil, answerError(f, addr, protocol.SendMessageV2)
	}
	var answer protocol.SendMessageResponseHeader
	codec.DecodeHeaderLoosely(&answer, f.Ext)
	return &SendResult{
		Status: status, MsgID: id, OffsetMsgID: strings.Clone(answer.MsgID), QueueOffset: answer.QueueOffset,
		Queue: protocol.MessageQueue{Topic: m.Topic, BrokerName: q.BrokerName, QueueID: answer.QueueID},
	}, nil
}

// sendStatus names the answers that mean a stored message.
var sendStatus = map[protocol.ResponseCode]string{
	protocol.ResponseSuccess:           "SEND_OK",
	protocol.ResponseFlushDiskTimeout:  "FLUSH_DISK_TIMEOUT",
	protocol.ResponseFlushSlaveTimeout: "FLUSH_SLAVE_TIMEOUT",
	protocol.ResponseSlaveNotAvailable: "SLAVE_NOT_AVAILABLE",
}

// Sender spreads messages of one topic over its queues in turn. Its methods must not be
// called at the same time.
type Sender struct {
	c      *Client
	route  *protocol.TopicRouteData
	queues []protocol.MessageQueue
	next   int
}

// NewSender looks up where a topic can be written. Topics that do not exist are created
// by the first message, where brokers do so, by the route of their template.
func (c *Client) NewSender(ctx context.Context, topic string) (*Sender, error) {
	route, err := c.Route(ctx, topic)
	if HasCode(err, protocol.ResponseTopicNotExist) {
		if template, templateErr := c.Route(ctx, protocol.TopicAutoCreate); templateErr == nil {
			route, err = template, nil
			for _, q := range route.QueueDatas {
				q.WriteQueueNums = min(q.WriteQueueNums, 4)
			}
		}
	}
	if err != nil {
		return nil, err
	}
	s := &Sender{c: c, route: route, queues: WriteQueues(route, topic)}
	if len(s.queues) == 0 {
		return nil, fmt.Errorf("topic %s has no queue that can be written: its brokers have no master or no write permission", topic)
	}
	return s, nil
}

// Queues lists the queues that can be written.
func (s *Sender) Queues() []protocol.MessageQueue { return s.queues }

// Send stores a message in the next queue.
func (s *Sender) Send(ctx context.Context, m *Outgoing) (*SendResult, error) {
	q := s.queues[s.next%len(s.queues)]
	s.next++
	return s.SendTo(ctx, q, m)
}

// SendTo stores a message in a certain queue.
func (s *Sender) SendTo(ctx context.Context, q protocol.MessageQueue, m *Outgoing) (*SendResult, error) {
	b := BrokerIn(s.route, q.BrokerName)
	if b == nil || b.BrokerAddrs[protocol.MasterID] == "" {
		return nil, fmt.Errorf("topic %s has no broker %q that could be written to", q.Topic, q.BrokerName)
	}
	return s.c.Send(ctx, b.BrokerAddrs[protocol.MasterID], q, m)
}

var idCounter atomic.Uint32

// uniqueID makes an id of the form of the official clients (MessageClientIDSetter): 32
// hexadecimal digits of address, process, a discriminator, the milliseconds since the
// month began, and a counter.
func uniqueID(now time.Time) string {
	var id [16]byte
	copy(id[:4], []byte{127, 0, 0, 1})
	binary.BigEndian.PutUint16(id[4:], uint16(os.Getpid()))
	binary.BigEndian.PutUint32(id[6:], discriminator)
	month := time.Date(now.Year(), now.Month(), 1, 0, 0, 0, 0, now.Location())
	binary.BigEndian.PutUint32(id[10:], uint32(now.Sub(month).Milliseconds()))
	binary.BigEndian.PutUint16(id[14:], uint16(idCounter.Add(1)))
	return fmt.Sprintf("%X", id)
}

var discriminator = uint32(time.Now().UnixNano())
