package broker

import (
	"github.com/gantrymq/gantry/broker/timer"
	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/protocol"
	"github.com/gantrymq/gantry/remoting"
	"github.com/gantrymq/gantry/store"
)

// recallMessage serves RECALL_MESSAGE (370), which recallMessageEnable allows: a
// message that waits for its time is deleted, by another that waits for the same.
func (b *Broker) recallMessage(r *remoting.Request) error {
	var h protocol.RecallMessageRequestHeader
	codec.DecodeHeaderLoosely(&h, r.Ext)
	region := codec.Fields{{Key: protocol.PropertyMsgRegion, Value: b.config.Load().RegionID}}
	id, err := b.recall(r, &h)
	if fault, ok := asRefusal(err); ok {
		r.ReplyExt(fault.Code, fault.Remark, nil, region, nil)
		return nil
	}
	if err != nil {
		return err
	}
	r.ReplyExt(protocol.ResponseSuccess, remarkUnset, &protocol.RecallMessageResponseHeader{MsgID: id}, region, nil)
	return nil
}

// recall judges the request in upstream's order, stores the message that deletes, and
// returns the unique id of the one that is deleted.
func (b *Broker) recall(r *remoting.Request, h *protocol.RecallMessageRequestHeader) (id string, err error) {
	const unavailable = "recall failed, broker service not available"
	cfg := b.config.Load()
	switch {
	case !cfg.RecallMessageEnable:
		return "", refuse(protocol.ResponseNoPermission, "recall failed, operation is forbidden")
	case cfg.BrokerRole == "SLAVE":
		return "", refuse(protocol.ResponseSlaveNotAvailable, unavailable)
	case b.now().UnixMilli() < cfg.StartAcceptSendRequestTimeStamp,
		!cfg.writable() && !cfg.AllowRecallWhenBrokerNotWriteable:
		return "", refuse(protocol.ResponseServiceNotAvailable, unavailable)
	}
	if err := need(r, "topic"); err != nil {
		return "", err
	}
	if b.topics.Get(h.Topic) == nil {
		return "", refuse(protocol.ResponseTopicNotExist, "recall failed, the topic[%s] not exist", h.Topic)
	}
	handle, err := timer.ParseHandle(h.RecallHandle)
	if err != nil {
		return "", refuse(protocol.ResponseIllegalOperation, "%s", err)
	}
	left := handle.Time - b.now().UnixMilli()
	switch {
	case handle.Topic != h.Topic:
		return "", refuse(protocol.ResponseIllegalOperation, "recall failed, topic not match")
	case handle.Broker != b.name:
		return "", refuse(protocol.ResponseIllegalOperation, unavailable)
	case left <= 0 || left >= cfg.TimerMaxDelay.Milliseconds():
		return "", refuse(protocol.ResponseIllegalOperation, "recall failed, timestamp invalid")
	}
	return handle.ID, b.appendRecall(r, handle, h.ProducerGroup)
}

// appendRecall stores the message that deletes the one of a handle.
func (b *Broker) appendRecall(r *remoting.Request, handle timer.Handle, group string) error {
	failed := refuse(protocol.ResponseSystemError, "recall failed, execute error")
	if b.timer == nil {
		return failed
	}
	msg := b.timer.Recall(handle, group)
	msg.BornHost, msg.StoreHost = r.Session.RemoteAddr(), b.storeHost
	if _, err := b.timer.Divert(&msg); err != nil {
		return failed
	}
	result, err := b.store.Append(&msg)
	if result.Status != store.PutOK {
		b.log.WithError(err).Warn("a recall was not stored")
		return failed
	}
	b.countPut(msg.Topic, 1, result.Size)
	b.stats.PutLatency(msg.Topic, 0, result.StoreTimestamp-r.Received.UnixMilli())
	return nil
}
