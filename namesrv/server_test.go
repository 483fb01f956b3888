package namesrv

import (
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/protocol"
	"github.com/gantrymq/gantry/remoting"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestRequestTable wants each request that 5.5.0's name server serves, and no other.
func TestRequestTable(t *testing.T) {
	s, err := New(settingsOf(testConfig(t)), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var want, got []protocol.RequestCode
	for _, info := range protocol.RequestCodes() {
		if info.Handlers&protocol.ByNamesrv != 0 {
			want = append(want, info.Code)
		}
	}
	for _, r := range s.requests() {
		got = append(got, r.Code)
	}
	if !slices.Equal(got, want) {
		t.Errorf("served: %v\nby 5.5.0: %v", got, want)
	}
}

// TestRestart: a name server that was restarted has its answers back when the
// brokers have registered again, and its KV configuration at once.
func TestRestart(t *testing.T) {
	c := testConfig(t)
	first, err := New(settingsOf(c), Options{})
	if err != nil {
		t.Fatal(err)
	}
	stop := run(t, first)
	conn := dial(t, first.Addr().String())
	conn.ok(b2.register())
	conn.ok(simple(protocol.PutKVConfig, "namespace", "n", "key", "k", "value", "v"))
	before := string(conn.ok(routeOf("Td")).Body)
	stop()

	c.ListenPort = int32(first.Addr().Port())
	second := start(t, c, Options{})
	again := dial(t, second.Addr().String())
	if f := again.call(routeOf("Td")); protocol.ResponseCode(f.Code) != protocol.ResponseTopicNotExist {
		t.Errorf("a route without brokers: %d %s", f.Code, f.Body)
	}
	if v, _ := again.ok(simple(protocol.GetKVConfig, "namespace", "n", "key", "k")).Ext.Get("value"); v != "v" {
		t.Errorf("the KV configuration has %q", v)
	}
	again.ok(b2.register())
	if after := string(again.ok(routeOf("Td")).Body); after != before {
		t.Errorf("after the restart\n%s\nbefore\n%s", after, before)
	}
}

// TestSideBySide: two name servers give the same answer to what both were told.
func TestSideBySide(t *testing.T) {
	var bodies []string
	for range 2 {
		conn := dial(t, start(t, testConfig(t), Options{}).Addr().String())
		conn.ok(b2.register())
		conn.ok(b3.register())
		bodies = append(bodies, string(conn.ok(routeOf("Td")).Body))
	}
	if bodies[0] != bodies[1] {
		t.Errorf("one says\n%s\nthe other\n%s", bodies[0], bodies[1])
	}
}

// TestSilentBroker: the scan removes a broker whose heartbeats stopped, and closes
// its connection.
func TestSilentBroker(t *testing.T) {
	var clock atomic.Int64
	c := testConfig(t)
	c.ScanNotActiveBrokerInterval = time.Millisecond
	s := start(t, c, Options{Now: func() time.Time { return time.UnixMilli(clock.Load()) }})
	watcher := dial(t, s.Addr().String())

	silent, lively := dial(t, s.Addr().String()), dial(t, s.Addr().String())
	silent.ok(b2.register())
	lively.ok(b3.register()) // 100 s
	clock.Store(90_000)
	watcher.ok(simple(protocol.BrokerHeartbeat, "clusterName", b3.cluster, "brokerAddr", b3.addr))
	clock.Store(120_001)

	eventually(t, "the silent broker leaves the route", func() bool {
		return !strings.Contains(string(watcher.ok(routeOf("Td")).Body), b2.addr)
	})
	_ = silent.conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	if _, err := silent.conn.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("reading from the silent broker's connection: %v, want EOF", err)
	}
	if body := string(watcher.ok(routeOf("Td")).Body); !strings.Contains(body, b3.addr) {
		t.Errorf("the lively broker left too: %s", body)
	}
}

// TestMinBrokerIDNotice passes on the official name server too, see officialAddr.
func TestMinBrokerIDNotice(t *testing.T) {
	addr := target(t)
	admin := dial(t, addr)
	admin.ok(configure("notifyMinBrokerIdChanged=true"))
	defer admin.ok(configure("notifyMinBrokerIdChanged=false"))

	slave := listenAsBroker(t, 1)
	master := listenAsBroker(t, 0)
	conn := dial(t, addr)
	conn.ok(slave.register())
	conn.ok(master.register())
	slave.expectNotice(t, "haBrokerAddr="+"ha-"+master.addr, "minBrokerAddr="+master.addr, "minBrokerId=0")
	conn.ok(master.unregister())
	slave.expectNotice(t, "minBrokerAddr="+slave.addr, "minBrokerId=1", "offlineBrokerAddr="+master.addr)
}

// listeningBroker is a broker that the name server can reach.
type listeningBroker struct {
	broker
	listener net.Listener
	conn     net.Conn
}

func listenAsBroker(t *testing.T, id int) *listeningBroker {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b := &listeningBroker{listener: l, broker: broker{
		cluster: "c0", name: "notified", addr: l.Addr().String(), id: id, counter: 1,
		topics: []string{"N1", "N2"}, ext: fields("enableActingMaster", "true"),
	}}
	t.Cleanup(func() {
		l.Close()
		if b.conn != nil {
			b.conn.Close()
		}
	})
	return b
}

func (b *listeningBroker) expectNotice(t *testing.T, want ...string) {
	t.Helper()
	if b.conn == nil {
		_ = b.listener.(*net.TCPListener).SetDeadline(time.Now().Add(10 * time.Second))
		conn, err := b.listener.Accept()
		if err != nil {
			t.Fatalf("no notice came: %v", err)
		}
		b.conn = conn
	}
	f := readFrame(t, b.conn)
	var got []string
	for _, e := range f.Ext {
		got = append(got, e.Key+"="+e.Value)
	}
	slices.Sort(got)
	if protocol.RequestCode(f.Code) != protocol.NotifyMinBrokerIDChange || !f.IsOneway() || !slices.Equal(got, want) {
		t.Errorf("notice %v (flag %d) %q, want NOTIFY_MIN_BROKER_ID_CHANGE %q", protocol.RequestCode(f.Code), f.Flag, got, want)
	}
}

func TestNeedWaitForService(t *testing.T) {
	var clock atomic.Int64
	c := testConfig(t)
	c.NeedWaitForService = true
	conn := dial(t, start(t, c, Options{Now: func() time.Time { return time.UnixMilli(clock.Load()) }}).Addr().String())
	conn.ok(b2.register())
	for _, tt := range []struct {
		at   int64
		want protocol.ResponseCode
	}{{44_999, protocol.ResponseSystemError}, {45_000, protocol.ResponseSuccess}} {
		clock.Store(tt.at)
		if f := conn.call(routeOf("Td")); protocol.ResponseCode(f.Code) != tt.want {
			t.Errorf("after %d ms: %d %s", tt.at, f.Code, f.Remark)
		}
	}
}

// TestClusterTest: a topic that is unknown here is looked up in the product
// environment.
func TestClusterTest(t *testing.T) {
	product := start(t, testConfig(t), Options{})
	productConn := dial(t, product.Addr().String())
	productConn.ok(b2.register())

	c := testConfig(t)
	c.ClusterTest = true
	o := Options{Product: []string{closedPort(t), product.Addr().String()}}
	conn := dial(t, start(t, c, o).Addr().String())
	conn.ok(b3.register())
	conn.ok(simple(protocol.PutKVConfig, "namespace", "ORDER_TOPIC_CONFIG", "key", "Td", "value", "b3:4"))

	const order = `"orderTopicConf":"b3:4"`
	if body := string(conn.ok(routeOf("Td")).Body); !strings.Contains(body, b3.addr) || strings.Contains(body, b2.addr) || !strings.Contains(body, order) {
		t.Errorf("a topic of the test: %s", body)
	}
	if body := string(conn.ok(routeOf("Te")).Body); !strings.Contains(body, `{0:"`+b2.addr+`"}`) {
		t.Errorf("a topic of the product environment: %s", body)
	}
	if f := conn.call(routeOf("X")); protocol.ResponseCode(f.Code) != protocol.ResponseTopicNotExist {
		t.Errorf("a topic of nobody: %d %s", f.Code, f.Body)
	}
}

// closedPort is an address that refuses connections.
func closedPort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func TestNewRefuses(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	port := testConfig(t)
	port.ListenPort = int32(netip.MustParseAddrPort(taken.Addr().String()).Port())

	torn := testConfig(t)
	for _, name := range []string{torn.KVConfigPath, torn.KVConfigPath + ".bak"} {
		writeFile(t, name, "{")
	}
	for _, tt := range []struct {
		name string
		c    Config
		want string
	}{{"port in use", port, "cannot listen on 127.0.0.1"}, {"unreadable KV configuration", torn, "kvConfig.json"}} {
		if s, err := New(settingsOf(tt.c), Options{}); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want an error with %q", tt.name, err, tt.want)
			if s != nil {
				s.Close()
			}
		}
	}
}

// fakeSession stands for a connection where the test is about the moment it ends.
type fakeSession struct {
	remoting.Session
	id     uint64
	done   chan struct{}
	answer codec.Command
	bytes  int
}

func (f *fakeSession) ID() uint64            { return f.id }
func (f *fakeSession) Done() <-chan struct{} { return f.done }
func (f *fakeSession) Respond(c *codec.Command, _ [][]byte, _ func()) {
	f.answer, f.bytes = *c, len(c.Body)
}

func (f *fakeSession) request(q request) *remoting.Request {
	return remoting.NewRequest(&codec.Frame{Code: int32(q.code), Version: protocol.V5_5_0, Ext: q.ext, Body: q.body}, f, f, time.Now())
}

// TestConnectionLostWhileRegistering: OnClose ran before the worker had entered
// the broker. It must not stay until it expires.
func TestConnectionLostWhileRegistering(t *testing.T) {
	s := start(t, testConfig(t), Options{})
	gone := &fakeSession{id: 1 << 40, done: make(chan struct{})}
	close(gone.done)
	s.departures.sessionClosed(gone)
	if err := s.registerBroker(gone.request(b2.register())); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the broker leaves", func() bool { _, ok := s.routes.Route("Td"); return !ok })
}

// TestUnregisterQueueFull: nobody takes departures out of the queue of one.
func TestUnregisterQueueFull(t *testing.T) {
	c := testConfig(t)
	c.UnRegisterBrokerQueueCapacity = 1
	s, err := New(settingsOf(c), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	session := &fakeSession{id: 1, done: make(chan struct{})}
	for _, want := range []protocol.ResponseCode{protocol.ResponseSuccess, protocol.ResponseSystemError} {
		if err := s.unregisterBroker(session.request(b2.unregister())); err != nil {
			t.Fatal(err)
		}
		if got := protocol.ResponseCode(session.answer.Code); got != want || session.answer.Remark != "" {
			t.Errorf("answered %v %q, want %v without remark", got, session.answer.Remark, want)
		}
	}
}

// TestRouteInfoAllocatesNothing keeps the request that every client repeats free
// of allocations up to the answer's encoding.
func TestRouteInfoAllocatesNothing(t *testing.T) {
	s, err := New(settingsOf(testConfig(t)), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	session := &fakeSession{id: 1, done: make(chan struct{})}
	if err := s.registerBroker(session.request(b2.register())); err != nil {
		t.Fatal(err)
	}
	q := routeOf("Td")
	// A request that is answered by a foreign responder costs two: the request and
	// the command that the responder gets.
	base := testing.AllocsPerRun(100, func() {
		session.request(q).Reply(protocol.ResponseSuccess, "", nil, nil)
	})
	got := testing.AllocsPerRun(100, func() {
		if err := s.routeInfo(session.request(q)); err != nil {
			t.Fatal(err)
		}
	})
	if session.bytes == 0 || got > base {
		t.Errorf("a route of %d bytes costs %v allocations, an empty answer %v", session.bytes, got, base)
	}
}

// TestManyTopics registers 10,000 topics of three brokers and reads some.
func TestManyTopics(t *testing.T) {
	conn := dial(t, start(t, testConfig(t), Options{}).Addr().String())
	for i := range 3 {
		many := broker{cluster: "c", name: fmt.Sprint("m", i), addr: fmt.Sprint("10.1.0.", i, ":1"), counter: 1}
		for n := range 10_000 {
			many.topics = append(many.topics, fmt.Sprintf("many-%05d", n))
		}
		if i == 0 {
			conn.ok(many.registerPacked())
		} else {
			conn.ok(many.register())
		}
	}
	for _, topic := range []string{"many-00000", "many-09999"} {
		if body := string(conn.ok(routeOf(topic)).Body); strings.Count(body, `"brokerAddrs"`) != 3 {
			t.Errorf("route of %s: %s", topic, body)
		}
	}
	if n := strings.Count(string(conn.ok(simple(protocol.GetAllTopicListFromNameserver)).Body), "many-"); n != 10_000 {
		t.Errorf("%d topics are listed", n)
	}
}
