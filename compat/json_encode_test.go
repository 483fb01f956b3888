package compat

import (
	"math"
	"strings"
	"testing"

	"github.com/gantrymq/gantry/protocol"
)

func TestMarshal(t *testing.T) {
	type empties struct {
		Z    string               `json:"z"`
		S    []string             `json:"s"`
		N    []string             `json:"n,omitzero"`
		L    []int64              `json:"l"`
		M    map[string]int       `json:"m"`
		O    string               `json:"o,omitempty"`
		P    *int                 `json:"p"`
		X    any                  `json:"x"`
		Opt  protocol.Opt[string] `json:"opt"`
		Skip int                  `json:"-"`
		priv int
	}
	zero := 0
	for _, tt := range []struct {
		v    any
		form JSONForm
		want string
	}{
		{nil, Compact, `null`},
		{empties{priv: 1}, Compact, `{"l":[],"m":{},"s":[],"z":""}`},
		{empties{priv: 1}, Pretty, "{\n\t\"l\":[],\n\t\"m\":{},\n\t\"s\":[\n\t\t\n\t],\n\t\"z\":\"\"\n}"},
		{empties{N: []string{}, O: "x", P: &zero, X: 1.0, Opt: protocol.Some("")}, Compact,
			`{"l":[],"m":{},"n":[],"o":"x","opt":"","p":0,"s":[],"x":1.0,"z":""}`},
		{struct{}{}, Pretty, "{\n\t\n}"},
		{map[string]*int{"a": nil, "b": &zero}, Compact, `{"b":0}`},
		{[]any{nil, 1, "x"}, Compact, `[null,1,"x"]`},
		{map[int64]string{10: "b", 9: "a", -1: "c"}, Compact, `{-1:"c",9:"a",10:"b"}`},
		{map[int64]string{10: "b", 9: "a"}, Standard, `{"9":"a","10":"b"}`},
		{map[int64]int64{1 << 60: 1 << 60}, Standard, `{"1152921504606846976":"1152921504606846976"}`},
		{map[bool]int{true: 1, false: 2}, Compact, `{false:2,true:1}`},
		{map[protocol.MessageQueue]int64{{BrokerName: "b", QueueID: 10, Topic: "T"}: 1, {BrokerName: "b", QueueID: 9, Topic: "T"}: 2}, Compact,
			`{{"brokerName":"b","queueId":9,"topic":"T"}:2,{"brokerName":"b","queueId":10,"topic":"T"}:1}`},
		{map[string]struct{}{"b": {}, "a": {}}, Compact, `["a","b"]`},
		{[]byte{1, 255}, Compact, `[1,-1]`},
		{[]int64{9007199254740991, 9007199254740992, -9007199254740992}, Standard, `[9007199254740991,"9007199254740992","-9007199254740992"]`},
		{[]float64{1, 1e7, 1e-4, 123456.789, math.NaN(), math.Inf(1), 0.1, 1e21, 0.001, 9999999, math.Copysign(0, -1), 1e-5, 12345678.9, math.MaxFloat64}, Compact,
			`[1.0,1.0E7,1.0E-4,123456.789,null,null,0.1,1.0E21,0.001,9999999.0,-0.0,1.0E-5,1.23456789E7,1.7976931348623157E308]`},
		{[]float32{0.1, 1e10, float32(math.NaN())}, Compact, `[0.1,1.0E10,null]`},
		{"a\"b\\c/d<e>f&g'h\x01\x1f\x7f\u0080é\u2028中😀\b\f\n\r\t\v(x)=;", Compact,
			`"a\"b\\c/d<e>f&g'h\u0001\u001f` + "\x7f\u0080é\u2028中😀" + `\b\f\n\r\t\u000b(x)=;"`},
		{"a\xffb", Compact, "\"a\ufffdb\""},
	} {
		got, err := AppendFastjson([]byte("kept "), tt.v, tt.form)
		if err != nil || string(got) != "kept "+tt.want {
			t.Errorf("%#v in form %d\n got %s, %v\nwant %s", tt.v, tt.form, got, err, tt.want)
		}
	}
}

func TestMarshalRefuses(t *testing.T) {
	type node struct {
		Next *node `json:"next"`
	}
	loop := &node{}
	loop.Next = loop
	for _, v := range []any{make(chan int), func() {}, uint64(1 << 63), map[string]any{"a": complex(1, 1)}, loop} {
		got, err := AppendFastjson([]byte("kept"), v, Compact)
		if err == nil || string(got) != "kept" {
			t.Errorf("%T was written as %.40s, %v", v, got, err)
		}
	}
	if _, err := MarshalFastjson(map[string]any{"a": func() {}}); err == nil || !strings.Contains(err.Error(), "func()") {
		t.Errorf("the error does not name the type: %v", err)
	}
}
