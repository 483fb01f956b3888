package ops

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/gantrymq/gantry/admin"
	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/protocol"
)

func TestReadLine(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{"body":"hi"}`:                          "hi map[WAIT:true]",
		`{"body":""}`:                            " map[WAIT:true]",
		`{"bodyBase64":"aGk="}`:                  "hi map[WAIT:true]",
		`{"body":"b","tags":"x","keys":"k1 k2"}`: "b map[KEYS:k1 k2 TAGS:x WAIT:true]",
		`{"body":"b","properties":{"TAGS":"p","UNIQ_KEY":"U","color":"red"},"tags":"x","msgId":"U"}`: "b map[TAGS:p WAIT:true color:red]",
		`{"topic":"T"}`:             "neither body",
		`hi`:                        "no JSON object",
		`{"body":"a"} {"body":"b"}`: "more than one",
		`{"body":1}`:                "no JSON object",
	} {
		m, err := readLine([]byte(text), false)
		got := ""
		if err != nil {
			got = err.Error()
		} else {
			got = fmt.Sprintf("%s %v", m.Body, m.Properties)
		}
		if !strings.Contains(got, want) {
			t.Errorf("%s was read as %q, want %q", text, got, want)
		}
	}
	if m, err := readLine([]byte(`{"not":"json"`), true); err != nil || string(m.Body) != `{"not":"json"` {
		t.Errorf("a raw line was read as %v, %v", m, err)
	}
}

func message(body string, props map[string]string) *admin.Message {
	host := netip.MustParseAddrPort("127.0.0.1:10911")
	return &admin.Message{
		Message:    codec.Message{Body: []byte(body), QueueID: 3, QueueOffset: 7, StoreHost: host, BornHost: host},
		BrokerName: "b", Properties: props,
	}
}

func TestMessageLine(t *testing.T) {
	t.Parallel()
	for want, m := range map[string]*admin.Message{
		" b/3@7 hello":                     message("hello", nil),
		" b/3@7 tag=x keys=k1 k2 hello":    message("hello", map[string]string{"TAGS": "x", "KEYS": "k1 k2"}),
		` b/3@7 "two\nlines"`:              message("two\nlines", nil),
		" b/3@7 2 bytes, no text":          message("\xff\xfe", nil),
		" b/3@7 \"\\u001b[31m no colour\"": message("\x1b[31m no colour", nil),
	} {
		if got := messageLine(m); !strings.HasSuffix(got, want) {
			t.Errorf("shown as %q, want …%q", got, want)
		}
	}
}

func TestFollowerTakes(t *testing.T) {
	t.Parallel()
	f := &follower{key: "k2"}
	if !f.takes(message("", map[string]string{"KEYS": "k1 k2"})) || f.takes(message("", map[string]string{"KEYS": "k22"})) || f.takes(message("", nil)) {
		t.Error("keys are not compared as a whole")
	}
}

func TestBrokerClock(t *testing.T) {
	t.Parallel()
	got, ok := brokerClock(map[string]string{"bootTimestamp": "1000", "runtime": "[ 1 days, 2 hours, 3 minutes, 4 seconds ]"})
	if want := time.UnixMilli(1000).Add(26*time.Hour + 3*time.Minute + 4*time.Second); !ok || !got.Equal(want) {
		t.Errorf("the clock is %v, %t, want %v", got, ok, want)
	}
	if _, ok := brokerClock(map[string]string{"bootTimestamp": "1000"}); ok {
		t.Error("half of the facts gave a clock")
	}
}

func TestFactsAreJudged(t *testing.T) {
	t.Parallel()
	now := time.UnixMilli(1_000_000_000)
	facts := func(change map[string]string) map[string]string {
		f := map[string]string{
			"brokerActive": "true", "commitLogDiskRatio": "0.2", "dispatchBehindBytes": "0",
			"bootTimestamp": fmt.Sprint(now.Add(-time.Minute).UnixMilli()), "runtime": "[ 0 days, 0 hours, 1 minutes, 0 seconds ]",
		}
		for k, v := range change {
			f[k] = v
		}
		return f
	}
	for want, f := range map[string]map[string]string{
		"ok answers":                            facts(nil),
		"warning its disk is 80%":               facts(map[string]string{"commitLogDiskRatio": "0.8"}),
		"fault its disk is 90%":                 facts(map[string]string{"commitLogDiskRatio": "0.9"}),
		"warning is not active":                 facts(map[string]string{"brokerActive": "false"}),
		"warning its queues are 100 MiB behind": facts(map[string]string{"dispatchBehindBytes": fmt.Sprint(100 << 20)}),
		"warning its clock and that of this machine differ by 1m0s": facts(map[string]string{"runtime": "[ 0 days, 0 hours, 2 minutes, 0 seconds ]"}),
		"warning its clock and that of this machine differ by 59s":  facts(map[string]string{"runtime": "[ 0 days, 0 hours, 0 minutes, 0 seconds ]"}),
	} {
		x := &examination{}
		x.facts("broker", f, now, now)
		if len(x.findings) != 1 || !strings.HasPrefix(string(x.findings[0].Level)+" "+x.findings[0].Found, want) {
			t.Errorf("found %+v, want %s", x.findings, want)
		}
	}
}

func TestRoutesAreJudged(t *testing.T) {
	t.Parallel()
	b := &protocol.BrokerData{BrokerName: "b", BrokerAddrs: map[int64]string{0: "h:1"}}
	cluster := &admin.Cluster{ClusterInfo: protocol.ClusterInfo{BrokerAddrTable: map[string]*protocol.BrokerData{"b": b}}}
	queue := func(broker string, perm int32) *protocol.QueueData {
		return &protocol.QueueData{BrokerName: broker, Perm: perm, ReadQueueNums: 1, WriteQueueNums: 1}
	}
	for want, queues := range map[string][]*protocol.QueueData{
		"":                  {queue("b", 6)},
		"names broker c":    {queue("b", 6), queue("c", 6)},
		"cannot be written": {queue("b", 4)},
	} {
		x := &examination{}
		x.route("T", &protocol.TopicRouteData{BrokerDatas: []*protocol.BrokerData{b}, QueueDatas: queues}, cluster)
		got := fmt.Sprint(x.findings)
		if (len(x.findings) > 0) != (want != "") || !strings.Contains(got, want) {
			t.Errorf("found %s, want %q", got, want)
		}
	}
}

func TestRates(t *testing.T) {
	t.Parallel()
	at := time.Now()
	before := &view{Time: at, Topics: []topicRow{{Name: "T", end: 100}}, Groups: []groupRow{{Name: "G", at: 50}}}
	v := &view{Time: at.Add(2 * time.Second), Topics: []topicRow{{Name: "new", end: 5}, {Name: "T", end: 120}}, Groups: []groupRow{{Name: "G", at: 40}}}
	v.rates(before)
	if v.Topics[0].In != 0 || v.Topics[1].In != 10 || v.Groups[0].Out != 0 {
		t.Errorf("rates are %+v", v)
	}
}

func sample() *view {
	ms := int64(3000)
	return &view{
		Time: time.Now(), Brokers: []brokerRow{{Name: "broker-a", Addr: "h:1"}},
		Topics: []topicRow{{Name: "alpha", In: 1}, {Name: "beta", In: 9}},
		Groups: []groupRow{{Name: "g1", Behind: 5, BehindMs: &ms}, {Name: "g2", Behind: 9, Out: 1}},
	}
}

func TestScreen(t *testing.T) {
	t.Parallel()
	s := &screen{ctx: context.Background(), look: func(context.Context) *view { return sample() }, pause: time.Hour}
	if s.Update(s.Init()()); s.last == nil {
		t.Fatal("the first look was not taken")
	}
	shown := func() string { return s.View().Content }
	if i, j := strings.Index(shown(), "beta"), strings.Index(shown(), "alpha"); i < 0 || i > j {
		t.Errorf("topics are not sorted by rate:\n%s", shown())
	}
	s.key("l")
	if i, j := strings.Index(shown(), "g2"), strings.Index(shown(), "g1"); i < 0 || i > j {
		t.Errorf("groups are not sorted by lag:\n%s", shown())
	}
	s.key("n")
	if i, j := strings.Index(shown(), "alpha"), strings.Index(shown(), "beta"); i < 0 || i > j {
		t.Errorf("topics are not sorted by name:\n%s", shown())
	}
	for _, key := range []string{"/", "b", "e", "x", "backspace", "enter"} {
		s.key(key)
	}
	if s.filter != "be" || strings.Contains(shown(), "alpha") || strings.Contains(shown(), "g1") {
		t.Errorf("the filter %q shows\n%s", s.filter, shown())
	}
	s.Update(tea.WindowSizeMsg{Height: 6})
	if n := strings.Count(shown(), "\n"); n > 6 {
		t.Errorf("%d lines on a screen of 6", n)
	}
	if cmd := s.key("q"); cmd == nil || cmd() != (tea.QuitMsg{}) {
		t.Error("q does not end it")
	}
}

func TestCommandsAreComplete(t *testing.T) {
	t.Parallel()
	for _, c := range Commands() {
		if c.Help == "" || c.Area == "" || c.Run == nil {
			t.Errorf("%s lacks something", c.Name)
		}
		for _, o := range c.Options {
			if o.Help == "" || o.Long == "" || o.Short == "" || o.Short == "o" || o.Short == "n" || o.Short == "h" {
				t.Errorf("%s: option -%s lacks a text or takes the place of a common one", c.Name, o.Short)
			}
		}
	}
}
