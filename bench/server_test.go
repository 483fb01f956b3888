package bench

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/protocol"
)

// fakeServer is name server and broker in one: it counts what is sent to it and
// answers as a broker does, on a free port.
type fakeServer struct {
	t        *testing.T
	listener net.Listener
	group    sync.WaitGroup

	mu     sync.Mutex // guards what follows
	conns  []net.Conn
	sent   int64 // messages
	topics map[string]int
	beats  []protocol.HeartbeatData
	halves map[string]int64 // offsets of half messages by their ids

	// answer, when set, replaces the answer to a send. nil answers SUCCESS.
	answer func(n int64) protocol.ResponseCode
	// dieAt, when set, is the number of messages after which the server goes away.
	dieAt int64
	// lostAt, when set, is the number of messages that pulls or pops give before the server goes away.
	lostAt, given int
	routeless     int // routes that are not known yet
	// stored is what each queue holds for pulls, and what all queues hold for pops.
	stored [][]byte
	popped int             // of stored
	acked  map[string]bool // messages acknowledged, by topic and offset
}

// The receipts of the fake server's pops.
const (
	fakePopTime    = 1_700_000_000_000
	fakeBrokerName = "broker-of-tests"
)

func newFakeServer(t *testing.T) *fakeServer {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &fakeServer{t: t, listener: l, topics: map[string]int{}, halves: map[string]int64{}}
	s.group.Go(s.accept)
	t.Cleanup(func() { s.die(); s.group.Wait() })
	return s
}

func (s *fakeServer) address() string { return s.listener.Addr().String() }

func (s *fakeServer) die() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lose()
}

// lose is die with mu held.
func (s *fakeServer) lose() {
	s.listener.Close()
	for _, c := range s.conns {
		c.Close()
	}
}

// give notes what a pull or pop gives.
func (s *fakeServer) give(n int) {
	if s.given += n; s.lostAt > 0 && s.given >= s.lostAt {
		s.lose()
	}
}

func (s *fakeServer) accept() {
	for {
		c, err := s.listener.Accept()
		if err != nil {
			return
		}
		s.mu.Lock()
		s.conns = append(s.conns, c)
		s.mu.Unlock()
		s.group.Go(func() { s.serve(c) })
	}
}

func (s *fakeServer) serve(c net.Conn) {
	defer c.Close()
	for {
		var word [4]byte
		if _, err := io.ReadFull(c, word[:]); err != nil {
			return
		}
		b := make([]byte, binary.BigEndian.Uint32(word[:]))
		if _, err := io.ReadFull(c, b); err != nil {
			return
		}
		var f codec.Frame
		if err := f.Decode(b); err != nil {
			s.t.Errorf("the tool sent a frame that cannot be read: %v", err)
			return
		}
		answer := s.handle(&f)
		if answer == nil {
			continue
		}
		answer.Opaque, answer.Flag = f.Opaque, protocol.FlagResponse
		if _, err := c.Write(codec.AppendCommand(nil, answer)); err != nil {
			return
		}
	}
}

// handle returns the answer, or nil for none.
func (s *fakeServer) handle(f *codec.Frame) *codec.Command {
	s.mu.Lock()
	defer s.mu.Unlock()
	get := func(key string) string { v, _ := f.Ext.Get(key); return v }
	switch protocol.RequestCode(f.Code) {
	case protocol.GetRouteinfoByTopic:
		if s.routeless > 0 {
			s.routeless--
			return &codec.Command{Code: int32(protocol.ResponseTopicNotExist)}
		}
		body, _ := json.Marshal(&protocol.TopicRouteData{
			BrokerDatas: []*protocol.BrokerData{{BrokerName: "a", BrokerAddrs: map[int64]string{0: s.address()}}},
			QueueDatas:  []*protocol.QueueData{{BrokerName: "a", ReadQueueNums: 2, WriteQueueNums: 2, Perm: 6}},
		})
		return &codec.Command{Body: body}
	case protocol.UpdateAndCreateTopic:
		s.topics[get("topic")], _ = strconv.Atoi(get("writeQueueNums"))
		return &codec.Command{}
	case protocol.GetMinOffset:
		return &codec.Command{Header: &protocol.GetMinOffsetResponseHeader{}}
	case protocol.GetMaxOffset:
		h := &protocol.GetMaxOffsetResponseHeader{Offset: int64(len(s.stored))}
		if s.stored == nil && get("queueId") == "0" {
			h.Offset = s.sent
		}
		return &codec.Command{Header: h}
	case protocol.HeartBeat:
		var data protocol.HeartbeatData
		if err := json.Unmarshal(f.Body, &data); err != nil {
			s.t.Errorf("heartbeat body: %v", err)
		}
		if s.beats = append(s.beats, data); s.dieAt > 0 && len(s.beats) >= int(s.dieAt) {
			s.lose()
		}
		return &codec.Command{}
	case protocol.SendMessageV2, protocol.SendBatchMessage:
		return s.send(f)
	case protocol.PullMessage:
		return s.pull(get)
	case protocol.GetBrokerConfig:
		return &codec.Command{Body: []byte("listenPort=1\nbrokerName=" + fakeBrokerName + "\n")}
	case protocol.PopMessage:
		return s.pop(get)
	case protocol.AckMessage:
		return s.ack(get("topic"), get("offset"), get("extraInfo"))
	case protocol.BatchAckMessage:
		return s.ackBatch(f.Body)
	case protocol.EndTransaction:
		if at, open := s.halves[get("transactionId")]; !open || get("commitLogOffset") != strconv.FormatInt(at, 10) ||
			get("tranStateTableOffset") != strconv.FormatInt(at/100, 10) || get("commitOrRollback") != "8" || get("producerGroup") == "" {
			s.t.Errorf("the end of a transaction that was not open so: %v, open at %d", f.Ext, at)
		}
		delete(s.halves, get("transactionId"))
		return &codec.Command{}
	}
	return &codec.Command{Code: int32(protocol.ResponseRequestCodeNotSupported)}
}

func (s *fakeServer) send(f *codec.Frame) *codec.Command {
	n := int64(1)
	if protocol.RequestCode(f.Code) == protocol.SendBatchMessage {
		count, err := codec.BatchBody(f.Body).Count()
		if err != nil {
			s.t.Errorf("batch: %v", err)
		}
		n = int64(count)
	}
	s.sent += n
	if s.dieAt > 0 && s.sent >= s.dieAt {
		s.lose()
		return nil
	}
	if f.IsOneway() {
		return nil
	}
	if flag, _ := f.Ext.Get("f"); flag == "4" {
		properties, _ := f.Ext.Get("i")
		id, _ := codec.Property(properties, protocol.PropertyUniqueKey)
		if mark, _ := codec.Property(properties, protocol.PropertyTransactionPrepared); mark != "true" {
			s.t.Errorf("a half message has the properties %q", properties)
		}
		id = strings.Clone(id)
		s.halves[id] = s.sent * 100
		return &codec.Command{Header: &protocol.SendMessageResponseHeader{
			MsgID: codec.MessageID(netip.MustParseAddrPort("127.0.0.1:1"), s.sent*100), QueueOffset: s.sent, TransactionID: id,
		}}
	}
	if s.answer != nil {
		return &codec.Command{Code: int32(s.answer(s.sent))}
	}
	return &codec.Command{}
}

func (s *fakeServer) pull(get func(string) string) *codec.Command {
	from, _ := strconv.Atoi(get("queueOffset"))
	to := min(from+2, len(s.stored))
	c := &codec.Command{Header: &protocol.PullMessageResponseHeader{NextBeginOffset: int64(to), MaxOffset: int64(len(s.stored))}}
	if from >= to {
		c.Code = int32(protocol.ResponsePullNotFound)
		return c
	}
	s.give(to - from)
	c.Body = bytes.Join(s.stored[from:to], nil)
	return c
}

// pop gives two messages, every third one under the name of a retry topic, or none.
func (s *fakeServer) pop(get func(string) string) *codec.Command {
	if get("queueId") != "-1" || get("maxMsgNums") != "32" || get("invisibleTime") != "60000" || get("exp") == "" {
		s.t.Errorf("a pop of queue %s, %s messages, kept for %s ms, filter %q", get("queueId"), get("maxMsgNums"), get("invisibleTime"), get("exp"))
	}
	from, to := s.popped, min(s.popped+2, len(s.stored))
	if from >= to {
		return &codec.Command{Code: int32(protocol.ResponsePollingTimeout)}
	}
	s.popped = to
	s.give(to - from)
	h := &protocol.PopMessageResponseHeader{PopTime: fakePopTime, InvisibleTime: 60000, ReviveQid: 3}
	for i := from; i < to; i++ {
		kind, sep := strconv.Itoa(i%3), ""
		if i > from {
			sep = ";"
		}
		h.StartOffsetInfo += fmt.Sprintf("%s%s 0 %d", sep, kind, i)
		h.MsgOffsetInfo += fmt.Sprintf("%s%s 0 %d", sep, kind, i)
	}
	return &codec.Command{Header: h, Body: bytes.Join(s.stored[from:to], nil)}
}

// ack notes one message of a pop.
func (s *fakeServer) ack(topic, offset, receipt string) *codec.Command {
	i, _ := strconv.Atoi(offset)
	want := []string{"GantryBench_0", "%RETRY%GantryBenchConsumer_0_GantryBench_0", "%RETRY%GantryBenchConsumer_0+GantryBench_0"}[i%3]
	if text := fmt.Sprintf("%d %d 60000 3 %d %s 0 %d", i, fakePopTime, i%3, fakeBrokerName, i); receipt != text || topic != want || i >= s.popped {
		s.t.Errorf("message %d of %d is acknowledged in %s with %q", i, s.popped, topic, receipt)
	}
	return s.noteAck(offset)
}

func (s *fakeServer) noteAck(offset string) *codec.Command {
	if s.acked == nil {
		s.acked = map[string]bool{}
	}
	if s.acked[offset] {
		s.t.Errorf("message %s is acknowledged twice", offset)
	}
	s.acked[offset] = true
	if s.answer != nil {
		return &codec.Command{Code: int32(s.answer(int64(len(s.acked))))}
	}
	return &codec.Command{}
}

// ackBatch notes the messages of a batch, of which each entry names one.
func (s *fakeServer) ackBatch(body []byte) *codec.Command {
	var b protocol.BatchAckMessageRequestBody
	if err := json.Unmarshal(body, &b); err != nil || b.BrokerName != fakeBrokerName || len(b.Acks) == 0 {
		s.t.Errorf("a batch of acknowledgements: %v, %s", err, body)
	}
	answer := &codec.Command{}
	for _, a := range b.Acks {
		want := protocol.BatchAck{
			ConsumerGroup: "GantryBenchConsumer_0", Topic: "GantryBench_0", Retry: strconv.FormatInt(a.StartOffset%3, 10), StartOffset: a.StartOffset,
			ReviveQueueID: 3, PopTime: fakePopTime, InvisibleTime: 60000, BitSet: "AQ==",
		}
		if a != want {
			s.t.Errorf("acknowledged: %+v, want %+v", a, want)
		}
		answer = s.noteAck(strconv.FormatInt(a.StartOffset, 10))
	}
	return answer
}

// record is a stored message with a stamped body.
func record(t *testing.T, due time.Time) []byte {
	body := newText(64)
	binary.BigEndian.PutUint64(body[len(bodyMark):], uint64(due.UnixNano()))
	host := net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1}
	b, err := codec.AppendRecord(nil, &codec.Message{Topic: "T", Body: body, BornHost: host.AddrPort(), StoreHost: host.AddrPort()})
	if err != nil {
		t.Fatal(err)
	}
	return b
}
