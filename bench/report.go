package bench

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Report is the outcome of a run, as it is written with -json.
type Report struct {
	Options  *options        `json:"options"`
	Brokers  []string        `json:"brokers"`
	Started  time.Time       `json:"started"`
	Measured time.Duration   `json:"measuredNanos"`
	Ended    string          `json:"ended"` // why the measurement ended
	Loads    []LoadReport    `json:"loads"`
	Target   []ProcessReport `json:"target"` // empty when the target's processes could not be watched
	Self     ProcessReport   `json:"self"`
}

// LoadReport is what one kind of work achieved while it was measured.
type LoadReport struct {
	Name       string           `json:"name"`
	What       string           `json:"what"`     // what Messages counts
	Messages   int64            `json:"messages"` // acknowledged by the server, or received
	Requests   int64            `json:"requests"` // answered without failure
	BytesOut   int64            `json:"bytesOut"`
	BytesIn    int64            `json:"bytesIn"`
	Rate       float64          `json:"rate"`              // messages per second
	Written    int64            `json:"written,omitempty"` // one-way only: messages that were sent, arrived or not
	Failures   map[string]int64 `json:"failures"`          // requests, by response code or kind, warm-up included
	Unanswered int64            `json:"unanswered"`        // requests in flight that no answer came to
	LatencyOf  string           `json:"latencyOf"`
	Latency    *Latency         `json:"latency,omitempty"`
	Seconds    []Second         `json:"seconds"`
}

// Latency sums up a histogram, in microseconds.
type Latency struct {
	Samples int64   `json:"samples"`
	Mean    float64 `json:"meanMicros"`
	P50     float64 `json:"p50Micros"`
	P90     float64 `json:"p90Micros"`
	P99     float64 `json:"p99Micros"`
	P999    float64 `json:"p999Micros"`
	P9999   float64 `json:"p9999Micros"`
	Max     float64 `json:"maxMicros"`
}

// Second is one sample of the course of a run.
type Second struct {
	At        float64 `json:"at"` // seconds since the measurement began
	Rate      float64 `json:"rate"`
	P50       float64 `json:"p50Micros"`
	P99       float64 `json:"p99Micros"`
	Max       float64 `json:"maxMicros"`
	TargetCPU float64 `json:"targetCPU"` // cores in use
	Anonymous int64   `json:"targetAnonymousBytes"`
}

func micros(ns int64) float64 { return float64(ns) / 1e3 }

func newLatency(h *hdrhistogram.Histogram) *Latency {
	if h.TotalCount() == 0 {
		return nil
	}
	return &Latency{
		Samples: h.TotalCount(), Mean: h.Mean() / 1e3,
		P50: micros(h.ValueAtQuantile(50)), P90: micros(h.ValueAtQuantile(90)), P99: micros(h.ValueAtQuantile(99)),
		P999: micros(h.ValueAtQuantile(99.9)), P9999: micros(h.ValueAtQuantile(99.99)), Max: micros(h.Max()),
	}
}

// TargetCPU is the CPU time of all watched processes of the target.
func (r *Report) TargetCPU() (sum time.Duration) {
	for _, p := range r.Target {
		sum += p.CPU
	}
	return sum
}

// Messages is what all loads achieved together.
func (r *Report) Messages() (sum int64) {
	for _, l := range r.Loads {
		sum += l.Messages
	}
	return sum
}

// WriteText writes the report for people.
func (r *Report) WriteText(out io.Writer) error {
	var b strings.Builder
	for i := range r.Loads {
		r.Loads[i].write(&b, r.Measured)
	}
	for _, p := range r.Target {
		p.write(&b, "target", r.Measured, r.Messages())
	}
	if len(r.Target) == 0 {
		b.WriteString("target     not watched: no process of this machine was found or named (-pid)\n")
	}
	r.Self.write(&b, "bench", r.Measured, r.Messages())
	fmt.Fprintf(&b, "ended      %s\n", r.Ended)
	_, err := io.WriteString(out, b.String())
	return err
}

func (l *LoadReport) write(b *strings.Builder, measured time.Duration) {
	fmt.Fprintf(b, "%-10s %s %s in %.1f s: %s/s; %s/s out, %s/s in\n", l.Name, thousands(l.Messages), l.What, measured.Seconds(),
		thousands(int64(l.Rate)), size(perSecond(l.BytesOut, measured)), size(perSecond(l.BytesIn, measured)))
	if l.Written > 0 {
		fmt.Fprintf(b, "           one-way: %s were sent; the figure above is by how much the queues grew\n", thousands(l.Written))
	}
	if t := l.Latency; t != nil {
		fmt.Fprintf(b, "latency    %s\n           mean %s  p50 %s  p90 %s  p99 %s  p99.9 %s  p99.99 %s  max %s  (%s samples)\n", l.LatencyOf,
			span(t.Mean), span(t.P50), span(t.P90), span(t.P99), span(t.P999), span(t.P9999), span(t.Max), thousands(t.Samples))
	}
	for _, name := range slices.Sorted(maps.Keys(l.Failures)) {
		fmt.Fprintf(b, "failed     %s %s\n", thousands(l.Failures[name]), name)
	}
	if l.Unanswered > 0 {
		fmt.Fprintf(b, "unanswered %s requests\n", thousands(l.Unanswered))
	}
}

func (p *ProcessReport) write(b *strings.Builder, label string, measured time.Duration, messages int64) {
	fmt.Fprintf(b, "%-10s %s (%d): CPU %.2f s, %.0f %% of a core", label, p.Command, p.PID, p.CPU.Seconds(), 100*p.CPU.Seconds()/measured.Seconds())
	if messages > 0 {
		fmt.Fprintf(b, ", %.2f µs each", float64(p.CPU.Microseconds())/float64(messages))
	}
	fmt.Fprintf(b, "; %s anonymous (peak %s), %s resident", size(float64(p.Anonymous)), size(float64(p.PeakAnonymous)), size(float64(p.Resident)))
	if p.ReadCalls >= 0 && messages > 0 {
		fmt.Fprintf(b, "; %.2f read and %.2f write calls each", float64(p.ReadCalls)/float64(messages), float64(p.WriteCalls)/float64(messages))
	}
	b.WriteByte('\n')
}

// WriteJSON writes the report for machines.
func (r *Report) WriteJSON(out io.Writer) error {
	e := json.NewEncoder(out)
	e.SetIndent("", "  ")
	return e.Encode(r)
}

// writeTo writes to a file, or to out for "-".
func writeTo(path string, out io.Writer, write func(io.Writer) error) error {
	if path == "-" {
		return write(out)
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	if err := write(f); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}

func perSecond(n int64, d time.Duration) float64 { return float64(n) / d.Seconds() }

// thousands writes a number in groups of three digits.
func thousands(n int64) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// size writes a number of bytes.
func size(n float64) string {
	switch {
	case n >= 1e9:
		return fmt.Sprintf("%.2f GB", n/1e9)
	case n >= 1e6:
		return fmt.Sprintf("%.1f MB", n/1e6)
	}
	return fmt.Sprintf("%.0f kB", n/1e3)
}

// span writes a number of microseconds.
func span(us float64) string {
	switch {
	case us >= 1e6:
		return fmt.Sprintf("%.2f s", us/1e6)
	case us >= 1e3:
		return fmt.Sprintf("%.2f ms", us/1e3)
	}
	return fmt.Sprintf("%.0f µs", us)
}
