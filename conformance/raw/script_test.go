package raw

import (
	"io/fs"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/gantrymq/gantry/conformance"
	"github.com/gantrymq/gantry/protocol"
)

// Every recorded conversation parses, is rendered again as it is, and has an answer recorded
// for each block that awaits one.
func TestConversations(t *testing.T) {
	found := 0
	err := fs.WalkDir(scripts, "testdata", func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || path.Ext(file) != ".txt" {
			return err
		}
		found++
		text, err := scripts.ReadFile(file)
		if err != nil {
			return err
		}
		s, err := parseScript(file, string(text))
		if err != nil {
			t.Error(err)
			return nil
		}
		var answers [][]string
		for _, b := range s.blocks {
			answers = append(answers, b.want)
			if len(b.want) == 0 && slices.ContainsFunc(b.commands, awaitsAnswer) {
				t.Errorf("%s:%d: no answer is recorded", file, b.line)
			}
			for _, c := range b.commands {
				if _, ok := c.code(); !ok && (c.verb == "send" || c.verb == "expect") {
					t.Errorf("%s:%d: %q names no request code", file, b.line, c.text)
				}
			}
		}
		if got := s.text(answers, true); got != string(text) {
			t.Errorf("%s is rendered otherwise than it is written", file)
		}
		return nil
	})
	if err != nil || found == 0 {
		t.Fatalf("%d conversations, %v", found, err)
	}
}

// A pop that follows another one of its group and topic must not depend on how soon the official broker
// gives the queue free.
func TestPopsAreServedInTurn(t *testing.T) {
	found := 0
	err := conformance.EachScript(scripts, func(file, _, text string) error {
		s, err := parseScript(file, text)
		if err != nil {
			return err
		}
		seen := map[string]bool{}
		for _, b := range s.blocks {
			for _, c := range b.commands {
				if i := slices.IndexFunc(c.operands, func(o string) bool { return o == "POP_MESSAGE" || o == "POP_LITE_MESSAGE" }); i < 0 {
					continue
				}
				key := c.fields["consumerGroup"] + " " + c.fields["topic"]
				_, again := c.options["until"]
				if again = again || seen[key]; again {
					found++
					for k, v := range popsInTurn {
						if s.head.Settings.Broker[k] != v {
							t.Errorf("%s:%d: a pop follows a pop: wants the line \"setting broker %s=%s\"", file, b.line, k, v)
						}
					}
				}
				seen[key] = true
			}
		}
		return nil
	})
	if err != nil || found == 0 {
		t.Fatalf("%d pops that follow another one, %v", found, err)
	}
}

func awaitsAnswer(c command) bool {
	_, oneway := c.options["oneway"]
	return (c.verb == "send" && !oneway) || c.verb == "expect" || c.verb == "await"
}

func TestParseCommand(t *testing.T) {
	c, err := parseCommand("send broker#2 SEND_MESSAGE_V2 b=$topic i=\"TAGS\\x01A\\x02\" body=`{\"a\": 1}` empty= :oneway :mask=a,b :until=\"0 SUCCESS\"")
	if err != nil {
		t.Fatal(err)
	}
	if code, ok := c.code(); c.verb != "send" || !slices.Equal(c.operands, []string{"broker#2", "SEND_MESSAGE_V2"}) || !ok || code != protocol.SendMessageV2 {
		t.Errorf("%q %q code %v", c.verb, c.operands, code)
	}
	for k, want := range map[string]string{"b": "$topic", "i": "TAGS\x01A\x02", "body": `{"a": 1}`, "empty": ""} {
		if got, ok := c.fields[k]; !ok || got != want {
			t.Errorf("field %s is %q", k, got)
		}
	}
	for k, want := range map[string]string{"oneway": "", "mask": "a,b", "until": "0 SUCCESS"} {
		if got, ok := c.options[k]; !ok || got != want {
			t.Errorf("option %s is %q", k, got)
		}
	}
	if _, err := parseCommand(`send broker 10 a="open`); err == nil {
		t.Error("a quotation that does not end was taken")
	}
}

func TestParseScriptRefuses(t *testing.T) {
	block := "\n\nsend namesrv 106\n----\n0 SUCCESS\n"
	for name, text := range map[string]string{
		"no feature":             "topology broker" + block,
		"no block":               "feature x\n",
		"an unknown word":        "feature x\ncolour green" + block,
		"an unknown topology":    "feature x\ntopology ring" + block,
		"a setting of nobody":    "feature x\nsetting client a=b" + block,
		"a gap without a reason": "feature x\ngap 3" + block,
		"a block without a line": "feature x" + block + "\nsend namesrv 106\n",
	} {
		if _, err := parseScript("test", text); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
}

func TestVariables(t *testing.T) {
	p := &player{vars: map[string]string{"topic": "T_1", "topic2": "T_1_long_name", "broker": "127.0.0.1:10911"}}
	if got := p.expand("$topic2 $topic $broker $now"); !strings.HasPrefix(got, "T_1_long_name T_1 127.0.0.1:10911 1") {
		t.Errorf("expanded to %q", got)
	}
	if got := p.abstract("T_1_long_name at 127.0.0.1:10911, T_1"); got != "$topic2 at $broker, T_1" {
		t.Errorf("abstracted to %q", got)
	}
}

func TestDiff(t *testing.T) {
	got := diff([]string{"a", "b", "d"}, []string{"a", "x", "d", "e"})
	if want := "  a\n- b\n+ x\n  d\n+ e\n"; got != want {
		t.Errorf("shown as\n%s", got)
	}
}

func TestForgiving(t *testing.T) {
	fault := []string{"1 SYSTEM_ERROR", anyFault}
	for _, c := range []struct {
		want, got []string
		equal     bool
	}{
		{fault, []string{"1 SYSTEM_ERROR", "remark a sentence"}, true},
		{fault, []string{"1 SYSTEM_ERROR"}, true},
		{fault, []string{"0 SUCCESS"}, false},
		{fault, []string{"1 SYSTEM_ERROR", "remark a sentence", "offset=0"}, false},
		{[]string{"22 QUERY_NOT_FOUND", "remark no"}, []string{"22 QUERY_NOT_FOUND", "remark nothing"}, false},
		{[]string{"0 SUCCESS"}, []string{"0 SUCCESS", "remark x"}, false},
	} {
		if want, got := forgiving(c.want, c.got); slices.Equal(want, got) != c.equal {
			t.Errorf("%q and %q: equal is %v", c.want, c.got, !c.equal)
		}
	}
}

func TestJavaFault(t *testing.T) {
	for remark, want := range map[string]bool{
		"java.lang.NullPointerException: Cannot invoke":                                                      true,
		"com.alibaba.fastjson2.JSONException: illegal":                                                       true,
		"org.apache.rocketmq.remoting.exception.RemotingCommandException: the custom field <offset> is null": true,
		"the custom field <offset> is null":                                                                  false,
		" request type 10 not supported":                                                                     false,
		"See https://rocketmq.apache.org/docs for details":                                                   false,
	} {
		if javaFault.MatchString(remark) != want {
			t.Errorf("%q: %v", remark, !want)
		}
	}
}
