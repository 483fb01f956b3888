package store

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/protocol"
	"github.com/gantrymq/gantry/store/vfs"
)

var lightNames = []string{"%LMQ%a", "%LMQ%b", "%LMQ%c"}

// multiDispatch sends a message of a history to some light queues as well.
func (h *history) multiDispatch(m *codec.Message) {
	if !h.o.LightQueues || h.rng.IntN(2) == 0 {
		return
	}
	var names []string
	for range 1 + h.rng.IntN(3) {
		names = append(names, lightNames[h.rng.IntN(len(lightNames))])
	}
	m.Properties = codec.SetProperty(m.Properties, protocol.PropertyInnerMultiDispatch, strings.Join(names, ","))
}

// lightProperties is what a message's properties become when it is stored: a light queue counts the messages that it has been
// given.
func (h *history) lightProperties(m *codec.Message) string {
	list, ok := codec.Property(m.Properties, protocol.PropertyInnerMultiDispatch)
	if !ok {
		return m.Properties
	}
	var offsets []string
	for name := range codec.DispatchNames(list) {
		n := 0
		for _, other := range h.all {
			if inLight(other, name) {
				n++
			}
		}
		offsets = append(offsets, fmt.Sprint(n))
	}
	return codec.SetProperty(m.Properties, protocol.PropertyInnerMultiQueueOffset, strings.Join(offsets, ","))
}

func inLight(m *codec.Message, name string) bool {
	list, _ := codec.Property(m.Properties, protocol.PropertyInnerMultiDispatch)
	return slices.Contains(strings.Split(list, ","), name)
}

// verifyLight reads every light queue from the begin of the log on.
func (h *history) verifyLight(first int64) {
	h.t.Helper()
	if !h.o.LightQueues {
		return
	}
	for _, name := range lightNames {
		var want []*codec.Message
		for _, m := range h.all {
			if m.PhysicalOffset >= first && inLight(m, name) {
				want = append(want, m)
			}
		}
		checkQueue(h.t, h.s, name, 0, want)
	}
}

func lightOptions(fs vfs.FS) Options {
	o := smallOptions(fs, "/store")
	o.LightQueues, o.LightDispatch = true, true
	return o
}

func appendTo(t *testing.T, s *Store, n int, names string) *codec.Message {
	t.Helper()
	m := message("t", 0, n)
	if names != "" {
		m.Properties = codec.SetProperty(m.Properties, protocol.PropertyInnerMultiDispatch, names)
	}
	mustAppend(t, s, m)
	return m
}

func lightOffsets(t *testing.T, s *Store, m *codec.Message) string {
	t.Helper()
	dispatchAll(t, s)
	var r GetResult
	defer r.Release()
	s.Get(&Query{Topic: m.Topic, QueueID: m.QueueID, Offset: m.QueueOffset, MaxCount: 1}, &r)
	if r.Status != Found {
		t.Fatalf("get: %v, %v", r.Status, r.Err)
	}
	var stored codec.Message
	if _, err := codec.DecodeRecord(r.Buffers[0], &stored, true); err != nil {
		t.Fatal(err)
	}
	offsets, ok := codec.Property(stored.Properties, protocol.PropertyInnerMultiQueueOffset)
	if !ok {
		return "none"
	}
	return strings.Clone(offsets)
}

// TestLightOffsets is about what the store writes into a record, and about lists that make no sense.
func TestLightOffsets(t *testing.T) {
	s := mustOpen(t, lightOptions(vfs.NewMemory()))
	t.Cleanup(func() { s.Close() })
	long := protocol.PrefixLMQ + strings.Repeat("n", 300)
	for i, tt := range []struct{ names, want string }{
		{"%LMQ%a", "0"},
		{"%LMQ%a,%LMQ%b", "1,0"},
		{"%LMQ%b,%LMQ%a,", "1,2"},
		{"%LMQ%b,%LMQ%b,%LMQ%a", "2,2,3"},
		{"", "none"},
		{",", "none"},
		{"t", "none"},
		{"t,%LMQ%a", "none"},
		{",%LMQ%a", "none"},
		{long, "none"},
		{"%LMQ%a,%LMQ%x/y", "4,0"},
		{"%LMQ%a", "5"},
		{"%LMQ%b", "3"},
	} {
		m := appendTo(t, s, i, tt.names)
		if got := lightOffsets(t, s, m); got != tt.want {
			t.Errorf("%q was given %q, want %q", tt.names, got, tt.want)
		}
	}
	for name, want := range map[string]int64{"%LMQ%a": 6, "%LMQ%b": 4, "t": 13} {
		if _, end, err := s.Bounds(name, 0); end != want || err != nil {
			t.Errorf("%s ends at %d (%v), want %d", name, end, err, want)
		}
	}
	if n := s.LightQueues(); n != 2 {
		t.Errorf("%d light queues, want 2", n)
	}
	if err := s.DeleteTopics([]string{"%LMQ%b"}); err != nil || s.LightQueues() != 1 {
		t.Errorf("%d light queues are left after one was deleted, want 1 (%v)", s.LightQueues(), err)
	}
}

// TestLightForgery sends offsets that only the store may write.
func TestLightForgery(t *testing.T) {
	s := mustOpen(t, lightOptions(vfs.NewMemory()))
	t.Cleanup(func() { s.Close() })
	forged := message("t", 0, 0)
	forged.Properties += protocol.PropertyInnerMultiDispatch + "\x01%LMQ%a\x02" + protocol.PropertyInnerMultiQueueOffset + "\x01999\x02"
	mustAppend(t, s, forged)
	if got := lightOffsets(t, s, forged); got != "0" {
		t.Errorf("a message that brought its offset along has %q", got)
	}
	batch := message("t", 0, 1)
	body, err := codec.AppendBatchEntry(nil, &codec.BatchEntry{Body: []byte("x"), Properties: forged.Properties})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.AppendBatch(batch, body, nil); err != nil {
		t.Fatal(err)
	}
	batch.QueueOffset = 1
	if got := lightOffsets(t, s, batch); got != "none" {
		t.Errorf("a message of a batch that brought its offset along has %q", got)
	}
	if _, end, _ := s.Bounds("%LMQ%a", 0); end != 1 {
		t.Errorf("the light queue ends at %d, want 1", end)
	}
	if retry := message("%RETRY%g", 0, 2); true {
		retry.Properties = forged.Properties
		mustAppend(t, s, retry)
		if got := lightOffsets(t, s, retry); got != "999" {
			t.Errorf("a retry lost what it was given the first time: %q", got)
		}
	}
}

// TestOtherNames: a message that names queues of which none is a light one goes to its own, and says where there would be offsets.
func TestOtherNames(t *testing.T) {
	s := mustOpen(t, lightOptions(vfs.NewMemory()))
	t.Cleanup(func() { s.Close() })
	const brought = protocol.PropertyInnerMultiQueueOffset + "\x017\x02"
	for i, c := range []struct{ list, brought, want string }{
		{"x", "", "none"}, {"x,y", "", ","}, {"x,y", brought, ","}, {"x,y,,", "", ","}, {",x", "", ","}, {",", "", "none"}, {" ", "", "none"}, {" ", brought, "7"},
	} {
		m := message("t", 0, i)
		m.Properties += protocol.PropertyInnerMultiDispatch + "\x01" + c.list + "\x02" + c.brought
		mustAppend(t, s, m)
		if got := lightOffsets(t, s, m); got != c.want {
			t.Errorf("%q: %q, want %q", c.list, got, c.want)
		}
	}
	if n := s.LightQueues(); n != 0 {
		t.Errorf("%d light queues were made", n)
	}
}

// TestLightHole: a record that claims an impossible offset, written by somebody else, is left out.
func TestLightHole(t *testing.T) {
	o := lightOptions(vfs.NewMemory())
	o.LightQueues = false // as if: properties go into the log as they come
	s := mustOpen(t, o)
	m := message("t", 0, 0)
	m.Properties += protocol.PropertyInnerMultiDispatch + "\x01%LMQ%a\x02" + protocol.PropertyInnerMultiQueueOffset + "\x01" + fmt.Sprint(int64(math.MaxInt64)) + "\x02"
	mustAppend(t, s, m)
	s.Close()
	if err := o.FS.(*vfs.Memory).RemoveAll("/store/consumequeue"); err != nil {
		t.Fatal(err)
	}
	o.LightQueues = true
	s = mustOpen(t, o)
	t.Cleanup(func() { s.Close() })
	if _, end, err := s.Bounds("%LMQ%a", 0); end != 0 || err != nil {
		t.Errorf("the light queue ends at %d (%v), want 0", end, err)
	}
	if _, end, err := s.Bounds("t", 0); end != 1 || err != nil {
		t.Errorf("the message's own queue ends at %d (%v), want 1", end, err)
	}
}

// TestLightLimits: the limit for a body is one for the whole record here.
func TestLightLimits(t *testing.T) {
	o := lightOptions(vfs.NewMemory())
	o.Tuning.MaxMessageSize = 4096
	s := mustOpen(t, o)
	t.Cleanup(func() { s.Close() })
	big := message("t", 0, 0)
	big.Body = make([]byte, 4000)
	mustAppend(t, s, big)
	big.Properties = codec.SetProperty(big.Properties, protocol.PropertyInnerMultiDispatch, "%LMQ%a")
	if r, err := s.Append(big); r.Status != MessageIllegal || !errors.Is(err, errRecordSize) {
		t.Errorf("a record beyond maxMessageSize: %v, %v", r.Status, err)
	}
	if again := appendTo(t, s, 1, "%LMQ%a"); lightOffsets(t, s, again) != "0" {
		t.Error("a message that was refused took an offset")
	}
	long := message("t", 0, 2)
	long.Properties = "K\x01" + strings.Repeat("v", codec.MaxProperties-40) + "\x02" + protocol.PropertyInnerMultiDispatch + "\x01%LMQ%a\x02"
	if r, err := s.Append(long); r.Status != MessageIllegal || err == nil {
		t.Errorf("properties that are too long with the offsets: %v, %v", r.Status, err)
	}
}

// TestLightCRC: the checksum covers the offsets too.
func TestLightCRC(t *testing.T) {
	o := lightOptions(vfs.NewMemory())
	o.PropertyCRC = true
	s := mustOpen(t, o)
	t.Cleanup(func() { s.Close() })
	for i := range 3 {
		m := message("t", 0, i)
		m.Properties = codec.SetProperty(m.Properties, protocol.PropertyInnerMultiDispatch, "%LMQ%a") + "__CRC32#\x010123456789\x02"
		record, err := s.ReadRecord(mustAppend(t, s, m).PhysicalOffset)
		if err != nil {
			t.Fatal(err)
		}
		checkCRC(t, record)
		if got := lightOffsets(t, s, m); got != fmt.Sprint(i) {
			t.Errorf("message %d has offset %q", i, got)
		}
	}
}

// TestLightRebuilt moves the queues away: all of them come from the log.
func TestLightRebuilt(t *testing.T) {
	disk := vfs.NewMemory()
	o := lightOptions(disk)
	s := mustOpen(t, o)
	want := map[string][]*codec.Message{}
	for i := range 250 { // more than one file of a queue
		m := appendTo(t, s, i, []string{"%LMQ%a", "%LMQ%a,%LMQ%b", ""}[i%3])
		for _, name := range lightNames {
			if inLight(m, name) {
				want[name] = append(want[name], m)
			}
		}
	}
	dispatchAll(t, s)
	check := func() {
		t.Helper()
		for _, name := range lightNames {
			if got := readAll(t, s, name, 0); len(got) != len(want[name]) {
				t.Fatalf("%s has %d messages, want %d", name, len(got), len(want[name]))
			} else {
				for i := range got {
					if got[i].PhysicalOffset != want[name][i].PhysicalOffset {
						t.Fatalf("%s: message %d is the one at %d, want %d", name, i, got[i].PhysicalOffset, want[name][i].PhysicalOffset)
					}
				}
			}
		}
	}
	check()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := disk.RemoveAll("/store/consumequeue"); err != nil {
		t.Fatal(err)
	}
	s = mustOpen(t, o)
	check()
	if m := appendTo(t, s, 999, "%LMQ%b"); lightOffsets(t, s, m) != fmt.Sprint(len(want["%LMQ%b"])) {
		t.Error("the next message does not go on where the queue ends")
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}
