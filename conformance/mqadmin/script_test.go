package mqadmin

import (
	"path"
	"strings"
	"testing"
)

func TestParseScript(t *testing.T) {
	t.Parallel()
	const text = `feature topics
codes 17 105
broker traceTopicEnable=true
mask n \d+

$ updateTopic -t {topic} | grep success
create topic <n> success.
@ours omits ^x

$~ topicList
{topic}

= id (\w+)
@pause 1s

$ clusterList
`
	s, err := parseScript("x.txt", text)
	if err != nil {
		t.Fatal(err)
	}
	if got := s.format(); got != text {
		t.Errorf("format wrote\n%s\nwant\n%s", got, text)
	}
	if len(s.steps) != 6 || s.steps[0].want != "create topic <n> success." || s.steps[5].want != "" || s.steps[0].ours != "omits ^x" {
		t.Errorf("steps are %+v", s.steps)
	}
	if s.head.Settings.Broker["traceTopicEnable"] != "true" || len(s.head.Codes) != 2 {
		t.Errorf("the head is %+v", s.head)
	}
}

func TestParseScriptRefuses(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"no feature":         "codes 1\n\n$ clusterList\n",
		"no step":            "feature x\n",
		"unknown word":       "feature x\ncolour blue\n\n$ clusterList\n",
		"code not a number":  "feature x\ncodes a\n\n$ clusterList\n",
		"broken mask":        "feature x\nmask n (\n\n$ clusterList\n",
		"setting without =":  "feature x\nbroker abc\n\n$ clusterList\n",
		"output of a pause":  "feature x\n\n@pause 1s\nsomething\n",
		"ours alone":         "feature x\n\n@pause 1s\n@ours fails x\n",
		"gap without number": "feature x\ngap later\n\n$ clusterList\n",
	} {
		if _, err := parseScript("x.txt", text); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// Recording writes scripts back: what is in the tree must survive that.
func TestScriptsSurviveRewriting(t *testing.T) {
	t.Parallel()
	files, err := scripts.ReadDir("testdata")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if path.Ext(f.Name()) != ".txt" {
			continue
		}
		text, err := scripts.ReadFile(path.Join("testdata", f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		s, err := parseScript(f.Name(), string(text))
		if err != nil {
			t.Fatal(err)
		}
		if got := s.format(); got != string(text) {
			t.Errorf("%s is written back differently", f.Name())
		}
		for _, st := range s.steps {
			if strings.HasPrefix(st.text, "$") && !strings.HasPrefix(st.text, "$ cat ") && !strings.Contains(st.text, "-n {ns}") {
				t.Errorf("%s: %q does not name the server, so it would ask another", f.Name(), st.text)
			}
		}
	}
}

func TestHide(t *testing.T) {
	t.Parallel()
	s, err := parseScript("x.txt", "feature x\nmask time \\d\\d:\\d\\d\nmask n ^(offset=)\\d+$\n\n$ x -n {ns}\n")
	if err != nil {
		t.Fatal(err)
	}
	p := &player{s: s, vars: map[string]string{"topic": "T1", "topic2": "T12"}}
	if got, want := p.hide("T12 at 10:20\noffset=77\nT1 77"), "{topic2} at <time>\noffset=<n>\n{topic} 77"; got != want {
		t.Errorf("hide made %q, want %q", got, want)
	}
}

func TestStackLines(t *testing.T) {
	t.Parallel()
	for line, is := range map[string]bool{
		"\tat java.base/java.lang.Thread.run(Thread.java:840)":       true,
		"\tat a.b.C$D.<init>(C.java:1)":                              true,
		"\t... 12 more":                                              true,
		"Caused by: a.b.MQClientException: CODE: 17  DESC: no route": false,
		"topic at home":                                              false,
	} {
		if stackLine.MatchString(line) != is {
			t.Errorf("%q: stack line %t, want %t", line, !is, is)
		}
	}
}
