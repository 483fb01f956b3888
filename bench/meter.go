package bench

import (
	"maps"
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Histograms hold 1 µs to 100 s with three significant digits.
const (
	lowestLatency  = int64(time.Microsecond)
	highestLatency = int64(100 * time.Second)
	latencyDigits  = 3
)

func newHistogram() *hdrhistogram.Histogram {
	return hdrhistogram.New(lowestLatency, highestLatency, latencyDigits)
}

// counts is what a load did.
type counts struct {
	Messages int64 // acknowledged, or received
	Requests int64 // answered without failure
	BytesOut int64 // written to the server
	BytesIn  int64 // read from it
}

func (c counts) minus(o counts) counts {
	return counts{c.Messages - o.Messages, c.Requests - o.Requests, c.BytesOut - o.BytesOut, c.BytesIn - o.BytesIn}
}

// meter gathers what the connections of one load measure. It has a few shards, each
// shared by many connections, so that neither memory nor contention grows with them.
type meter struct {
	shards []*shard
}

// shard is one part of a meter. A connection encloses its calls in begin and end.
type shard struct {
	mu       sync.Mutex // guards all that follows
	counts   counts
	latency  *hdrhistogram.Histogram
	failures map[string]int64
	_        [64]byte // keeps the next shard's lock out of this cache line
}

func newMeter(shards int) *meter {
	m := &meter{}
	for range shards {
		m.shards = append(m.shards, &shard{latency: newHistogram(), failures: map[string]int64{}})
	}
	return m
}

func (m *meter) shard(i int) *shard { return m.shards[i%len(m.shards)] }

func (s *shard) begin() { s.mu.Lock() }
func (s *shard) end()   { s.mu.Unlock() }

// answered, counted, sampled, failed and received are called between begin and end.

// answered counts one request with its latency.
func (s *shard) answered(latency time.Duration, messages int64) {
	s.sampled(latency)
	s.counted(messages)
}

// counted counts one request that is no sample of latency.
func (s *shard) counted(messages int64) {
	s.counts.Requests++
	s.counts.Messages += messages
}

// sampled records one latency.
func (s *shard) sampled(latency time.Duration) {
	// The only error is a value beyond the range, and the value is clamped to it.
	_ = s.latency.RecordValue(min(max(int64(latency), lowestLatency), highestLatency))
}

func (s *shard) failed(name string, n int64) { s.failures[name] += n }

func (s *shard) received(bytes int) { s.counts.BytesIn += int64(bytes) }

// sent is called outside of begin and end.
func (s *shard) sent(bytes int) {
	s.mu.Lock()
	s.counts.BytesOut += int64(bytes)
	s.mu.Unlock()
}

// collect adds the latencies since the last call to into and returns the counts
// since the load began.
func (m *meter) collect(into *hdrhistogram.Histogram) (counts, map[string]int64) {
	var total counts
	failures := map[string]int64{}
	for _, s := range m.shards {
		s.mu.Lock()
		total.Messages += s.counts.Messages
		total.Requests += s.counts.Requests
		total.BytesOut += s.counts.BytesOut
		total.BytesIn += s.counts.BytesIn
		for name, n := range maps.All(s.failures) {
			failures[name] += n
		}
		into.Merge(s.latency)
		s.latency.Reset()
		s.mu.Unlock()
	}
	return total, failures
}
