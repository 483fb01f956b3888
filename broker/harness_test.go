package broker

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"net/netip"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/sirupsen/logrus"
	"go.uber.org/goleak"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/config"
	"github.com/gantrymq/gantry/protocol"
	"github.com/gantrymq/gantry/store/inspect"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds waits in tests for what must happen.
const patience = 20 * time.Second

// testMachine knows nothing of the environment that the tests run in.
func testMachine(dir string) config.Machine {
	return config.Machine{CPUs: 2, UserHome: dir, Hostname: "localhost", IP: netip.MustParseAddr("127.0.0.1")}
}

// testConfig is a broker on a free port and small files, without name servers.
func testConfig(dir string) *Config {
	cfg := new(Config)
	if err := config.Standard(config.Broker, testMachine(dir)).Bind(cfg); err != nil {
		panic(err)
	}
	cfg.BrokerName, cfg.BrokerIP1, cfg.BindAddress = "broker-a", "127.0.0.1", "127.0.0.1"
	cfg.ListenPort, cfg.NamesrvAddr, cfg.StorePathRootDir = 0, "", dir
	cfg.MappedFileSizeCommitLog, cfg.MappedFileSizeConsumeQueue = 4<<20, 6000*20
	cfg.MaxHashSlotNum, cfg.MaxIndexNum = 1000, 4000
	return cfg
}

// runBroker runs a broker until the test ends or stop is called.
func runBroker(t testing.TB, cfg *Config) (b *Broker, stop func()) {
	t.Helper()
	log := logrus.New()
	log.SetOutput(t.Output())
	log.SetLevel(logrus.WarnLevel)
	dir := cfg.StorePathRootDir
	settings, _ := config.Load(config.Broker, testMachine(dir), config.StructSource(cfg))
	b, err := New(Options{Settings: settings, ConfigFile: filepath.Join(dir, "config", "broker.properties"), Log: log})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { b.Run(ctx) })
	stop = sync.OnceFunc(func() { cancel(); wg.Wait() })
	t.Cleanup(stop)
	return b, stop
}

// verifyDirectory looks for damage in what a broker that was stopped has left, file against file.
func verifyDirectory(t testing.TB, cfg *Config) {
	t.Helper()
	d, err := inspect.Open(cfg.StorePathRootDir, inspect.Options{IndexSlots: cfg.MaxHashSlotNum, IndexEntries: cfg.MaxIndexNum})
	if err != nil {
		t.Fatal(err)
	}
	r, err := d.Verify(t.Context(), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range r.List {
		t.Errorf("the broker has left: %s", f)
	}
}

// wire is a bare client: bytes in, frames out. It allocates nothing when it is
// used by exchange.
type wire struct {
	net.Conn
	t  testing.TB
	in []byte
}

func dialBroker(t testing.TB, b *Broker) *wire {
	t.Helper()
	c, err := net.Dial("tcp", b.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(patience))
	return &wire{Conn: c, t: t, in: make([]byte, 1<<20)}
}

// exchange writes bytes and reads so many answers. It returns the last.
func (w *wire) exchange(out []byte, answers int) []byte {
	if _, err := w.Write(out); err != nil {
		w.t.Fatal(err)
	}
	var last []byte
	for range answers {
		last = w.next()
	}
	return last
}

// next reads a frame and returns what follows its length, until the next is read.
func (w *wire) next() []byte {
	if _, err := io.ReadFull(w.Conn, w.in[:4]); err != nil {
		w.t.Fatal(err)
	}
	n := int(binary.BigEndian.Uint32(w.in))
	if _, err := io.ReadFull(w.Conn, w.in[:n]); err != nil {
		w.t.Fatal(err)
	}
	return w.in[:n]
}

// call sends one command and returns the answer, which is good until the next.
func (w *wire) call(c *codec.Command) *codec.Frame {
	w.t.Helper()
	f := new(codec.Frame)
	if err := f.Decode(w.exchange(codec.AppendCommand(nil, c), 1)); err != nil {
		w.t.Fatal(err)
	}
	return f
}

// sendCommand is a send of one message as the Java client makes it.
func sendCommand(topic string, queue int32, body []byte) *codec.Command {
	return &codec.Command{
		Code: int32(protocol.SendMessageV2), Language: protocol.LanguageJava, Version: protocol.V5_5_0, Opaque: 1, Body: body,
		Header: &protocol.SendMessageRequestHeaderV2{
			ProducerGroup: "producers", Topic: topic, DefaultTopic: protocol.TopicAutoCreate, DefaultTopicQueueNums: 4, QueueID: queue,
			BornTimestamp: 1750000000000, Properties: "UNIQ_KEY\x017F000001000078308DB16E7C00000001\x02WAIT\x01true\x02TAGS\x01a\x02",
		},
	}
}

// pullCommand is a pull of up to 32 messages that brings its subscription along.
func pullCommand(topic string, queue int32, offset int64, hold time.Duration) *codec.Command {
	h := &protocol.PullMessageRequestHeader{
		ConsumerGroup: "consumers", Topic: topic, QueueID: queue, QueueOffset: offset, MaxMsgNums: 32,
		SysFlag: protocol.PullFlagSubscription | protocol.PullFlagCommitOffset, CommitOffset: offset,
		SuspendTimeoutMillis: hold.Milliseconds(), Subscription: "*", ExpressionType: "TAG",
	}
	if hold > 0 {
		h.SysFlag |= protocol.PullFlagSuspend
	}
	return &codec.Command{Code: int32(protocol.PullMessage), Language: protocol.LanguageJava, Version: protocol.V5_5_0, Opaque: 2, Header: h}
}
