package goclient

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/apache/rocketmq-client-go/v2/consumer"
	"github.com/apache/rocketmq-client-go/v2/primitive"

	"github.com/gantrymq/gantry/conformance"
	"github.com/gantrymq/gantry/conformance/wire"
	"github.com/gantrymq/gantry/protocol"
)

// smallFile is the size of files of the commit log that a few dozen messages fill.
const smallFile = 1 << 16

var smallLog = conformance.Settings{Broker: map[string]string{"mappedFileSizeCommitLog": strconv.Itoa(smallFile)}}

// retained is a topic of one queue whose messages before min have gone with the first file of the log,
// as retention takes it.
type retained struct {
	*conformance.T
	topic    string
	bodies   []string
	min, max int
}

// newRetained sends messages until the third file of the log has one.
func newRetained(t *conformance.T) *retained {
	r := &retained{T: t, topic: newTopic(t, 1)}
	p := newProducer(t)
	for at := int64(0); at < 2*smallFile; r.max++ {
		body := fmt.Sprintf("%04d%s", r.max, strings.Repeat(".", 3000))
		id := send(t, p, primitive.NewMessage(r.topic, []byte(body))).OffsetMsgID
		var err error
		at, err = wire.PhysicalOffset(id)
		t.Check(err, "read the place in %s", id)
		if at < smallFile {
			r.min++
		} else {
			r.bodies = append(r.bodies, body)
		}
	}
	t.AwaitEnd(r.topic, 0, int64(r.max))
	if r.min == 0 {
		t.Fatalf("the first file of the log has no message of %s", r.topic)
	}
	return r
}

// expire removes the first file of the log of a broker that does not run: the official one removes none
// in its first minute.
func (r *retained) expire() {
	path := filepath.Join(r.Servers().Broker().StoreDir(), "commitlog", fmt.Sprintf("%020d", 0))
	r.Check(os.Remove(path), "remove the first file of the log")
}

// newGroups has new groups start where their ConsumeFromWhere says: at a time, of which nothing is left,
// and behind the last message. A client that is to start at the first asks for offset 0, is told where
// the queue begins, and pauses for 10 s before it goes on there: questions has that pull.
func (r *retained) newGroups() {
	since, last := newInbox(), newInbox()
	startConsumer(r.T, r.Group(), r.topic, everything, intoInbox(since), consumer.WithConsumeFromWhere(consumer.ConsumeFromTimestamp),
		consumer.WithConsumeTimestamp(time.Now().Add(-24*time.Hour).Format("20060102150405")))
	startConsumer(r.T, r.Group(), r.topic, everything, intoInbox(last), consumer.WithConsumeFromWhere(consumer.ConsumeFromLastOffset))
	since.await(r.T, r.bodies)
	// What is sent before the last consumer has asked for the end is not for it.
	p := newProducer(r.T)
	r.Eventually(deliveryTime, "a new message at the consumer from the end", func(context.Context) error {
		send(r.T, p, primitive.NewMessage(r.topic, []byte("new")))
		if got, _ := last.all(); len(got) == 0 {
			return fmt.Errorf("it got none")
		}
		return nil
	})
	got, _ := last.all()
	for _, m := range got {
		if string(m.Body) != "new" {
			r.Errorf("the consumer from the end got message %d, which was there before", m.QueueOffset)
		}
	}
}

// questions asks what clients of new groups ask before they consume, and pulls around the first message.
func (r *retained) questions() {
	low, high := strconv.Itoa(r.min), strconv.Itoa(r.max)
	r.offset(protocol.GetMinOffset, low)
	r.offset(protocol.GetMaxOffset, high)
	r.offset(protocol.SearchOffsetByTimestamp, low, "timestamp", "0")
	r.offset(protocol.SearchOffsetByTimestamp, low, "timestamp", "1700000000000", "boundaryType", "UPPER")
	r.offset(protocol.SearchOffsetByTimestamp, high, "timestamp", fmt.Sprint(time.Now().Add(time.Hour).UnixMilli()))
	for _, zero := range []string{"true", "false"} {
		a := r.ask(protocol.QueryConsumerOffset, "consumerGroup", r.Group(), "setZeroIfNotFound", zero)
		if a.Code != int32(protocol.ResponseQueryNotFound) {
			r.Errorf("the offset of a new group (setZeroIfNotFound=%s) is answered %s, want QUERY_NOT_FOUND", zero, a)
		}
	}
	for _, from := range []int{0, r.min - 1, r.min} {
		a := r.ask(protocol.PullMessage, "consumerGroup", r.Group(), "queueOffset", strconv.Itoa(from), "maxMsgNums", "1", "sysFlag", "4",
			"commitOffset", "0", "suspendTimeoutMillis", "0", "subscription", "*", "subVersion", "0", "expressionType", "TAG")
		code, next := protocol.ResponsePullOffsetMoved, low
		if from == r.min {
			code, next = protocol.ResponseSuccess, strconv.Itoa(from+1)
		}
		if a.Code != int32(code) || a.Ext["nextBeginOffset"] != next || a.Ext["minOffset"] != low || a.Ext["maxOffset"] != high {
			r.Errorf("a pull at %d of %s to %s is answered %s with %v, want %d and to go on at %s", from, low, high, a, a.Ext, code, next)
		}
	}
}

// offset asks for one and wants it to be want.
func (r *retained) offset(code protocol.RequestCode, want string, pairs ...string) {
	if a := r.ask(code, pairs...); a.Code != int32(protocol.ResponseSuccess) || a.Ext["offset"] != want {
		r.Errorf("%s %v is answered %s with %v, want offset %s", code, pairs, a, a.Ext, want)
	}
}

// ask asks about the queue.
func (r *retained) ask(code protocol.RequestCode, pairs ...string) *wire.Frame {
	f := &wire.Frame{Code: int32(code), Ext: map[string]string{"topic": r.topic, "queueId": "0"}}
	for i := 0; i < len(pairs); i += 2 {
		f.Ext[pairs[i]] = pairs[i+1]
	}
	a, err := wire.Call(r.Context(), r.Servers().Broker().Address(), f)
	r.Check(err, "ask %s", code)
	return a
}
