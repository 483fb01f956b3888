package codec

import (
	"bytes"
	"encoding/binary"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/gantrymq/gantry/protocol"
)

// goldenDir holds frames that the official programs sent to each other; its README says how
// they were recorded.
const goldenDir = "testdata/golden"

// goldenFrame is one recorded frame with what its file's name tells of it.
type goldenFrame struct {
	file    string
	code    protocol.RequestCode // of the request, or of the one that is answered
	request bool
	bytes   []byte // length word included
}

func goldenFrames(t *testing.T) []goldenFrame {
	t.Helper()
	entries, err := os.ReadDir(goldenDir)
	if err != nil {
		t.Fatal(err)
	}
	var all []goldenFrame
	for _, e := range entries {
		suffix := filepath.Ext(e.Name())
		if e.Name() == "README.md" {
			continue
		}
		code, _, _ := strings.Cut(e.Name(), "_")
		n, err := strconv.Atoi(code)
		if err != nil || suffix != ".req" && suffix != ".resp" {
			t.Fatalf("%s is named as no golden frame is", e.Name())
		}
		b, err := os.ReadFile(filepath.Join(goldenDir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, goldenFrame{file: e.Name(), code: protocol.RequestCode(n), request: suffix == ".req", bytes: b})
	}
	if len(all) < 400 {
		t.Fatalf("%s has %d frames, some 490 were recorded", goldenDir, len(all))
	}
	return all
}

// TestGoldenFrames reads every recorded frame and writes it again: the bytes must be those of
// the official program, so both directions are shown at once.
func TestGoldenFrames(t *testing.T) {
	for _, g := range goldenFrames(t) {
		t.Run(g.file, func(t *testing.T) {
			f := decodeGolden(t, g)
			if f.IsResponse() == g.request || g.request && f.Code != int32(g.code) {
				t.Fatalf("read as %+v", f)
			}
			if f.Version == 0 || f.Language.String() == "" {
				t.Errorf("version %d, language %s", f.Version, f.Language)
			}
			again := AppendCommand(nil, &Command{
				Code: f.Code, Language: f.Language, Version: f.Version, Opaque: f.Opaque, Flag: f.Flag,
				Remark: f.Remark, Serialize: f.Serialize, Ext: f.Ext, Body: f.Body,
			})
			got, want := again[LengthSize:], withoutNothing(g.bytes[LengthSize:])
			if !bytes.Equal(got, want) {
				t.Errorf("written again\n%q\nrecorded\n%q", got, want)
			}
		})
	}
}

// TestGoldenHeaders reads the ext fields of every recorded frame into the header of its code and
// writes that in both forms: no field and no value may be lost on the way.
func TestGoldenHeaders(t *testing.T) {
	for _, g := range goldenFrames(t) {
		t.Run(g.file, func(t *testing.T) {
			f := decodeGolden(t, g)
			info, ok := g.code.Lookup()
			if !ok {
				t.Fatalf("%d is no request code of this release", g.code)
			}
			makeHeader := info.NewHeader
			if !g.request {
				makeHeader = info.NewAnswer
			}
			if makeHeader == nil || len(f.Ext) == 0 {
				return
			}
			h := makeHeader()
			if err := DecodeHeader(h, f.Ext); err != nil {
				t.Fatal(err)
			}
			want := fieldMap(f.Ext)
			maps.DeleteFunc(want, func(key, value string) bool { return besideHeader[key] || value == "" })
			for _, form := range []SerializeType{SerializeJSON, SerializeRocketMQ} {
				var again Frame
				b := AppendCommand(nil, &Command{Code: f.Code, Serialize: form, Header: h})
				if err := again.Decode(b[LengthSize:]); err != nil {
					t.Fatal(err)
				}
				got := fieldMap(again.Ext)
				// A header of 5.5.0 has fields that 4.9.8 did not send; they hold nothing. The short
				// form of a send names its broker as n, and here as bname too.
				maps.DeleteFunc(got, func(key, value string) bool {
					_, recorded := want[key]
					return !recorded && (value == "" || value == "false" || value == "0" || key == "bname" && value == want["n"])
				})
				if !maps.Equal(got, want) {
					t.Errorf("written again as %s: %v\nrecorded: %v", form, got, want)
				}
			}
		})
	}
}

// besideHeader are ext fields that belong to no header class: upstream's hooks put them in
// (StreamTypeRPCHook; the broker before it handles a message), or a client beside its header.
var besideHeader = map[string]bool{"ReqT": true, "MSG_REGION": true, "TRACE_ON": true, "_UNIQUE_KEY_QUERY": true}

// withoutNothing is what follows the length word of a frame, without the members of a JSON header
// that say nothing: fastjson writes an empty table and an empty remark, AppendCommand neither. Nor
// has the ROCKETMQ form a field without a value, which is read as none.
func withoutNothing(b []byte) []byte {
	word := binary.BigEndian.Uint32(b)
	head, body := b[headWord:headWord+int(word&0xFFFFFF)], b[headWord+int(word&0xFFFFFF):]
	if SerializeType(word>>24) == SerializeJSON {
		for _, nothing := range []string{`"extFields":{},`, `"remark":"",`} {
			head = bytes.Replace(head, []byte(nothing), nil, 1)
		}
	} else {
		head = withoutEmptyFields(head)
	}
	out := binary.BigEndian.AppendUint32(nil, word&0xFF000000|uint32(len(head)))
	return append(append(out, head...), body...)
}

func withoutEmptyFields(head []byte) []byte {
	remark := int(binary.BigEndian.Uint32(head[binaryFixed:]))
	at := binaryFixed + 4 + remark
	out := slices.Clone(head[:at+4])
	for ext := head[at+4:]; len(ext) > 0; {
		key := 2 + int(binary.BigEndian.Uint16(ext))
		value := int(binary.BigEndian.Uint32(ext[key:]))
		if value > 0 {
			out = append(out, ext[:key+4+value]...)
		}
		ext = ext[key+4+value:]
	}
	binary.BigEndian.PutUint32(out[at:], uint32(len(out)-at-4))
	return out
}

// decodeGolden decodes a copy, since decoding rewrites escapes in place.
func decodeGolden(t *testing.T, g goldenFrame) *Frame {
	t.Helper()
	if n := int(binary.BigEndian.Uint32(g.bytes)); n != len(g.bytes)-LengthSize {
		t.Fatalf("the length word says %d, %d bytes follow", n, len(g.bytes)-LengthSize)
	}
	var f Frame
	if err := f.Decode(bytes.Clone(g.bytes[LengthSize:])); err != nil {
		t.Fatal(err)
	}
	return &f
}

func fieldMap(fields Fields) map[string]string {
	m := map[string]string{}
	for _, f := range fields {
		m[f.Key] = f.Value
	}
	return m
}
