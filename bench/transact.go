package bench

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/protocol"
)

// transactor sends messages in two steps: each as a half message first, which no
// consumer sees, and when that is acknowledged the end of its transaction. The
// official clients send the end one-way; here it is a request, so that what counts
// is acknowledged too. A latency spans both.
type transactor struct {
	producer
	end    int32 // sys flag of the end: commit or rollback
	halves []half
}

// half is what the end of a slot's transaction needs of the answer to its half
// message.
type half struct {
	topic    string // empty: the slot's next request is a half message
	offset   int64  // in the queue of half messages
	physical int64
	id       string // unique key of the message
}

// ends are the values of -transaction.
var ends = map[string]int32{"commit": protocol.SysFlagTransactionCommit, "rollback": protocol.SysFlagTransactionRollback}

func newTransactor(p producer, window int) *transactor {
	return &transactor{producer: p, end: ends[p.o.Transaction], halves: make([]half, window)}
}

func (t *transactor) request(dst []byte, slot int, opaque int32, due, now time.Time) []byte {
	h := &t.halves[slot]
	if h.physical == 0 && h.id == "" {
		h.topic = t.templates[t.turn].topic
		return t.producer.request(dst, slot, opaque, due, now)
	}
	return codec.AppendCommand(dst, &codec.Command{
		Code: int32(protocol.EndTransaction), Language: protocol.LanguageGo, Version: protocol.V5_5_0, Opaque: opaque,
		Header: &protocol.EndTransactionRequestHeader{
			Topic: h.topic, ProducerGroup: t.o.Group, TranStateTableOffset: h.offset, CommitLogOffset: h.physical,
			CommitOrRollback: t.end, MsgID: h.id, TransactionID: h.id,
		},
	})
}

func (t *transactor) answer(slot int, f *codec.Frame, _ time.Time) outcome {
	h := &t.halves[slot]
	ended := h.id != ""
	topic := h.topic
	*h = half{}
	if code := protocol.ResponseCode(f.Code); code != protocol.ResponseSuccess {
		return outcome{failure: code.String()}
	}
	if ended {
		return outcome{messages: 1}
	}
	if err := h.take(f); err != nil {
		return outcome{failure: "a half message whose answer does not say where it is"}
	}
	h.topic = topic
	return outcome{again: true, silent: true}
}

// take reads the answer to a half message. Its strings are the frame's.
func (h *half) take(f *codec.Frame) error {
	id, _ := f.Ext.Get("msgId")
	offset, _ := f.Ext.Get("queueOffset")
	unique, _ := f.Ext.Get("transactionId")
	_, physical, err := codec.ParseMessageID(id)
	if err != nil {
		return err
	}
	at, err := strconv.ParseInt(offset, 10, 64)
	if err != nil {
		return err
	}
	if unique == "" {
		return fmt.Errorf("no transactionId in the answer to message %s", id)
	}
	*h = half{offset: at, physical: physical, id: strings.Clone(unique)}
	return nil
}
