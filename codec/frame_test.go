package codec

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/gantrymq/gantry/protocol"
)

func sendHeader() *protocol.SendMessageRequestHeaderV2 {
	return &protocol.SendMessageRequestHeaderV2{
		ProducerGroup: "G", Topic: "Orders", DefaultTopic: "TBW102", DefaultTopicQueueNums: 4, QueueID: 3,
		BornTimestamp: 1750000000000, Properties: "KEYS\x01k1\x02TAGS\x01täg\x02",
		ReconsumeTimes: protocol.Some[int32](0), UnitMode: protocol.Some(false), Batch: protocol.Some(false),
		TopicRPCFields: protocol.TopicRPCFields{RPCFields: protocol.RPCFields{TargetBroker: "broker-a"}},
	}
}

func TestCommandRoundTrip(t *testing.T) {
	for _, form := range []SerializeType{SerializeJSON, SerializeRocketMQ} {
		t.Run(form.String(), func(t *testing.T) {
			want := sendHeader()
			c := Command{
				Code: 310, Language: protocol.LanguageGo, Version: protocol.V5_5_0, Opaque: -7, Remark: "a \"remark\"\nof two lines",
				Serialize: form, Header: want, Ext: Fields{{"extra", "\\ \x01"}}, Body: []byte("hello"),
			}
			b := AppendCommand(nil, &c)
			if got := int(binary.BigEndian.Uint32(b)); got != len(b)-4 {
				t.Fatalf("length word %d, frame has %d bytes after it", got, len(b)-4)
			}
			var f Frame
			if err := f.Decode(b[4:]); err != nil {
				t.Fatal(err)
			}
			if f.Code != 310 || f.Language != protocol.LanguageGo || f.Version != protocol.V5_5_0 || f.Opaque != -7 ||
				f.Remark != c.Remark || f.Serialize != form || string(f.Body) != "hello" {
				t.Fatalf("decoded %+v", f)
			}
			var h protocol.SendMessageRequestHeaderV2
			if err := DecodeHeader(&h, f.Ext); err != nil {
				t.Fatal(err)
			}
			if h.Topic != want.Topic || h.QueueID != 3 || h.Properties != want.Properties || h.BornTimestamp != want.BornTimestamp ||
				!h.Batch.Set || h.TargetBroker != "broker-a" {
				t.Fatalf("decoded header %+v", h)
			}
			if v, ok := f.Ext.Get("extra"); !ok || v != "\\ \x01" {
				t.Fatalf("extra field %q %v", v, ok)
			}
		})
	}
}

func TestDecodeLooseJSON(t *testing.T) {
	cases := map[string]struct {
		head string
		want Frame
	}{
		"numbers as text":      {`{"code":"10","opaque":"5"}`, Frame{Code: 10, Opaque: 5}},
		"null everywhere":      {`{"code":10,"extFields":null,"remark":null,"language":null}`, Frame{Code: 10, Language: protocol.LanguageOther}},
		"white space":          {" {\n\t\"code\" : 10 , \"flag\":1 } ", Frame{Code: 10, Flag: 1}},
		"scalar ext values":    {`{"extFields":{"a":1,"b":true,"c":null,"d":1.5}}`, Frame{Ext: Fields{{"a", "1"}, {"b", "true"}, {"d", "1.5"}}}},
		"unknown keys":         {`{"x":{"y":[1,{"z":"}"}],"w":[]},"code":7}`, Frame{Code: 7}},
		"empty object":         {`{}`, Frame{}},
		"escaped key":          {`{"\u0063ode":7}`, Frame{Code: 7}},
		"surrogates":           {`{"remark":"\ud83d\ude00 \ud83d"}`, Frame{Remark: "😀 \ufffd"}},
		"numbers of all kinds": {`{"code":9999.7,"opaque":"5.9","flag":1e0,"version":+0501}`, Frame{Code: 9999, Opaque: 5, Flag: 1}},
		"no numbers":           {`{"code":{"a":1},"opaque":true,"flag":false}`, Frame{Opaque: 1}},
		"single quotes":        {`{'code':7,'remark':'it\'s "quoted"'}`, Frame{Code: 7, Remark: `it's "quoted"`}},
		"escapes":              {`{"remark":"a\_b\.c\1\F\u00,1"}`, Frame{Remark: "a_b.c\x01\f\x01"}},
		"half a character":     {"{\"remark\":\"a\xc3b\"}", Frame{Remark: "a\xc3b"}},
		"comments":             {"{/* one */\"code\":7,// two\n\"flag\":1}", Frame{Code: 7, Flag: 1}},
		"commas":               {`{"code":7 "flag":1,"extFields":{"a":"b" "c":"d",},}`, Frame{Code: 7, Flag: 1, Ext: Fields{{"a", "b"}, {"c", "d"}}}},
		"language by number":   {`{"language":9}`, Frame{Language: protocol.LanguageGo}},
		"nested deep":          {`{"x":` + strings.Repeat("[", 1000) + strings.Repeat("]", 1000) + `}`, Frame{}},
		"language in any case": {`{"language":"go"}`, Frame{Language: protocol.LanguageGo}},
		"no ext values":        {`{"extFields":{"a":null}}`, Frame{EmptyExt: true}},
		"no ext fields":        {`{"extFields":{}}`, Frame{EmptyExt: true}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			var f Frame
			if err := f.Decode(frameOf(0, c.head, "")); err != nil {
				t.Fatal(err)
			}
			if f.Code != c.want.Code || f.Opaque != c.want.Opaque || f.Flag != c.want.Flag || f.Remark != c.want.Remark ||
				f.Language != c.want.Language || !slices.Equal(f.Ext, c.want.Ext) || f.EmptyExt != c.want.EmptyExt {
				t.Errorf("got %+v\nwant %+v", f, c.want)
			}
		})
	}
}

// A field without a value in a binary header is none, but not as if the header had no fields.
func TestDecodeEmptyBinaryExt(t *testing.T) {
	for _, ext := range []Fields{nil, {{"E_T", ""}}, {{"E_T", ""}, {"a", "b"}}} {
		b := AppendCommand(nil, &Command{Code: 5001, Serialize: SerializeRocketMQ, Ext: ext})
		var f Frame
		if err := f.Decode(b[4:]); err != nil {
			t.Fatal(err)
		}
		if want := len(ext) == 1; f.EmptyExt != want {
			t.Errorf("%v: EmptyExt is %v with %v", ext, f.EmptyExt, f.Ext)
		}
	}
}

// frameOf builds what follows the length word.
func frameOf(form byte, head, body string) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(form)<<24|uint32(len(head)))
	return append(append(b, head...), body...)
}

func TestDecodeRefusesBrokenFrames(t *testing.T) {
	cases := map[string][]byte{
		"nothing":                  {},
		"half a head word":         {0, 0},
		"header beyond the frame":  {0, 0, 0, 9, '{', '}'},
		"unknown form":             frameOf(9, "{}", ""),
		"array":                    frameOf(0, "[]", ""),
		"not JSON":                 frameOf(0, "hello", ""),
		"cut short":                frameOf(0, `{"code":1`, ""),
		"cut in a string":          frameOf(0, `{"remark":"abc`, ""),
		"cut in an escape":         frameOf(0, `{"remark":"\u00"}`, ""),
		"code no number":           frameOf(0, `{"code":"ten"}`, ""),
		"code too large":           frameOf(0, `{"code":99999999999}`, ""),
		"code beyond 64 bits":      frameOf(0, `{"code":1e30}`, ""),
		"code not a number":        frameOf(0, `{"code":"NaN"}`, ""),
		"two commas":               frameOf(0, `{"code":1,,"flag":0}`, ""),
		"key without quotes":       frameOf(0, `{code:1}`, ""),
		"no value":                 frameOf(0, `{"x":hello}`, ""),
		"no UTF-8":                 frameOf(0, "{\"remark\":\"\xff\"}", ""),
		"language no name":         frameOf(0, `{"language":{}}`, ""),
		"comment not closed":       frameOf(0, `{/* "code":1}`, ""),
		"nested too deep":          frameOf(0, `{"x":`+strings.Repeat("[", 3000)+strings.Repeat("]", 3000)+`}`, ""),
		"ext no object":            frameOf(0, `{"extFields":7}`, ""),
		"short binary header":      frameOf(1, "\x00\x0a\x00", ""),
		"binary remark too long":   frameOf(1, strings.Repeat("\x00", 13)+"\x00\x00\xff\xff", ""),
		"binary ext too long":      frameOf(1, strings.Repeat("\x00", 17)+"\x00\x00\x00\x09", ""),
		"binary key too long":      frameOf(1, strings.Repeat("\x00", 17)+"\x00\x00\x00\x03\x00\x09a", ""),
		"binary value out of room": frameOf(1, strings.Repeat("\x00", 17)+"\x00\x00\x00\x07\x00\x01a\x00\x00\x00\x09", ""),
	}
	for name, b := range cases {
		t.Run(name, func(t *testing.T) {
			var f Frame
			err := f.Decode(b)
			if _, ok := errors.AsType[*FrameError](err); !ok {
				t.Fatalf("error %v, want a FrameError", err)
			}
		})
	}
}

func TestLargeCodeIsWrittenInJSON(t *testing.T) {
	b := AppendCommand(nil, &Command{Code: int32(protocol.PopMessage), Serialize: SerializeRocketMQ})
	var f Frame
	if err := f.Decode(b[4:]); err != nil {
		t.Fatal(err)
	}
	if f.Serialize != SerializeJSON || f.Code != 200050 {
		t.Errorf("form %v, code %d", f.Serialize, f.Code)
	}
}

func TestDecodeHeaderReportsBadNumbers(t *testing.T) {
	var h protocol.PullMessageRequestHeader
	err := DecodeHeader(&h, Fields{{"topic", "T"}, {"queueId", "x1"}})
	fault, ok := errors.AsType[*protocol.FieldError](err)
	if !ok || fault.Key != "queueId" || fault.Value != "x1" {
		t.Fatalf("error %v", err)
	}
}

func TestDecodeHeaderNeeding(t *testing.T) {
	var h protocol.PullMessageRequestHeader
	fields := Fields{{"topic", "T"}, {"queueId", "7"}, {"sysFlag", "x1"}}
	if err := DecodeHeaderNeeding(&h, fields, "queueId"); err != nil || h.QueueID != 7 || h.Topic != "T" {
		t.Errorf("%v, %+v", err, h)
	}
	if err := DecodeHeaderNeeding(&h, fields, "sysFlag"); err == nil {
		t.Error("a number that is needed could not be read, and no error says so")
	}
}

func TestMissingNamesTheFirstRequiredField(t *testing.T) {
	var h protocol.PullMessageRequestHeader
	if err := DecodeHeader(&h, Fields{{"consumerGroup", "G"}, {"queueId", "0"}}); err != nil {
		t.Fatal(err)
	}
	if got := h.Missing(); got != "topic" {
		t.Errorf("missing %q", got)
	}
}

// TestFramesAllocateNothing holds the budget of the send path: reading a request
// and writing its answer allocates nothing.
func TestFramesAllocateNothing(t *testing.T) {
	for _, form := range []SerializeType{SerializeJSON, SerializeRocketMQ} {
		wire := AppendCommand(nil, &Command{Code: 310, Serialize: form, Header: sendHeader(), Body: make([]byte, 128)})
		in := make([]byte, len(wire)-4)
		var (
			f      Frame
			h      protocol.SendMessageRequestHeaderV2
			answer protocol.SendMessageResponseHeader
			out    []byte
		)
		allocs := testing.AllocsPerRun(100, func() {
			copy(in, wire[4:])
			if f.Decode(in) != nil || DecodeHeader(&h, f.Ext) != nil {
				t.Fatal("cannot decode")
			}
			answer.QueueID, answer.QueueOffset, answer.MsgID = h.QueueID, 12, "7F000001"
			out = AppendCommand(out[:0], &Command{Flag: 1, Opaque: f.Opaque, Serialize: f.Serialize, Header: &answer})
		})
		if allocs != 0 {
			t.Errorf("%v: %v allocations for a request", form, allocs)
		}
	}
}

func FuzzFrame(f *testing.F) {
	for _, form := range []SerializeType{SerializeJSON, SerializeRocketMQ} {
		f.Add(AppendCommand(nil, &Command{Code: 310, Serialize: form, Header: sendHeader(), Body: []byte("hello")})[4:])
	}
	f.Add(frameOf(0, `{"x":{"y":[1,{"z":"}"}]},"code":7,"remark":"\ud83d\ude00"}`, "b"))
	f.Fuzz(func(t *testing.T, b []byte) {
		var first, second Frame
		if first.Decode(bytes.Clone(b)) != nil {
			return
		}
		c := Command{
			Code: first.Code, Language: first.Language, Version: first.Version, Opaque: first.Opaque, Flag: first.Flag,
			Remark: first.Remark, Serialize: first.Serialize, Ext: first.Ext, Body: first.Body,
		}
		if err := second.Decode(AppendCommand(nil, &c)[4:]); err != nil {
			t.Fatalf("cannot read back what was written: %v", err)
		}
		if second.Code != first.Code || second.Opaque != first.Opaque || second.Flag != first.Flag ||
			second.Serialize != first.Serialize || !bytes.Equal(second.Body, first.Body) || len(second.Ext) != len(first.Ext) {
			t.Fatalf("first %+v\nsecond %+v", first, second)
		}
		if first.Serialize == SerializeJSON {
			for i := range first.Ext {
				if second.Ext[i].Value != validEach(first.Ext[i].Value) {
					t.Fatalf("field %q became %q", first.Ext[i].Value, second.Ext[i].Value)
				}
			}
			return
		}
		if !slices.Equal(first.Ext, second.Ext) || first.Remark != second.Remark {
			t.Fatalf("first %+v\nsecond %+v", first, second)
		}
	})
}

// validEach replaces each byte that is no UTF-8 by U+FFFD, as the JSON writer does.
func validEach(s string) string {
	var b strings.Builder
	for _, r := range s {
		b.WriteRune(r)
	}
	return b.String()
}

func BenchmarkSendFrame(b *testing.B) {
	for _, form := range []SerializeType{SerializeJSON, SerializeRocketMQ} {
		b.Run(form.String(), func(b *testing.B) {
			wire := AppendCommand(nil, &Command{Code: 310, Serialize: form, Header: sendHeader(), Body: make([]byte, 1024)})
			in := make([]byte, len(wire)-4)
			var f Frame
			var h protocol.SendMessageRequestHeaderV2
			b.ReportAllocs()
			b.SetBytes(int64(len(wire)))
			for b.Loop() {
				copy(in, wire[4:])
				if f.Decode(in) != nil || DecodeHeader(&h, f.Ext) != nil {
					b.Fatal("cannot decode")
				}
			}
		})
	}
}

// TestPlainMembers: ext fields mean the same however they are written.
func TestPlainMembers(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 4))
	letters := []string{"a", "Z", "7", "é", "\x01", "\x02", "\t", "\"", "\\", "'", ",", ":", "}", " ", "\x1f"}
	text := func() string {
		var b strings.Builder
		n := rng.IntN(6)
		if rng.IntN(4) == 0 {
			n = plainMost - 4 + rng.IntN(8)
		}
		for range n {
			b.WriteString(letters[min(rng.IntN(40), rng.IntN(len(letters)))])
		}
		return b.String()
	}
	for range 5000 {
		c := Command{Code: 10, Ext: Fields{}}
		for range rng.IntN(6) {
			c.Ext = append(c.Ext, Field{text(), text()})
		}
		compact := AppendCommand(nil, &c)[LengthSize+headWord:]
		var spaced []byte
		quoted := false
		for i := 0; i < len(compact); i++ {
			switch b := compact[i]; {
			case b == '\\':
				spaced, i = append(spaced, b), i+1
			case b == '"':
				quoted = !quoted
			case !quoted && bytes.IndexByte([]byte("{}:,"), b) >= 0:
				spaced = append(spaced, "\n /* */ "[:rng.IntN(2)*8]...)
			}
			spaced = append(spaced, compact[i])
		}
		var f, g Frame
		if err := f.decodeJSON(slices.Clone(compact)); err != nil {
			t.Fatalf("%q: %v", compact, err)
		}
		if err := g.decodeJSON(slices.Clone(spaced)); err != nil {
			t.Fatalf("%q: %v", spaced, err)
		}
		if !slices.Equal(f.Ext, c.Ext) || !slices.Equal(g.Ext, c.Ext) {
			t.Fatalf("%q\n is %q, with space %q, want %q", compact, f.Ext, g.Ext, c.Ext)
		}
	}
}
