package admin

import (
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/protocol"
	"github.com/gantrymq/gantry/remoting"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// server answers requests by code; whatever has no handler is not supported.
func server(t *testing.T, handlers map[protocol.RequestCode]remoting.Handler) string {
	t.Helper()
	var routes []remoting.Route
	for code, h := range handlers {
		routes = append(routes, remoting.Route{Code: code, Handle: h})
	}
	table, err := remoting.NewTable(routes...)
	if err != nil {
		t.Fatal(err)
	}
	s := remoting.NewServer(remoting.ServerOptions{}, table)
	addr, err := s.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { _ = s.Run(ctx) })
	t.Cleanup(func() { cancel(); wg.Wait() })
	return addr.String()
}

func newClient(t *testing.T, servers ...string) *Client {
	c := New(Options{NameServers: servers})
	t.Cleanup(func() { c.Close() })
	return c
}

func body(text string) remoting.Handler {
	return func(r *remoting.Request) error {
		r.Reply(protocol.ResponseSuccess, "", nil, []byte(text))
		return nil
	}
}

// closedAddr is an address that nobody listens at.
func closedAddr(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

const looseRoute = `{"brokerDatas":[{"brokerAddrs":{1:"b:2",0:"b:1"},"brokerName":"b","cluster":"c"},{"brokerAddrs":{1:"a:2"},"brokerName":"a","cluster":"c"}],` +
	`"queueDatas":[{"brokerName":"b","perm":6,"readQueueNums":2,"writeQueueNums":1},{"brokerName":"a","perm":4,"readQueueNums":1,"writeQueueNums":1}]}`

func TestRoute(t *testing.T) {
	t.Parallel()
	ns := server(t, map[protocol.RequestCode]remoting.Handler{protocol.GetRouteinfoByTopic: func(r *remoting.Request) error {
		var h protocol.GetRouteInfoRequestHeader
		if err := r.Decode(&h); err != nil {
			return err
		}
		if h.Topic != "T" {
			return remoting.Errorf(protocol.ResponseTopicNotExist, "no route of %s", h.Topic)
		}
		return body(looseRoute)(r)
	}})
	c := newClient(t, closedAddr(t), ns) // the second name server answers when the first is down
	route, err := c.Route(t.Context(), "T")
	if err != nil {
		t.Fatal(err)
	}
	if route.BrokerDatas[0].BrokerName != "a" || Addr(route.BrokerDatas[1]) != "b:1" || Addr(route.BrokerDatas[0]) != "a:2" {
		t.Errorf("the route is %+v", route)
	}
	if got := ReadQueues(route, "T"); len(got) != 3 || got[0].BrokerName != "a" || got[2].QueueID != 1 {
		t.Errorf("queues to read are %v", got)
	}
	if got := WriteQueues(route, "T"); len(got) != 1 || got[0].BrokerName != "b" {
		t.Errorf("queues to write are %v", got)
	}
	_, err = c.Route(t.Context(), "U")
	if !HasCode(err, protocol.ResponseTopicNotExist) || !strings.Contains(err.Error(), "no route of U") {
		t.Errorf("the missing route gave %v", err)
	}
	if route, err = c.FirstRoute(t.Context(), "U", "T"); err != nil || len(route.BrokerDatas) != 2 {
		t.Errorf("the second topic's route gave %v, %v", route, err)
	}
	if _, err = c.FirstRoute(t.Context(), "U", "V"); !HasCode(err, protocol.ResponseTopicNotExist) || !strings.Contains(err.Error(), "of U") {
		t.Errorf("two missing routes gave %v", err)
	}
}

func TestNoNameServer(t *testing.T) {
	t.Parallel()
	if _, err := newClient(t).Cluster(t.Context()); !errors.Is(err, ErrNoNameServer) {
		t.Errorf("without name servers: %v", err)
	}
	down := closedAddr(t)
	_, err := newClient(t, down).Cluster(t.Context())
	if c, ok := errors.AsType[*remoting.ConnectError](err); !ok || c.Addr != down {
		t.Errorf("with one that is down: %v", err)
	}
}

func TestTimeout(t *testing.T) {
	t.Parallel()
	silent := server(t, map[protocol.RequestCode]remoting.Handler{protocol.GetBrokerClusterInfo: func(r *remoting.Request) error {
		r.Detach().Drop()
		return nil
	}})
	c := New(Options{NameServers: []string{silent}, Timeout: 10 * time.Millisecond})
	defer c.Close()
	if _, err := c.Cluster(t.Context()); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a server that does not answer gave %v", err)
	}
}

func TestEveryNameServerIsWrittenTo(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var seen []string
	keep := map[protocol.RequestCode]remoting.Handler{protocol.PutKVConfig: func(r *remoting.Request) error {
		v, _ := r.Ext.Get("value")
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, strings.Clone(v))
		r.Reply(protocol.ResponseSuccess, "", nil, nil)
		return nil
	}}
	c := newClient(t, server(t, keep), closedAddr(t), server(t, keep))
	if err := c.PutKV(t.Context(), "n", "k", "v"); err == nil {
		t.Error("the name server that is down was no error")
	}
	mu.Lock()
	defer mu.Unlock()
	if len(seen) != 2 {
		t.Errorf("name servers that run were written to %d times, want 2", len(seen))
	}
}

func TestCluster(t *testing.T) {
	t.Parallel()
	c := newClient(t, server(t, map[protocol.RequestCode]remoting.Handler{protocol.GetBrokerClusterInfo: body(
		`{"brokerAddrTable":{"b":{"brokerAddrs":{0:"h:1",1:"h:2"},"brokerName":"b","cluster":"C"},"a":{"brokerAddrs":{1:"h:3"},"brokerName":"a","cluster":"C"}},"clusterAddrTable":{"C":["b","a"]}}`)}))
	info, err := c.Cluster(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	masters, _ := info.Masters("C")
	addrs, _ := info.Addrs("C")
	if !slices.Equal(masters, []string{"h:1"}) || !slices.Equal(addrs, []string{"h:3", "h:1", "h:2"}) {
		t.Errorf("masters %v, all %v", masters, addrs)
	}
	if b, err := info.BrokerAt("h:2"); err != nil || b.BrokerName != "b" || info.ClusterOf("b") != "C" {
		t.Errorf("h:2 is of %v, %v", b, err)
	}
	if _, err := info.Masters("D"); err == nil || !strings.Contains(err.Error(), `no cluster "D"; it knows C`) {
		t.Errorf("an unknown cluster gave %v", err)
	}
}

// The signature is upstream's: values in the order of their keys, then the body.
func TestRequestsAreSigned(t *testing.T) {
	t.Parallel()
	var got codec.Fields
	var mu sync.Mutex
	addr := server(t, map[protocol.RequestCode]remoting.Handler{protocol.DeleteTopicInBroker: func(r *remoting.Request) error {
		mu.Lock()
		defer mu.Unlock()
		for _, f := range r.Ext {
			got = append(got, codec.Field{Key: strings.Clone(f.Key), Value: strings.Clone(f.Value)})
		}
		r.Reply(protocol.ResponseSuccess, "", nil, nil)
		return nil
	}})
	c := New(Options{Credentials: &Credentials{AccessKey: "alice", SecretKey: "secret"}})
	defer c.Close()
	if err := c.DeleteTopicOnBroker(t.Context(), addr, "orders"); err != nil {
		t.Fatal(err)
	}
	mac := hmac.New(sha1.New, []byte("secret"))
	mac.Write([]byte("aliceorders")) // AccessKey, then topic
	want := base64.StdEncoding.EncodeToString(mac.Sum(nil))
	mu.Lock()
	defer mu.Unlock()
	if s, _ := got.Get("Signature"); s != want {
		t.Errorf("the signature is %q, want %q; fields %v", s, want, got)
	}
	if topic, _ := got.Get("topic"); topic != "orders" {
		t.Errorf("the request lost its fields: %v", got)
	}
}

func record(t *testing.T, m codec.Message) []byte {
	t.Helper()
	host := netip.MustParseAddrPort("127.0.0.1:10911")
	m.BornHost, m.StoreHost = host, host
	b, err := codec.AppendRecord(nil, &m)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func properties(pairs ...string) string {
	var b []byte
	for i := 0; i < len(pairs); i += 2 {
		b = codec.AppendProperty(b, pairs[i], pairs[i+1])
	}
	return string(b)
}

func TestDecodeMessages(t *testing.T) {
	t.Parallel()
	packed, err := codec.AppendCompressed(nil, []byte("hello"), codec.ZLIB, 5)
	if err != nil {
		t.Fatal(err)
	}
	raw := append(record(t, codec.Message{Topic: "T", Body: []byte("a"), PhysicalOffset: 7, Properties: properties("TAGS", "x", "UNIQ_KEY", "U1")}),
		record(t, codec.Message{Topic: "T", Body: packed, SysFlag: protocol.SysFlagCompressed, PhysicalOffset: 9})...)
	all, err := DecodeMessages(raw, "b")
	if err != nil || len(all) != 2 {
		t.Fatalf("%d messages, %v", len(all), err)
	}
	clear(raw) // messages keep nothing of it
	if tag, _ := all[0].Tags(); tag != "x" || all[0].ID() != "U1" || string(all[0].Body) != "a" || all[0].BrokerName != "b" {
		t.Errorf("the first is %+v", all[0])
	}
	if string(all[1].Body) != "hello" || all[1].ID() != all[1].OffsetID() || !IsOffsetID(all[1].OffsetID()) {
		t.Errorf("the second is %+v", all[1])
	}
	if _, err := DecodeMessages([]byte{0, 0, 0, 9, 1}, ""); err == nil {
		t.Error("what is no record was read")
	}
}

func TestPull(t *testing.T) {
	t.Parallel()
	code, flags := protocol.ResponseSuccess, ""
	records := append(record(t, codec.Message{Topic: "T", QueueOffset: 4, Properties: properties("TAGS", "x")}), record(t, codec.Message{Topic: "T", QueueOffset: 5, Properties: properties("TAGS", "y")})...)
	addr := server(t, map[protocol.RequestCode]remoting.Handler{protocol.PullMessage: func(r *remoting.Request) error {
		v, _ := r.Ext.Get("sysFlag")
		flags = strings.Clone(v)
		r.Reply(code, "", &protocol.PullMessageResponseHeader{NextBeginOffset: 6, MinOffset: 1, MaxOffset: 9}, records)
		return nil
	}})
	c := newClient(t)
	p := Pull{Queue: protocol.MessageQueue{Topic: "T", BrokerName: "b"}, Offset: 4, Max: 2, Expression: "y || z"}
	r, err := c.PullMessages(t.Context(), addr, p)
	if err != nil || r.Status != PullFound || r.Next != 6 || len(r.Messages) != 1 || r.Messages[0].QueueOffset != 5 || r.Messages[0].Properties["MAX_OFFSET"] != "9" {
		t.Fatalf("found %+v, %v", r, err)
	}
	if flags != "4" {
		t.Errorf("the pull's flags are %s; it must neither commit nor wait", flags)
	}
	for answer, want := range map[protocol.ResponseCode]PullStatus{
		protocol.ResponsePullNotFound: PullNoNew, protocol.ResponsePullRetryImmediately: PullNoMatch, protocol.ResponsePullOffsetMoved: PullBadOffset,
	} {
		code = answer
		if r, err := c.PullMessages(t.Context(), addr, p); err != nil || r.Status != want || len(r.Messages) != 0 {
			t.Errorf("%s became %+v, %v", answer, r, err)
		}
	}
	code = protocol.ResponseNoPermission
	if _, err := c.PullMessages(t.Context(), addr, p); !HasCode(err, protocol.ResponseNoPermission) {
		t.Errorf("NO_PERMISSION became %v", err)
	}
}
