package broker

import (
	"sync"
	"time"

	"github.com/gantrymq/gantry/broker/broadcast"
	"github.com/gantrymq/gantry/broker/filter"
	"github.com/gantrymq/gantry/broker/staticqueue"
	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/compat"
	"github.com/gantrymq/gantry/protocol"
	"github.com/gantrymq/gantry/remoting"
	"github.com/gantrymq/gantry/store"
)

// Values of the answer field forbiddenType (upstream's ForbiddenType).
const (
	forbiddenBroker       int32 = 1
	forbiddenGroup        int32 = 2
	forbiddenTopic        int32 = 3
	forbiddenBroadcasting int32 = 4
	forbiddenSubscription int32 = 5
)

// pullOp is one pull on its way through the broker. It is used again, so that a
// pull of messages that are in memory allocates nothing.
type pullOp struct {
	header protocol.PullMessageRequestHeader
	answer protocol.PullMessageResponseHeader
	group  *protocol.SubscriptionGroupConfig
	topic  *protocol.TopicConfig
	filter filter.Filter
	place  staticqueue.Place // the logical queue, of a static topic; header then means the broker's
	query  store.Query
	result store.GetResult
	began  time.Time // the read of result
	// client is whose pull it is, if broadcasts says that its group does and the client is known.
	client     broadcast.Client
	broadcasts bool
	seen       int64 // behind the last message that is known to be nothing for it, where that is beyond header's offset
	reset      bool  // the client has to go on elsewhere than it asks; result says where

	code   protocol.ResponseCode // of the answer, and
	remark string                // once settlePull has made it

	// free is release, made once: the answer holds the operation until its buffers
	// are on the wire.
	free func()
}

var pullOps sync.Pool

func newPullOp() *pullOp {
	if op, ok := pullOps.Get().(*pullOp); ok {
		return op
	}
	op := new(pullOp)
	op.free = op.release
	return op
}

func (op *pullOp) release() {
	op.result.Release()
	*op = pullOp{result: op.result, free: op.free}
	pullOps.Put(op)
}

// pullMessage serves PULL_MESSAGE (11) and LITE_PULL_MESSAGE (361). It runs in
// the reader of its connection, which sends and heartbeats share: messages that
// only the disk has are read by a worker.
func (b *Broker) pullMessage(r *remoting.Request) error { return b.pull(r, true) }

// pullCold serves a pull that pullMessage found to be one for the disk.
func (b *Broker) pullCold(r *remoting.Request) error { return b.pull(r, false) }

func (b *Broker) pull(r *remoting.Request, inline bool) error {
	op := newPullOp()
	if err := r.Decode(&op.header); err != nil {
		op.release()
		return err
	}
	if err := b.admitPull(r, op); err == errElsewhere {
		return b.pullElsewhere(r, op, inline)
	} else if err != nil {
		return b.refusePull(r, op, err)
	}
	if held, err := b.boundColdRead(r, op); held || err != nil {
		if err != nil {
			return b.refusePull(r, op, err)
		}
		return nil
	}
	op.query.NoWait = inline
	b.recognize(op, r.Session)
	b.readForPull(op)
	if op.result.Cold {
		op.release()
		return r.Move(b.pools.pull, b.pullCold)
	}
	goesOn := b.goesOnAtEnd(op)
	b.commitPulled(op, true)
	b.settlePull(op)
	b.notePulled(op)
	if goesOn || op.code == protocol.ResponsePullNotFound {
		if hold := b.holdFor(op); hold > 0 {
			b.holdPull(r, op, hold)
			return nil
		}
	}
	b.answerPull(r, op)
	return nil
}

// readForPull reads the messages, or the offset that an administrator has set
// for this queue meanwhile, or that a client which broadcasts has to begin at.
func (b *Broker) readForPull(op *pullOp) {
	h := &op.header
	if b.config.Load().UseServerSideResetOffset {
		if offset, ok := b.offsets.TakeReset(h.ConsumerGroup, h.Topic, h.QueueID); ok {
			op.reset = true
			op.result.Release()
			op.result.NextOffset = offset
			op.result.MinOffset, op.result.MaxOffset = b.minOffset(h.Topic, h.QueueID), b.maxOffset(h.Topic, h.QueueID)
			return
		}
	}
	if offset, ok := b.broadcastBegin(op); ok {
		op.reset = true
		op.result.Release()
		op.result.NextOffset, op.result.MinOffset, op.result.MaxOffset = offset, 0, 0
		return
	}
	op.query = store.Query{Topic: h.Topic, QueueID: h.QueueID, Offset: h.QueueOffset, MaxCount: int(h.MaxMsgNums), NoWait: op.query.NoWait}
	if op.seen > 0 { // the offset that is asked for may be below any
		op.query.Offset = max(op.query.Offset, op.seen)
	}
	if isLite(h.LiteTopic) {
		op.query.Topic = compat.LiteTopicName(h.Topic, h.LiteTopic)
	}
	if !op.filter.All() {
		op.query.Filter = &op.filter
	}
	op.began = time.Now()
	b.get(h.ConsumerGroup, &op.query, &op.result)
	if op.query.Offset > h.QueueOffset && op.result.Status == store.OffsetOverflowOne {
		op.result.Status = store.NoMatchedMessage // of those before
	}
	if op.result.ColdBytes > 0 && !readsForBroker(h.ConsumerGroup) {
		b.coldReads.Count(h.ConsumerGroup, op.result.ColdBytes)
	}
	if op.result.MaxOffset == 0 && isBatchTopic(op.topic) {
		op.result.MinOffset = noMinOffset
	}
}

// commitPulled notes where the consumer has got to. Only a pull that arrives, not
// one that was held, brings the offset it commits along.
func (b *Broker) commitPulled(op *pullOp, arriving bool) {
	h := &op.header
	b.offsets.CommitPull(h.ConsumerGroup, h.Topic, h.QueueID, op.result.NextOffset)
	if !arriving || h.SysFlag&protocol.PullFlagCommitOffset == 0 {
		return
	}
	if h.CommitOffset == 0 && h.Missing() == "commitOffset" { // upstream commits nothing then, and never answers
		return
	}
	if op.place.Static() {
		b.commitLogical(op)
		return
	}
	b.offsets.Commit(h.ConsumerGroup, h.Topic, h.QueueID, h.CommitOffset)
}

// replier is what answers a pull: the request itself or, when it was held, what
// is left of it.
type replier interface {
	Reply(code protocol.ResponseCode, remark string, h protocol.Header, body []byte)
	ReplyExt(code protocol.ResponseCode, remark string, h protocol.Header, ext codec.Fields, body []byte)
	ReplyBuffers(code protocol.ResponseCode, remark string, h protocol.Header, bodies [][]byte, release func())
}

// settlePull makes the answer of what was read.
func (b *Broker) settlePull(op *pullOp) {
	op.code, op.remark = op.outcome()
	op.answer = protocol.PullMessageResponseHeader{
		SuggestWhichBrokerID: b.suggestBroker(op),
		NextBeginOffset:      op.result.NextOffset,
		MinOffset:            op.result.MinOffset,
		MaxOffset:            op.result.MaxOffset,
		TopicSysFlag:         protocol.Some(op.topic.TopicSysFlag),
		GroupSysFlag:         protocol.Some(op.group.GroupSysFlag),
	}
	if op.place.Static() {
		op.tellLogical()
	}
}

// answerPull writes the answer that settlePull has made, and gives op back. The
// bodies are written by reference; op is held until they are on the wire.
func (b *Broker) answerPull(r replier, op *pullOp) {
	if op.code != protocol.ResponseSuccess {
		r.Reply(op.code, op.remark, &op.answer, nil)
		op.release()
		return
	}
	b.countGet(op.header.ConsumerGroup, op.header.Topic, op.result.Messages, op.result.Bytes)
	b.timeGet(op.header.ConsumerGroup, op.header.Topic, op.header.QueueID, op.began)
	r.ReplyBuffers(op.code, op.remark, &op.answer, op.result.Buffers, op.free)
}

// outcome maps the store's status to the answer's code and remark, as upstream's
// PullMessageProcessor does.
func (op *pullOp) outcome() (protocol.ResponseCode, string) {
	if op.reset {
		return protocol.ResponsePullOffsetMoved, "OFFSET_RESET"
	}
	code := protocol.ResponsePullOffsetMoved
	switch op.result.Status {
	case store.Found:
		code = protocol.ResponseSuccess
	case store.MessageWasRemoving, store.NoMatchedMessage:
		code = protocol.ResponsePullRetryImmediately
	case store.NoMatchedLogicQueue, store.NoMessageInQueue:
		if op.header.QueueOffset == 0 {
			code = protocol.ResponsePullNotFound
		}
	case store.OffsetFoundNull, store.OffsetOverflowOne:
		code = protocol.ResponsePullNotFound
	}
	return code, op.result.Status.String()
}

// suggestBroker tells the client which broker of the group to ask next time.
func (b *Broker) suggestBroker(op *pullOp) int64 {
	switch {
	case !b.config.Load().SlaveReadEnable:
		return protocol.MasterID
	case op.result.SuggestSlave:
		return op.group.WhichBrokerWhenConsumeSlowly
	}
	return op.group.BrokerID
}
