package broker

import (
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/compat"
	"github.com/gantrymq/gantry/logicqueue"
	"github.com/gantrymq/gantry/protocol"
)

// staticPair is two brokers that know of each other, with one static topic.
type staticPair struct {
	t       testing.TB
	brokers map[string]*Broker
	wires   map[string]*wire
	plan    *logicqueue.Plan
}

const staticTopic = "Static"

func newStaticPair(t testing.TB) *staticPair {
	p := &staticPair{t: t, brokers: map[string]*Broker{}, wires: map[string]*wire{}}
	for _, name := range []string{"broker-a", "broker-b"} {
		cfg := testConfig(t.TempDir())
		cfg.BrokerName = name
		b, _ := runBroker(t, cfg)
		p.brokers[name], p.wires[name] = b, dialBroker(t, b)
	}
	for _, b := range p.brokers { // what the name servers would tell
		b.brokers.mu.Lock()
		b.brokers.known, b.brokers.at = map[string]string{}, time.Now().Add(time.Hour)
		for name, other := range p.brokers {
			b.brokers.known[name] = other.Addr().String()
		}
		b.brokers.mu.Unlock()
	}
	plan, err := logicqueue.Grow(staticTopic, 1, []string{"broker-a"}, logicqueue.Parts{}, 1000)
	if err != nil {
		t.Fatal(err)
	}
	plan.Complete(staticTopic, []string{"broker-a", "broker-b"})
	p.plan = plan
	p.give("broker-a", "broker-b")
	return p
}

func (p *staticPair) give(brokers ...string) {
	p.t.Helper()
	for _, name := range brokers {
		part := p.plan.Parts[name]
		body, err := compat.MarshalFastjson(part.MappingDetail)
		if err != nil {
			p.t.Fatal(err)
		}
		p.ask(name, protocol.UpdateAndCreateStaticTopic, &protocol.CreateTopicRequestHeader{
			Topic: staticTopic, DefaultTopic: protocol.TopicAutoCreate, ReadQueueNums: part.ReadQueueNums, WriteQueueNums: part.WriteQueueNums,
			Perm: part.Perm, TopicFilterType: string(part.TopicFilterType),
		}, body)
	}
}

// ask wants SUCCESS.
func (p *staticPair) ask(broker string, code protocol.RequestCode, h protocol.Header, body []byte) *codec.Frame {
	p.t.Helper()
	f := p.wires[broker].call(&codec.Command{Code: int32(code), Language: protocol.LanguageJava, Version: protocol.V5_5_0, Opaque: 3, Header: h, Body: body})
	if protocol.ResponseCode(f.Code) != protocol.ResponseSuccess {
		p.t.Fatalf("%s answered %s with %s: %s", broker, code, protocol.ResponseCode(f.Code), f.Remark)
	}
	return f
}

func (p *staticPair) move(to, from string) {
	p.t.Helper()
	plan, err := logicqueue.Move(staticTopic, p.plan.Parts, []string{to}, 1000)
	if err != nil {
		p.t.Fatal(err)
	}
	p.plan = plan
	p.give(to)
	p.give(from)
	if err := plan.Decide(func(old *logicqueue.Item) (int64, error) {
		return p.brokers[old.BrokerName].maxOffset(staticTopic, old.QueueID), nil
	}); err != nil {
		p.t.Fatal(err)
	}
	p.give(to)
	p.give(from)
}

// TestStaticTopicAcrossBrokers reads a logical queue, and moves a group in it, whose first
// stretch lies at another broker.
func TestStaticTopicAcrossBrokers(t *testing.T) {
	t.Parallel()
	p := newStaticPair(t)
	for n := range 3 {
		p.wires["broker-a"].call(sendCommand(staticTopic, 0, []byte{byte('0' + n)}))
	}
	p.move("broker-b", "broker-a")
	if f := p.wires["broker-a"].call(sendCommand(staticTopic, 0, []byte("x"))); protocol.ResponseCode(f.Code) != protocol.ResponseNotLeaderForQueue {
		t.Errorf("the old leader answers %s", protocol.ResponseCode(f.Code))
	}
	for n := range 2 {
		f := p.wires["broker-b"].call(sendCommand(staticTopic, 0, []byte{byte('3' + n)}))
		if at, _ := f.Ext.Get("queueOffset"); at != strconv.Itoa(10000+n) {
			t.Errorf("message %d went to offset %s", n, at)
		}
	}
	var bodies, next = "", int64(0)
	for range 10 {
		f := p.wires["broker-b"].call(pullCommand(staticTopic, 0, next, 0))
		at, _ := f.Ext.Get("nextBeginOffset")
		next, _ = strconv.ParseInt(at, 10, 64)
		switch protocol.ResponseCode(f.Code) {
		case protocol.ResponseSuccess:
			for rest := f.Body; len(rest) > 0; {
				var m codec.Message
				var err error
				if rest, err = codec.DecodeRecord(rest, &m, true); err != nil {
					t.Fatal(err)
				}
				bodies += string(m.Body)
			}
		case protocol.ResponsePullNotFound:
		case protocol.ResponsePullRetryImmediately:
		default:
			t.Fatalf("a pull was answered %s: %s", protocol.ResponseCode(f.Code), f.Remark)
		}
	}
	if bodies != "01234" || next != 10002 {
		t.Errorf("read %q, and goes on at %d", bodies, next)
	}
	for _, offset := range []int64{1, 10001, 2} {
		p.ask("broker-b", protocol.UpdateConsumerOffset, &protocol.UpdateConsumerOffsetRequestHeader{
			ConsumerGroup: "consumers", Topic: staticTopic, QueueID: 0, CommitOffset: offset,
		}, nil)
	}
	for broker, want := range map[string]int64{"broker-a": 2, "broker-b": 1} {
		if got, _ := p.brokers[broker].offsets.Query("consumers", staticTopic, 0); got != want {
			t.Errorf("at %s the group stands at %d, want %d", broker, got, want)
		}
	}
	for code, c := range map[protocol.RequestCode]struct {
		header protocol.Header
		key    string
		want   string
	}{
		protocol.GetMaxOffset:            {&protocol.GetMaxOffsetRequestHeader{Topic: staticTopic}, "offset", "10002"},
		protocol.GetMinOffset:            {&protocol.GetMinOffsetRequestHeader{Topic: staticTopic}, "offset", "0"},
		protocol.SearchOffsetByTimestamp: {&protocol.SearchOffsetRequestHeader{Topic: staticTopic, Timestamp: 1 << 60}, "offset", "10002"},
		protocol.QueryConsumerOffset:     {&protocol.QueryConsumerOffsetRequestHeader{ConsumerGroup: "consumers", Topic: staticTopic}, "offset", "10001"},
	} {
		if got, _ := p.ask("broker-b", code, c.header, nil).Ext.Get(c.key); got != c.want {
			t.Errorf("%s was answered %s, want %s", code, got, c.want)
		}
	}
	earliest, _ := p.ask("broker-b", protocol.GetEarliestMsgStoretime, &protocol.GetEarliestMsgStoretimeRequestHeader{Topic: staticTopic}, nil).Ext.Get("timestamp")
	if want := p.brokers["broker-a"].storeTime(staticTopic, 0, 0); earliest != strconv.FormatInt(want, 10) {
		t.Errorf("the earliest message is of %s, want %d", earliest, want)
	}
}

// A pull that waits at the old leader is let go, and told to ask again.
func TestHeldPullOfMovedQueue(t *testing.T) {
	t.Parallel()
	p := newStaticPair(t)
	p.wires["broker-a"].call(sendCommand(staticTopic, 0, []byte("0")))
	waiting := dialBroker(t, p.brokers["broker-a"])
	var f *codec.Frame
	var done sync.WaitGroup
	done.Go(func() { f = waiting.call(pullCommand(staticTopic, 0, 1, patience)) })
	held := func() bool { return p.brokers["broker-a"].hold.Waiting() > 0 }
	for deadline := time.Now().Add(patience); !held(); {
		if time.Now().After(deadline) {
			t.Fatal("the pull is not held")
		}
		p.ask("broker-a", protocol.GetMaxOffset, &protocol.GetMaxOffsetRequestHeader{Topic: staticTopic}, nil)
	}
	p.move("broker-b", "broker-a")
	done.Wait()
	if next, _ := f.Ext.Get("nextBeginOffset"); protocol.ResponseCode(f.Code) != protocol.ResponsePullRetryImmediately || next != "1" {
		t.Errorf("answered %s, next %s", protocol.ResponseCode(f.Code), next)
	}
}
