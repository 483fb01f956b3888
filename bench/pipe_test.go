package bench

import (
	"encoding/binary"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/protocol"
)

// stalledServer answers each request after a service time of its own on the bubble's
// clock.
func stalledServer(t *testing.T, c net.Conn, service func(n int) time.Duration) {
	for n := 0; ; n++ {
		var word [4]byte
		if _, err := io.ReadFull(c, word[:]); err != nil {
			return
		}
		b := make([]byte, binary.BigEndian.Uint32(word[:]))
		if _, err := io.ReadFull(c, b); err != nil {
			t.Error(err)
			return
		}
		var f codec.Frame
		if err := f.Decode(b); err != nil {
			t.Error(err)
			return
		}
		time.Sleep(service(n))
		if _, err := c.Write(codec.AppendCommand(nil, &codec.Command{Opaque: f.Opaque, Flag: protocol.FlagResponse})); err != nil {
			return
		}
	}
}

// measurePipe runs one connection with 100 requests against a server that takes
// 1 ms for each but stalls for 1 s once.
func measurePipe(t *testing.T, pc *pace) *Latency {
	client, server := net.Pipe()
	var serving sync.WaitGroup
	serving.Go(func() {
		stalledServer(t, server, func(n int) time.Duration {
			if n == 10 {
				return time.Second
			}
			return time.Millisecond
		})
	})
	o := &produceOptions{Size: 32, Batch: 1}
	body, err := o.newBody()
	if err != nil {
		t.Fatal(err)
	}
	tpl, err := newTemplate(o, "T", 0, body)
	if err != nil {
		t.Fatal(err)
	}
	shared := &producing{left: new(atomic.Int64)}
	shared.left.Store(100)
	m := newMeter(1)
	if pc != nil {
		pc.begin(time.Now())
	}
	p := newPipe(client, 1, &producer{o: o, templates: []*template{tpl}, shared: shared}, m.shard(0), pc, new(atomic.Bool))
	if err := p.run(); err != nil {
		t.Error(err)
	}
	client.Close()
	serving.Wait()
	h := newHistogram()
	m.collect(h)
	return newLatency(h)
}

// The stall of one second hides in one sample of a closed loop. In an open loop it
// shows in every request that was due meanwhile: that is the correction for
// coordinated omission.
func TestOpenLoopShowsAStall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		closed := measurePipe(t, nil)
		if closed.Samples != 100 || closed.P90 > 1100 || closed.Max < 990_000 {
			t.Errorf("closed loop: %+v", closed)
		}
		paced := newPaces(1, 100)[0]
		paced.sleep = time.Sleep // on the bubble's clock
		open := measurePipe(t, paced)
		if open.Samples != 100 || open.P50 < 300_000 || open.Max < 990_000 {
			t.Errorf("open loop: %+v", open)
		}
	})
}

func TestPacesSpreadAndKeepTheRate(t *testing.T) {
	start := time.Unix(1000, 0)
	paces := newPaces(4, 1000) // 4 ms between the requests of one connection
	seen := map[time.Duration]bool{}
	for _, p := range paces {
		p.begin(start)
		if seen[p.due().Sub(start)] {
			t.Errorf("two connections begin at %v", p.due().Sub(start))
		}
		seen[p.due().Sub(start)] = true
		n := 0
		for {
			if _, ok := p.next(start.Add(time.Second - 1)); !ok {
				break
			}
			n++
		}
		if n != 250 {
			t.Errorf("%d requests were due in a second, want 250", n)
		}
	}
}

func TestBrokenAnswersEndThePipe(t *testing.T) {
	for name, answer := range map[string][]byte{
		"absurd length": {0x7f, 0xff, 0xff, 0xff},
		"no frame":      {0, 0, 0, 4, 0, 0, 0, 9},
		"cut off":       {0, 0, 0, 9, 0},
	} {
		client, server := net.Pipe()
		var serving sync.WaitGroup
		serving.Go(func() {
			server.Read(make([]byte, 4096))
			server.Write(answer)
			server.Close()
		})
		p := newPipe(client, 1, &heartbeats{[]byte("{}")}, newMeter(1).shard(0), nil, new(atomic.Bool))
		if err := p.run(); err == nil {
			t.Errorf("%s: no error", name)
		}
		if p.unanswered() != 1 {
			t.Errorf("%s: %d unanswered", name, p.unanswered())
		}
		client.Close()
		serving.Wait()
	}
}

// Each copy of a template is a frame of its own that reads back as what was asked.
func TestTemplateStampsEveryMessage(t *testing.T) {
	for name, o := range map[string]produceOptions{
		"one":    {Size: 100, Batch: 1, Keys: 10, Tags: 3, Properties: 2, Delay: 3},
		"batch":  {Size: 100, Batch: 5, Keys: 10, Tags: 3},
		"binary": {Size: 100, Batch: 1, Keys: 10, Tags: 3, BinaryHeader: true},
		"small":  {Size: 3, Batch: 1},
	} {
		t.Run(name, func(t *testing.T) {
			body, err := o.newBody()
			if err != nil {
				t.Fatal(err)
			}
			tpl, err := newTemplate(&o, "Orders", 3, body)
			if err != nil {
				t.Fatal(err)
			}
			now, due := time.UnixMilli(1_750_000_000_123), time.Unix(1_750_000_000, 77)
			s := &stamps{opaque: 1_234_567_890, now: now, due: due, run: 0xABC, serial: 41, keys: o.Keys, tags: o.Tags}
			b := tpl.append([]byte("before"), s)[len("before"):]
			var f codec.Frame
			if err := f.Decode(b[codec.LengthSize:]); err != nil {
				t.Fatal(err)
			}
			var h protocol.SendMessageRequestHeaderV2
			if err := codec.DecodeHeader(&h, f.Ext); err != nil {
				t.Fatal(err)
			}
			if f.Opaque != s.opaque || h.Topic != "Orders" || h.QueueID != 3 || h.BornTimestamp != now.UnixMilli() {
				t.Errorf("decoded %+v with header %+v", f, h)
			}
			entries := []codec.BatchEntry{{Body: f.Body, Properties: h.Properties}}
			if o.Batch > 1 {
				entries = nil
				for rest := codec.BatchBody(f.Body); len(rest) > 0; {
					var e codec.BatchEntry
					if rest, err = rest.Next(&e); err != nil {
						t.Fatal(err)
					}
					entries = append(entries, e)
				}
			}
			if len(entries) != o.Batch {
				t.Fatalf("%d messages", len(entries))
			}
			for i, e := range entries {
				checkEntry(t, &o, e, i, due)
			}
		})
	}
}

func checkEntry(t *testing.T, o *produceOptions, e codec.BatchEntry, i int, due time.Time) {
	t.Helper()
	want := map[string]string{"UNIQ_KEY": strings.Repeat("0", 13) + "ABC" + strings.Repeat("0", 14) + []string{"29", "2A", "2B", "2C", "2D"}[i]}
	if o.Keys > 0 {
		want["KEYS"] = "K00000000" + string(rune('0'+(41+i)%10))
	}
	if o.Tags > 0 {
		want["TAGS"] = "TAG000" + string(rune('0'+(41+i)%3))
	}
	if o.Delay > 0 {
		want["DELAY"] = "3"
	}
	for name, value := range want {
		if got, _ := codec.Property(e.Properties, name); got != value {
			t.Errorf("message %d: %s is %q, want %q", i, name, got, value)
		}
	}
	if len(e.Body) != o.Size {
		t.Errorf("message %d has %d bytes", i, len(e.Body))
	}
	if got, stamped := stampedAt(e.Body); stamped != (o.Size >= bodyStamped) || stamped && !got.Equal(due) {
		t.Errorf("message %d is stamped %v, %v", i, got, stamped)
	}
}

// The tool must not be what is measured: making a send and taking its answer
// allocates nothing.
func TestSendPathAllocatesNothing(t *testing.T) {
	o := &produceOptions{Size: 1024, Batch: 1, Keys: 10, Tags: 3}
	body, err := o.newBody()
	if err != nil {
		t.Fatal(err)
	}
	tpl, err := newTemplate(o, "Orders", 3, body)
	if err != nil {
		t.Fatal(err)
	}
	src := &producer{o: o, templates: []*template{tpl}, shared: &producing{}}
	var dst []byte
	now := time.Now()
	f := &codec.Frame{}
	if n := testing.AllocsPerRun(200, func() {
		dst = src.request(dst[:0], 0, firstOpaque, now, now)
		src.answer(0, f, now)
	}); n != 0 {
		t.Errorf("%v allocations per send", n)
	}
}
