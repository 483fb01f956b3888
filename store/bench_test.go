package store

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/store/vfs"
)

// cpuTime is the processor time of the process so far: on a busy machine it says more than the clock.
func cpuTime() time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// reportCPU reports the processor time since start for each operation.
func reportCPU(b *testing.B, start time.Duration) {
	b.ReportMetric(float64(cpuTime()-start)/float64(b.N), "cpu-ns/op")
}

// benchMessage is a message as a Java client sends it, with a body of 1 KiB.
func benchMessage() *codec.Message {
	return &codec.Message{
		Topic: "BenchmarkTest", BornTimestamp: 1750000000000, BornHost: testHost, StoreHost: testHost, Body: make([]byte, 1024),
		Properties: "UNIQ_KEY\x017F00000100002A9F2C2C0B1E8A1D0000\x02WAIT\x01true\x02TAGS\x01TagA\x02CLUSTER\x01DefaultCluster\x02",
	}
}

// benchStore is a store of official sizes on the real disk, running.
func benchStore(b *testing.B, change func(*Options)) *Store {
	o := NewOptions(b.TempDir())
	o.FS = vfs.OS{}
	if change != nil {
		change(&o)
	}
	s := mustOpen(b, o)
	running(b, s)
	return s
}

// BenchmarkAppend is the time of one append with everything behind it: dispatch, queue, index.
func BenchmarkAppend(b *testing.B) {
	for _, index := range []bool{true, false} {
		for _, producers := range []int{1, 16} {
			b.Run(fmt.Sprintf("index=%v/producers=%d", index, producers), func(b *testing.B) {
				s := benchStore(b, func(o *Options) { o.Tuning.Index = index })
				b.SetBytes(1024)
				b.ReportAllocs()
				b.ResetTimer()
				cpu := cpuTime()
				var wg sync.WaitGroup
				for p := range producers {
					wg.Go(func() {
						m := benchMessage()
						m.QueueID = int32(p % 8)
						for range b.N / producers {
							if _, err := s.Append(m); err != nil {
								b.Error(err)
								return
							}
						}
					})
				}
				wg.Wait()
				for s.DispatchBehind() > 0 {
					time.Sleep(time.Millisecond)
				}
				reportCPU(b, cpu)
			})
		}
	}
}

// BenchmarkSyncFlush is group commit: producers that wait for the disk, each with one message in flight.
func BenchmarkSyncFlush(b *testing.B) {
	for _, producers := range []int{1, 16, 64} {
		b.Run(fmt.Sprintf("producers=%d", producers), func(b *testing.B) {
			s := benchStore(b, func(o *Options) { o.FlushMode = SyncFlush })
			var left atomic.Int64
			left.Store(int64(b.N))
			b.ResetTimer()
			cpu := cpuTime()
			var wg sync.WaitGroup
			for range producers {
				wg.Go(func() {
					m := benchMessage()
					done := make(chan Status, 1)
					for left.Add(-1) >= 0 {
						r, err := s.Append(m)
						if err != nil {
							b.Error(err)
							return
						}
						s.Await(r.End(), Flushed, time.Now().Add(time.Minute), func(st Status) { done <- st })
						if st := <-done; st != PutOK {
							b.Error(st)
							return
						}
					}
				})
			}
			wg.Wait()
			reportCPU(b, cpu)
		})
	}
}

// BenchmarkGet reads 32 messages at a time, from the mapped tail or, cooled, from the file.
func BenchmarkGet(b *testing.B) {
	for _, cold := range []bool{false, true} {
		b.Run(fmt.Sprintf("cold=%v", cold), func(b *testing.B) {
			s := benchStore(b, nil)
			m := benchMessage()
			const n = 100_000
			for i := range n {
				m.QueueID = int32(i % 4)
				mustAppend(b, s, m)
			}
			for s.DispatchBehind() > 0 {
				time.Sleep(time.Millisecond)
			}
			if cold {
				for _, g := range s.log.view.Load().segs {
					g.cool()
				}
			}
			var r GetResult
			q := Query{Topic: m.Topic, MaxCount: 32}
			b.ReportAllocs()
			b.SetBytes(32 * 1024)
			b.ResetTimer()
			cpu := cpuTime()
			for range b.N {
				s.Get(&q, &r)
				if r.Status != Found {
					b.Fatal(r.Status, r.Err)
				}
				if q.Offset = r.NextOffset; q.Offset > n/4-32 {
					q.Offset = 0
				}
				r.Release()
			}
			reportCPU(b, cpu)
		})
	}
}

// BenchmarkStart is opening and closing a directory with some messages after a clean stop.
func BenchmarkStart(b *testing.B) {
	o := NewOptions(b.TempDir())
	s := mustOpen(b, o)
	m := benchMessage()
	for range 1000 {
		mustAppend(b, s, m)
	}
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
	var open time.Duration
	for b.Loop() {
		at := time.Now()
		s := mustOpen(b, o)
		open += time.Since(at)
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(open.Milliseconds())/float64(b.N), "ms-open/op")
}
