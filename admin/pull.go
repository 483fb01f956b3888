package admin

import (
	"context"
	"strings"
	"time"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/protocol"
)

// ToolsGroup is the group under which the tools read messages, which every broker knows.
const ToolsGroup = "TOOLS_CONSUMER"

// PullStatus says how a pull ended, in upstream's words.
type PullStatus string

// The ends of a pull.
const (
	PullFound     PullStatus = "FOUND"
	PullNoNew     PullStatus = "NO_NEW_MSG"     // nothing at or behind the offset
	PullNoMatch   PullStatus = "NO_MATCHED_MSG" // nothing that the filter takes; go on at Next
	PullBadOffset PullStatus = "OFFSET_ILLEGAL" // outside of the queue
)

// Pull describes one pull of messages.
type Pull struct {
	Group      string // "" means ToolsGroup
	Queue      protocol.MessageQueue
	Offset     int64
	Max        int32
	Expression string        // of tags, or by Type; "" means all
	Type       string        // protocol.ExpressionTag ("" too) or ExpressionSQL92
	Wait       time.Duration // how long the broker may wait for a message; 0: not at all
}

// PullResult is what a pull found.
type PullResult struct {
	Status   PullStatus
	Next     int64 // where to go on
	Min, Max int64 // bounds of the queue
	Messages []*Message
}

// PullMessages reads messages of one queue of the broker at addr. It leaves no trace:
// no offset is committed.
func (c *Client) PullMessages(ctx context.Context, addr string, p Pull) (*PullResult, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout+p.Wait)
	defer cancel()
	f, err := c.send(ctx, addr, &codec.Command{Code: int32(protocol.PullMessage), Header: p.header(time.Now())})
	if err != nil {
		return nil, err
	}
	var answer protocol.PullMessageResponseHeader
	codec.DecodeHeaderLoosely(&answer, f.Ext)
	r := &PullResult{Next: answer.NextBeginOffset, Min: answer.MinOffset, Max: answer.MaxOffset}
	switch protocol.ResponseCode(f.Code) {
	case protocol.ResponseSuccess:
		r.Status = PullFound
	case protocol.ResponsePullNotFound:
		r.Status = PullNoNew
	case protocol.ResponsePullRetryImmediately:
		r.Status = PullNoMatch
	case protocol.ResponsePullOffsetMoved:
		r.Status = PullBadOffset
	default:
		return nil, answerError(f, addr, protocol.PullMessage)
	}
	if r.Status != PullFound {
		return r, nil
	}
	if r.Messages, err = DecodeMessages(f.Body, p.Queue.BrokerName); err != nil {
		return nil, err
	}
	r.Messages = p.filter(r.Messages)
	for _, m := range r.Messages {
		m.Properties[protocol.PropertyMinOffset] = formatInt(r.Min)
		m.Properties[protocol.PropertyMaxOffset] = formatInt(r.Max)
	}
	return r, nil
}

func (p *Pull) header(now time.Time) *protocol.PullMessageRequestHeader {
	h := &protocol.PullMessageRequestHeader{
		ConsumerGroup: p.Group, Topic: p.Queue.Topic, QueueID: p.Queue.QueueID, QueueOffset: p.Offset, MaxMsgNums: p.Max,
		SysFlag: protocol.PullFlagSubscription, SuspendTimeoutMillis: p.Wait.Milliseconds(),
		Subscription: p.Expression, SubVersion: now.UnixMilli(), ExpressionType: p.Type,
	}
	if h.ConsumerGroup == "" {
		h.ConsumerGroup = ToolsGroup
	}
	if h.Subscription == "" {
		h.Subscription = protocol.SubscribeAll
	}
	if h.ExpressionType == "" {
		h.ExpressionType = protocol.ExpressionTag
	}
	if p.Wait > 0 {
		h.SysFlag |= protocol.PullFlagSuspend
	}
	return h
}

// filter leaves out messages whose tags have the hash of a wanted one only: brokers
// compare hashes.
func (p *Pull) filter(all []*Message) []*Message {
	if p.Expression == "" || p.Expression == protocol.SubscribeAll || !protocol.IsTagExpression(p.Type) {
		return all
	}
	wanted := map[string]bool{}
	for tag := range strings.SplitSeq(p.Expression, "||") {
		wanted[strings.TrimSpace(tag)] = true
	}
	kept := all[:0]
	for _, m := range all {
		if tag, _ := m.Tags(); wanted[tag] {
			kept = append(kept, m)
		}
	}
	return kept
}
