package compat

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestToStrict(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		// standard
		{`{"a":[1,-2.5e+3,true,null,"x"]}`, `{"a":[1,-2.5e+3,true,null,"x"]}`},
		{" { } ", `{}`}, {"[ ]", `[]`}, {`""`, `""`},
		{`"\ud83d\u0041\/é"`, `"\ud83d\u0041\/é"`},
		// keys
		{`{a:1,_b:2,$c:3,中:4}`, `{"a":1,"_b":2,"$c":3,"中":4}`},
		{`{0:"x",-1:"y",1.5:2}`, `{"0":"x","-1":"y","1.5":2}`},
		{`{null:1,true:2}`, `{"null":1,"true":2}`},
		{`{'a':'b','':'it\'s'}`, `{"a":"b","":"it's"}`},
		{`{{"b":"x","q":1}:{"o":2}}`, `{"{\"b\":\"x\",\"q\":1}":{"o":2}}`},
		{`{{b:'x'}:5,[1]:2}`, `{"{\"b\":\"x\"}":5,"[1]":2}`},
		// commas
		{`{"a":1,}`, `{"a":1}`}, {`[1,2,]`, `[1,2]`}, {`{a:1,,b:2}`, `{"a":1,"b":2}`}, {`{,}`, `{}`}, {`[,1]`, `[1]`},
		// literals and numbers
		{`[NaN,Infinity,undefined]`, `[null,null,null]`},
		{`[+1,.5,5.,01,1L,1.5F,1B,1D,-0,1.e5,1E400]`, `[1,0.5,5,1,1,1.5,1,1,-0,1e5,1E400]`},
		{`12345678901234567890123`, `12345678901234567890123`},
		// comments and white space
		{"// c\n{a:1//d\n}", `{"a":1}`}, {"/* c */{a:/**/1}", `{"a":1}`}, {"{\"a\":\f\b1}\x00", `{"a":1}`}, {"\ufeff[]", `[]`},
		// strings
		{`"\x41\v\0\'"`, `"A\u000b\u0000'"`}, {"\"x\ny\"", `"x\ny"`}, {`'\ud83d\ude00'`, `"😀"`}, {`'\ud83d!'`, `"` + "\ufffd" + `!"`},
		{"\"\xff\"", `"` + "\ufffd" + `"`}, {`'a"b'`, `"a\"b"`},
		// references
		{`{"a":{"b":1},"c":{"$ref":"$.a"}}`, `{"a":{"b":1},"c":{"b":1}}`},
		{`{"a":[{"x":1},{"$ref":"$.a[0]"}]}`, `{"a":[{"x":1},{"x":1}]}`},
		{`{c:{$ref:"$.a.b"},a:{b:[2,3]}}`, `{"c":[2,3],"a":{"b":[2,3]}}`},
		{`{"a":{"$ref":"$.b"},"b":{"$ref":"$.c"},"c":7}`, `{"a":7,"b":7,"c":7}`},
		{`{"a":{"$ref":"$['x.y']"},"x.y":1}`, `{"a":1,"x.y":1}`},
		{`{"a":{"$ref":"$"},"b":{"$ref":".."},"c":{"$ref":"$.x"},"d":{"$ref":"$[0]"}}`, `{"a":null,"b":null,"c":null,"d":null}`},
		{`{"a":{"$ref":"x","b":1},"c":{"$ref":5}}`, `{"a":{"$ref":"x","b":1},"c":{"$ref":5}}`},
	} {
		got, err := ToStrict([]byte("kept "), []byte(tt.in))
		if err != nil || string(got) != "kept "+tt.want {
			t.Errorf("ToStrict(%q) = %q, %v; want %q", tt.in, got, err, tt.want)
		}
	}
}

func TestToStrictRefuses(t *testing.T) {
	for _, in := range []string{
		"", " ", "{", `{"a"`, `{"a":`, `{"a":1`, "[1", `"abc`, `"\`, `"\u00`, `"\uzzzz"`, `"\q"`, "{'it''s':1}", "#c\n{}", "/*",
		`{"a":1}x`, `{"a":1} {}`, `{"a":1 "b":2}`, `{"a" 1}`, `[1 2]`, `{"a":1;}`, `{a b:1}`, `{a-b:1}`, `{1a:2}`, `{:1}`, `{"a":}`, `{"a":,}`,
		`abc`, `TRUE`, `-`, `--1`, `1e`, `0x1F`, `.`, `-Infinity`, `]`, `{]`,
		`{{{"a":1}:2}:3}`,
		`{"a":{"$ref":"$.b"},"b":{"$ref":"$.a"}}`,
		strings.Repeat("[", 600), strings.Repeat(`{"a":`, 600),
	} {
		got, err := ToStrict([]byte("kept"), []byte(in))
		if err == nil || string(got) != "kept" {
			t.Errorf("ToStrict(%.40q) = %.60q, %v; want an error and dst unchanged", in, got, err)
		}
	}
}

// References may multiply what they point to only within bounds.
func TestToStrictBoundsReferences(t *testing.T) {
	var b strings.Builder
	b.WriteString(`{"a0":[1,1,1,1,1,1,1,1,1,1]`)
	for i := range 12 {
		ref := `{"$ref":"$.a` + string(rune('0'+i%10)) + `"}`
		b.WriteString(`,"a` + string(rune('1'+i)) + `":[` + strings.Repeat(ref+",", 30) + `0]`)
	}
	b.WriteString("}")
	if out, err := ToStrict(nil, []byte(b.String())); err == nil {
		t.Errorf("%d bytes grew to %d", b.Len(), len(out))
	}
	many := "[" + strings.Repeat(`{"$ref":"$[9999999]"},`, 5000) + "1]"
	if _, err := ToStrict(nil, []byte(many)); err == nil {
		t.Error("5000 references that each walk the whole text were followed")
	}
}

func FuzzToStrict(f *testing.F) {
	for _, g := range readBodies(f) {
		f.Add([]byte(g.text))
	}
	for _, s := range []string{`{a:1,0:[.5,+1L,NaN,],}`, `{{"a":1}:'x'}`, `{"a":{"$ref":"$.b[0]"},"b":[1]}`, `"\x41\ud83d"`, "[//c\n1]"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		before := bytes.Clone(src)
		out, err := ToStrict(nil, src)
		if !bytes.Equal(before, src) {
			t.Fatal("ToStrict changed its source")
		}
		if err != nil {
			return
		}
		if !json.Valid(out) || !utf8.Valid(out) {
			t.Fatalf("ToStrict(%q) = %q, which is no JSON", src, out)
		}
		if len(out) > 64+maxStrictGrowth*2*len(src) {
			t.Fatalf("%d bytes grew to %d", len(src), len(out))
		}
		again, err := ToStrict(nil, out)
		if err != nil || !bytes.Equal(again, out) && !bytes.Contains(out, []byte("$ref")) {
			t.Fatalf("ToStrict(%q) = %q, again %q, %v", src, out, again, err)
		}
		if json.Valid(src) && utf8.Valid(src) && !bytes.Contains(src, []byte("$ref")) {
			var compact bytes.Buffer
			if err := json.Compact(&compact, src); err != nil || !bytes.Equal(compact.Bytes(), out) {
				t.Fatalf("standard text %q became %q", src, out)
			}
		}
	})
}
