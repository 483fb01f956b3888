package broker

import (
	"regexp"
	"testing"
	"time"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/protocol"
	"github.com/gantrymq/gantry/remoting"
	"github.com/gantrymq/gantry/store"
)

// TestRefusalsOfTheStore: what the store refuses is answered in upstream's words, which a full disk cannot be
// made to show on every machine.
func TestRefusalsOfTheStore(t *testing.T) {
	b, _ := runBroker(t, testConfig(t.TempDir()))
	for _, x := range []struct {
		status store.Status
		code   protocol.ResponseCode
		remark string
	}{
		{store.ServiceNotAvailable, protocol.ResponseServiceNotAvailable, `service not available now\. It may be caused by one of the following reasons: the broker's disk is full ` +
			`\[CL:  [01]\.\d\d CQ:  [01]\.\d\d INDEX:  [01]\.\d\d\], messages are put to the slave, message store has been shut down, etc\.`},
		{store.MessageIllegal, protocol.ResponseMessageIllegal, `the message is illegal, maybe msg body or properties length not matched\. ` +
			`msg body length limit 4194304B, msg properties length limit 32KB\.`},
		{store.PropertiesSizeExceeded, protocol.ResponseMessageIllegal, `the message is illegal, maybe .*`},
		{store.CreateMappedFileFailed, protocol.ResponseSystemError, `create mapped file failed, server is busy or broken\.`},
		{store.LightQueuesExceeded, protocol.ResponseLMQQuotaExceeded, `\[LMQ_CONSUME_QUEUE_NUM_EXCEEDED\]lmq consume queue num exceeded\.`},
		{store.UnknownError, protocol.ResponseSystemError, `UNKNOWN_ERROR`},
	} {
		got, ok := asRefusal(b.putRefused(x.status, nil))
		if !ok || got.Code != x.code || !regexp.MustCompile("^"+x.remark+"$").MatchString(got.Remark) {
			t.Errorf("%s is answered %+v", x.status, got)
		}
	}
}

// lateAnswer keeps the one answer to a request that came over no connection. What an answer points to is lent.
type lateAnswer struct {
	code   int32
	header *protocol.SendMessageResponseHeader // nil without one
}

func (a *lateAnswer) Respond(c *codec.Command, _ [][]byte, _ func()) {
	a.code = c.Code
	if h, ok := c.Header.(*protocol.SendMessageResponseHeader); ok {
		header := *h
		a.header = &header
	}
}

// TestLateAnswers: a send whose message is stored and did not reach the disk in time is answered so, with all that a
// success says; one whose sync has failed is not told where its message is.
func TestLateAnswers(t *testing.T) {
	for _, x := range []struct {
		status store.Status
		code   protocol.ResponseCode
	}{
		{store.PutOK, protocol.ResponseSuccess},
		{store.FlushDiskTimeout, protocol.ResponseFlushDiskTimeout},
		{store.FlushSlaveTimeout, protocol.ResponseFlushSlaveTimeout},
		{store.FlushFailed, protocol.ResponseSystemError},
	} {
		var heard lateAnswer
		var session remoting.Session
		pending := remoting.NewRequest(&codec.Frame{Code: int32(protocol.SendMessageV2)}, session, &heard, time.Now()).Detach()
		newLateSend(pending, &protocol.SendMessageResponseHeader{MsgID: "id", QueueID: 3, QueueOffset: 7}, nil).done(x.status)
		if heard.code != int32(x.code) {
			t.Errorf("%s is answered %d", x.status, heard.code)
		}
		stored := x.status != store.FlushFailed
		if h := heard.header; stored != (h != nil) || stored && (h.MsgID != "id" || h.QueueID != 3 || h.QueueOffset != 7) {
			t.Errorf("%s is answered with %+v", x.status, h)
		}
	}
}
