package compat

import (
	"encoding/json"
	"net/netip"
	"reflect"
	"strings"
	"testing"

	"github.com/gantrymq/gantry/protocol"
)

type sample struct {
	S    string               `json:"s"`
	I    int32                `json:"i"`
	L    int64                `json:"l"`
	U    uint16               `json:"u"`
	F    float64              `json:"f"`
	B    bool                 `json:"b"`
	P    *sample              `json:"p"`
	List []string             `json:"list"`
	Ptrs []*sample            `json:"ptrs"`
	Set  map[int32]struct{}   `json:"set"`
	M    map[int64]string     `json:"m"`
	Any  any                  `json:"any"`
	Opt  protocol.Opt[int32]  `json:"opt"`
	Raw  json.RawMessage      `json:"raw"`
	Addr netip.Addr           `json:"addr"`
	Q    map[queueKey]float64 `json:"q"`
	Data []byte               `json:"data"`
	Enum protocol.RequestMode `json:"enum"`
	Inner
}

type Inner struct {
	Promoted int32 `json:"promoted"`
}

type queueKey struct {
	Topic string `json:"topic"`
	ID    int32  `json:"id"`
}

// What fastjson2 converts is converted; the results were observed on 5.5.0's classes.
func TestUnmarshalConverts(t *testing.T) {
	for _, tt := range []struct {
		in   string
		want sample
	}{
		{`{}`, sample{}},
		{`{s:5,i:"7",l:'8'}`, sample{S: "5", I: 7, L: 8}},
		{`{"s":true,"i":true,"b":1}`, sample{S: "true", I: 1, B: true}},
		{`{"s":{a:[1,'x']},"i":6.7}`, sample{S: `{"a":[1,"x"]}`, I: 6}},
		{`{"s":[1,2],"i":"","f":"1.5"}`, sample{S: "[1,2]", F: 1.5}},
		{`{"b":"TRUE"}`, sample{B: true}}, {`{"b":"Y"}`, sample{B: true}}, {`{"b":"N"}`, sample{}},
		{`{"b":5}`, sample{}}, {`{"b":-1}`, sample{B: true}}, {`{"b":1.0}`, sample{}}, {`{"b":"null"}`, sample{}}, {`{"b":[[true]]}`, sample{B: true}},
		{`{"i":{"a":1},"l":"true"}`, sample{L: 1}}, {`{"i":["5"],"l":[5.5]}`, sample{I: 5, L: 5}}, {`{"i":"1,000","l":"null"}`, sample{I: 1000}},
		{`{"i":1e20,"l":-1e300}`, sample{I: 1<<31 - 1, L: -1 << 63}},
		{`{"s":["a"]}`, sample{S: "a"}}, {`{"s":[null]}`, sample{}}, {`{"s":[5]}`, sample{S: "[5]"}}, {`{"s":1e3}`, sample{S: "1000.0"}}, {`{"s":1.50}`, sample{S: "1.50"}},
		{`{"list":"","enum":"pop"}`, sample{Enum: protocol.RequestModePop}}, {`{"enum":1}`, sample{Enum: protocol.RequestModePop}},
		{`{"enum":0.5}`, sample{Enum: protocol.RequestModePull}}, {`{"enum":"5"}`, sample{}}, {`{"enum":null}`, sample{}},
		{`{"S":"x","I":1}`, sample{}},
		{`{"s":null,"i":null,"p":null,"list":null,"m":null,"opt":null}`, sample{}},
		{`{"x":{{"a":[NaN]}:[{}]},"i":3}`, sample{I: 3}},
		{`{"p":{"p":{"i":1}}}`, sample{P: &sample{P: &sample{I: 1}}}},
		{`{"list":"one"}`, sample{List: []string{"one"}}}, {`{"list":["a",5,null]}`, sample{List: []string{"a", "5"}}}, {`{"list":[]}`, sample{List: []string{}}},
		{`{"ptrs":{"i":1}}`, sample{Ptrs: []*sample{{I: 1}}}}, {`{"ptrs":"","p":"null","m":""}`, sample{}},
		{`{"set":[97,"98",97]}`, sample{Set: map[int32]struct{}{97: {}, 98: {}}}},
		{`{"m":{0:"a","1":5,2:null}}`, sample{M: map[int64]string{0: "a", 1: "5"}}},
		{`{"any":{a:[1,2.5,"x",true]}}`, sample{Any: map[string]any{"a": []any{int64(1), 2.5, "x", true}}}},
		{`{"opt":0}`, sample{Opt: protocol.Some[int32](0)}},
		{`{"raw":{a:1},"addr":"::1"}`, sample{Raw: json.RawMessage(`{"a":1}`), Addr: netip.IPv6Loopback()}},
		{`{"q":{{topic:"T","id":1}:2,"{\"topic\":\"U\",\"id\":2}":3}}`, sample{Q: map[queueKey]float64{{"T", 1}: 2, {"U", 2}: 3}}},
		{`{"data":[1,-1]}`, sample{Data: []byte{1, 255}}},
		{`{"promoted":4}`, sample{Inner: Inner{4}}},
		{`{"p":{"i":3},"ptrs":[{"$ref":"$.p"}]}`, sample{P: &sample{I: 3}, Ptrs: []*sample{{I: 3}}}},
		{`{"s":"\u0041\ud83d\ude00","u":65535,"l":-9223372036854775808}`, sample{S: "A😀", U: 65535, L: -1 << 63}},
	} {
		var got sample
		if err := UnmarshalFastjson([]byte(tt.in), &got); err != nil {
			t.Errorf("%s: %v", tt.in, err)
		} else if !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s\n got %+v\nwant %+v", tt.in, got, tt.want)
		}
	}
}

func TestUnmarshalRefuses(t *testing.T) {
	for _, in := range []string{
		``, `[]`, `5`, `"x"`, `{"i":"abc"}`, `{"i":99999999999}`, `{"i":[]}`, `{"i":[1,2]}`, `{"i":[null]}`, `{"i":[[1]]}`, `{"i":"True"}`, `{"i":NaN}`, `{"l":{}}`, `{"u":-1}`, `{"b":"x"}`, `{"m":{"x":"a"}}`, `{"m":[1]}`, `{"q":{"x":1}}`,
		`{"i":1}}`, `{"i":1} x`, `{"x":{"a":1}`, `{"x":[1,}`, `{"f":"x"}`, `{"l":9223372036854775808}`, `{"b":"5"}`, `{"b":{}}`, `{"b":[]}`, `{"b":[1,1]}`, `{"s":undefined}`,
		`{"list":5}`, `{"ptrs":[null]}`, `{"ptrs":[""]}`, `{"enum":2}`, `{"enum":-1}`, `{"enum":true}`, `{"enum":["POP"]}`, `{"any":1e999}`,
		`{"any":` + strings.Repeat("[", 600),
		`{"unknown":` + strings.Repeat("[", 600),
	} {
		var got sample
		if err := UnmarshalFastjson([]byte(in), &got); err == nil {
			t.Errorf("%.60s was read as %+v", in, got)
		}
	}
	if err := UnmarshalFastjson([]byte(`{}`), sample{}); err == nil {
		t.Error("a value that is no pointer was accepted")
	}
}

// What was read does not change with the buffer it was read from.
func TestUnmarshalCopies(t *testing.T) {
	in := []byte(`{"s":"text","list":["a"],"raw":[1],"any":"b"}`)
	var got, want sample
	if err := UnmarshalFastjson(in, &got); err != nil {
		t.Fatal(err)
	}
	if err := UnmarshalFastjson([]byte(string(in)), &want); err != nil {
		t.Fatal(err)
	}
	for i := range in {
		in[i] = 'x'
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// Whatever can be read can be written, and reads as the same again.
func FuzzUnmarshal(f *testing.F) {
	f.Add([]byte(`{s:5,"p":{"m":{0:"a"}},"q":{{topic:"T","id":1}:2},"set":[1],"any":[{}],"data":[-1],"opt":1}`))
	f.Add([]byte(`{"raw":{"a":1},"list":"x","f":1e5,"addr":"1.2.3.4"}`))
	f.Fuzz(func(t *testing.T, in []byte) {
		var v, again sample
		if UnmarshalFastjson(in, &v) != nil {
			return
		}
		text, err := MarshalFastjson(&v)
		if err != nil {
			t.Fatalf("%q was read but cannot be written: %v", in, err)
		}
		if strings.Contains(string(text), "$ref") {
			return
		}
		if err := UnmarshalFastjson(text, &again); err != nil {
			t.Fatalf("%q was written but cannot be read: %v", text, err)
		}
		text2, err := MarshalFastjson(&again)
		if err != nil || string(text2) != string(text) {
			t.Fatalf("%q\nthen %q, %v", text, text2, err)
		}
	})
}

// Bodies whose fields start with values of their own are read as forgivingly as others, also within
// each other.
func TestDefaultsAreReadForgivingly(t *testing.T) {
	var list protocol.SubscriptionGroupList
	text := `{groupConfigList:[{"groupName":5,"retryMaxTimes":"7","consumeEnable":"false","retryQueueNums":2.9,` +
		`"groupRetryPolicy":{"type":"exponential","exponentialRetryPolicy":{"max":"9"}}}]}`
	if err := UnmarshalFastjson([]byte(text), &list); err != nil {
		t.Fatal(err)
	}
	want := protocol.DefaultSubscriptionGroupConfig("5")
	want.RetryMaxTimes, want.ConsumeEnable, want.RetryQueueNums = 7, false, 2
	want.Attributes = map[string]string{}
	want.GroupRetryPolicy = &protocol.GroupRetryPolicy{
		Type: protocol.RetryExponential, ExponentialRetryPolicy: &protocol.ExponentialRetryPolicy{Initial: 5000, Max: 9, Multiplier: 2},
	}
	if len(list.GroupConfigList) != 1 {
		t.Fatalf("read %+v", list)
	}
	got, err := MarshalFastjson(list.GroupConfigList[0])
	if err != nil {
		t.Fatal(err)
	}
	if shown, err := MarshalFastjson(&want); err != nil || string(got) != string(shown) {
		t.Errorf("read %s\nwant %s, %v", got, shown, err)
	}
	var topic protocol.TopicConfig
	if err := UnmarshalFastjson([]byte(`{"topicName":"t","readQueueNums":"3","attributes":null}`), &topic); err != nil {
		t.Fatal(err)
	}
	if topic.ReadQueueNums != 3 || topic.WriteQueueNums != protocol.DefaultTopicConfig("").WriteQueueNums || topic.Attributes == nil {
		t.Errorf("read %+v", topic)
	}
	if err := UnmarshalFastjson([]byte(`{"readQueueNums":"many"}`), &topic); err == nil {
		t.Error("a number that is none was read")
	}
}

// Lists of a heartbeat that the text does not give are empty, those that are null in it are nil.
func TestStartsAreRead(t *testing.T) {
	var given protocol.HeartbeatData
	if err := UnmarshalFastjson([]byte(`{"consumerDataSet":[{"groupName":"a"},{"groupName":"b","subscriptionDataSet":null}]}`), &given); err != nil {
		t.Fatal(err)
	}
	if given.ProducerDataSet == nil || len(given.ConsumerDataSet) != 2 ||
		given.ConsumerDataSet[0].SubscriptionDataSet == nil || given.ConsumerDataSet[1].SubscriptionDataSet != nil {
		t.Errorf("read %+v", given)
	}
	var null protocol.HeartbeatData
	if err := UnmarshalFastjson([]byte(`{"consumerDataSet":"","producerDataSet":null}`), &null); err != nil {
		t.Fatal(err)
	}
	if null.ConsumerDataSet != nil || null.ProducerDataSet != nil {
		t.Errorf("read %+v", null)
	}
}
