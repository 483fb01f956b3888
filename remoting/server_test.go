package remoting

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/protocol"
)

// TestAnswersAsTheReference compares bytes with what 5.5.0 was seen to send.
func TestAnswersAsTheReference(t *testing.T) {
	const want = "\x00\x00\x00\x8f\x00\x00\x00\x8b" +
		`{"code":3,"flag":1,"language":"JAVA","opaque":5,"remark":" request type 9999 not supported","serializeTypeCurrentRPC":"JSON","version":513}`
	s := startServer(t, ServerOptions{}, echoTable(t))
	cases := map[string]codec.Command{
		"JSON":            {Code: 9999, Opaque: 5, Version: protocol.V5_5_0},
		"binary":          {Code: 9999, Opaque: 5, Version: protocol.V5_5_0, Serialize: codec.SerializeRocketMQ},
		"another version": {Code: 9999, Opaque: 5, Version: 317, Language: protocol.LanguageGo},
		"flags of no use": {Code: 9999, Opaque: 5, Flag: 0x7ffffffc},
	}
	for name, cmd := range cases {
		t.Run(name, func(t *testing.T) {
			w := dial(t, s.addr)
			w.send(encode(cmd))
			got := make([]byte, len(want))
			if _, err := io.ReadFull(w, got); err != nil || string(got) != want {
				t.Errorf("got %q, %v\nwant %q", got, err, want)
			}
		})
	}
}

// TestFirstBytes holds what 5.5.0 was seen to do with bytes that are no request.
func TestFirstBytes(t *testing.T) {
	length := func(n uint32, rest string) string {
		return string(binary.BigEndian.AppendUint32(nil, n)) + rest
	}
	json := func(head string) string {
		return length(uint32(4+len(head)), length(uint32(len(head)), head))
	}
	ping := string(encode(request(codeEcho, 1, "ping")))
	cases := map[string]struct {
		bytes  string
		closed bool // or else it answers the ping that follows
	}{
		"nothing before":            {"", false},
		"no length":                 {length(0, ""), true},
		"length 1":                  {length(1, "a"), true},
		"length 3":                  {length(3, "abc"), true},
		"empty JSON header":         {length(4, "\x00\x00\x00\x00"), true},
		"empty binary header":       {length(4, "\x01\x00\x00\x00"), true},
		"negative length":           {length(0xffffffff, ""), true},
		"absurd length":             {length(0x7fffffff, ""), true},
		"one byte over the limit":   {length(16<<20-3, ""), true},
		"header beyond the frame":   {length(10, "\x00\x00\x00\x64abcdef"), true},
		"unknown form 2":            {length(6, "\x02\x00\x00\x02{}"), true},
		"unknown form 255":          {length(6, "\xff\x00\x00\x02{}"), true},
		"JSON array":                {json("[]"), true},
		"JSON string":               {json(`"abc"`), true},
		"JSON number":               {json("12"), true},
		"no JSON":                   {json("garbage!"), true},
		"JSON cut short":            {json(`{"code":9999,"opaque":12`), true},
		"code no number":            {json(`{"code":"abc","opaque":12}`), true},
		"code too large":            {json(`{"code":99999999999,"opaque":12}`), true},
		"HTTP":                      {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", true},
		"almost PROXY":              {"PROXZ" + strings.Repeat("x", 100), true},
		"answer to nothing":         {json(`{"code":0,"flag":1,"opaque":77}`), false},
		"one-way of unknown code":   {json(`{"code":9999,"flag":2}`), false},
		"PROXY v1":                  {"PROXY TCP4 10.1.2.3 10.4.5.6 1111 2222\r\n", false},
		"PROXY v1 unknown":          {"PROXY UNKNOWN\r\n", false},
		"PROXY v1 of bad family":    {"PROXY TCP9 a b c d\r\n", true},
		"PROXY v1 without end":      {"PROXY TCP4 " + strings.Repeat("1", 100), true},
		"PROXY v2 local":            {proxyV2Sig + "\x20\x00\x00\x00", false},
		"PROXY v2 of bad command":   {proxyV2Sig + "\x2f\x11\x00\x0c" + strings.Repeat("\x00", 12), true},
		"PROXY v2 of bad version":   {proxyV2Sig + "\x31\x11\x00\x0c" + strings.Repeat("\x00", 12), true},
		"PROXY v2, addresses short": {proxyV2Sig + "\x21\x11\x00\x04abcd", true},
	}
	s := startServer(t, ServerOptions{}, echoTable(t))
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			w := dial(t, s.addr)
			w.Write([]byte(c.bytes + ping))
			f, err := w.tryFrame()
			if c.closed && err == nil {
				t.Errorf("answered %+v, want it closed", f)
			}
			if !c.closed && (err != nil || string(f.Body) != "ping") {
				t.Errorf("got %+v, %v, want an answer", f, err)
			}
		})
	}
	// Nobody else noticed.
	w := dial(t, s.addr)
	w.send([]byte(ping))
	if got := string(w.frame().Body); got != "ping" {
		t.Errorf("got %q", got)
	}
}

// TestLargestFrame: a frame of exactly the limit is served.
func TestLargestFrame(t *testing.T) {
	s := startServer(t, ServerOptions{}, table(t, Route{Code: codeEcho, Handle: func(r *Request) error {
		r.Reply(protocol.ResponseSuccess, fmt.Sprint(len(r.Body)), nil, nil)
		return nil
	}}))
	cmd := request(codeEcho, 1, "")
	cmd.Body = make([]byte, codec.MaxFrameSize-len(encode(cmd)))
	w := dial(t, s.addr)
	w.send(encode(cmd))
	if got, want := w.frame().Remark, fmt.Sprint(len(cmd.Body)); got != want {
		t.Errorf("body of %s bytes arrived, want %s", got, want)
	}
}

func TestFramesInPieces(t *testing.T) {
	s := startServer(t, ServerOptions{}, echoTable(t))
	w := dial(t, s.addr)
	var all []byte
	for i := range 5 {
		all = append(all, encode(request(codeEcho, int32(i), strings.Repeat("x", i*3000)))...)
	}
	for len(all) > 0 {
		n := min(len(all), 1+len(all)%977)
		w.send(all[:n])
		all = all[n:]
	}
	for i := range 5 {
		if f := w.frame(); f.Opaque != int32(i) || len(f.Body) != i*3000 {
			t.Errorf("answer %d has opaque %d and %d bytes", i, f.Opaque, len(f.Body))
		}
	}
}

func TestHandlerOutcomes(t *testing.T) {
	panics := make(chan Panic, 1)
	var outcomes []Outcome
	closed := make(chan error, 1)
	o := ServerOptions{
		OnPanic:   func(p Panic) { panics <- p },
		OnOutcome: func(o Outcome) { outcomes = append(outcomes, o) },
		OnClose:   func(_ Session, reason error) { closed <- reason },
	}
	routes := map[protocol.RequestCode]Handler{
		1: func(r *Request) error { return &RemoteError{protocol.ResponseTopicNotExist, "no topic"} },
		2: func(r *Request) error {
			return fmt.Errorf("wrapped: %w", Errorf(protocol.ResponseNoPermission, "not %d", 7))
		},
		3: func(r *Request) error { return errors.New("it broke") },
		4: func(r *Request) error { return nil },
		5: func(r *Request) error { panic("boom") },
		6: func(r *Request) error {
			r.Reply(protocol.ResponseSuccess, "first", nil, nil)
			r.Reply(protocol.ResponseSuccess, "second", nil, nil)
			return errors.New("third")
		},
		7: func(r *Request) error {
			r.ReplyExt(protocol.ResponseSuccess, "", nil, codec.Fields{{Key: "a", Value: "b"}}, nil)
			return nil
		},
		8: func(r *Request) error {
			var h protocol.PullMessageRequestHeader
			return r.Decode(&h)
		},
	}
	var list []Route
	for code, h := range routes {
		list = append(list, Route{Code: code, Handle: h})
	}
	s := startServer(t, o, table(t, list...))
	w := dial(t, s.addr)
	cases := []struct {
		code   protocol.ResponseCode
		remark string
	}{
		1: {protocol.ResponseTopicNotExist, "no topic"},
		2: {protocol.ResponseNoPermission, "not 7"},
		3: {protocol.ResponseSystemError, "it broke"},
		4: {protocol.ResponseSystemError, "not set any response code"},
		5: {protocol.ResponseSystemError, "the server failed while it served 5"},
		6: {protocol.ResponseSuccess, "first"},
		7: {protocol.ResponseSuccess, ""},
		8: {protocol.ResponseSystemError, (&protocol.FieldError{Key: "queueId", Value: "abc", Type: "int32"}).Error()},
	}
	for code, c := range cases[1:] {
		cmd := request(protocol.RequestCode(code+1), int32(code), "")
		cmd.Ext = codec.Fields{{Key: "queueId", Value: "abc"}}
		w.send(encode(cmd))
		f := w.frame()
		if f.Code != int32(c.code) || f.Remark != c.remark || f.Opaque != int32(code) || f.Flag != protocol.FlagResponse {
			t.Errorf("request %d: answer %d %q, opaque %d, flag %d; want %d %q", code+1, f.Code, f.Remark, f.Opaque, f.Flag, c.code, c.remark)
		}
		if v, _ := f.Ext.Get("a"); code+1 == 7 && v != "b" {
			t.Errorf("ext fields %v", f.Ext)
		}
	}
	if p := event(t, panics); p.Value != "boom" || p.Request != 5 || !bytes.Contains(p.Stack, []byte("TestHandlerOutcomes")) {
		t.Errorf("panic %v of %v", p.Value, p.Request)
	}
	w.Close()
	if reason := event(t, closed); !errors.Is(reason, io.EOF) {
		t.Errorf("closed because %v", reason)
	}
	for i, o := range outcomes {
		if o.Request != protocol.RequestCode(i+1) || o.Response != cases[i+1].code {
			t.Errorf("outcome %d: %+v", i, o)
		}
	}
	if len(outcomes) != len(cases)-1 {
		t.Errorf("%d outcomes", len(outcomes))
	}
}

// TestHeaderThatPanics: a header that cannot be encoded costs its request, not the
// connection.
func TestHeaderThatPanics(t *testing.T) {
	panics := make(chan Panic, 2)
	var bad *protocol.SendMessageResponseHeader // a typed nil
	s := startServer(t, ServerOptions{OnPanic: func(p Panic) { panics <- p }}, table(t,
		Route{Code: codeEcho, Handle: echo},
		Route{Code: 1, Handle: func(r *Request) error { r.Reply(0, "", bad, nil); return nil }},
		Route{Code: 2, Handle: func(r *Request) error { r.Detach().Reply(0, "", bad, nil); return nil }},
	))
	w := dial(t, s.addr)
	for code := range protocol.RequestCode(2) {
		w.send(encode(request(code+1, 7, ""), request(codeEcho, 8, "fine")))
		event(t, panics)
		for range 2 {
			switch f := w.frame(); {
			case f.Opaque == 7 && f.Code == int32(protocol.ResponseSystemError) && strings.HasPrefix(f.Remark, "the command cannot be encoded: "):
			case f.Opaque == 8 && string(f.Body) == "fine":
			default:
				t.Errorf("code %d: %+v", code+1, f)
			}
		}
	}
	for session := range s.Sessions {
		if err := session.Push(&codec.Command{Header: bad}); err == nil || !strings.Contains(err.Error(), "cannot be encoded") {
			t.Errorf("Push: %v", err)
		}
	}
}

// TestHalfClosed: what was asked before the peer closed its side is answered.
func TestHalfClosed(t *testing.T) {
	s := startServer(t, ServerOptions{}, echoTable(t))
	w := dial(t, s.addr)
	w.send(encode(request(codeEcho, 1, "a"), request(codeEcho, 2, "b")))
	w.Conn.(*net.TCPConn).CloseWrite()
	if a, b := w.frame(), w.frame(); string(a.Body)+string(b.Body) != "ab" {
		t.Errorf("got %q %q", a.Body, b.Body)
	}
	if !w.closed() {
		t.Error("the server keeps a half-closed connection")
	}
}

func TestOneway(t *testing.T) {
	served := make(chan string, 4)
	s := startServer(t, ServerOptions{}, table(t,
		Route{Code: codeEcho, Handle: echo},
		Route{Code: 1, Handle: func(r *Request) error { served <- string(r.Body); r.Reply(0, "x", nil, nil); return nil }},
		Route{Code: 2, Handle: func(r *Request) error { served <- string(r.Body); return errors.New("x") }},
		Route{Code: 3, Handle: func(r *Request) error { served <- string(r.Body); r.Detach().Reply(0, "x", nil, nil); return nil }},
		Route{Code: 4, Handle: func(r *Request) error { served <- string(r.Body); return nil }},
	))
	w := dial(t, s.addr)
	for code := range protocol.RequestCode(4) {
		cmd := request(code+1, int32(code), fmt.Sprint(code))
		cmd.Flag = protocol.FlagOneway
		w.send(encode(cmd))
		if got := event(t, served); got != fmt.Sprint(code) {
			t.Errorf("served %q", got)
		}
	}
	w.send(encode(request(codeEcho, 50, "")))
	if f := w.frame(); f.Opaque != 50 {
		t.Errorf("a one-way request was answered: %+v", f)
	}
	if n := s.InFlight(); n != 0 {
		t.Errorf("%d in flight", n)
	}
}

func TestConnectionLimit(t *testing.T) {
	refused := make(chan error, 8)
	o := ServerOptions{MaxConns: 1, OnRefused: func(_ net.Addr, reason error) { refused <- reason }}
	s := startServer(t, o, echoTable(t))
	first := dial(t, s.addr)
	first.send(encode(request(codeEcho, 1, "a")))
	first.frame()
	if second := dial(t, s.addr); !second.closed() {
		t.Error("the second connection stays")
	}
	if reason := event(t, refused); !errors.Is(reason, ErrTooManyConns) {
		t.Errorf("refused because %v", reason)
	}
	first.send(encode(request(codeEcho, 2, "b")))
	if string(first.frame().Body) != "b" {
		t.Error("the first connection suffered")
	}
}

func TestTwoPorts(t *testing.T) {
	s := NewServer(ServerOptions{}, echoTable(t))
	defer s.Close()
	if _, err := s.Listen("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	addr, err := s.ListenTable("127.0.0.1:0", table(t))
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Listen(addr.String())
	if want := "cannot listen on " + addr.String() + ": bind: address already in use"; err == nil || err.Error() != want {
		t.Errorf("error %v, want %v", err, want)
	}
}
