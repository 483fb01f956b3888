package broker

import (
	"fmt"
	"strings"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/protocol"
	"github.com/gantrymq/gantry/remoting"
)

// viewMessage serves VIEW_MESSAGE_BY_ID (33): the stored record at an offset.
func (b *Broker) viewMessage(r *remoting.Request) error {
	var h protocol.ViewMessageRequestHeader
	if err := readHeader(r, &h, "offset"); err != nil {
		return err
	}
	record, err := b.store.ReadRecord(h.Offset)
	if err != nil {
		return refuse(protocol.ResponseSystemError, "can not find message by the offset, %d", h.Offset)
	}
	r.Reply(protocol.ResponseSuccess, "", nil, record)
	return nil
}

// queryMessage serves QUERY_MESSAGE (12): the messages that have a key, a unique
// key or a tag.
func (b *Broker) queryMessage(r *remoting.Request) error {
	var h protocol.QueryMessageRequestHeader
	needed := []string{"beginTimestamp", "endTimestamp"}
	text, _ := r.Ext.Get("_UNIQUE_KEY_QUERY")
	unique := strings.EqualFold(text, "true") // as Java reads a boolean
	if !unique {
		needed = append(needed, "maxNum")
	}
	if err := codec.DecodeHeaderNeeding(&h, r.Ext, needed...); err != nil {
		return err
	}
	if err := need(r, needed...); err != nil {
		return err
	}
	kind := h.IndexType
	if unique {
		kind = protocol.IndexTypeUnique
		h.MaxNum = b.config.Load().DefaultQueryMaxNum
	}
	if h.MaxNum < 0 {
		return fmt.Errorf("the request asks for %d messages", h.MaxNum)
	}
	found, err := b.store.QueryIndex(h.Topic, kind, h.Key, int(h.MaxNum), h.BeginTimestamp, h.EndTimestamp)
	if err != nil {
		return err
	}
	answer := &protocol.QueryMessageResponseHeader{IndexLastUpdateTimestamp: found.LastUpdateTime, IndexLastUpdatePhyoffset: found.LastUpdatePhy}
	if len(found.Records) == 0 {
		r.Reply(protocol.ResponseQueryNotFound, "can not find message, maybe time range not correct", answer, nil)
		return nil
	}
	r.ReplyBuffers(protocol.ResponseSuccess, "", answer, found.Records, nil)
	return nil
}
