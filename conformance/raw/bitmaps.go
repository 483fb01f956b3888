package raw

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/gantrymq/gantry/conformance"
	"github.com/gantrymq/gantry/conformance/wire"
	"github.com/gantrymq/gantry/protocol"
)

// bitMapCases are about the extension of consume queues, and the bits in it by which groups with an expression pass over
// messages without reading them.
func bitMapCases() []conformance.Case {
	cases := []conformance.Case{
		{Name: "raw/filter/bit-map", Run: bitMaps},
		{Name: "raw/filter/bit-map-hand-over", Timeout: 8 * time.Minute, Run: bitMapsHandedOver},
	}
	for i := range cases {
		c := &cases[i]
		c.Client, c.Feature, c.Topology, c.Needs, c.Slow = conformance.Raw, "SQL92 filters", conformance.SingleBroker, conformance.Control, true
		c.Settings = conformance.Settings{Broker: map[string]string{
			"enablePropertyFilter": "true", "enableConsumeQueueExt": "true", "enableCalcFilterBitMap": "true",
			"mappedFileSizeConsumeQueueExt": strconv.Itoa(extFileSize),
		}}
		c.Codes = []protocol.RequestCode{protocol.HeartBeat, protocol.SendMessageV2, protocol.PullMessage}
	}
	return cases
}

// extFileSize makes files that end often: 34 bytes a message with a bit map.
const extFileSize = 512

// sqlGroup is a group, the expression that it has registered, and which values of the property a that takes.
type sqlGroup struct {
	name, expression string
	takes            func(a int) bool
}

// noted is a topic with one queue whose messages are noted in the extension, and the groups that want some of them.
type noted struct {
	*conformance.T
	topic  string
	groups []sqlGroup
	conn   *wire.Conn
	sent   int
}

func newNoted(t *conformance.T) *noted {
	return &noted{T: t, topic: t.Topic(), groups: []sqlGroup{
		{t.Group(), "a < 5", func(a int) bool { return a < 5 }},
		{t.Group(), "a > 3", func(a int) bool { return a > 3 }},
	}}
}

// connect makes the groups known to the broker. Messages that come later than that have their bits.
func (n *noted) connect() {
	conn, err := wire.Dial(n.Context(), n.Servers().Broker().Address())
	n.Check(err, "connect")
	n.conn = conn
	var consumers []string
	for _, g := range n.groups {
		consumers = append(consumers, fmt.Sprintf(`{"consumeFromWhere":"CONSUME_FROM_LAST_OFFSET","consumeType":"CONSUME_PASSIVELY","groupName":"%s","messageModel":"CLUSTERING",`+
			`"subscriptionDataSet":[{"classFilterMode":false,"codeSet":[],"expressionType":"SQL92","subString":"%s","subVersion":5,"tagsSet":[],"topic":"%s"}],"unitMode":false}`,
			g.name, g.expression, n.topic))
	}
	n.call(&wire.Frame{Code: int32(protocol.HeartBeat), Body: fmt.Appendf(nil, `{"clientID":"%s","consumerDataSet":[%s],"producerDataSet":[]}`, n.topic, strings.Join(consumers, ","))})
	n.Pause(20 * time.Millisecond) // bits count from the millisecond after
}

// call wants success.
func (n *noted) call(f *wire.Frame) *wire.Frame {
	r, err := n.conn.Call(n.Context(), f)
	n.Check(err, "call %s", protocol.RequestCode(f.Code))
	if r.Code != int32(protocol.ResponseSuccess) {
		n.Fatalf("%s was answered %s", protocol.RequestCode(f.Code), r)
	}
	return r
}

// send sends messages whose property a, body and tag come from their number.
func (n *noted) send(count int) {
	for range count {
		f := sendFrame(n.topic, 0)
		f.Body = []byte(strconv.Itoa(n.sent))
		f.Ext["i"] = fmt.Sprintf("a\x01%d\x02TAGS\x01%s\x02", n.sent%10, tagOf(n.sent))
		n.call(f)
		n.sent++
	}
	n.AwaitEnd(n.topic, 0, int64(n.sent))
}

func tagOf(i int) string { return "T" + strconv.Itoa(i%3) }

// pull reads the whole queue as a group, by its registered expression or, where expression is not empty, by tags.
func (n *noted) pull(group, tags string) (bodies []string) {
	for offset := "0"; offset != strconv.Itoa(n.sent); {
		ext := map[string]string{
			"consumerGroup": group, "topic": n.topic, "queueId": "0", "queueOffset": offset, "maxMsgNums": "32", "sysFlag": "0", "commitOffset": "0",
			"suspendTimeoutMillis": "0", "subscription": "", "subVersion": "5", "expressionType": "SQL92",
		}
		if tags != "" {
			ext["sysFlag"], ext["subscription"], ext["expressionType"] = "4", tags, "TAG"
		}
		r, err := n.conn.Call(n.Context(), &wire.Frame{Code: int32(protocol.PullMessage), Ext: ext})
		n.Check(err, "pull")
		if r.Code != int32(protocol.ResponseSuccess) && r.Code != int32(protocol.ResponsePullRetryImmediately) {
			n.Fatalf("a pull of group %s at %s was answered %s", group, offset, r)
		}
		records, err := wire.Records(r.Body)
		n.Check(err, "read the messages")
		for _, record := range records {
			bodies = append(bodies, string(record.Body))
		}
		if r.Ext["nextBeginOffset"] == offset {
			n.Fatalf("a pull of group %s at %s gets no further: %s", group, offset, r)
		}
		offset = r.Ext["nextBeginOffset"]
	}
	return bodies
}

// wanted compares what each group gets, and what a tag brings, with what was sent.
func (n *noted) wanted() {
	for _, g := range n.groups {
		n.compare("group "+g.expression, n.pull(g.name, ""), func(i int) bool { return g.takes(i % 10) })
	}
	n.compare("tag T1", n.pull(n.groups[0].name, "T1"), func(i int) bool { return tagOf(i) == "T1" })
}

func (n *noted) compare(what string, got []string, takes func(i int) bool) {
	var want []string
	for i := range n.sent {
		if takes(i) {
			want = append(want, strconv.Itoa(i))
		}
	}
	if strings.Join(got, " ") != strings.Join(want, " ") {
		n.Errorf("%s gets %v, want %v", what, got, want)
	}
}

// files lists the queue's ext files.
func (n *noted) files() []string {
	files, err := filepath.Glob(filepath.Join(n.Servers().Broker().StoreDir(), "consumequeue_ext", n.topic, "0", "*"))
	n.Check(err, "list the extension's files")
	return files
}

// positions are the bits that the broker has given a group.
func (n *noted) positions(group string) []int {
	text, err := os.ReadFile(filepath.Join(n.Servers().Broker().StoreDir(), "config", "consumerFilter.json"))
	n.Check(err, "read the registered expressions")
	var file struct {
		FilterDataByTopic map[string]struct {
			GroupFilterData map[string]struct {
				BloomFilterData struct{ BitPos []int }
			}
		}
	}
	n.Check(json.Unmarshal(text, &file), "read the registered expressions")
	return file.FilterDataByTopic[n.topic].GroupFilterData[group].BloomFilterData.BitPos
}

// checkUnits walks through the extension of a stopped broker: each message has a unit with its tag's hash and with exactly the
// bits of the groups that want it.
func (n *noted) checkUnits() {
	const bitMap = 14 // bytes, with 20 percent and 32 groups
	i := 0
	for _, name := range n.files() {
		b, err := os.ReadFile(name)
		n.Check(err, "read the extension")
		if len(b) != extFileSize {
			n.Errorf("%s has %d bytes", name, len(b))
		}
		for len(b) >= 20+bitMap && int16(binary.BigEndian.Uint16(b)) > 0 {
			want := make([]byte, bitMap)
			for _, g := range n.groups {
				for _, p := range n.positions(g.name) {
					if g.takes(i % 10) {
						want[p/8] |= 1 << (p % 8)
					}
				}
			}
			size, hash, length := binary.BigEndian.Uint16(b), int64(binary.BigEndian.Uint64(b[2:])), binary.BigEndian.Uint16(b[18:])
			if size != 20+bitMap || length != bitMap || hash != int64('T')*31+int64(tagOf(i)[1]) || string(b[20:20+bitMap]) != string(want) {
				n.Errorf("unit %d in %s: size %d, hash %d, %d bytes of bits: %x, want %x", i, name, size, hash, length, b[20:20+bitMap], want)
			}
			b = b[size:]
			i++
		}
	}
	if i != n.sent {
		n.Errorf("the extension has %d units for %d messages", i, n.sent)
	}
}

// clearBits takes all bits out of the extension.
func (n *noted) clearBits() {
	for _, name := range n.files() {
		b, err := os.ReadFile(name)
		n.Check(err, "read the extension")
		for rest := b; len(rest) > 20 && int16(binary.BigEndian.Uint16(rest)) > 0; rest = rest[binary.BigEndian.Uint16(rest):] {
			clear(rest[20:binary.BigEndian.Uint16(rest)])
		}
		n.Check(os.WriteFile(name, b, 0o644), "write the extension")
	}
}

// bitMaps: what is noted of messages is what the groups want, and it is what decides: without its bits a message is passed over.
func bitMaps(t *conformance.T) {
	t.StartServers()
	broker := t.Servers().Broker()
	n := newNoted(t)
	n.connect()
	n.send(60)
	n.wanted()
	n.conn.Close()
	t.Check(broker.Stop(t.Context()), "stop the broker")
	n.checkUnits()
	n.clearBits()
	t.Check(broker.Start(t.Context()), "start the broker")
	n.connect()
	defer n.conn.Close()
	for _, g := range n.groups {
		n.compare("group "+g.expression+" without bits", n.pull(g.name, ""), func(int) bool { return false })
	}
	n.compare("tag T1", n.pull(n.groups[0].name, "T1"), func(i int) bool { return tagOf(i) == "T1" })
}

// bitMapsHandedOver: each implementation reads what the other has noted and goes on with it, after a stop and after a kill.
func bitMapsHandedOver(t *conformance.T) {
	if t.Target().Reference == nil {
		t.Skipf("needs the official release beside it: %s", t.Target().ReferenceLacking)
	}
	t.StartServers()
	broker := t.Servers().Broker()
	n := newNoted(t)
	self, other := t.Target().Self, t.Target().Reference
	for life, launcher := range []conformance.Launcher{self, other, self, other} {
		switch {
		case life == 0:
		case life == 3:
			t.Check(broker.Kill(), "kill the broker before life %d", life)
		default:
			t.Check(broker.Stop(t.Context()), "stop the broker before life %d", life)
			n.checkUnits()
		}
		if life > 0 {
			broker.Become(launcher)
			t.Check(broker.Start(t.Context()), "start the broker in life %d", life)
		}
		n.connect()
		n.wanted()
		n.send(25)
		n.wanted()
		n.conn.Close()
	}
}
