package compat

import (
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/gantrymq/gantry/protocol"
)

// The two bodies with objects as keys, as far as the golden file fills them.
type consumeStats struct {
	ConsumeTPS  float64                                    `json:"consumeTps"`
	OffsetTable map[protocol.MessageQueue]map[string]int64 `json:"offsetTable"`
}

type topicStats struct {
	OffsetTable map[protocol.MessageQueue]map[string]int64 `json:"offsetTable"`
	TopicPutTPS float64                                    `json:"topicPutTps"`
}

// goldenBodies says which Go type holds what each Java class wrote.
var goldenBodies = map[string]func() any{
	"TopicRouteData":                        func() any { return new(protocol.TopicRouteData) },
	"ClusterInfo":                           func() any { return new(protocol.ClusterInfo) },
	"BrokerMemberGroup":                     func() any { return new(protocol.BrokerMemberGroup) },
	"TopicConfigSerializeWrapper":           func() any { return new(protocol.TopicConfigSerializeWrapper) },
	"TopicConfigAndMappingSerializeWrapper": func() any { return new(protocol.TopicConfigAndMappingSerializeWrapper) },
	"RegisterBrokerBody":                    func() any { return new(protocol.RegisterBrokerBody) },
	"SubscriptionGroupWrapper":              func() any { return new(protocol.SubscriptionGroupWrapper) },
	"ConsumerOffsetSerializeWrapper":        func() any { return new(protocol.ConsumerOffsetSerializeWrapper) },
	"HeartbeatData":                         func() any { return new(protocol.HeartbeatData) },
	"LockBatchRequestBody":                  func() any { return new(protocol.LockBatchRequestBody) },
	"LockBatchResponseBody":                 func() any { return new(protocol.LockBatchResponseBody) },
	"ConsumeStats":                          func() any { return new(consumeStats) },
	"TopicStatsTable":                       func() any { return new(topicStats) },
	"KVTable":                               func() any { return new(protocol.KVTable) },
	"TopicList":                             func() any { return new(protocol.TopicList) },
	"ConsumerConnection":                    func() any { return new(protocol.ConsumerConnection) },
	"BrokerStatsData":                       func() any { return new(protocol.BrokerStatsData) },
}

type goldenBody struct {
	class string
	form  JSONForm
	text  string
}

// readBodies reads the sections "-- Class form --" of testdata/bodies.txt.
func readBodies(t testing.TB) []goldenBody {
	t.Helper()
	data, err := os.ReadFile("testdata/bodies.txt")
	if err != nil {
		t.Fatal(err)
	}
	forms := map[string]JSONForm{"compact": Compact, "pretty": Pretty, "standard": Standard}
	var out []goldenBody
	for section := range strings.SplitSeq(strings.TrimPrefix("\n"+string(data), "\n-- "), "\n-- ") {
		title, text, ok := strings.Cut(section, " --\n")
		class, form, ok2 := strings.Cut(title, " ")
		if !ok || !ok2 {
			t.Fatalf("testdata/bodies.txt: bad section %q", title)
		}
		out = append(out, goldenBody{class, forms[form], strings.TrimSuffix(text, "\n")})
	}
	return out
}

// Reading what Java wrote and writing it again yields the same bytes, in each form.
func TestGoldenBodies(t *testing.T) {
	seen := map[string]bool{}
	for _, g := range readBodies(t) {
		newBody, ok := goldenBodies[g.class]
		if !ok {
			t.Errorf("testdata/bodies.txt holds %s, for which there is no Go type", g.class)
			continue
		}
		seen[g.class] = true
		v := newBody()
		if err := UnmarshalFastjson([]byte(g.text), v); err != nil {
			t.Errorf("%s: %v", g.class, err)
			continue
		}
		got, err := AppendFastjson(nil, v, g.form)
		if err != nil {
			t.Errorf("%s: %v", g.class, err)
			continue
		}
		if string(got) != g.text {
			t.Errorf("%s in form %d\n got %s\nwant %s", g.class, g.form, got, g.text)
		}
		strict, err := ToStrict(nil, []byte(g.text))
		if err != nil {
			t.Errorf("%s: ToStrict: %v", g.class, err)
			continue
		}
		again := newBody()
		if err := UnmarshalFastjson(strict, again); err != nil {
			t.Errorf("%s: from strict text: %v", g.class, err)
		} else if !reflect.DeepEqual(v, again) {
			t.Errorf("%s: strict text %s reads as %+v, the original as %+v", g.class, strict, again, v)
		}
	}
	if len(seen) != len(goldenBodies) {
		t.Errorf("testdata/bodies.txt holds %d of %d bodies", len(seen), len(goldenBodies))
	}
}

func BenchmarkRoute(b *testing.B) {
	var text []byte
	for _, g := range readBodies(b) {
		if g.class == "TopicRouteData" && g.form == Compact {
			text = []byte(g.text)
		}
	}
	var route protocol.TopicRouteData
	b.Run("read", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if err := UnmarshalFastjson(text, &route); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("write", func(b *testing.B) {
		b.ReportAllocs()
		var buf []byte
		for b.Loop() {
			var err error
			if buf, err = AppendFastjson(buf[:0], &route, Standard); err != nil {
				b.Fatal(err)
			}
		}
	})
}
