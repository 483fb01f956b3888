package broker

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/gantrymq/gantry/broker/clients"
	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/config"
	"github.com/gantrymq/gantry/protocol"
	"github.com/gantrymq/gantry/remoting"
)

// TestHeartbeatsAgain has two brokers live through the same history of heartbeats,
// departures and whatever else heartbeats depend on. One may know heartbeats again,
// the other forgets each. Nobody must be able to tell them apart.
func TestHeartbeatsAgain(t *testing.T) {
	const steps = 1000
	for seed := range uint64(3) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			rng := rand.New(rand.NewPCG(seed, 3))
			h := &beatHistory{now: time.UnixMilli(1_700_000_000_000), bodies: beatBodies(rng)}
			h.knowing, h.forgetful = h.newSide(t), h.newSide(t)
			for step := range steps {
				what := h.step(rng)
				if a, b := h.knowing.state(), h.forgetful.state(); a != b {
					t.Fatalf("step %d, %s:\n knowing %s\nforgetful %s", step, what, a, b)
				}
			}
			if t.Logf("%d heartbeats, %d known", h.beats, h.known); h.known < 60 || h.known > h.beats*4/5 {
				t.Errorf("of %d heartbeats %d were known: the history shows little", h.beats, h.known)
			}
		})
	}
}

// TestHeartbeatsOvertaken: what others say rarely, and a heartbeat that is known must notice all the same.
func TestHeartbeatsOvertaken(t *testing.T) {
	h := &beatHistory{now: time.UnixMilli(1_700_000_000_000)}
	h.knowing = h.newSide(t)
	b := h.knowing
	beat := func(session int, client string, sub protocol.SubscriptionData) {
		t.Helper()
		sub.Topic = "T"
		body, err := json.Marshal(protocol.HeartbeatData{ClientID: client, ProducerDataSet: []protocol.ProducerData{}, ConsumerDataSet: []protocol.ConsumerData{{
			GroupName: "G", ConsumeType: protocol.ConsumePassively, MessageModel: protocol.Clustering, SubscriptionDataSet: []protocol.SubscriptionData{sub},
		}}})
		if err != nil {
			t.Fatal(err)
		}
		if err := b.heartbeat(b.request(session, body, nil)); err != nil {
			t.Fatal(err)
		}
	}
	tag := protocol.SubscriptionData{SubString: "*", SubVersion: 8}
	sql := protocol.SubscriptionData{SubString: "a > 1", SubVersion: 5, ExpressionType: protocol.ExpressionSQL92}
	wrong := protocol.SubscriptionData{SubString: "a >", SubVersion: 7, ExpressionType: protocol.ExpressionSQL92}

	beat(0, "sql", sql)
	beat(1, "tag", tag) // is what the group wants from now on
	for range 3 {
		beat(0, "sql", sql)
	}
	beat(2, "wrong", wrong) // removes what the first has registered, and changes nothing else
	if b.filters.Find("T", "G") != nil {
		t.Fatal("the wrong expression has removed nothing")
	}
	beat(0, "sql", sql)
	if b.filters.Find("T", "G") == nil {
		t.Error("the expression was not registered again")
	}

	for range 3 {
		beat(1, "tag", tag)
	}
	beat(1, "under another name", tag)
	beat(1, "tag", tag)
	if ids := b.consumers.ClientIDs("G"); !slices.Contains(ids, "tag") || slices.Contains(ids, "under another name") {
		t.Errorf("the group has the members %q", ids)
	}
}

// beatSide is one of the two brokers with its clients.
type beatSide struct {
	*Broker
	sessions []*beatSession
	answers  []string // and what was pushed, since the state was taken last
}

// beatSession is a client's connection. It notes what it is told.
type beatSession struct {
	remoting.Session
	side   *beatSide
	id     uint64
	closed bool
}

func (s *beatSession) ID() uint64                 { return s.id }
func (s *beatSession) RemoteAddr() netip.AddrPort { return netip.AddrPort{} }
func (s *beatSession) Close(error)                { s.closed = true }
func (s *beatSession) Push(c *codec.Command) error {
	s.side.answers = append(s.side.answers, fmt.Sprintf("%d is told of %s", s.id, c.Header.(*protocol.NotifyConsumerIdsChangedRequestHeader).ConsumerGroup))
	return nil
}
func (s *beatSession) Respond(c *codec.Command, _ [][]byte, _ func()) {
	s.side.answers = append(s.side.answers, fmt.Sprintf("%d gets %d %s %v", s.id, c.Code, c.Remark, c.Ext))
}

type beatHistory struct {
	knowing, forgetful *beatSide
	now                time.Time
	bodies             [][]byte
	last               [beatSessions]int // the body that each session sent last
	ids                uint64
	beats, known       int
}

const beatSessions = 5

func (h *beatHistory) newSide(t *testing.T) *beatSide {
	cfg := testConfig(t.TempDir())
	dir := cfg.StorePathRootDir
	settings, _ := config.Load(config.Broker, testMachine(dir), config.StructSource(cfg))
	log := logrus.New()
	log.SetOutput(t.Output())
	log.SetLevel(logrus.WarnLevel)
	b, err := New(Options{
		Settings: settings, ConfigFile: filepath.Join(dir, "broker.properties"), Log: log, Now: func() time.Time { return h.now },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	side := &beatSide{Broker: b, sessions: make([]*beatSession, beatSessions)}
	for i := range side.sessions {
		side.sessions[i] = &beatSession{side: side, id: uint64(i)}
	}
	h.ids = beatSessions
	return side
}

// both does something to both brokers.
func (h *beatHistory) both(do func(s *beatSide)) { do(h.knowing); do(h.forgetful) }

// step does one thing and says what.
func (h *beatHistory) step(rng *rand.Rand) string {
	i := rng.IntN(beatSessions)
	group, topic := pick(rng, beatGroups), pick(rng, beatTopics)
	switch at := rng.IntN(200); {
	case at < 175:
		if rng.IntN(12) == 0 {
			h.last[i] = rng.IntN(len(h.bodies))
		}
		h.beat(i, h.bodies[h.last[i]])
		return fmt.Sprintf("session %d beats %s", i, h.bodies[h.last[i]])
	case at < 180:
		h.now = h.now.Add(time.Duration(rng.IntN(30)) * time.Second)
		return "time goes on"
	case at < 181:
		h.now = h.now.Add(time.Duration(100+rng.IntN(30)) * time.Second)
		h.both(func(s *beatSide) { s.producers.Expire(); s.consumers.Expire(); s.clear(h.ids) })
		return "the silent are dropped"
	case at < 182:
		h.now = h.now.Add(25 * time.Hour)
		h.both(func(s *beatSide) { s.filters.Persist() })
		return "a day goes by and filters are cleaned"
	case at < 185:
		h.both(func(s *beatSide) { s.sessions[i].closed = true; s.clear(h.ids) })
		h.ids += beatSessions
		return fmt.Sprintf("session %d is closed", i)
	case at < 188:
		h.both(func(s *beatSide) {
			s.unregisterClient(s.request(i, nil, codec.Fields{{Key: "clientID", Value: "c"}, {Key: "consumerGroup", Value: group}, {Key: "producerGroup", Value: "P0"}}))
		})
		return fmt.Sprintf("session %d leaves %s", i, group)
	case at < 190:
		h.both(func(s *beatSide) { s.groups.Delete(group) })
		return "delete " + group
	case at < 192:
		notify := rng.IntN(2) == 0
		h.both(func(s *beatSide) {
			c := protocol.DefaultSubscriptionGroupConfig(group)
			c.NotifyConsumerIDsChangedEnable = notify
			s.groups.Update(&c)
		})
		return fmt.Sprintf("%s tells its members: %t", group, notify)
	case at < 194:
		name := pick(rng, []string{topic, protocol.RetryTopic(group)})
		h.both(func(s *beatSide) { s.topics.Delete(name) })
		return "delete " + name
	case at < 196:
		order := rng.IntN(2) == 0
		h.both(func(s *beatSide) {
			c := protocol.DefaultTopicConfig(topic)
			c.Order = order
			s.topics.Update(&c)
		})
		return fmt.Sprintf("%s is ordered: %t", topic, order)
	default:
		key, value := pick(rng, []string{"rejectPullConsumerEnable", "autoCreateSubscriptionGroup", "enableRegisterProducer", "rejectTransactionMessage"}), fmt.Sprint(rng.IntN(2) == 0)
		h.both(func(s *beatSide) {
			change, err := s.config.Update(map[string]string{key: value})
			if err != nil {
				panic(err)
			}
			s.configUpdated(change, netip.AddrPort{})
		})
		return key + "=" + value
	}
}

func (h *beatHistory) beat(i int, body []byte) {
	h.beats++
	h.both(func(s *beatSide) {
		r := s.request(i, body, nil)
		if s == h.forgetful {
			s.beats.forget(r.Session)
		} else if done := s.beats.find(r); done != nil && done.facts == s.beatFacts() &&
			!slices.ContainsFunc(done.standings, func(at clients.Standing) bool { return !at.Refresh(h.now.UnixMilli()) }) {
			h.known++
		}
		if err := s.heartbeat(r); err != nil {
			s.answers = append(s.answers, err.Error())
		}
	})
}

func (s *beatSide) request(i int, body []byte, ext codec.Fields) *remoting.Request {
	f := &codec.Frame{Code: int32(protocol.HeartBeat), Version: protocol.V5_5_0, Ext: ext, Body: slices.Clone(body)}
	return remoting.NewRequest(f, s.sessions[i], s.sessions[i], s.now())
}

// clear replaces the sessions that were closed. ids were given out before.
func (s *beatSide) clear(ids uint64) {
	for i, session := range s.sessions {
		if session.closed {
			s.sessionClosed(session, remoting.ErrIdle)
			s.sessions[i] = &beatSession{side: s, id: ids + uint64(i)}
		}
	}
}

// state is all that heartbeats can change.
func (s *beatSide) state() string {
	slices.Sort(s.answers) // several groups are left in any order
	all := map[string]any{"answers": s.answers}
	s.answers = nil
	for _, name := range s.consumers.Groups() {
		all["members of "+name] = memberTexts(s.consumers.Members(name))
		all["view of "+name] = s.consumers.View(name)
	}
	for name, members := range s.producers.Groups() {
		all["producers of "+name] = memberTexts(members)
	}
	all["topics"], all["version"] = s.topics.Snapshot()
	all["groups"] = s.groups.Snapshot()
	for _, topic := range beatTopics {
		for _, group := range beatGroups {
			if e := s.filters.Find(topic, group); e != nil {
				all["filter of "+topic+" for "+group] = e
			}
		}
	}
	text, err := json.Marshal(all)
	if err != nil {
		panic(err)
	}
	return string(text)
}

func memberTexts(members []*clients.Client) (texts []string) {
	for _, c := range members {
		texts = append(texts, fmt.Sprintf("%s by %d, seen %d", c.ID, c.Session.ID(), c.LastSeen()))
	}
	return texts
}

var (
	beatGroups = []string{"G0", "G1", "G2", "G3"}
	beatTopics = []string{"T0", "T1", "T2"}
)

func pick[T any](rng *rand.Rand, list []T) T { return list[rng.IntN(len(list))] }

// beatBodies makes heartbeats that agree in part.
func beatBodies(rng *rand.Rand) (bodies [][]byte) {
	subscriptions := make(map[string][]protocol.SubscriptionData) // what members of a group mostly say
	subscribe := func() (list []protocol.SubscriptionData) {
		for _, topic := range beatTopics {
			if rng.IntN(2) == 0 {
				s := protocol.SubscriptionData{Topic: topic, SubString: "*", SubVersion: int64(1 + rng.IntN(3)), ExpressionType: protocol.ExpressionTag}
				if rng.IntN(3) == 0 {
					s.ExpressionType, s.SubString = protocol.ExpressionSQL92, pick(rng, []string{"a > 1", "a > 2", "a >"})
				}
				list = append(list, s)
			}
		}
		return list
	}
	for range 24 {
		data := protocol.HeartbeatData{ClientID: fmt.Sprintf("c%d", rng.IntN(6)), HeartbeatFingerprint: pick(rng, []int32{0, 0, 0, 0, 7, 7, 8})}
		data.ConsumerDataSet, data.ProducerDataSet = []protocol.ConsumerData{}, []protocol.ProducerData{}
		data.WithoutSub = rng.IntN(3) == 0
		for _, group := range beatGroups {
			if rng.IntN(2) == 0 {
				continue
			}
			c := protocol.ConsumerData{GroupName: group, ConsumeType: protocol.ConsumePassively, MessageModel: protocol.Clustering, ConsumeFromWhere: protocol.ConsumeFromLastOffset, UnitMode: rng.IntN(8) == 0}
			c.SubscriptionDataSet = []protocol.SubscriptionData{}
			switch rng.IntN(8) {
			case 0:
				c.ConsumeType = protocol.ConsumeActively
			case 1:
				c.MessageModel = protocol.Broadcasting
			}
			if subscriptions[group] == nil || rng.IntN(10) == 0 {
				subscriptions[group] = subscribe()
			}
			if !data.WithoutSub {
				c.SubscriptionDataSet = append(c.SubscriptionDataSet, subscriptions[group]...)
			}
			data.ConsumerDataSet = append(data.ConsumerDataSet, c)
		}
		for n := range rng.IntN(3) {
			data.ProducerDataSet = append(data.ProducerDataSet, protocol.ProducerData{GroupName: fmt.Sprintf("P%d", n)})
		}
		body, err := json.Marshal(data)
		if err != nil {
			panic(err)
		}
		bodies = append(bodies, body)
	}
	return append(bodies, []byte(`{"clientID":"c1","consumerDataSet":[{"groupName":""}]}`), []byte("null"), []byte("{"))
}

// TestHeartbeatsWithNulls: nulls are refused where lists belong, but one with a fingerprint leaves out that way what is known.
func TestHeartbeatsWithNulls(t *testing.T) {
	h := &beatHistory{now: time.UnixMilli(1_700_000_000_000)}
	b := h.newSide(t)
	const consumer = `"consumerDataSet":[{"groupName":"G","consumeType":"CONSUME_PASSIVELY","messageModel":"CLUSTERING","subscriptionDataSet":null}]`
	for body, taken := range map[string]bool{
		`{"clientID":"c",` + consumer + `,"producerDataSet":[]}`:                                                     false,
		`{"clientID":"c","consumerDataSet":[],"producerDataSet":null}`:                                               false,
		`{"clientID":"c","consumerDataSet":null,"producerDataSet":[]}`:                                               false,
		`{"clientID":"c","consumerDataSet":[]}`:                                                                      true,
		`{"clientID":"c",` + consumer + `,"producerDataSet":[],"heartbeatFingerprint":7,"withoutSub":true}`:          true,
		`{"clientID":"c","consumerDataSet":[],"producerDataSet":null,"heartbeatFingerprint":7,"isWithoutSub":false}`: true,
	} {
		if err := b.heartbeat(b.request(0, []byte(body), nil)); (err == nil) != taken {
			t.Errorf("%s: %v, taken should be %t", body, err, taken)
		}
	}
}
