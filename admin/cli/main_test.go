package cli

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/gantrymq/gantry/admin"
	"github.com/gantrymq/gantry/protocol"
)

// testSet has a command for each way to end.
func testSet() Set {
	return Set{
		{Name: "showThings", Area: "Things", Help: "things", Options: []Option{Value("c", "count", "how many"), Flag("l", "list", "")}, Local: true, Run: func(_ context.Context, c *Call) error {
			n := c.Int("c", 1)
			if err := c.Bad(); err != nil {
				return err
			}
			t := c.Out.Table("things", "%-6s %s", "%-6s %d", "#Name", "#How Many")
			t.Row(Cell{Text: "a", Data: "A"}, n)
			c.Out.Say("done with %d", n)
			c.Out.Set("total", n)
			return nil
		}},
		{Name: "order", Options: []Option{Value("o", "offset", "")}, Local: true, Run: func(_ context.Context, c *Call) error {
			c.Out.Printf("offset %d\n", c.Int("o", 0))
			c.Out.Set("offset", c.Int("o", 0))
			return c.Bad()
		}},
		{Name: "fails", Local: true, Run: func(context.Context, *Call) error {
			return &admin.Error{Request: protocol.DeleteTopicInBroker, Addr: "h:1", Code: protocol.ResponseNoPermission, Remark: "no\nway"}
		}},
		{Name: "partly", Local: true, Run: func(_ context.Context, c *Call) error {
			c.Progress("%d of 2", 1)
			c.Failed(errors.New("one of two"))
			c.Out.Printf("the other\n")
			return nil
		}},
		{Name: "remote", Run: func(context.Context, *Call) error { return nil }},
	}
}

func runMain(env map[string]string, args ...string) (code int, out, errText string) {
	var o, e bytes.Buffer
	code = Main(context.Background(), testSet(), Env{
		Program: "tool", Out: &o, Err: &e, Getenv: func(k string) string { return env[k] }, ReadFile: os.ReadFile,
	}, args)
	return code, o.String(), e.String()
}

func TestMainRuns(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		args      string
		code      int
		out, errs string
	}{
		{"showthings -c 2", 0, "#Name  #How Many\na      2\ndone with 2\n", ""},
		{"showThings -o yaml", 0, "things:\n  - name: A\n    howMany: 1\nmessages:\n  - done with 1\ntotal: 1\n", ""},
		{"-o json order -o 7", 0, "{\n  \"offset\": 7\n}\n", ""},
		{"order --output=yaml -o 7", 0, "offset: 7\n", ""},
		{"order -o x", 2, "offset 0\n", "tool: order: \"x\" is no value for option -o (--offset); it takes a whole number\n"},
		{"showThings -o xml", 2, "", "tool: \"xml\" is no form of output; there are table, json and yaml\n"},
		{"fails", 1, "", "fails: h:1 answered DELETE_TOPIC_IN_BROKER with NO_PERMISSION: no way; " + hints[protocol.ResponseNoPermission] + "\n"},
		{"partly", 1, "the other\n", "partly: one of two\n"},
		{"remote", 2, "", "tool: remote: no name server is known; give -n host:port or set NAMESRV_ADDR\n"},
		{"remote -n h:1", 0, "", ""},
		{"showThing", 2, "", "tool: there is no command \"showThing\"; did you mean showThings? tool help lists all\n"},
		{"remote --timeout soon -n h:1", 2, "", "tool: \"soon\" is no time to wait; write 5s or 500ms\n"},
		{"remote -n h:1 --accessKey a", 2, "", "tool: --accessKey and --secretKey go together\n"},
	} {
		code, out, errs := runMain(nil, strings.Fields(c.args)...)
		if code != c.code || out != c.out || errs != c.errs {
			t.Errorf("%q ended with %d\n%s%s\nwant %d\n%s%s", c.args, code, out, errs, c.code, c.out, c.errs)
		}
	}
	if code, _, errs := runMain(map[string]string{"NAMESRV_ADDR": "h:1"}, "remote"); code != 0 {
		t.Errorf("NAMESRV_ADDR was not read: %s", errs)
	}
}

// TestProgress: a failure is not written behind what a person was told of the progress.
func TestProgress(t *testing.T) {
	t.Parallel()
	const clear = "\r\x1b[K"
	var e bytes.Buffer
	Main(context.Background(), testSet(), Env{
		Program: "tool", Out: io.Discard, Err: &e, Getenv: func(string) string { return "" }, ReadFile: os.ReadFile, Terminal: true,
	}, []string{"partly"})
	if want := clear + "1 of 2" + clear + "partly: one of two\n" + clear; e.String() != want {
		t.Errorf("a person sees %q, want %q", e.String(), want)
	}
}

func TestHelp(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{}, {"help"}, {"-h"}} {
		if code, out, _ := runMain(nil, args...); code != 0 || !strings.Contains(out, "showThings") {
			t.Errorf("%v: code %d\n%s", args, code, out)
		}
	}
	for _, args := range [][]string{{"help", "showthings"}, {"showThings", "-h"}, {"showThings", "--help"}} {
		if code, out, _ := runMain(nil, args...); code != 0 || !strings.Contains(out, "-c, --count <arg>") {
			t.Errorf("%v: code %d\n%s", args, code, out)
		}
	}
}

func TestSentence(t *testing.T) {
	t.Parallel()
	route := &admin.Error{Request: protocol.GetRouteinfoByTopic, Addr: "ns:1", Code: protocol.ResponseTopicNotExist,
		Remark: "No topic route info in name server for the topic: %RETRY%orders\nSee https://rocketmq.apache.org/docs/bestPractice/06FAQ for further details."}
	got := Sentence(route)
	if !strings.HasPrefix(got, "group orders is not known") || strings.Contains(got, "See https") || strings.Contains(got, "\n") {
		t.Errorf("a group's route that is missing reads %q", got)
	}
}

func TestComplete(t *testing.T) {
	t.Parallel()
	values := func(o Option) []string { return []string{o.Long + "-1", "other"} }
	for _, c := range []struct{ words, last, want string }{
		{"", "sh", "showThings\tthings"},
		{"", "HE", "help\tshow commands or a command's options"},
		{"showThings", "--c", "--count\thow many"},
		{"showThings -c", "co", "count-1"},
		{"showThings --count", "o", "other"},
		{"nope", "", ""},
	} {
		if got := strings.Join(testSet().Complete(strings.Fields(c.words), c.last, values), ","); got != c.want {
			t.Errorf("%q %q completes to %q, want %q", c.words, c.last, got, c.want)
		}
	}
}

func TestCamel(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{"#Broker Name": "brokerName", "#QID": "qid", "#brokerName": "brokerName", "#InTPS": "inTPS", "#Diff Total": "diffTotal"} {
		if got := camel(name); got != want {
			t.Errorf("%s becomes %s, want %s", name, got, want)
		}
	}
}
