package mqadmin

import (
	"unicode/utf8"

	"github.com/gantrymq/gantry/admin"
)

// Message is a message in the form in which programs are given it.
type Message struct {
	MsgID          string            `json:"msgId"`
	OffsetMsgID    string            `json:"offsetMsgId"`
	Topic          string            `json:"topic"`
	BrokerName     string            `json:"brokerName,omitempty"`
	QueueID        int32             `json:"queueId"`
	QueueOffset    int64             `json:"queueOffset"`
	PhysicalOffset int64             `json:"commitLogOffset"`
	BornTimestamp  int64             `json:"bornTimestamp"`
	BornHost       string            `json:"bornHost"`
	StoreTimestamp int64             `json:"storeTimestamp"`
	StoreHost      string            `json:"storeHost"`
	ReconsumeTimes int32             `json:"reconsumeTimes"`
	SysFlag        int32             `json:"sysFlag"`
	Flag           int32             `json:"flag"`
	Properties     map[string]string `json:"properties"`
	Body           *string           `json:"body,omitempty"`       // a body that is text
	BodyBase64     []byte            `json:"bodyBase64,omitempty"` // any other
	Tracks         []admin.Track     `json:"tracks,omitempty"`
}

// MessageValue makes one of a message.
func MessageValue(m *admin.Message) *Message {
	v := &Message{
		MsgID: m.ID(), OffsetMsgID: m.OffsetID(), Topic: m.Topic, BrokerName: m.BrokerName, QueueID: m.QueueID, QueueOffset: m.QueueOffset,
		PhysicalOffset: m.PhysicalOffset, BornTimestamp: m.BornTimestamp, BornHost: m.BornHost.String(),
		StoreTimestamp: m.StoreTimestamp, StoreHost: m.StoreHost.String(), ReconsumeTimes: m.ReconsumeTimes, SysFlag: m.SysFlag, Flag: m.Flag,
		Properties: m.Properties,
	}
	if utf8.Valid(m.Body) {
		text := string(m.Body)
		v.Body = &text
	} else {
		v.BodyBase64 = m.Body
	}
	return v
}
