//go:build unix

package remoting

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/protocol"
)

// These benchmarks run a bare client against a server in the same process, over
// the loopback, with 16 connections. cpu-ns/op is the CPU time of the whole
// process, client included; the client is the same for the bare echo, so the
// difference is what a request costs beyond its bytes.

const benchConns = 16

// benchRequest is what a client sends for a message of 1 KiB.
func benchRequest(form codec.SerializeType) []byte {
	h := protocol.SendMessageRequestHeaderV2{
		ProducerGroup: "bench", Topic: "BenchmarkTopic", DefaultTopic: "TBW102", DefaultTopicQueueNums: 4, QueueID: 2,
		BornTimestamp: 1750000000000, Properties: "UNIQ_KEY\x017F000001000078308DB16E7C00000001\x02WAIT\x01true\x02",
	}
	return codec.AppendCommand(nil, &codec.Command{
		Code: int32(protocol.SendMessageV2), Language: protocol.LanguageJava, Version: protocol.V5_5_0, Opaque: 1,
		Serialize: form, Header: &h, Body: make([]byte, 1024),
	})
}

// benchAnswer stands for what a broker does: it reads the header and answers.
func benchTable(b *testing.B, pool *Pool, detach bool) *Table {
	handle := func(r *Request) error {
		var h protocol.SendMessageRequestHeaderV2
		if err := r.Decode(&h); err != nil {
			return err
		}
		answer := protocol.SendMessageResponseHeader{MsgID: "7F00000100002A9F0000000000000000", QueueID: h.QueueID, QueueOffset: 1}
		if detach {
			r.Detach().Reply(protocol.ResponseSuccess, "", &answer, nil)
		} else {
			r.Reply(protocol.ResponseSuccess, "", &answer, nil)
		}
		return nil
	}
	return table(b, Route{Code: protocol.SendMessageV2, Worker: pool, Handle: handle})
}

func BenchmarkServer(b *testing.B) {
	for _, window := range []int{1, 64} {
		b.Run(fmt.Sprintf("echo/window=%d", window), func(b *testing.B) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				b.Fatal(err)
			}
			var wg sync.WaitGroup
			wg.Go(func() { bareEcho(l, &wg) })
			runBench(b, l.Addr().String(), benchRequest(codec.SerializeJSON), window)
			l.Close()
			wg.Wait()
		})
		for _, form := range []codec.SerializeType{codec.SerializeJSON, codec.SerializeRocketMQ} {
			b.Run(fmt.Sprintf("inline/%v/window=%d", form, window), func(b *testing.B) {
				s := startServer(b, ServerOptions{Serialize: form}, benchTable(b, nil, false))
				runBench(b, s.addr, benchRequest(form), window)
				s.stop()
			})
		}
		b.Run(fmt.Sprintf("detached/window=%d", window), func(b *testing.B) {
			s := startServer(b, ServerOptions{}, benchTable(b, nil, true))
			runBench(b, s.addr, benchRequest(codec.SerializeJSON), window)
			s.stop()
		})
		b.Run(fmt.Sprintf("pool/window=%d", window), func(b *testing.B) {
			pool := NewPool(PoolOptions{Workers: 4, Queue: 1 << 16})
			s := startServer(b, ServerOptions{}, benchTable(b, pool, false))
			runBench(b, s.addr, benchRequest(codec.SerializeJSON), window)
			s.stop()
			pool.Close()
		})
	}
}

// bareEcho answers each request with as many bytes as the server does, as cheaply
// as net allows.
func bareEcho(l net.Listener, wg *sync.WaitGroup) {
	answer := codec.AppendCommand(nil, &codec.Command{
		Version: protocol.V5_5_0, Flag: protocol.FlagResponse,
		Header: &protocol.SendMessageResponseHeader{MsgID: "7F00000100002A9F0000000000000000", QueueID: 2, QueueOffset: 1},
	})
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		wg.Go(func() {
			defer c.Close()
			size := len(benchRequest(codec.SerializeJSON))
			in := make([]byte, 64<<10)
			out, have := []byte(nil), 0
			for {
				n, err := c.Read(in)
				if err != nil {
					return
				}
				out = out[:0]
				for have += n; have >= size; have -= size {
					out = append(out, answer...)
				}
				if _, err := c.Write(out); err != nil {
					return
				}
			}
		})
	}
}

// runBench keeps window requests in flight on each connection.
func runBench(b *testing.B, addr string, request []byte, window int) {
	var left atomic.Int64
	left.Store(int64(b.N))
	batch := make([]byte, 0, window*len(request))
	for range window {
		batch = append(batch, request...)
	}
	conns := make([]net.Conn, benchConns)
	for i := range conns {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			b.Fatal(err)
		}
		conns[i] = c
	}
	b.ReportAllocs()
	b.ResetTimer()
	before := cpuTime()
	var wg sync.WaitGroup
	for _, c := range conns {
		wg.Go(func() {
			defer c.Close()
			r := bufio.NewReaderSize(c, 64<<10)
			var length [4]byte
			for left.Add(-int64(window)) > -int64(window) {
				if _, err := c.Write(batch); err != nil {
					b.Error(err)
					return
				}
				for range window {
					if _, err := io.ReadFull(r, length[:]); err != nil {
						b.Error(err)
						return
					}
					r.Discard(int(binary.BigEndian.Uint32(length[:])))
				}
			}
		})
	}
	wg.Wait()
	b.StopTimer()
	b.ReportMetric(float64(cpuTime()-before)/float64(b.N), "cpu-ns/op")
}

// cpuTime is the CPU time that the process has used, in nanoseconds.
func cpuTime() int64 {
	var u syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return u.Utime.Nano() + u.Stime.Nano()
}

// BenchmarkClient is the client against the server: Call with one in flight for
// each of 16 goroutines over one connection, and Go with 256 in flight.
func BenchmarkClient(b *testing.B) {
	cmd := codec.Command{Code: int32(protocol.SendMessageV2), Header: &protocol.SendMessageRequestHeaderV2{Topic: "t"}, Body: make([]byte, 1024)}
	b.Run("call", func(b *testing.B) {
		s := startServer(b, ServerOptions{}, benchTable(b, nil, false))
		c := newClient(b, ClientOptions{})
		b.ReportAllocs()
		before := cpuTime()
		b.SetParallelism(8)
		b.RunParallel(func(pb *testing.PB) {
			mine := cmd
			for pb.Next() {
				if _, err := c.Call(b.Context(), s.addr, &mine); err != nil {
					b.Error(err)
					return
				}
			}
		})
		b.ReportMetric(float64(cpuTime()-before)/float64(b.N), "cpu-ns/op")
		c.Close()
		s.stop()
	})
	b.Run("go", func(b *testing.B) {
		s := startServer(b, ServerOptions{}, benchTable(b, nil, false))
		c := newClient(b, ClientOptions{})
		b.ReportAllocs()
		before := cpuTime()
		window := make(chan struct{}, 256)
		var wg sync.WaitGroup
		for range b.N {
			window <- struct{}{}
			wg.Add(1)
			c.Go(s.addr, &cmd, patience, func(_ *codec.Frame, err error) {
				if err != nil {
					b.Error(err)
				}
				<-window
				wg.Done()
			})
		}
		wg.Wait()
		b.ReportMetric(float64(cpuTime()-before)/float64(b.N), "cpu-ns/op")
		c.Close()
		s.stop()
	})
}
