package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gantrymq/gantry/protocol"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if size := os.Getenv(echoVariable); size != "" { // this binary as the answering process
		if err := runEchoServer(os.Stdin, os.Stdout, size); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

func TestLimits(t *testing.T) {
	var out bytes.Buffer
	err := Run(t.Context(), []string{"limits", "-duration", "100ms", "-connections", "2", "-dir", t.TempDir(), "-json", "-"}, &out, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	var l Limits
	if err := json.Unmarshal(out.Bytes(), &l); err != nil {
		t.Fatal(err)
	}
	if l.Rate <= 0 || l.Latency == nil || l.Exchanges == 0 || l.WriteBytes <= 0 || l.SyncsPerSecond <= 0 {
		t.Errorf("figures are missing: %+v", l)
	}
}

// TestPacedLimits: exchanges keep to a rate, and their latency counts from when they
// were due.
func TestPacedLimits(t *testing.T) {
	var out bytes.Buffer
	err := Run(t.Context(), []string{"limits", "-duration", "500ms", "-connections", "2", "-rate", "200", "-json", "-"}, &out, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	var l Limits
	if err := json.Unmarshal(out.Bytes(), &l); err != nil {
		t.Fatal(err)
	}
	if l.Paced != 200 || l.Exchanges < 1 || l.Exchanges > 102 || l.Latency == nil || l.Latency.P50 <= 0 {
		t.Errorf("at 200 a second for half of a second: %+v, %+v", l, l.Latency)
	}
}

func TestFirstAckWaitsForTheServer(t *testing.T) {
	s := newFakeServer(t)
	refused := 0
	s.answer = func(int64) protocol.ResponseCode {
		if refused++; refused < 5 {
			return protocol.ResponseSystemBusy
		}
		return protocol.ResponseSuccess
	}
	if err := FirstAck(t.Context(), s.address(), "T"); err != nil || refused != 5 {
		t.Errorf("error %v after %d answers", err, refused)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := FirstAck(ctx, "127.0.0.1:1", "T"); err == nil {
		t.Error("no error although nobody answered")
	}
}

func TestAwaitRoute(t *testing.T) {
	s := newFakeServer(t)
	s.routeless = 3
	if err := AwaitRoute(t.Context(), s.address(), "T"); err != nil || s.routeless != 0 {
		t.Errorf("error %v, %d refusals left", err, s.routeless)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := AwaitRoute(ctx, "127.0.0.1:1", "T"); err == nil {
		t.Error("no error although nobody answered")
	}
}

// runReport runs the command and reads its JSON.
func runReport(t *testing.T, args ...string) (*Report, error) {
	t.Helper()
	var out, errOut bytes.Buffer
	err := Run(t.Context(), append(args, "-json", "-"), &out, &errOut)
	if errOut.Len() > 0 {
		t.Fatalf("%v: %s", args, errOut.String())
	}
	r := new(Report)
	if derr := json.Unmarshal(out.Bytes(), r); derr != nil {
		t.Fatalf("%v: %v; the report: %v in %q", args, err, derr, out.String())
	}
	return r, err
}

func TestProduceCountsWhatIsAcknowledged(t *testing.T) {
	for name, args := range map[string][]string{
		"closed loop":   nil,
		"window":        {"-window", "16"},
		"batch":         {"-batch", "10"},
		"binary header": {"-binary", "-keys", "5", "-tags", "3", "-properties", "2"},
		"open loop":     {"-rate", "1000000", "-window", "8"},
		"tiny":          {"-size", "1"},
		"transactions":  {"-window", "4", "-transaction", "commit"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newFakeServer(t)
			r, err := runReport(t, append([]string{"produce", "-n", s.address(), "-connections", "3", "-count", "300", "-queues", "4"}, args...)...)
			if err != nil {
				t.Fatal(err)
			}
			l := r.Loads[0]
			if l.Messages != 300 || s.sent != 300 || len(l.Failures) != 0 || l.Unanswered != 0 {
				t.Errorf("reported %d messages, %v, %d unanswered; the server saw %d", l.Messages, l.Failures, l.Unanswered, s.sent)
			}
			if l.Rate <= 0 || l.Latency == nil || l.Latency.P50 <= 0 || l.BytesOut == 0 || l.BytesIn == 0 {
				t.Errorf("figures are missing: %+v", l)
			}
			if s.topics["GantryBench_0"] != 4 {
				t.Errorf("topics made: %v", s.topics)
			}
			if r.Ended != errWorkDone.Error() {
				t.Errorf("ended because %s", r.Ended)
			}
			if len(s.halves) > 0 {
				t.Errorf("%d transactions were not ended", len(s.halves))
			}
		})
	}
}

// What the server refuses is counted by its code and is no message.
func TestFailuresAreCountedByCode(t *testing.T) {
	s := newFakeServer(t)
	s.answer = func(n int64) protocol.ResponseCode {
		switch n % 4 {
		case 0:
			return protocol.ResponseSystemBusy
		case 1:
			return protocol.ResponseFlushDiskTimeout
		}
		return protocol.ResponseSuccess
	}
	r, err := runReport(t, "produce", "-b", s.address(), "-connections", "2", "-count", "400")
	if err != nil {
		t.Fatal(err)
	}
	l := r.Loads[0]
	if l.Messages != 200 || l.Failures["SYSTEM_BUSY"] != 100 || l.Failures["FLUSH_DISK_TIMEOUT"] != 100 || l.Latency.Samples != 200 {
		t.Errorf("messages %d, failures %v, samples %d", l.Messages, l.Failures, l.Latency.Samples)
	}
}

func TestAllRefusedIsAnError(t *testing.T) {
	s := newFakeServer(t)
	s.answer = func(int64) protocol.ResponseCode { return protocol.ResponseNoPermission }
	r, err := runReport(t, "produce", "-b", s.address(), "-count", "50")
	if err == nil || !strings.Contains(err.Error(), "50 requests failed") {
		t.Errorf("error %v", err)
	}
	if l := r.Loads[0]; l.Messages != 0 || l.Rate != 0 || l.Failures["NO_PERMISSION"] != 50 {
		t.Errorf("reported %+v", l)
	}
}

// A target that goes away leaves the report up to then, and an error.
func TestLostTargetIsReported(t *testing.T) {
	for name, args := range map[string][]string{"closed": nil, "open": {"-rate", "1e6", "-window", "4"}} {
		t.Run(name, func(t *testing.T) {
			s := newFakeServer(t)
			s.dieAt = 500
			r, err := runReport(t, append([]string{"produce", "-b", s.address(), "-connections", "1", "-duration", "1m", "-warmup", "0"}, args...)...)
			if err == nil || !strings.Contains(err.Error(), "was lost") {
				t.Fatalf("error %v", err)
			}
			l := r.Loads[0]
			if l.Messages == 0 || l.Messages >= 500 || l.Unanswered == 0 || !strings.Contains(r.Ended, "was lost") {
				t.Errorf("reported %d messages, %d unanswered, ended %q", l.Messages, l.Unanswered, r.Ended)
			}
		})
	}
}

// So it is when the target goes away from consumers.
func TestLostTargetOfConsumers(t *testing.T) {
	for name, args := range map[string][]string{"pull": nil, "pop": {"-pop"}} {
		t.Run(name, func(t *testing.T) {
			s := newFakeServer(t)
			for range 100 {
				s.stored = append(s.stored, record(t, time.Now()))
			}
			s.lostAt = 60
			r, err := runReport(t, append([]string{"consume", "-b", s.address(), "-connections", "1", "-queues", "1", "-from", "first", "-duration", "1m", "-warmup", "0"}, args...)...)
			if err == nil || !strings.Contains(err.Error(), "was lost") {
				t.Fatalf("error %v", err)
			}
			if l := r.Loads[0]; l.Messages == 0 || l.Messages >= 100 || !strings.Contains(r.Ended, "was lost") {
				t.Errorf("reported %d messages, ended %q", l.Messages, r.Ended)
			}
		})
	}
}

// A storm of connections goes on while some fail, but a target that takes none at
// the end was lost.
func TestLostTargetOfConnections(t *testing.T) {
	s := newFakeServer(t)
	s.dieAt = 5
	r, err := runReport(t, "connect", "-b", s.address(), "-connections", "2", "-warmup", "0", "-duration", "700ms")
	if err == nil || !strings.Contains(err.Error(), "no connection") {
		t.Fatalf("error %v", err)
	}
	l := r.Loads[0]
	if l.Messages == 0 || l.Failures["connection refused"] == 0 || !strings.Contains(r.Ended, "no connection") {
		t.Errorf("reported %d connections, %v, ended %q", l.Messages, l.Failures, r.Ended)
	}
}

// One-way sends are told by the growth of the queues, not by what was written.
func TestOneWayCountsWhatArrived(t *testing.T) {
	s := newFakeServer(t)
	s.sent = 7 // there before the run
	r, err := runReport(t, "produce", "-b", s.address(), "-connections", "2", "-oneway", "-rate", "2000", "-duration", "300ms", "-queues", "2")
	if err != nil {
		t.Fatal(err)
	}
	l := r.Loads[0]
	if l.Messages != s.sent-7 || l.Written != l.Messages || l.Messages == 0 {
		t.Errorf("reported %d messages of %d written; the server saw %d", l.Messages, l.Written, s.sent-7)
	}
}

func TestConsumeUntilEnd(t *testing.T) {
	s := newFakeServer(t)
	for range 7 {
		s.stored = append(s.stored, record(t, time.Now()))
	}
	r, err := runReport(t, "consume", "-b", s.address(), "-connections", "3", "-queues", "2", "-groups", "3", "-from", "first", "-until-end")
	if err != nil {
		t.Fatal(err)
	}
	if l := r.Loads[0]; l.Messages != 7*2*3 || l.Requests != 4*2*3 || l.Latency.Samples != 4*2*3 {
		t.Errorf("reported %d messages in %d pulls with %d samples", l.Messages, l.Requests, l.Latency.Samples)
	}
}

func TestMixedMeasuresFromSendToReceipt(t *testing.T) {
	s := newFakeServer(t)
	s.stored = [][]byte{}                          // nothing yet
	s.answer = func(int64) protocol.ResponseCode { // under the server's lock
		s.stored = append(s.stored, record(t, time.Now().Add(-50*time.Millisecond)))
		return protocol.ResponseSuccess
	}
	r, err := runReport(t, "mixed", "-b", s.address(), "-connections", "1", "-consumers", "1", "-queues", "1", "-rate", "200", "-warmup", "0", "-duration", "500ms")
	if err != nil {
		t.Fatal(err)
	}
	c := r.Loads[1]
	if c.Name != "consume" || c.Messages == 0 || c.Latency.Samples != c.Messages || c.Latency.P50 < 50_000 {
		t.Errorf("reported %+v, latency %+v", c, c.Latency)
	}
}

func TestStorms(t *testing.T) {
	for _, workload := range []string{"connect", "heartbeat"} {
		s := newFakeServer(t)
		r, err := runReport(t, workload, "-n", s.address(), "-connections", "2", "-warmup", "0", "-duration", "200ms", "-groups", "2", "-subscriptions", "3")
		if err != nil {
			t.Fatal(err)
		}
		if l := r.Loads[0]; l.Messages < 2 || len(l.Failures) != 0 {
			t.Errorf("%s: reported %+v", workload, l)
		}
		s.mu.Lock()
		beat := s.beats[0]
		s.mu.Unlock()
		if len(beat.ConsumerDataSet) != 2 || len(beat.ConsumerDataSet[0].SubscriptionDataSet) != 3 || beat.ClientID == "" {
			t.Errorf("%s: the server got %+v", workload, beat)
		}
	}
}

func TestReportsAreWritten(t *testing.T) {
	s := newFakeServer(t)
	dir := t.TempDir()
	svg, js := filepath.Join(dir, "plot.svg"), filepath.Join(dir, "report.json")
	var out bytes.Buffer
	err := Run(t.Context(), []string{"produce", "-b", s.address(), "-duration", "300ms", "-warmup", "0", "-svg", svg, "-json", js}, &out, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"produce ", "latency ", "closed loop", "bench ", "ended      the duration was over"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the text lacks %q:\n%s", want, out.String())
		}
	}
	plot, err := os.ReadFile(svg)
	if err != nil {
		t.Fatal(err)
	}
	dec := xml.NewDecoder(bytes.NewReader(plot))
	for {
		if _, err := dec.Token(); err == io.EOF {
			break
		} else if err != nil {
			t.Fatalf("the plot is no XML: %v", err)
		}
	}
	if _, err := os.Stat(js); err != nil {
		t.Error(err)
	}
}

func TestNonsenseIsRefused(t *testing.T) {
	for want, args := range map[string]string{
		"there is no workload":         "juggle -n a:1",
		"there is no server":           "produce",
		"-connections 0":               "produce -n a:1 -connections 0",
		"-rate -1":                     "produce -n a:1 -rate -1",
		"-rate NaN":                    "produce -n a:1 -rate NaN",
		"-rate +Inf":                   "produce -n a:1 -rate Inf",
		"-batch 0":                     "produce -n a:1 -batch 0",
		"-topics 0":                    "produce -n a:1 -topics 0",
		"-queues 1000001":              "produce -n a:1 -queues 1000001",
		"-count -1":                    "produce -n a:1 -count -1",
		"no count to stop at":          "produce -n a:1 -oneway -rate 1 -count 5",
		"can be told apart":            "produce -n a:1 -tags 10001",
		"-properties 501":              "produce -n a:1 -properties 501",
		"-groups 0":                    "consume -n a:1 -groups 0",
		"-max-messages 0":              "consume -n a:1 -max-messages 0",
		"-suspend cannot":              "consume -n a:1 -suspend -1s",
		"cannot be negative":           "heartbeat -n a:1 -groups -1",
		"is read by no server":         "connect -n a:1 -groups 1000 -subscriptions 1000",
		"cannot be paced":              "produce -n a:1 -rate 1e9 -connections 1",
		"-duration must be":            "produce -n a:1 -duration 0s",
		"-window 0":                    "produce -n a:1 -window 0",
		"-size 0":                      "produce -n a:1 -size 0",
		"no server reads a frame":      "produce -n a:1 -size 1048576 -batch 100",
		"a batch cannot be delayed":    "produce -n a:1 -batch 2 -delay 1",
		"nothing is in flight":         "produce -n a:1 -oneway -window 2 -rate 1",
		"-oneway needs a -rate":        "produce -n a:1 -oneway",
		"there are the levels":         "produce -n a:1 -delay 19",
		"ends with commit or rollback": "produce -n a:1 -transaction maybe",
		"goes with none of":            "produce -n a:1 -transaction commit -batch 2",
		"-topic names one":             "produce -n a:1 -topic T -topics 2",
		"-topic a!b":                   "produce -n a:1 -topic a!b",
		"-from middle":                 "consume -n a:1 -from middle",
		"between the end and the end":  "consume -n a:1 -until-end",
		"filters by one of them":       "consume -n a:1 -filter-sql x -filter-tags y",
		"pace the producer":            "consume -n a:1 -rate 5",
		"-consumers 0":                 "mixed -n a:1 -consumers 0",
		"-consumers 60001":             "mixed -n a:1 -consumers 60001",
		"a pop gives 32":               "consume -n a:1 -pop -max-messages 33",
		"-ack never":                   "consume -n a:1 -pop -ack never",
		"-invisible 10ms":              "consume -n a:1 -pop -invisible 10ms",
		"belongs to no flag":           "produce -n a:1 100",
		"-prefix a!b":                  "produce -n a:1 -prefix a!b",
		"-size is from 1":              "limits -size 0",
		"-rate 0 or from 1":            "limits -rate 0.5",
		"not defined":                  "produce -n a:1 -speed 5",
		"usage: gantry bench":          "",
	} {
		var errOut strings.Builder
		if err := Run(t.Context(), strings.Fields(args), io.Discard, &errOut); !errors.Is(err, ErrUsage) || !strings.Contains(errOut.String(), want) {
			t.Errorf("%q: error %v, said %q, want %q", args, err, errOut.String(), want)
		}
	}
}

func TestHelpIsNoError(t *testing.T) {
	for want, args := range map[string]string{"workloads:": "-h", "-oneway": "produce -h", "-until-end": "consume --help"} {
		var errOut strings.Builder
		if err := Run(t.Context(), strings.Fields(args), io.Discard, &errOut); err != nil || !strings.Contains(errOut.String(), want) {
			t.Errorf("%q: error %v, said %q", args, err, errOut.String())
		}
	}
}

func TestUnreachableTargets(t *testing.T) {
	s := newFakeServer(t)
	for want, args := range map[string][]string{
		"cannot connect":         {"produce", "-n", "127.0.0.1:1"},
		"name brokers with -b":   {"produce", "-n", "127.0.0.1:1"},
		"is no process id":       {"produce", "-b", s.address(), "-pid", "x"},
		"cannot be watched":      {"produce", "-b", s.address(), "-pid", "4194305"},
		"cannot all pull":        {"consume", "-b", s.address(), "-queues", "2", "-connections", "3"},
		"no messages to catch u": {"consume", "-b", s.address(), "-queues", "1", "-connections", "1", "-from", "first", "-until-end"},
	} {
		var out strings.Builder
		if err := Run(t.Context(), args, &out, io.Discard); err == nil || !strings.Contains(err.Error(), want) || out.Len() > 0 {
			t.Errorf("%v: error %v, output %q, want %q", args, err, out.String(), want)
		}
	}
}
