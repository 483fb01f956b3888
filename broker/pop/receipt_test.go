package pop

import (
	"strings"
	"testing"
)

func TestReceipt(t *testing.T) {
	r := Receipt{Start: 3, PopTime: 1700000000000, Invisible: 60000, ReviveQueue: 7, Origin: FromRetry, Broker: "broker-a", Queue: 2, Offset: 5}
	const text = "3 1700000000000 60000 7 1 broker-a 2 5"
	if got := string(r.AppendTo(nil)); got != text {
		t.Errorf("AppendTo: %q, want %q", got, text)
	}
	back, err := ParseReceipt(text)
	if err != nil || back != r || back.Ordered() {
		t.Errorf("ParseReceipt: %+v, %v", back, err)
	}
	if short, err := ParseReceipt("3 1700000000000 60000 999 1 broker-a"); err != nil || short.Queue != 0 || !short.Ordered() {
		t.Errorf("without the last fields: %+v, %v", short, err)
	}
	for _, bad := range []string{"", "x", "3 1 2 4 0", "a 1 2 3 0 b", "1 a 2 3 0 b", "1 2 a 3 0 b", "1 2 3 a 0 b", "1 2 3 9999999999 0 b"} {
		if got, err := ParseReceipt(bad); err == nil {
			t.Errorf("%q passes as %+v", bad, got)
		}
	}
}

func FuzzParseReceipt(f *testing.F) {
	f.Add("3 1700000000000 60000 7 1 broker-a 2 5")
	f.Add("0 0 0 999 0 b")
	f.Fuzz(func(t *testing.T, text string) {
		r, err := ParseReceipt(text)
		if err != nil {
			return
		}
		if again, err := ParseReceipt(string(r.AppendTo(nil))); err != nil || again != r {
			t.Errorf("%q: %+v, then %+v, %v", text, r, again, err)
		}
	})
}

func TestNames(t *testing.T) {
	for _, c := range []struct {
		topic, group string
		v2           bool
		retry        string
		origin       Origin
	}{
		{"T", "G", false, "%RETRY%G_T", FromRetry},
		{"T", "G", true, "%RETRY%G+T", FromRetryV2},
		{"a_b", "c_d", false, "%RETRY%c_d_a_b", FromRetry},
	} {
		retry := RetryTopic(c.topic, c.group, c.v2)
		if retry != c.retry || NormalTopic(retry, c.group) != c.topic || OriginOf(retry) != c.origin || c.origin.Topic(c.topic, c.group) != retry {
			t.Errorf("%+v: %q, %q, %q", c, retry, NormalTopic(retry, c.group), OriginOf(retry))
		}
	}
	if OriginOf("T") != FromTopic || NormalTopic("T", "G") != "T" || NormalTopic("%RETRY%other", "G") != "%RETRY%other" || Origin("9").Topic("T", "G") != "T" {
		t.Error("a topic that is none of retries is not itself")
	}
	if !FromTopic.Known() || !FromRetry.Known() || !FromRetryV2.Known() || Origin("").Known() || Origin("9").Known() {
		t.Error("a kind is taken for another")
	}
}

// TestRecords holds the texts that the official broker writes and reads.
func TestRecords(t *testing.T) {
	c := CheckPoint{Broker: "b", Group: "G", Topic: "T", Queue: 1, Start: 10, PopTime: 100, Inv: 50, Count: 2, Diffs: []int32{0, 3}}
	rec := c.record(4)
	if want := `{"bm":0,"bn":"b","c":"G","d":[0,3],"it":50,"n":2,"pt":100,"q":1,"reviveTime":150,"ro":0,"so":10,"sp":false,"t":"T"}`; string(rec.Body) != want {
		t.Errorf("check point\n%s, want\n%s", rec.Body, want)
	}
	if rec.Due != 150-earlier || rec.Queue != 4 || rec.Tag != "ck" || rec.UniqueKey != "T@1@10@G@100@b@ck" {
		t.Errorf("its record: %+v", rec)
	}
	a := Ack{Offset: 13, Broker: "b", Group: "G", PopTime: 100, Queue: 1, Start: 10, Topic: "T"}
	rec = a.record(4, 150)
	if want := `{"ao":13,"bn":"b","c":"G","pt":100,"q":1,"so":10,"t":"T"}`; string(rec.Body) != want || rec.Tag != "ack" || rec.UniqueKey != "T@1@13@G@100@b@ack" {
		t.Errorf("acknowledgement: %+v %s, want %s", rec, rec.Body, want)
	}
	a.Offset, a.Offsets = -1, []int64{10, 13}
	if rec = a.record(4, 150); !strings.Contains(string(rec.Body), `"ao":-1,"aol":[10,13]`) || rec.Tag != "bAck" {
		t.Errorf("batch: %+v %s", rec, rec.Body)
	}
	long, err := parseAck([]byte(`{"ackOffset":13,"brokerName":"b","consumerGroup":"G","popTime":100,"queueId":1,"startOffset":10,"topic":"T","ackOffsetList":[1]}`))
	if err != nil || long.key("x") != c.key() || long.Offset != 13 || len(long.Offsets) != 1 {
		t.Errorf("long names: %+v, %v", long, err)
	}
	a.Broker = " "
	if a.key("b") != c.key() {
		t.Error("an acknowledgement without a broker is not of this one")
	}
	for offset, index := range map[int64]int{9: -1, 10: 0, 11: -1, 13: 1, 14: -1} {
		if got := c.indexOf(offset); got != index {
			t.Errorf("offset %d: message %d, want %d", offset, got, index)
		}
	}
	old := CheckPoint{Start: 10, Count: 3}
	if old.indexOf(12) != 2 || old.indexOf(13) != -1 || old.offsetAt(2) != 12 || old.messages() != 3 {
		t.Error("a record without distances does not count on")
	}
}

// FuzzRecords feeds a Reviver what may stand in a damaged revive topic.
func FuzzRecords(f *testing.F) {
	f.Add("ck", []byte(`{"n":127,"d":[0],"t":"T","c":"G"}`))
	f.Add("ck", []byte(`{"n":-5,"so":-1,"t":"T","c":"G","rp":"x"}`))
	f.Add("bAck", []byte(`{"aol":[1,2],"t":"T","c":"G"}`))
	f.Fuzz(func(t *testing.T, tag string, body []byte) {
		w := newWorld(t, 1)
		w.queues[queueName{"T", 0}] = make([]stored, 200)
		r := NewReviver(0, testBroker, sink{w}, func() int64 { return w.now })
		w.revive[0] = []Arrived{{Offset: 0, Tag: tag, Due: 1, Body: body}, {Offset: 1, Tag: "ck", Due: 1 << 60, Body: []byte(`{"t":"T","c":"G","it":9}`)}}
		for range 3 {
			if _, err := r.Round(); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// sink revives into nothing.
type sink struct{ *world }

func (sink) Revive(*CheckPoint, int64, bool) error { return nil }

func (sink) Append(Record) error { return nil }
