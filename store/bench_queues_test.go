package store

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/gantrymq/gantry/store/vfs"
)

// BenchmarkManyQueues is the life of a store with many topics of 8 queues, on the real disk: the first message of each queue, the stop
// behind them, a start, one more message each, which loads the queues, rounds of more, and the stop behind those. The figures for each
// queue, or each message of the rounds, are processor time; -benchtime 1x is meant.
func BenchmarkManyQueues(b *testing.B) {
	for _, topics := range []int{1000, 10_000} {
		b.Run(fmt.Sprintf("topics=%d", topics), func(b *testing.B) {
			for range b.N {
				manyQueues(b, topics)
			}
		})
	}
}

func manyQueues(b *testing.B, topics int) {
	const perTopic, rounds = 8, 4
	names := make([]string, topics)
	for i := range names {
		names[i] = fmt.Sprintf("Many%05d", i)
	}
	o := NewOptions(b.TempDir())
	o.FS = vfs.OS{}
	wall, cpu := time.Now(), cpuTime()
	lap := func(what string, each int) {
		b.ReportMetric(time.Since(wall).Seconds(), what+"-s")
		b.ReportMetric(float64((cpuTime()-cpu).Microseconds())/float64(each), what+"-cpu-µs")
		wall, cpu = time.Now(), cpuTime()
	}
	var s *Store
	var rest func()
	open := func() {
		s = mustOpen(b, o)
		ctx, cancel := context.WithCancel(b.Context())
		var wg sync.WaitGroup
		wg.Go(func() { s.Run(ctx) })
		rest = func() { cancel(); wg.Wait() }
	}
	stop := func() {
		rest()
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
	}
	send := func() {
		m := benchMessage()
		for m.QueueID = range int32(perTopic) {
			for _, m.Topic = range names {
				if _, err := s.Append(m); err != nil {
					b.Fatal(err)
				}
			}
		}
		for s.DispatchBehind() > 0 {
			time.Sleep(time.Millisecond)
		}
	}
	queues := topics * perTopic
	open()
	send()
	lap("first", queues)
	stop()
	lap("first-stop", queues)
	open()
	lap("start", queues)
	send()
	lap("second", queues)
	for range rounds {
		time.Sleep(o.Tuning.QueueFlushInterval) // or nothing would be written in between
		send()
	}
	lap("more", rounds*queues)
	stop()
	lap("more-stop", queues)
}
