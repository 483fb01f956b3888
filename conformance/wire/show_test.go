package wire

import (
	"encoding/binary"
	"slices"
	"strings"
	"testing"
)

func TestJSONIsShownCanonically(t *testing.T) {
	for _, c := range []struct {
		name, in string
		masks    []string
		sort     bool
		want     string
	}{
		{"keys are ordered", `{"b":1,"a":{"d":2,"c":3}}`, nil, false, `body {"a":{"c":3,"d":2},"b":1}`},
		{"keys keep their form", `{2:"x",0:"y"}`, nil, false, `body {0:"y",2:"x"}`},
		{"quoted keys stay apart from bare ones", `{"0":"y"}`, nil, false, `body {"0":"y"}`},
		{"objects as keys", `{{"q":1,"p":2}:3}`, nil, false, `body {{"p":2,"q":1}:3}`},
		{"arrays keep their order", `[3,1,2]`, nil, false, `body [3,1,2]`},
		{"arrays are sorted when asked", `[3,1,2]`, nil, true, `body [1,2,3]`},
		{"masks reach into objects", `{"a":{"t":5,"u":6}}`, []string{"t"}, false, `body {"a":{"t":*,"u":6}}`},
		{"escapes stay", `{"a":"x\"}"}`, nil, false, `body {"a":"x\"}"}`},
		{"space is no difference", "{ \"a\" :\n[ 1 , 2 ] }", nil, false, `body {"a":[1,2]}`},
		{"no JSON is shown as text", `{"a":}`, nil, false, `body "{\"a\":}"`},
	} {
		v := View{Masks: map[string]bool{}, SortArrays: c.sort, CodeName: func(int32) string { return "ok" }}
		for _, m := range c.masks {
			v.Masks[m] = true
		}
		got := v.Lines(&Frame{Body: []byte(c.in)})
		if want := []string{"ok", c.want}; !slices.Equal(got, want) {
			t.Errorf("%s: %q", c.name, got)
		}
	}
}

func TestLongJSONIsBroken(t *testing.T) {
	long := `{"list":["` + strings.Repeat("x", 60) + `","` + strings.Repeat("y", 60) + `"]}`
	got := View{CodeName: func(int32) string { return "ok" }}.Lines(&Frame{Body: []byte(long)})
	if len(got) != 7 { // the code, and a line for each bracket and item
		t.Errorf("shown as %q", got)
	}
}

// record builds a stored message by hand.
func record(magic int32, topic, properties, body string) []byte {
	var b []byte
	i32 := func(v int32) { b = binary.BigEndian.AppendUint32(b, uint32(v)) }
	i64 := func(v int64) { b = binary.BigEndian.AppendUint64(b, uint64(v)) }
	i32(0)     // total size, set below
	i32(magic) // layout
	i32(42)    // CRC
	i32(3)     // queue id
	i32(5)     // flag
	i64(100)   // queue offset
	i64(1000)  // physical offset
	i32(0)     // system flag
	i64(111)   // born
	b = append(b, 10, 0, 0, 1)
	i32(1234)
	i64(222) // stored
	b = append(b, 10, 0, 0, 2)
	i32(10911)
	i32(2) // attempts
	i64(0) // prepared transaction
	i32(int32(len(body)))
	b = append(b, body...)
	if magic == magicV2 {
		b = binary.BigEndian.AppendUint16(b, uint16(len(topic)))
	} else {
		b = append(b, byte(len(topic)))
	}
	b = append(b, topic...)
	b = binary.BigEndian.AppendUint16(b, uint16(len(properties)))
	b = append(b, properties...)
	binary.BigEndian.PutUint32(b, uint32(len(b)))
	return b
}

func TestRecords(t *testing.T) {
	body := append(record(magicV1, "topic", "KEYS\x01k\x02TAGS\x01a\x02", "one"), record(magicV2, strings.Repeat("t", 300), "", "two")...)
	records, err := Records(body)
	if err != nil || len(records) != 2 {
		t.Fatalf("%d records, %v", len(records), err)
	}
	r := records[0]
	if r.Topic != "topic" || string(r.Body) != "one" || r.QueueOffset != 100 || r.PhysicalOffset != 1000 || r.BornHost.String() != "10.0.0.1:1234" || r.ReconsumeTimes != 2 {
		t.Errorf("the first record is %+v", r)
	}
	if p := r.PropertyMap(); p["KEYS"] != "k" || p["TAGS"] != "a" || len(p) != 2 {
		t.Errorf("its properties are %v", p)
	}
	if len(records[1].Topic) != 300 {
		t.Errorf("the second record has the topic %q", records[1].Topic)
	}
	for cut := 1; cut < len(body); cut++ {
		if got, err := Records(body[:cut]); err == nil && len(got) != 1 {
			t.Errorf("%d of %d bytes were read as %d records", cut, len(body), len(got))
		}
	}
}

func FuzzRecords(f *testing.F) {
	f.Add(record(magicV1, "topic", "a\x01b\x02", "body"))
	f.Add(record(magicV2, "topic", "", ""))
	f.Fuzz(func(t *testing.T, b []byte) {
		records, err := Records(b)
		size := 0
		for _, r := range records {
			size += int(r.TotalSize)
		}
		if err == nil && size != len(b) {
			t.Errorf("records of %d bytes were found in %d", size, len(b))
		}
	})
}

func FuzzJSON(f *testing.F) {
	f.Add([]byte(`{"a":[1,{2:"x"}],{"k":1}:null}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		n, err := parseJSON(b)
		if err != nil {
			return
		}
		n.canonical(nil, true)
		again, err := parseJSON([]byte(n.compact()))
		if err != nil {
			t.Fatalf("%q is shown as %q, which cannot be read: %v", b, n.compact(), err)
		}
		again.canonical(nil, true)
		if again.compact() != n.compact() {
			t.Errorf("%q is shown as %q, and that as %q", b, n.compact(), again.compact())
		}
	})
}
