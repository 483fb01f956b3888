package wire

import (
	"bytes"
	"encoding/binary"
	"reflect"
	"strings"
	"testing"
)

func sample(serialize byte) *Frame {
	return &Frame{
		Code: 310, Language: "GO", Version: 513, Opaque: 7, Flag: 1, Remark: "why", HasRemark: true,
		Ext: map[string]string{"a": "1", "empty": "", "ü": "ö"}, Body: []byte("body"), Serialize: serialize,
	}
}

func TestFrameRoundTrip(t *testing.T) {
	for _, serialize := range []byte{SerializeJSON, SerializeRocketMQ} {
		want := sample(serialize)
		b, err := want.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if n := binary.BigEndian.Uint32(b); int(n) != len(b)-4 {
			t.Errorf("serialisation %d: the length word says %d of %d", serialize, n, len(b)-4)
		}
		got, err := Decode(b[4:])
		if err != nil {
			t.Fatal(err)
		}
		got.Header = nil
		if !reflect.DeepEqual(got, want) {
			t.Errorf("serialisation %d: %+v came back as %+v", serialize, want, got)
		}
	}
}

func TestEncodeRefuses(t *testing.T) {
	for name, f := range map[string]*Frame{
		"a code beyond 16 bits": {Code: 200050, Serialize: SerializeRocketMQ},
		"an unknown language":   {Language: "KLINGON", Serialize: SerializeRocketMQ},
	} {
		if _, err := f.Encode(); err == nil {
			t.Errorf("the binary header took %s", name)
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	whole, _ := sample(SerializeRocketMQ).Encode()
	text, _ := sample(SerializeJSON).Encode()
	for name, b := range map[string][]byte{
		"nothing":                 nil,
		"a header beyond the end": {0, 0, 0, 9, 1},
		"serialisation 2":         append([]byte{2}, whole[5:]...),
		"a binary header cut":     append(binary.BigEndian.AppendUint32(nil, 1<<24|30), whole[8:38]...),
		"JSON that is none":       append(binary.BigEndian.AppendUint32(nil, 3), "{x}"...),
		"a JSON header cut":       append(binary.BigEndian.AppendUint32(nil, 20), text[8:28]...),
	} {
		if f, err := Decode(b); err == nil {
			t.Errorf("%s was decoded as %v", name, f)
		}
	}
}

func TestReadFrameBoundsTheSize(t *testing.T) {
	_, err := ReadFrame(bytes.NewReader([]byte{0x7f, 0xff, 0xff, 0xff}))
	if err == nil || !strings.Contains(err.Error(), "announced") {
		t.Errorf("a frame of 2 GiB: %v", err)
	}
}

func FuzzDecode(f *testing.F) {
	for _, serialize := range []byte{SerializeJSON, SerializeRocketMQ} {
		b, err := sample(serialize).Encode()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b[4:])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		frame, err := Decode(b)
		if err != nil {
			return
		}
		// What was understood can be shown.
		if lines := (View{CodeName: func(int32) string { return "code" }}).Lines(frame); len(lines) == 0 {
			t.Error("a frame is shown as nothing")
		}
	})
}
