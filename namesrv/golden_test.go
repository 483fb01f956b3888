package namesrv

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/protocol"
)

// golden holds the answers of the official name server 5.5.0 to the requests of
// goldenSteps, in their order. To record them again, start one afresh and run
//
//	GANTRY_OFFICIAL_NAMESRV=127.0.0.1:9876 go test -run TestGolden ./namesrv
//
// and look at the difference.
const golden = "testdata/official-5.5.0.txt"

// step is a request of the recorded conversation.
//
// Upstream answers with what its hash tables yield, in their order; ours are
// sorted. The names in here are such that both orders are the same, so answers
// are compared byte for byte.
type step struct {
	name string
	conn string // connections open as they are named; the first is ""
	request
	wait   bool // the answer shows what another request brought about a moment later
	remark bool // the remark names Java's exceptions and is not compared
	hangup bool // close the connection instead
}

func goldenSteps() []step {
	var all []step
	for _, part := range [][]step{badInputSteps(), kvSteps(), registerSteps(), routeSteps(), permSteps(), staticSteps(), actingSteps(), configSteps()} {
		all = append(all, part...)
	}
	return all
}

func TestGolden(t *testing.T) {
	addr := target(t)
	record := os.Getenv(officialAddr) != ""
	var want []string
	if !record {
		want = strings.Split(strings.TrimSuffix(readFile(t, golden), "\n\n"), "\n\n")
	}
	steps := goldenSteps()
	if !record && len(want) != len(steps) {
		t.Fatalf("%s has %d answers to %d requests: record it again", golden, len(want), len(steps))
	}
	conns := map[string]*client{}
	var recorded strings.Builder
	for i, s := range steps {
		if conns[s.conn] == nil {
			conns[s.conn] = dial(t, addr)
		}
		head := fmt.Sprintf("# %s\n%v", s.name, s.code)
		if s.hangup {
			conns[s.conn].close()
			delete(conns, s.conn)
			head = "# " + s.name
		}
		answer := func() string {
			if s.hangup {
				return head
			}
			return head + "\n" + showAnswer(conns[s.conn].call(s.request), s.remark)
		}
		switch {
		case record && s.wait:
			time.Sleep(500 * time.Millisecond) // only when recording: there is nothing else to go by
			fallthrough
		case record:
			recorded.WriteString(answer() + "\n\n")
		case s.wait:
			eventually(t, s.name, func() bool { return answer() == want[i] })
		default:
			if got := answer(); got != want[i] {
				t.Errorf("ours:\n%s\nofficial:\n%s", got, want[i])
			}
		}
	}
	if record {
		if err := os.WriteFile(golden, []byte(recorded.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func showAnswer(f *codec.Frame, maskRemark bool) string {
	out := fmt.Sprintf("code %d", f.Code)
	switch {
	case maskRemark:
		out += "\nremark (not compared)"
	case f.Remark != "":
		out += fmt.Sprintf("\nremark %q", f.Remark)
	}
	slices.SortFunc(f.Ext, func(a, b codec.Field) int { return strings.Compare(a.Key, b.Key) })
	for _, e := range f.Ext {
		out += fmt.Sprintf("\next %s=%q", e.Key, e.Value)
	}
	if len(f.Body) > 0 {
		out += "\nbody " + strings.ReplaceAll(strings.TrimSuffix(string(f.Body), "\n"), "\n", "\n     ")
	}
	return out
}

// broker is the registration of a broker in the tests.
type broker struct {
	cluster, name, addr string
	id                  int
	ext                 codec.Fields
	counter, state      int // data version
	topics              []string
	filters             []string
	mappings            string // the JSON of topicQueueMappingInfoMap
	version             protocol.Version
}

func (b broker) header() codec.Fields {
	return append(fields("brokerName", b.name, "brokerAddr", b.addr, "clusterName", b.cluster, "haServerAddr", "ha-"+b.addr, "brokerId", fmt.Sprint(b.id)), b.ext...)
}

// register is the uncompressed form. A topic is its name, or name:perm:flag.
func (b broker) register() request {
	var topics []string
	for _, t := range b.topics {
		name, perm, flag := topicParts(t)
		topics = append(topics, fmt.Sprintf(`%q:{"attributes":{},"order":false,"perm":%s,"readQueueNums":4,"topicFilterType":"SINGLE_TAG","topicName":%q,"topicSysFlag":%s,"writeQueueNums":8}`, name, perm, name, flag))
	}
	mappings := b.mappings
	if mappings == "" {
		mappings = "{}"
	}
	body := fmt.Sprintf(`{"filterServerList":[%s],"topicConfigSerializeWrapper":{"dataVersion":%s,"mappingDataVersion":{"counter":0,"stateVersion":0,"timestamp":1},"topicConfigTable":{%s},"topicQueueMappingDetailMap":{},"topicQueueMappingInfoMap":%s}}`,
		quoted(b.filters), b.dataVersion(), strings.Join(topics, ","), mappings)
	return request{code: protocol.RegisterBroker, version: b.version, ext: b.header(), body: []byte(body)}
}

// registerOld is the form of brokers before 3.0.11.
func (b broker) registerOld() request {
	q := b.register()
	_, body, _ := strings.Cut(string(q.body), `"topicConfigSerializeWrapper":`)
	q.body, q.version = []byte(strings.TrimSuffix(body, "}")), protocol.V3_0_11-1
	return q
}

// registerPacked is the form of compressedRegister.
func (b broker) registerPacked() request {
	var out bytes.Buffer
	w := zlib.NewWriter(&out)
	block := func(text string) {
		_ = binary.Write(w, binary.BigEndian, int32(len(text)))
		_, _ = w.Write([]byte(text))
	}
	block(b.dataVersion())
	_ = binary.Write(w, binary.BigEndian, int32(len(b.topics)))
	for _, t := range b.topics {
		name, perm, _ := topicParts(t)
		block(name + " 4 8 " + perm + ` SINGLE_TAG {"+message.type":"NORMAL"}`)
	}
	block("[" + quoted(b.filters) + "]")
	if b.mappings == "" {
		_ = binary.Write(w, binary.BigEndian, int32(0))
	} else {
		_ = binary.Write(w, binary.BigEndian, int32(1))
		block(b.mappings)
	}
	_ = w.Close()
	return request{code: protocol.RegisterBroker, version: b.version, ext: append(b.header(), fields("compressed", "true")...), body: out.Bytes()}
}

func (b broker) unregister() request {
	return request{code: protocol.UnregisterBroker, ext: b.header()}
}

func (b broker) dataVersion() string {
	return fmt.Sprintf(`{"counter":%d,"stateVersion":%d,"timestamp":100}`, b.counter, b.state)
}

func (b broker) askVersion(body string) request {
	return request{code: protocol.QueryDataVersion, ext: b.header(), body: []byte(body)}
}

func topicParts(t string) (name, perm, flag string) {
	parts := strings.Split(t, ":")
	parts = append(parts, []string{"", "6", "0"}[len(parts):]...)
	return parts[0], parts[1], parts[2]
}

func quoted(list []string) string {
	var q []string
	for _, s := range list {
		q = append(q, fmt.Sprintf("%q", s))
	}
	return strings.Join(q, ",")
}

func routeOf(topic string, ext ...string) request {
	return request{code: protocol.GetRouteinfoByTopic, ext: fields(append([]string{"topic", topic}, ext...)...)}
}

func (q request) from(v protocol.Version) request {
	q.version = v
	return q
}

func simple(code protocol.RequestCode, ext ...string) request {
	return request{code: code, ext: fields(ext...)}
}

func configure(text string) request {
	return request{code: protocol.UpdateNamesrvConfig, body: []byte(text)}
}
