package registration

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/gantrymq/gantry/protocol"
)

// pack makes a compressed body: a string is a block, an int a count.
func pack(t testing.TB, parts ...any) []byte {
	t.Helper()
	var out bytes.Buffer
	w := zlib.NewWriter(&out)
	for _, p := range parts {
		switch p := p.(type) {
		case int:
			_ = binary.Write(w, binary.BigEndian, int32(p))
		case string:
			_ = binary.Write(w, binary.BigEndian, int32(len(p)))
			_, _ = w.Write([]byte(p))
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

const (
	versionJSON = `{"counter":3,"stateVersion":1,"timestamp":9}`
	mappingJSON = `{"bname":"b","currIdMap":{0:0,1:1},"dirty":false,"epoch":7,"scope":"__global__","topic":"S","totalQueues":2}`
	plainJSON   = `{"filterServerList":["f"],"topicConfigSerializeWrapper":{"dataVersion":` + versionJSON +
		`,"topicConfigTable":{"T":{"order":false,"perm":4,"readQueueNums":2,"topicName":"T","topicSysFlag":1,"writeQueueNums":3},"N":null},"topicQueueMappingInfoMap":{"S":` + mappingJSON + `}}}`
	oldJSON = `{"dataVersion":` + versionJSON + `,"topicConfigTable":{"T":{"perm":4,"readQueueNums":2,"topicName":"T","writeQueueNums":3}}}`
)

func TestDecode(t *testing.T) {
	version := protocol.DataVersion{Counter: 3, StateVersion: 1, Timestamp: 9}
	packed := pack(t, versionJSON, 2, `T 2 3 4 SINGLE_TAG {"a":"b"}`, `U 1 1 6 SINGLE_TAG`, `["f"]`, 1, mappingJSON)
	tests := []struct {
		name       string
		body       []byte
		compressed bool
		version    protocol.Version
		want       string // topics, filter servers, static topics
		err        string
	}{
		{name: "plain", body: []byte(plainJSON), version: protocol.V5_5_0, want: "T 2 3 4 1 | f | S"},
		{name: "plain with defaults", body: []byte(`{"topicConfigSerializeWrapper":{"dataVersion":` + versionJSON + `,"topicConfigTable":{"T":{"topicName":"T"}}}}`), version: protocol.V5_5_0, want: "T @ @ 6 0 |  | "},
		{name: "before 3.0.11", body: []byte(oldJSON), version: protocol.V3_0_11 - 1, want: "T 2 3 4 0 | nil | "},
		{name: "packed", body: packed, compressed: true, version: protocol.V5_5_0, want: "T 2 3 4 0, U 1 1 6 0 | f | S"},
		{name: "packed before 5.0", body: packed, compressed: true, version: protocol.V4_9_4, want: "T 2 3 4 0, U 1 1 6 0 | f | "},
		{name: "no filter servers that can be read", body: pack(t, versionJSON, 0, `[`, 0), compressed: true, version: protocol.V5_5_0, want: " |  | "},
		{name: "negative counts", body: pack(t, versionJSON, -1, `[]`, -1), compressed: true, version: protocol.V5_5_0, want: " |  | "},
		{name: "broken JSON", body: []byte(plainJSON[:40]), version: protocol.V5_5_0, err: "registration: "},
		{name: "no zlib", body: []byte(plainJSON), compressed: true, version: protocol.V5_5_0, err: "zlib"},
		{name: "cut", body: pack(t, versionJSON, 1), compressed: true, version: protocol.V5_5_0, err: "ends within it"},
		{name: "topics that are not there", body: pack(t, versionJSON, 1<<30), compressed: true, version: protocol.V5_5_0, err: "1073741824 topics"},
		{name: "no static topics", body: pack(t, versionJSON, 0, `[]`), compressed: true, version: protocol.V5_5_0, err: "static topics"},
		{name: "topic of four fields", body: pack(t, versionJSON, 1, `T 1 1 6`, `[]`, 0), compressed: true, version: protocol.V5_5_0, err: "five fields"},
		{name: "topic without numbers", body: pack(t, versionJSON, 1, `T 1 x 6 SINGLE_TAG`, `[]`, 0), compressed: true, version: protocol.V5_5_0, err: "invalid syntax"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Decode(tt.body, tt.compressed, tt.version)
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Fatalf("error %v, want one with %q", err, tt.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if text := describe(got); text != tt.want {
				t.Errorf("decoded %q, want %q", text, tt.want)
			}
			if got.Version != version {
				t.Errorf("data version %+v, want %+v", got.Version, version)
			}
		})
	}
}

func describe(b *Body) string {
	var topics, statics []string
	for _, c := range b.Topics {
		topics = append(topics, strings.Join([]string{c.TopicName, itoa(c.ReadQueueNums), itoa(c.WriteQueueNums), itoa(c.Perm), itoa(c.TopicSysFlag)}, " "))
	}
	for _, m := range b.Mappings {
		statics = append(statics, m.Topic)
		if !maps.Equal(m.CurrIDMap, map[int32]int32{0: 0, 1: 1}) || m.BrokerName != "b" || m.Epoch != 7 || m.TotalQueues != 2 {
			statics = append(statics, "wrong")
		}
	}
	slices.Sort(topics)
	filters := strings.Join(b.FilterServers, " ")
	if b.FilterServers == nil {
		filters = "nil"
	}
	return strings.Join(topics, ", ") + " | " + filters + " | " + strings.Join(statics, " ")
}

func itoa(n int32) string { return string(rune('0' + n)) }

func TestEmptyBody(t *testing.T) {
	for _, compressed := range []bool{false, true} {
		b, err := Decode(nil, compressed, protocol.V5_5_0)
		if err != nil || len(b.Topics) != 0 || b.Version != (protocol.DataVersion{}) || b.FilterServers == nil {
			t.Errorf("compressed %v: %+v, %v", compressed, b, err)
		}
	}
}

func TestChecksum(t *testing.T) {
	// CRC-32 of "a" is E8B7BE43, its sign bit cleared.
	if got := Checksum([]byte("a")); got != 0x68B7BE43 {
		t.Errorf("checksum %x", got)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(plainJSON), false, int32(protocol.V5_5_0))
	f.Add([]byte(oldJSON), false, int32(0))
	f.Add(pack(f, versionJSON, 1, `T 2 3 4 SINGLE_TAG {}`, `["f"]`, 1, mappingJSON), true, int32(protocol.V5_5_0))
	f.Fuzz(func(t *testing.T, body []byte, compressed bool, version int32) {
		b, err := Decode(body, compressed, protocol.Version(version))
		if err != nil {
			return
		}
		for _, c := range b.Topics {
			if c.TopicName == "" {
				t.Errorf("a topic without a name came out of %q", body)
			}
		}
	})
}

func BenchmarkDecode10000Topics(b *testing.B) {
	var plain strings.Builder
	parts := []any{versionJSON, 10000}
	plain.WriteString(`{"filterServerList":[],"topicConfigSerializeWrapper":{"dataVersion":` + versionJSON + `,"topicConfigTable":{`)
	for i := range 10000 {
		name := fmt.Sprintf("topic-%05d", i)
		parts = append(parts, name+` 8 8 6 SINGLE_TAG {}`)
		if i > 0 {
			plain.WriteByte(',')
		}
		plain.WriteString(`"` + name + `":{"attributes":{},"order":false,"perm":6,"readQueueNums":8,"topicFilterType":"SINGLE_TAG","topicName":"` + name + `","topicSysFlag":0,"writeQueueNums":8}`)
	}
	plain.WriteString(`}}}`)
	packed := pack(b, append(parts, `[]`, 0)...)
	b.Run("plain", func(b *testing.B) { benchmarkDecode(b, []byte(plain.String()), false) })
	b.Run("packed", func(b *testing.B) { benchmarkDecode(b, packed, true) })
}

func benchmarkDecode(b *testing.B, body []byte, compressed bool) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Decode(body, compressed, protocol.V5_5_0); err != nil {
			b.Fatal(err)
		}
	}
}
