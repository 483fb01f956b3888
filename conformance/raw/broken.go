package raw

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gantrymq/gantry/conformance"
	"github.com/gantrymq/gantry/conformance/wire"
	"github.com/gantrymq/gantry/protocol"
)

// broken is one row of wrong bytes.
type broken struct {
	name  string
	bytes []byte
}

// opaque of every request in the table.
const brokenOpaque = 4711

// frame puts lengths before a header and a body as the arguments say, true or not.
func frame(total, headerWord uint32, header, body string) []byte {
	b := binary.BigEndian.AppendUint32(nil, total)
	b = binary.BigEndian.AppendUint32(b, headerWord)
	return append(append(b, header...), body...)
}

// whole is a frame with right lengths around a header of the given serialisation.
func whole(serialize byte, header, body string) []byte {
	return frame(uint32(4+len(header)+len(body)), uint32(serialize)<<24|uint32(len(header)), header, body)
}

// jsonHeader is the header of a harmless request, with more members put in.
func jsonHeader(code int, more string) string {
	return fmt.Sprintf(`{"code":%d,"flag":0,"language":"JAVA","opaque":%d,"serializeTypeCurrentRPC":"JSON","version":513%s}`, code, brokenOpaque, more)
}

// binaryHeader is a header in the ROCKETMQ form with a field block given as bytes.
func binaryHeader(code uint16, remarkLength uint32, fields string) string {
	b := binary.BigEndian.AppendUint16(nil, code)
	b = append(b, 0)
	b = binary.BigEndian.AppendUint16(b, 513)
	b = binary.BigEndian.AppendUint32(b, brokenOpaque)
	b = binary.BigEndian.AppendUint32(b, 0)
	b = binary.BigEndian.AppendUint32(b, remarkLength)
	b = binary.BigEndian.AppendUint32(b, uint32(len(fields)))
	return string(append(b, fields...))
}

// harmless is a request code without fields that the server of each kind answers.
var harmless = map[string]protocol.RequestCode{
	"namesrv": protocol.GetBrokerClusterInfo,
	"broker":  protocol.GetSystemTopicListFromBroker,
}

// brokenFrames are the rows; what the official server did with each is recorded in testdata.
func brokenFrames(code int) []broken {
	ok := jsonHeader(code, "")
	// number is a whole frame in which something follows the number of a member.
	number := func(member string, n int, follows string) []byte {
		was := fmt.Sprintf(`"%s":%d`, member, n)
		return whole(0, strings.Replace(ok, was, was+follows, 1), "")
	}
	return []broken{
		{name: "length zero", bytes: frame(0, 0, "", "")[:4]},
		{name: "length below the header word", bytes: append(binary.BigEndian.AppendUint32(nil, 3), 0, 0, 0)},
		{name: "length negative", bytes: frame(0xFFFFFFFF, uint32(len(ok)), ok, "")},
		{name: "length of the smallest negative number", bytes: frame(0x80000000, uint32(len(ok)), ok, "")},
		{name: "length beyond the limit of 16 MiB", bytes: frame(16777217, uint32(len(ok)), ok, "")},
		{name: "length of text", bytes: []byte("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")},
		{name: "frame cut short", bytes: whole(0, ok, "")[:20]},
		{name: "header length beyond the frame", bytes: frame(uint32(4+len(ok)), uint32(len(ok)+100), ok, "")},
		{name: "header length at its largest", bytes: frame(uint32(4+len(ok)), 0x00FFFFFF, ok, "")},
		{name: "header length zero", bytes: frame(uint32(4+len(ok)), 0, ok, "")},
		{name: "unknown serialisation 2", bytes: whole(2, ok, "")},
		{name: "unknown serialisation 255", bytes: whole(255, ok, "")},
		{name: "header is no JSON", bytes: whole(0, "{no json", "")},
		{name: "header is an array", bytes: whole(0, "[1,2,3]", "")},
		{name: "header is a number", bytes: whole(0, "42", "")},
		{name: "header is null", bytes: whole(0, "null", "")},
		{name: "header is an empty object", bytes: whole(0, "{}", "")},
		{name: "header without code", bytes: whole(0, strings.Replace(ok, fmt.Sprintf(`"code":%d,`, code), "", 1), "")},
		{name: "code is text", bytes: whole(0, strings.Replace(ok, fmt.Sprintf(`"code":%d`, code), `"code":"abc"`, 1), "")},
		{name: "code is quoted number", bytes: whole(0, strings.Replace(ok, fmt.Sprintf(`"code":%d`, code), fmt.Sprintf(`"code":"%d"`, code), 1), "")},
		{name: "unknown language", bytes: whole(0, strings.Replace(ok, "JAVA", "KLINGON", 1), "")},
		{name: "version is text", bytes: whole(0, strings.Replace(ok, "513", `"abc"`, 1), "")},
		{name: "version negative", bytes: whole(0, strings.Replace(ok, "513", `-5`, 1), "")},
		{name: "version of the future", bytes: whole(0, strings.Replace(ok, "513", `99999`, 1), "")},
		{name: "extFields is an array", bytes: whole(0, jsonHeader(code, `,"extFields":[]`), "")},
		{name: "extFields is text", bytes: whole(0, jsonHeader(code, `,"extFields":"x"`), "")},
		{name: "extFields is null", bytes: whole(0, jsonHeader(code, `,"extFields":null`), "")},
		{name: "extFields with a number", bytes: whole(0, jsonHeader(code, `,"extFields":{"a":5}`), "")},
		{name: "extFields with an object", bytes: whole(0, jsonHeader(code, `,"extFields":{"a":{"b":1}}`), "")},
		{name: "unknown member", bytes: whole(0, jsonHeader(code, `,"colour":"green"`), "")},
		{name: "member twice", bytes: whole(0, jsonHeader(99999, fmt.Sprintf(`,"code":%d`, code)), "")},
		{name: "text after the header", bytes: whole(0, ok+"xyz", "")},
		{name: "body nobody asked for", bytes: whole(0, ok, "surplus")},
		{name: "response nobody asked for", bytes: whole(0, strings.Replace(ok, `"flag":0`, `"flag":1`, 1), "")},
		{name: "code with a fraction", bytes: number("code", code, ".7")},
		{name: "code with an exponent", bytes: number("code", code, "e0")},
		{name: "code with a leading zero", bytes: whole(0, strings.Replace(ok, `"code":`, `"code":0`, 1), "")},
		{name: "code with a plus sign", bytes: whole(0, strings.Replace(ok, `"code":`, `"code":+`, 1), "")},
		{name: "code as quoted fraction", bytes: whole(0, strings.Replace(ok, fmt.Sprintf(`"code":%d`, code), fmt.Sprintf(`"code":"%d.7"`, code), 1), "")},
		{name: "code as empty text", bytes: whole(0, strings.Replace(ok, fmt.Sprintf(`"code":%d`, code), `"code":""`, 1), "")},
		{name: "code is null", bytes: whole(0, strings.Replace(ok, fmt.Sprintf(`"code":%d`, code), `"code":null`, 1), "")},
		{name: "code is true", bytes: whole(0, strings.Replace(ok, fmt.Sprintf(`"code":%d`, code), `"code":true`, 1), "")},
		{name: "code is an object", bytes: whole(0, strings.Replace(ok, fmt.Sprintf(`"code":%d`, code), `"code":{}`, 1), "")},
		{name: "code negative", bytes: whole(0, strings.Replace(ok, fmt.Sprintf(`"code":%d`, code), `"code":-1`, 1), "")},
		{name: "code beyond 32 bits", bytes: whole(0, strings.Replace(ok, fmt.Sprintf(`"code":%d`, code), fmt.Sprintf(`"code":%d`, code+1<<32), 1), "")},
		{name: "code beyond 64 bits", bytes: number("code", code, "00000000000000000000")},
		{name: "opaque with a fraction", bytes: number("opaque", brokenOpaque, ".9")},
		{name: "flag with a fraction", bytes: number("flag", 0, ".9")},
		{name: "flag is null", bytes: whole(0, strings.Replace(ok, `"flag":0`, `"flag":null`, 1), "")},
		{name: "flag is false", bytes: whole(0, strings.Replace(ok, `"flag":0`, `"flag":false`, 1), "")},
		{name: "version with a fraction", bytes: number("version", 513, ".5")},
		{name: "version is null", bytes: whole(0, strings.Replace(ok, "513", "null", 1), "")},
		{name: "language is null", bytes: whole(0, strings.Replace(ok, `"JAVA"`, "null", 1), "")},
		{name: "language is a number", bytes: whole(0, strings.Replace(ok, `"JAVA"`, "9", 1), "")},
		{name: "language is an object", bytes: whole(0, strings.Replace(ok, `"JAVA"`, "{}", 1), "")},
		{name: "remark is a number", bytes: whole(0, jsonHeader(code, `,"remark":5`), "")},
		{name: "remark is an object", bytes: whole(0, jsonHeader(code, `,"remark":{"a":1}`), "")},
		{name: "unknown form named in the header", bytes: whole(0, strings.Replace(ok, `"JSON"`, `"MORSE"`, 1), "")},
		{name: "extFields with null", bytes: whole(0, jsonHeader(code, `,"extFields":{"a":null}`), "")},
		{name: "extFields with an array", bytes: whole(0, jsonHeader(code, `,"extFields":{"a":[1,2]}`), "")},
		{name: "extFields with true", bytes: whole(0, jsonHeader(code, `,"extFields":{"a":true}`), "")},
		{name: "extFields is a number", bytes: whole(0, jsonHeader(code, `,"extFields":7`), "")},
		{name: "key without quotes", bytes: whole(0, strings.Replace(ok, `"code"`, `code`, 1), "")},
		{name: "key in single quotes", bytes: whole(0, strings.Replace(ok, `"code"`, `'code'`, 1), "")},
		{name: "key is a number", bytes: whole(0, jsonHeader(code, `,5:6`), "")},
		{name: "text in single quotes", bytes: whole(0, strings.Replace(ok, `"JAVA"`, `'JAVA'`, 1), "")},
		{name: "comma at the end", bytes: whole(0, strings.Replace(ok, `513}`, `513,}`, 1), "")},
		{name: "two commas", bytes: whole(0, strings.Replace(ok, `,"flag"`, `,,"flag"`, 1), "")},
		{name: "comma missing", bytes: whole(0, strings.Replace(ok, `,"flag"`, ` "flag"`, 1), "")},
		{name: "colon missing", bytes: whole(0, strings.Replace(ok, `"flag":0`, `"flag" 0`, 1), "")},
		{name: "comment", bytes: whole(0, strings.Replace(ok, `,"flag"`, `,/* x */"flag"`, 1), "")},
		{name: "space around everything", bytes: whole(0, " "+strings.NewReplacer(",", " ,\t", ":", "\n:\r ").Replace(ok)+" ", "")},
		{name: "header not closed", bytes: whole(0, strings.TrimSuffix(ok, "}"), "")},
		{name: "text not closed", bytes: whole(0, strings.Replace(ok, `"JAVA"`, `"JAVA`, 1), "")},
		{name: "unknown escape", bytes: whole(0, jsonHeader(code, `,"remark":"\q"`), "")},
		{name: "escape cut short", bytes: whole(0, jsonHeader(code, `,"remark":"\u12"`), "")},
		{name: "line end within text", bytes: whole(0, jsonHeader(code, ",\"remark\":\"a\nb\""), "")},
		{name: "bytes that are no UTF-8", bytes: whole(0, jsonHeader(code, ",\"remark\":\"\xff\xfe\""), "")},
		{name: "unknown member nested deep", bytes: whole(0, jsonHeader(code, `,"deep":`+strings.Repeat("[", 500)+strings.Repeat("]", 500)), "")},
		{name: "unknown member that is no JSON", bytes: whole(0, jsonHeader(code, `,"x":hello`), "")},
		{name: "binary header", bytes: whole(1, binaryHeader(uint16(code), 0, ""), "")},
		{name: "binary header with a remark beyond its end", bytes: whole(1, binaryHeader(uint16(code), 1<<20, ""), "")},
		{name: "binary header with a negative remark length", bytes: whole(1, binaryHeader(uint16(code), 0xFFFFFFFF, ""), "")},
		{name: "binary header with a field beyond its end", bytes: whole(1, binaryHeader(uint16(code), 0, "\x00\x01a\x00\x00\xff\xffx"), "")},
		{name: "binary header with half a field", bytes: whole(1, binaryHeader(uint16(code), 0, "\x00\x01a"), "")},
		{name: "binary header with a negative key length", bytes: whole(1, binaryHeader(uint16(code), 0, "\xff\xffa\x00\x00\x00\x01x"), "")},
		{name: "binary header cut short", bytes: whole(1, binaryHeader(uint16(code), 0, "")[:15], "")},
		{name: "JSON under the binary mark", bytes: whole(1, ok, "")},
		{name: "binary header with a key and no value", bytes: whole(1, binaryHeader(uint16(code), 0, "\x00\x01a\x00\x00\x00\x00"), "")},
		{name: "binary header with an empty key", bytes: whole(1, binaryHeader(uint16(code), 0, "\x00\x00\x00\x00\x00\x01x"), "")},
		{name: "binary header with a negative value length", bytes: whole(1, binaryHeader(uint16(code), 0, "\x00\x01a\xff\xff\xff\xffx"), "")},
		{name: "binary header with a field twice", bytes: whole(1, binaryHeader(uint16(code), 0, "\x00\x01a\x00\x00\x00\x01x\x00\x01a\x00\x00\x00\x01y"), "")},
		{name: "binary header with bytes after its end", bytes: whole(1, binaryHeader(uint16(code), 0, "")+"surplus", "")},
		{name: "binary header with a body", bytes: whole(1, binaryHeader(uint16(code), 0, ""), "surplus")},
		{name: "binary header with an unknown code", bytes: whole(1, binaryHeader(0x7FFF, 0, ""), "")},
	}
}

// silence is how long a connection must stay open and quiet to count as silent.
const silence = 2 * time.Second

// brokenCase sends every row on a connection of its own, all at once, and then checks that
// others are still served. The outcomes are compared with the recorded ones, or recorded.
func brokenCase(where, recording, rewrite string) func(t *conformance.T) {
	return func(t *conformance.T) {
		address := t.Servers().NameServer().Address()
		if where == "broker" {
			address = t.Servers().Broker().Address()
		}
		code := int(harmless[where])
		bystander, err := wire.Dial(t.Context(), address)
		t.Check(err, "connect")
		t.Cleanup(bystander.Close)
		rows := brokenFrames(code)
		want := strings.Split(strings.TrimSpace(recording), "\n")
		got := make([]string, len(rows))
		var all sync.WaitGroup
		for i, row := range rows {
			// A busy server gets more time for an answer that is expected.
			patience := silence
			if rewrite == "" && i < len(want) && strings.Contains(want[i], ": answers ") {
				patience = t.Stretch(answerTime)
			}
			all.Go(func() { got[i] = row.name + ": " + outcome(t, address, code, row, patience) })
		}
		all.Wait()
		if r, err := bystander.Call(t.Context(), &wire.Frame{Code: int32(code)}); err != nil || r.Code != int32(protocol.ResponseSuccess) {
			t.Errorf("another connection is answered %v, %v", r, err)
		}
		if rewrite != "" && t.Official() {
			t.Check(os.WriteFile(rewrite, []byte(strings.Join(got, "\n")+"\n"), 0o644), "record")
			return
		}
		if !slices.Equal(want, got) {
			t.Errorf("%s", diff(want, got))
		}
	}
}

const (
	closes = "closes the connection"
	silent = "no answer"
)

// outcome tells what the server does with a row, and whether the connection serves a proper
// request afterwards.
func outcome(t *conformance.T, address string, code int, row broken, patience time.Duration) string {
	conn, err := wire.Dial(t.Context(), address)
	if err != nil {
		return err.Error()
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	r, err := conn.CallRaw(ctx, brokenOpaque, row.bytes)
	var did string
	switch {
	case errors.Is(err, wire.ErrClosed):
		return closes
	case errors.Is(err, wire.ErrSilent):
		did = silent
	case err != nil:
		return err.Error()
	default:
		did = "answers " + codeName(r.Code)
	}
	ctx, cancel = context.WithTimeout(t.Context(), t.Stretch(answerTime))
	defer cancel()
	switch _, err := conn.Call(ctx, &wire.Frame{Code: int32(code)}); {
	case errors.Is(err, wire.ErrClosed):
		// The official server notices some faults only when more bytes come. Closing at once
		// and closing then is the same to a client that waits for an answer.
		return closes
	case err != nil:
		return did + ", then: " + err.Error()
	}
	return did + ", then serves"
}
