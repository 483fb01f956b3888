package wiretap

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"io"
	"net"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// frame builds a JSON frame.
func frame(t *testing.T, code int, opaque, flag int32, body string) []byte {
	t.Helper()
	header, err := json.Marshal(map[string]any{"code": code, "opaque": opaque, "flag": flag, "version": 513})
	if err != nil {
		t.Fatal(err)
	}
	b := binary.BigEndian.AppendUint32(nil, uint32(4+len(header)+len(body)))
	b = binary.BigEndian.AppendUint32(b, uint32(len(header)))
	return append(append(b, header...), body...)
}

// tapped returns both ends of a connection through a tap, and what the tap reports.
func tapped(t *testing.T) (client, server net.Conn, seen <-chan Exchange) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	reports := make(chan Exchange, 8)
	tap, err := Listen("127.0.0.1:0", ln.Addr().String(), func(e Exchange) { reports <- e })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := tap.Close(); err != nil {
			t.Error(err)
		}
	})
	if client, err = net.Dial("tcp", tap.Addr()); err != nil {
		t.Fatal(err)
	}
	if server, err = ln.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close(); server.Close() })
	return client, server, reports
}

// pass writes on one end and wants the same bytes on the other.
func pass(t *testing.T, from, to net.Conn, b []byte) {
	t.Helper()
	if _, err := from.Write(b); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, len(b))
	if _, err := io.ReadFull(to, got); err != nil || !bytes.Equal(got, b) {
		t.Fatalf("passed on %q (%v), want %q", got, err, b)
	}
}

func TestTapPairsRepliesInBothDirections(t *testing.T) {
	client, server, seen := tapped(t)
	pass(t, client, server, frame(t, 105, 7, 0, ""))
	pass(t, server, client, frame(t, 39, 7, 0, "pushed")) // the server numbers its own requests
	pass(t, client, server, frame(t, 0, 7, flagResponse, "reply of the client"))
	pass(t, server, client, frame(t, 0, 7, flagResponse, "route"))
	pushed, asked := <-seen, <-seen
	if pushed.Head.Code != 39 || !pushed.ByServer || !bytes.HasSuffix(pushed.Reply, []byte("reply of the client")) {
		t.Errorf("the pushed request was paired as %+v", pushed)
	}
	if asked.Head.Code != 105 || asked.ByServer || !bytes.HasSuffix(asked.Reply, []byte("route")) {
		t.Errorf("the request was paired as %+v", asked)
	}
}

func TestTapReportsWhatHasNoReply(t *testing.T) {
	client, server, seen := tapped(t)
	pass(t, client, server, frame(t, 310, 1, flagOneway, ""))
	if e := <-seen; e.Head.Code != 310 || e.Reply != nil {
		t.Errorf("the one-way request came as %+v", e)
	}
	pass(t, client, server, frame(t, 11, 2, 0, ""))
	client.Close()
	if e := <-seen; e.Head.Code != 11 || e.Reply != nil {
		t.Errorf("the unanswered request came as %+v", e)
	}
}

func TestTapPassesOnWhatIsNoFrame(t *testing.T) {
	client, server, seen := tapped(t)
	pass(t, client, server, []byte{0x16, 0x03, 0x01, 0xff, 0xff}) // a TLS hello
	pass(t, client, server, []byte("more of it"))
	select {
	case e := <-seen:
		t.Errorf("reported %+v", e)
	default:
	}
}

func TestParseHead(t *testing.T) {
	h, err := ParseHead(frame(t, 310, 5, flagOneway, "x"))
	if err != nil || h != (Head{Code: 310, Version: 513, Opaque: 5, Flag: flagOneway}) {
		t.Errorf("a JSON head is %+v, %v", h, err)
	}
	binaryHeader := []byte{0x01, 0x36, 0, 0x02, 0x01, 0, 0, 0, 9, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0}
	b := binary.BigEndian.AppendUint32(nil, uint32(4+len(binaryHeader)))
	b = binary.BigEndian.AppendUint32(b, 1<<24|uint32(len(binaryHeader)))
	h, err = ParseHead(append(b, binaryHeader...))
	if err != nil || h != (Head{Code: 310, Version: 513, Opaque: 9, Flag: flagResponse, Binary: true}) {
		t.Errorf("a binary head is %+v, %v", h, err)
	}
	for name, bad := range map[string][]byte{
		"short": {0, 0, 0, 1}, "header beyond the frame": {0, 0, 0, 4, 0, 0, 0, 9}, "no JSON": {0, 0, 0, 5, 0, 0, 0, 1, 'x'},
		"binary header too short": {0, 0, 0, 5, 1, 0, 0, 1, 'x'},
	} {
		if _, err := ParseHead(bad); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
