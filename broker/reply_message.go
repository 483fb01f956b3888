package broker

import (
	"context"
	"strconv"
	"time"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/protocol"
	"github.com/gantrymq/gantry/remoting"
	"github.com/gantrymq/gantry/store"
)

// pushReplyTimeout bounds how long a requester may take to accept a reply
// (upstream's Broker2Client.callClient).
const pushReplyTimeout = 10 * time.Second

// replyMessage serves SEND_REPLY_MESSAGE (324) and its V2 (325): the answer of a
// request-reply exchange is pushed to the client that asked. It is stored as
// well, even when it could not be pushed.
func (b *Broker) replyMessage(r *remoting.Request) error {
	op := sendOps.Get().(*sendOp)
	defer op.release()
	if err := op.decode(r); err != nil {
		return err
	}
	if len(r.Body) == 0 {
		return errNoBody
	}
	topic, err := b.admitSend(r, &op.header, false)
	if err != nil {
		return b.refuseSend(r, err)
	}
	cfg := b.config.Load()
	op.props.text = append(op.props.text[:0], op.header.Properties...)
	op.props.set(protocol.PropertyMsgRegion, cfg.RegionID)
	op.props.set(protocol.PropertyTraceOn, strconv.FormatBool(cfg.TraceOn))
	queueID := chooseQueue(op.header.QueueID, topic.WriteQueueNums)
	var answer protocol.Header
	code, remark := protocol.ResponseSuccess, ""
	if fault, ok := asRefusal(b.pushReply(r, op)); ok {
		code, remark = fault.Code, fault.Remark
	} else {
		op.answer = protocol.SendMessageResponseHeader{MsgID: "0", QueueID: queueID}
		answer = &op.answer
	}
	if cfg.StoreReplyMessageEnable {
		err := b.storeReply(r, op, topic, queueID)
		if fault, refused := asRefusal(err); refused {
			b.log.Warnf("the reply in topic %s is not stored: %s", op.header.Topic, fault.Remark)
		} else if err != nil {
			return err
		} else {
			answer = &op.answer
		}
	}
	r.ReplyExt(code, remark, answer, *b.sendExt.Load(), nil)
	return nil
}

// pushReply hands the reply to the requester and waits for its yes.
func (b *Broker) pushReply(r *remoting.Request, op *sendOp) error {
	h := &op.header
	requester, ok := codec.Property(h.Properties, protocol.PropertyReplyToClient)
	if !ok {
		return refuse(protocol.ResponseSystemError, "reply message properties[%s] is null", protocol.PropertyReplyToClient)
	}
	client := b.producers.FindID(requester)
	if client == nil {
		return refuse(protocol.ResponseSystemError, "push reply message fail, channel of <%s> not found.", requester)
	}
	now := b.now().UnixMilli()
	op.props.set(protocol.PropertyPushReplyTime, strconv.FormatInt(now, 10))
	push := &protocol.ReplyMessageRequestHeader{
		ProducerGroup: h.ProducerGroup, Topic: h.Topic, DefaultTopic: h.DefaultTopic, DefaultTopicQueueNums: h.DefaultTopicQueueNums,
		QueueID: h.QueueID, SysFlag: h.SysFlag, BornTimestamp: h.BornTimestamp, Flag: h.Flag, Properties: op.props.string(),
		ReconsumeTimes: h.ReconsumeTimes, UnitMode: h.UnitMode.Or(false),
		BornHost: r.Session.RemoteAddr().String(), StoreHost: b.storeHost.String(), StoreTimestamp: now,
	}
	ctx, cancel := context.WithTimeout(context.Background(), pushReplyTimeout)
	defer cancel()
	answer, err := sessionOf(client).Call(ctx, &codec.Command{
		Code: int32(protocol.PushReplyMessageToClient), Version: protocol.CurrentVersion, Header: push, Body: r.Body,
	})
	if err != nil || answer.Code != int32(protocol.ResponseSuccess) {
		return refuse(protocol.ResponseSystemError, "push reply message to %sfail.", requester)
	}
	return nil
}

// storeReply keeps the reply in its topic as well, or where it waits for the time of delivery that it asks for. That it is refused does
// not spoil the exchange. The flags of the system are not kept, as upstream.
func (b *Broker) storeReply(r *remoting.Request, op *sendOp, topic *protocol.TopicConfig, queueID int32) error {
	h := &op.header
	for name, value := range codec.Properties(h.Properties) {
		op.props.note(name, value)
	}
	op.msg = codec.Message{
		Topic: h.Topic, QueueID: queueID, Flag: h.Flag, BornTimestamp: h.BornTimestamp,
		BornHost: r.Session.RemoteAddr(), StoreHost: b.storeHost, ReconsumeTimes: h.ReconsumeTimes.Or(0), Body: r.Body,
	}
	if op.wronglyMarked(topic) {
		return b.putRefused(store.MessageIllegal, nil)
	}
	level, err := op.delayLevel()
	if err != nil {
		return err
	}
	if err := b.park(op, level); err != nil {
		return err
	}
	result, err := b.store.Append(&op.msg)
	if err != nil || result.Status != store.PutOK {
		return b.putRefused(result.Status, err)
	}
	op.msgID = codec.AppendMessageID(op.msgID[:0], b.storeHost, result.PhysicalOffset)
	op.answer = protocol.SendMessageResponseHeader{MsgID: viewBytes(op.msgID), QueueID: queueID, QueueOffset: result.QueueOffset}
	b.countPut(op.msg.Topic, 1, result.Size)
	return nil
}
