package bench

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
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
	// stored is what each queue holds for pulls.
	stored [][]byte
}

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
	s.listener.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.conns {
		c.Close()
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
		s.beats = append(s.beats, data)
		return &codec.Command{}
	case protocol.SendMessageV2, protocol.SendBatchMessage:
		return s.send(f)
	case protocol.PullMessage:
		return s.pull(get)
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
		for _, c := range s.conns {
			c.Close()
		}
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
	c.Body = bytes.Join(s.stored[from:to], nil)
	return c
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
