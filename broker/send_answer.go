package broker

import (
	"fmt"
	"sync"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/protocol"
	"github.com/gantrymq/gantry/remoting"
	"github.com/gantrymq/gantry/store"
)

// answerSend answers a stored message: at once, or, where a synchronous flush
// was promised, when the flusher says how it went.
func (b *Broker) answerSend(r *remoting.Request, answer *protocol.SendMessageResponseHeader, result store.AppendResult, waitFlush bool) error {
	ext := *b.sendExt.Load()
	if !waitFlush || !b.config.Load().SyncFlush() {
		r.ReplyExt(protocol.ResponseSuccess, "", answer, ext, nil)
		return nil
	}
	late := newLateSend(r.Detach(), answer, ext)
	deadline := b.now().Add(b.config.Load().SyncFlushTimeout)
	b.store.Await(result.End(), store.Flushed, deadline, late.finish)
	return nil
}

// lateSend is a send that is answered when its message is on the disk. It is used
// again once it is answered.
type lateSend struct {
	pending *remoting.Pending
	answer  protocol.SendMessageResponseHeader
	ext     codec.Fields
	text    []byte               // under the strings of answer
	finish  func(s store.Status) // done, bound once
}

var lateSends sync.Pool

// newLateSend copies the answer's strings: they are lent.
func newLateSend(p *remoting.Pending, answer *protocol.SendMessageResponseHeader, ext codec.Fields) *lateSend {
	l, ok := lateSends.Get().(*lateSend)
	if !ok {
		l = new(lateSend)
		l.finish = l.done
	}
	l.pending, l.answer, l.ext = p, *answer, ext
	texts := [...]*string{&l.answer.MsgID, &l.answer.TransactionID, &l.answer.BatchUniqID, &l.answer.RecallHandle}
	l.text = l.text[:0]
	for _, s := range texts {
		l.text = append(l.text, *s...)
	}
	rest := viewBytes(l.text)
	for _, s := range texts {
		n := len(*s)
		*s, rest = rest[:n], rest[n:]
	}
	return l
}

// done answers. The store calls it once.
func (l *lateSend) done(status store.Status) {
	const keepText = 4 << 10 // the ids of a large batch are not kept
	l.reply(status)
	if cap(l.text) > keepText {
		l.text = nil
	}
	*l = lateSend{text: l.text, finish: l.finish}
	lateSends.Put(l)
}

func (l *lateSend) reply(status store.Status) {
	switch status {
	case store.PutOK:
		l.pending.ReplyExt(protocol.ResponseSuccess, "", &l.answer, l.ext, nil)
	case store.FlushDiskTimeout:
		l.pending.ReplyExt(protocol.ResponseFlushDiskTimeout, "", &l.answer, l.ext, nil)
	case store.FlushSlaveTimeout:
		l.pending.ReplyExt(protocol.ResponseFlushSlaveTimeout, "", &l.answer, l.ext, nil)
	default:
		l.pending.ReplyExt(protocol.ResponseSystemError, status.String(), nil, l.ext, nil)
	}
}

// refuseSend answers a send that was not stored. Upstream gives the region and
// trace fields with every answer to a send. A topic's first send is not refused
// but goes on where it may take its time.
func (b *Broker) refuseSend(r *remoting.Request, err error) error {
	if err == errTopicNew {
		return r.Move(b.pools.back, b.sendFirst)
	}
	fault, ok := asRefusal(err)
	if !ok {
		return err
	}
	r.ReplyExt(fault.Code, fault.Remark, nil, *b.sendExt.Load(), nil)
	return nil
}

// putRefused maps a put status of the store to the answer that upstream's
// SendMessageProcessor gives.
func (b *Broker) putRefused(status store.Status, why error) error {
	b.stats.Rates().PutFailed.Add(1, 0)
	cfg := b.config.Load()
	switch status {
	case store.InSyncReplicasNotEnough:
		return refuse(protocol.ResponseSystemError, "in-sync replicas not enough")
	case store.CreateMappedFileFailed:
		return refuse(protocol.ResponseSystemError, "create mapped file failed, server is busy or broken.")
	case store.MessageIllegal, store.PropertiesSizeExceeded:
		return refuse(protocol.ResponseMessageIllegal, "the message is illegal, maybe msg body or properties length not matched. msg body length limit %dB, msg properties length limit 32KB.", cfg.MaxMessageSize)
	case store.LightQueuesExceeded:
		return refuse(protocol.ResponseLMQQuotaExceeded, "[LMQ_CONSUME_QUEUE_NUM_EXCEEDED]lmq consume queue num exceeded.")
	case store.ServiceNotAvailable:
		return refuse(protocol.ResponseServiceNotAvailable, "service not available now. It may be caused by one of the following reasons: the broker's disk is full [%s], messages are put to the slave, message store has been shut down, etc.", b.diskUse())
	}
	b.log.WithError(why).Error("a message was not stored")
	return refuse(protocol.ResponseSystemError, "UNKNOWN_ERROR")
}

// diskUse writes the three fill levels as upstream's refusal does.
func (b *Broker) diskUse() string {
	facts := b.store.Facts()
	return fmt.Sprintf("CL: %5.2f CQ: %5.2f INDEX: %5.2f", facts.LogDiskRatio, facts.QueueDiskRatio, facts.QueueDiskRatio)
}
