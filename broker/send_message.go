package broker

import (
	"cmp"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"unsafe"

	"github.com/gantrymq/gantry/broker/staticqueue"
	"github.com/gantrymq/gantry/broker/timer"
	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/compat"
	"github.com/gantrymq/gantry/protocol"
	"github.com/gantrymq/gantry/remoting"
	"github.com/gantrymq/gantry/store"
)

// sendOp is one send on its way through the broker. It is used again: everything
// a send needs lives in it, so that a send allocates nothing.
type sendOp struct {
	header protocol.SendMessageRequestHeader
	place  staticqueue.Place // the logical queue, of a static topic
	props  sendProperties
	msg    codec.Message
	answer protocol.SendMessageResponseHeader
	msgID  []byte
	// offsets are where the messages of a batch lie.
	offsets []int64
	number  [20]byte
	half    bool // the message opens a transaction
	inline  bool // on the connection's reader
}

var sendOps = sync.Pool{New: func() any { return new(sendOp) }}

func (op *sendOp) release() {
	*op = sendOp{props: sendProperties{text: op.props.text[:0]}, msgID: op.msgID[:0], offsets: op.offsets[:0]}
	sendOps.Put(op)
}

// decode reads the header in either of its forms. Upstream forgives the long form numbers that
// it can do without.
func (op *sendOp) decode(r *remoting.Request) error {
	switch protocol.RequestCode(r.Code) {
	case protocol.SendMessage:
		return codec.DecodeHeaderNeeding(&op.header, r.Ext, "queueId", "sysFlag", "bornTimestamp", "flag")
	case protocol.SendReplyMessage: // which can do without flags of the system
		return codec.DecodeHeaderNeeding(&op.header, r.Ext, "queueId", "bornTimestamp", "flag")
	}
	return r.Decode((*protocol.SendMessageRequestHeaderV2)(&op.header))
}

// sendMessage serves SEND_MESSAGE (10) and SEND_MESSAGE_V2 (310).
func (b *Broker) sendMessage(r *remoting.Request) error { return b.send(r, true) }

// sendFirst serves a send that sendMessage found to be its topic's first.
func (b *Broker) sendFirst(r *remoting.Request) error { return b.send(r, false) }

func (b *Broker) send(r *remoting.Request, inline bool) error {
	op := sendOps.Get().(*sendOp)
	op.inline = inline
	defer op.release()
	if err := op.decode(r); err != nil {
		return cmp.Or(b.admitQueue(r), err)
	}
	if b.statics.Get(op.header.Topic) != nil {
		defer b.statics.Lead()() // until the message has its offset
		if err := b.placeSend(r, op); err != nil {
			return err
		}
	}
	if len(r.Body) == 0 {
		return b.refuseSend(r, errNoBody)
	}
	b.leadPulls(r)
	if op.header.Batch.Or(false) {
		return b.sendBatch(r, op)
	}
	topic, err := b.admitSend(r, &op.header, op.inline)
	if err != nil {
		return b.refuseSend(r, err)
	}
	if err := b.fillMessage(r, op, topic); err != nil {
		return b.refuseSend(r, err)
	}
	queueID := op.msg.QueueID
	if err := b.divert(r, op); err != nil {
		return b.refuseSend(r, err)
	}
	result, err := b.store.Append(&op.msg)
	if result.Status != store.PutOK {
		return b.refuseSend(r, b.putRefused(result.Status, err))
	}
	op.msgID = codec.AppendMessageID(op.msgID[:0], b.storeHost, result.PhysicalOffset)
	op.answer = protocol.SendMessageResponseHeader{
		MsgID: viewBytes(op.msgID), QueueID: queueID, QueueOffset: result.QueueOffset, TransactionID: op.props.uniqueKey,
	}
	if op.props.timed {
		op.answer.RecallHandle = timer.HandleOf(&op.msg, b.name)
	}
	op.tellLogical()
	b.countPut(op.msg.Topic, result.Count, result.Size)
	b.timePut(op.msg.Topic, queueID, r.Received, result)
	b.countDeferred(&op.msg, result.Size)
	if op.half {
		b.halves.Opened(op.header.Topic)
	}
	return b.answerSend(r, &op.answer, result, op.props.waitFlush)
}

// fillMessage makes the message that is stored, in the queue that the client
// chose, or a random one when it left the choice to the broker.
func (b *Broker) fillMessage(r *remoting.Request, op *sendOp, topic *protocol.TopicConfig) error {
	h := &op.header
	op.props.rewrite(h.Properties, b.ownProperties.Load())
	if op.props.lite != "" {
		op.props.set(protocol.PropertyInnerMultiDispatch, compat.LiteTopicName(h.Topic, op.props.lite))
	}
	if isCompacted(topic) && !op.props.keyed {
		return refuse(protocol.ResponseMessageIllegal, "Required message key is missing")
	}
	op.msg = codec.Message{
		Topic:          h.Topic,
		QueueID:        chooseQueue(h.QueueID, topic.WriteQueueNums),
		Flag:           h.Flag,
		SysFlag:        h.SysFlag,
		BornTimestamp:  h.BornTimestamp,
		BornHost:       r.Session.RemoteAddr(),
		StoreHost:      b.storeHost,
		ReconsumeTimes: h.ReconsumeTimes.Or(0),
		Body:           r.Body,
	}
	if op.wronglyMarked(topic) {
		return b.putRefused(store.MessageIllegal, nil)
	}
	if topic.TopicFilterType == protocol.FilterMultiTag {
		op.msg.SysFlag |= protocol.SysFlagMultiTags
	}
	if op.props.priority != "" {
		op.prioritise(topic)
	}
	return nil
}

// prioritise puts a message with a priority into the queue of that number, or the last.
// A message whose queue means something, or that is stored elsewhere first, loses the
// priority instead. The type of the topic does not matter, as upstream.
func (op *sendOp) prioritise(topic *protocol.TopicConfig) {
	priority, err := strconv.ParseInt(op.props.priority, 10, 32)
	switch {
	case err != nil || priority < 0:
	case op.props.transaction, op.props.delayLevel != "", op.props.timed, op.props.sharded:
		op.props.drop(protocol.PropertyPriority)
	default:
		op.msg.QueueID = min(int32(priority), topic.WriteQueueNums-1)
	}
}

// errNoBody refuses a message without a body. Upstream stumbles over it, before it looks at
// anything else.
var errNoBody = errors.New("the message has no body")

// divert changes where the message goes: a retry that was tried too often to the
// dead letter queue, one that opens a transaction to the half topic, a delayed one
// to the schedule or the timer topic.
func (b *Broker) divert(r *remoting.Request, op *sendOp) error {
	if compat.IsRetryTopic(op.header.Topic) {
		if err := b.divertRetry(r, op); err != nil {
			return err
		}
	}
	level, err := op.delayLevel()
	if err != nil {
		return err
	}
	if op.props.transaction && (op.msg.ReconsumeTimes == 0 || level <= 0) {
		if cfg := b.config.Load(); cfg.RejectTransactionMessage {
			return refuse(protocol.ResponseNoPermission, "the broker[%s] sending transaction message is forbidden", cfg.BrokerIP1)
		}
		op.hide()
	}
	return b.park(op, level)
}

// park sends a message that has to wait to the schedule topic, or the timer topic.
func (b *Broker) park(op *sendOp, level int) error {
	if level > 0 && mayWait(op.msg.SysFlag) {
		b.divertDelayed(op, level)
	}
	op.msg.Properties = op.props.string()
	op.props.timed = op.props.timed && mayWait(op.msg.SysFlag)
	if op.props.timed && level <= 0 {
		return b.divertTimed(&op.msg)
	}
	return nil
}

// mayWait reports whether a message with these flags is delayed when it asks for it: one that is
// marked as half or rolled back already is not.
func mayWait(sysFlag int32) bool {
	kind := sysFlag & protocol.SysFlagTransactionMask
	return kind == protocol.SysFlagTransactionNot || kind == protocol.SysFlagTransactionCommit
}

// divertRetry sends a retry to the dead letter queue when it was tried too often
// or its group consumes in order.
func (b *Broker) divertRetry(r *remoting.Request, op *sendOp) error {
	group := compat.RetryGroup(op.header.Topic)
	config := b.groups.Find(group)
	if config == nil {
		return refuse(protocol.ResponseSubscriptionGroupNotExist, "subscription group not exist, %s %s", group, suggestFAQ)
	}
	most := config.RetryMaxTimes
	if compat.HonoursMaxReconsumeTimes(r.Version) {
		most = op.header.MaxReconsumeTimes.Or(most)
	}
	if op.msg.ReconsumeTimes <= most && b.locks.AllExpired(group) {
		return nil
	}
	dlq := protocol.DLQTopic(group)
	if b.topics.CreateOnSendBack(dlq, dlqQueues, protocol.PermRead|protocol.PermWrite, false, 0) == nil {
		return refuse(protocol.ResponseSystemError, "topic[%s] not exist", dlq)
	}
	op.msg.Topic, op.msg.QueueID = dlq, 0
	op.props.delayLevel = ""
	op.props.set(protocol.PropertyDelayLevel, "-1")
	return nil
}

// hide makes the message a half message: it is stored out of sight until its
// producer commits it. One that asks for a delay waits for that first, and is then
// given up, as upstream does.
func (op *sendOp) hide() {
	op.props.set(protocol.PropertyTransactionID, op.props.uniqueKey)
	op.props.set(protocol.PropertyRealTopic, op.msg.Topic)
	op.props.set(protocol.PropertyRealQueueID, viewBytes(strconv.AppendInt(op.number[:0], int64(op.msg.QueueID), 10)))
	op.msg.SysFlag &^= protocol.SysFlagTransactionMask
	op.msg.Topic, op.msg.QueueID = protocol.TopicTransHalf, 0
	op.half = true
}

// divertDelayed parks the message in the queue of its delay level. A level beyond the
// highest becomes the highest, which its consumers then read.
func (b *Broker) divertDelayed(op *sendOp, level int) {
	if most := b.levels.Max(); level > most {
		level = most
		op.props.set(protocol.PropertyDelayLevel, viewBytes(strconv.AppendInt(op.number[:0], int64(level), 10)))
	}
	op.props.drop(protocol.PropertyTimerDelaySec, protocol.PropertyTimerDelayMs, protocol.PropertyTimerDeliverMs)
	op.props.set(protocol.PropertyRealTopic, op.msg.Topic)
	op.props.set(protocol.PropertyRealQueueID, viewBytes(strconv.AppendInt(op.number[:0], int64(op.msg.QueueID), 10)))
	op.msg.Topic, op.msg.QueueID = protocol.TopicSchedule, int32(level-1)
}

// delayLevel is the level that the message asks for. Text that is no number is a
// fault, as upstream.
func (op *sendOp) delayLevel() (int, error) {
	if op.props.delayLevel == "" {
		return 0, nil
	}
	level, err := strconv.Atoi(op.props.delayLevel)
	if err != nil {
		return 0, fmt.Errorf("property %s is %q, not a number", protocol.PropertyDelayLevel, op.props.delayLevel)
	}
	return level, nil
}

// dlqQueues is the number of queues of a dead letter topic.
const dlqQueues = 1

func viewBytes(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
