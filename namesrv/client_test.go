package namesrv

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/config"
	"github.com/gantrymq/gantry/protocol"
)

// officialAddr is the environment variable that points the tests which any name
// server must pass at a running official one: started afresh, with its default
// configuration and nothing registered.
const officialAddr = "GANTRY_OFFICIAL_NAMESRV"

// target is the address of a name server, a new one in this process unless the
// environment names the official one.
func target(t *testing.T) string {
	t.Helper()
	if addr := os.Getenv(officialAddr); addr != "" {
		return addr
	}
	return start(t, testConfig(t), Options{}).Addr().String()
}

func testConfig(t testing.TB) Config {
	t.Helper()
	var c Config
	if err := config.Standard(config.Namesrv, testMachine(t.TempDir())).Bind(&c); err != nil {
		t.Fatal(err)
	}
	c.BindAddress, c.ListenPort = "127.0.0.1", 0
	return c
}

// testMachine knows nothing of the environment that the tests run in.
func testMachine(home string) config.Machine {
	return config.Machine{CPUs: 2, UserHome: home, Env: map[string]string{"ROCKETMQ_HOME": "/opt/rocketmq"}}
}

// settingsOf is what a name server is told to run as c, besides what a file says.
func settingsOf(c Config, file ...config.Value) *config.Settings {
	source := config.Source{Name: "the file", Values: file, Shown: true}
	s, _ := config.Load(config.Namesrv, testMachine("/home/rmq"), source, config.StructSource(&c))
	return s
}

// start runs a name server until the test ends.
func start(t *testing.T, c Config, o Options) *Server {
	t.Helper()
	s, err := New(settingsOf(c), o)
	if err != nil {
		t.Fatal(err)
	}
	run(t, s)
	return s
}

// run serves until the test ends, or until the returned function is called.
func run(t testing.TB, s *Server) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("Run ended with %v", err)
		}
	}
	t.Cleanup(stop)
	return stop
}

// client is one raw connection.
type client struct {
	t      testing.TB
	conn   net.Conn
	opaque int32
}

func dial(t testing.TB, addr string) *client {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	c := &client{t: t, conn: conn}
	t.Cleanup(c.close)
	return c
}

func (c *client) close() { c.conn.Close() }

// request is what call sends. Version 0 is that of 5.5.0.
type request struct {
	code    protocol.RequestCode
	version protocol.Version
	ext     codec.Fields
	body    []byte
}

func (c *client) send(q request, flag int32) {
	c.t.Helper()
	if q.version == 0 {
		q.version = protocol.V5_5_0
	}
	c.opaque++
	frame := codec.AppendCommand(nil, &codec.Command{
		Code: int32(q.code), Version: q.version, Opaque: c.opaque, Flag: flag, Ext: q.ext, Body: q.body,
	})
	if _, err := c.conn.Write(frame); err != nil {
		c.t.Fatal(err)
	}
}

func (c *client) call(q request) *codec.Frame {
	c.t.Helper()
	c.send(q, 0)
	f := readFrame(c.t, c.conn)
	if f.Opaque != c.opaque || !f.IsResponse() {
		c.t.Fatalf("%v was answered by frame %+v", q.code, f)
	}
	return f
}

// ok is call for a request that must succeed.
func (c *client) ok(q request) *codec.Frame {
	c.t.Helper()
	f := c.call(q)
	if protocol.ResponseCode(f.Code) != protocol.ResponseSuccess {
		c.t.Fatalf("%v of %v: %v %s", q.code, q.ext, protocol.ResponseCode(f.Code), f.Remark)
	}
	return f
}

func readFrame(t testing.TB, conn net.Conn) *codec.Frame {
	t.Helper()
	_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	var length [4]byte
	if _, err := io.ReadFull(conn, length[:]); err != nil {
		t.Fatalf("reading an answer: %v", err)
	}
	b := make([]byte, binary.BigEndian.Uint32(length[:]))
	if _, err := io.ReadFull(conn, b); err != nil {
		t.Fatalf("reading an answer: %v", err)
	}
	f := &codec.Frame{}
	if err := f.Decode(b); err != nil {
		t.Fatal(err)
	}
	return f
}

// fields makes ext fields of keys and values in turn.
func fields(keysAndValues ...string) codec.Fields {
	var f codec.Fields
	for i := 0; i < len(keysAndValues); i += 2 {
		f = append(f, codec.Field{Key: keysAndValues[i], Value: keysAndValues[i+1]})
	}
	return f
}

// eventually waits for what another goroutine or process brings about.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	deadline := time.After(10 * time.Second)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("it did not happen in 10 seconds that %s", what)
		}
	}
}

func readFile(t testing.TB, elem ...string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(elem...))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func writeFile(t testing.TB, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}
