package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/gantrymq/gantry/admin/cli"
)

// values are what options of commands are given, by their long names, for a server that
// has a topic and a group of the name "orders".
func optionValue(o cli.Option, s running, dir string) string {
	switch name := strings.TrimSpace(o.Long); name {
	case "brokerAddr", "fromBroker", "toBroker", "brokerContainerAddr":
		return s.broker
	case "broker", "brokerName", "brokers":
		return "broker-a"
	case "clusterName", "cluster", "clusters":
		return "DefaultCluster"
	case "controllerAddress":
		return s.namesrv
	case "nameserverAddr", "namesrvAddr":
		return s.namesrv
	case "filename", "file", "filePath", "path", "configPath", "brokerConfigPath":
		return filepath.Join(dir, "absent")
	case "topic", "parentTopic", "liteTopic", "groupName", "group", "consumerGroup", "srcGroup", "destGroup", "producerGroup", "key", "keys", "subject", "username":
		return "orders"
	case "msgId":
		return "7F0000010000000000000000000000FF"
	case "mode":
		return "POP"
	case "engineType":
		return "F"
	case "perm", "brokerId", "queueId", "queue", "index", "offset", "popShareQueueNum", "timestamp", "threshold", "commitLogReadAheadMode", "amount":
		return "0"
	case "method":
		return "get"
	case "ipList":
		return "10.0.0.1"
	default:
		return "x"
	}
}

// endless commands go on until somebody ends them.
var endless = map[string]bool{"clusterRT": true, "startMonitoring": true, "top": true}

// TestEveryCommandSpeaksToPrograms runs every command with -o json and -o yaml against a
// server: what is printed can be read, and who fails says why in one line and with an exit
// code. Most commands fail, because nothing fits: both ends are looked at.
func TestEveryCommandSpeaksToPrograms(t *testing.T) {
	t.Setenv("HOME", t.TempDir())
	t.Setenv("NAMESRV_ADDR", "")
	server := startServer(t, t.TempDir())
	dir := t.TempDir()
	t.Chdir(dir) // some commands write reports into the working directory
	done, failed := 0, 0
	for _, form := range []string{"json", "yaml"} {
		adminRun(t, t.Context(), "updateTopic", "-n", server.namesrv, "-b", server.broker, "-t", "orders")
		adminRun(t, t.Context(), "updateSubGroup", "-n", server.namesrv, "-b", server.broker, "-g", "orders")
		for _, c := range adminCommands() {
			args := []string{"-o", form, c.Name, "--timeout", "2s"}
			for i, o := range c.Options {
				if !o.Required && (len(c.OneOf) == 0 || c.OneOf[0] != o.Short) && o.Long != "nameserverAddr" {
					continue
				}
				args = append(args, "-"+o.Short)
				if c.Options[i].Arg {
					args = append(args, optionValue(o, server, dir))
				}
			}
			if _, own := findOption(c, "n"); !own {
				args = append(args, "-n", server.namesrv)
			}
			ctx := t.Context()
			if endless[c.Name] {
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, 300*time.Millisecond)
				defer cancel()
			}
			out, said, code := adminRun(t, ctx, args...)
			if code == cli.ExitOK {
				done++
			} else {
				failed++
			}
			checkReadable(t, form, args, out)
			switch {
			case endless[c.Name]:
			case code == cli.ExitOK && said != "":
				t.Errorf("%v: said %q and ended with 0", args, said)
			case code != cli.ExitOK && (said == "" || strings.Count(said, "\n") > 2 || strings.Contains(said, "goroutine ")):
				t.Errorf("%v: ended with %d and said\n%s", args, code, said)
			}
		}
	}
	if done < 60 || failed < 30 {
		t.Errorf("%d commands did what they should and %d failed: too few of one kind", done, failed)
	}
}

func findOption(c *cli.Command, short string) (cli.Option, bool) {
	for _, o := range c.Options {
		if o.Short == short {
			return o, true
		}
	}
	return cli.Option{}, false
}

// adminRun runs one command of "gantry admin" in this process.
func adminRun(t *testing.T, ctx context.Context, args ...string) (out, said string, code int) {
	t.Helper()
	return adminRunAt(t, ctx, false, args...)
}

// adminRunAt is adminRun with or without a person who watches the error output.
func adminRunAt(t *testing.T, ctx context.Context, terminal bool, args ...string) (out, said string, code int) {
	t.Helper()
	var o, e bytes.Buffer
	code = cli.Main(ctx, adminCommands(), cli.Env{
		Program: "gantry admin", In: strings.NewReader(""), Out: &o, Err: &e, Getenv: os.Getenv, ReadFile: os.ReadFile, Terminal: terminal,
	}, args)
	return o.String(), e.String(), code
}

// TestProgressOfLongWork: resets, exports and scans tell a person at a terminal how far they are, and take it away
// before they end. Where nobody watches, nothing is said, and what is printed is the same.
func TestProgressOfLongWork(t *testing.T) {
	t.Setenv("HOME", t.TempDir())
	server, dir := startServer(t, t.TempDir()), t.TempDir()
	for _, args := range []string{"updateTopic -b BROKER -t orders -r 2 -w 2", "updateTopic -b BROKER -t %RETRY%orders -r 1 -w 1", "updateSubGroup -b BROKER -g orders", "sendMessage -t orders -p one", "sendMessage -t orders -p two"} {
		if _, said, code := adminRun(t, t.Context(), adminArgs(args, server, dir)...); code != cli.ExitOK {
			t.Fatalf("%s: %s", args, said)
		}
	}
	for _, c := range []struct{ args, progress string }{
		{"resetOffsetByTime -g orders -t orders -s -1", "broker 1 of 1"},
		{"skipAccumulatedMessage -g orders -t orders", "broker 1 of 1"},
		{"exportMetadata -c DefaultCluster -f DIR", "broker 1 of 1"},
		{"exportMetrics -c DefaultCluster -f DIR", "broker 1 of 1"},
		{"cleanUnusedTopic -c DefaultCluster", "broker 1 of 1"},
		{"printMsg -t orders", "broker broker-a, queue "},
		{"consumerProgress", "topic 1 of "},
		{"statsAll", "topic 2 of "},
		{"lag", "group 1 of "},
		{"doctor", "topic 1 of "},
	} {
		args := adminArgs(c.args, server, dir)
		out, watched, watchedCode := adminRunAt(t, t.Context(), true, args...)
		unwatched, said, code := adminRun(t, t.Context(), args...)
		if code != watchedCode || strings.Contains(said, " of ") {
			t.Errorf("%s: ended with %d and, without a terminal, with %d and said %q", c.args, watchedCode, code, said)
		}
		if !strings.Contains(watched, "\r\x1b[K"+c.progress) {
			t.Errorf("%s: a person sees %q, want %q", c.args, watched, c.progress)
		}
		if last := watched[strings.LastIndex(watched, "\r\x1b[K")+len("\r\x1b[K"):]; strings.Contains(last, " of ") {
			t.Errorf("%s: %q is left on the screen", c.args, last)
		}
		if strings.Contains(out+unwatched, "\x1b") {
			t.Errorf("%s: progress is among what is printed:\n%s%s", c.args, out, unwatched)
		}
	}
}

// adminArgs fills in the server's addresses and a folder for files.
func adminArgs(line string, s running, dir string) []string {
	return append(strings.Fields(strings.NewReplacer("BROKER", s.broker, "DIR", dir).Replace(line)), "-n", s.namesrv)
}

// checkReadable reads documents one after the other.
func checkReadable(t *testing.T, form string, args []string, out string) {
	t.Helper()
	var next func(any) error
	if form == "json" {
		next = json.NewDecoder(strings.NewReader(out)).Decode
	} else {
		next = yaml.NewDecoder(strings.NewReader(out)).Decode
	}
	for {
		var v any
		err := next(&v)
		if errors.Is(err, io.EOF) {
			return
		}
		if _, object := v.(map[string]any); err != nil || !object {
			t.Errorf("%v: prints what is no object in %s (%v):\n%s", args, form, err, out)
			return
		}
	}
}

// TestCompletionScriptsParse has each shell that is here read its script without running it.
func TestCompletionScriptsParse(t *testing.T) {
	for shell, check := range map[string][]string{
		"bash": {"bash", "-n"}, "zsh": {"zsh", "-n"}, "fish": {"fish", "--no-execute"},
	} {
		text, err := called(t, t.Context(), "gantry", "completion", shell)
		if err != nil || !strings.Contains(text, "__complete") {
			t.Errorf("completion %s: %v\n%.200s", shell, err, text)
			continue
		}
		if _, err := exec.LookPath(shell); err != nil {
			continue // the text was looked at; only the shell itself can parse it
		}
		file := filepath.Join(t.TempDir(), "completion")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.CommandContext(t.Context(), check[0], check[1], file).CombinedOutput(); err != nil {
			t.Errorf("%s does not read its script: %v\n%s", shell, err, out)
		}
	}
}

// TestBadInput: what is wrong is said in one line, and the exit code tells.
func TestBadInput(t *testing.T) {
	t.Setenv("HOME", t.TempDir())
	t.Setenv("NAMESRV_ADDR", "")
	server := startServer(t, t.TempDir())
	for _, c := range []struct{ args, want string }{
		{"updateTopic -c NoSuch -t orders", `knows no cluster "NoSuch"`},
		{"brokerStatus -c NoSuch", `knows no cluster "NoSuch"`},
		{"topicRoute -t absent", "for the topic: absent; topicList shows"},
		{"topicStatus -t absent", "for the topic: absent; topicList shows"},
		{"consumerProgress -g absent", "group absent"},
		{"consumerConnection -g absent", "absent"},
		{"deleteTopic -c NoSuch -t orders", `knows no cluster "NoSuch"`},
		{"wipeWritePerm -b NoSuch", `knows no broker "NoSuch"`},
		{"updateTopic -b BROKER -t orders -r many", `"many" is no value for option -r`},
		{"updateTopic -b BROKER -t orders -o maybe", "true or false"},
		{"resetOffsetByTime -g g -t orders -s yesterday", "a time"},
		{"queryMsgByOffset -t orders -b broker-a -i 0 -o -", "a whole number"},
		{"brokerStatus -b 127.0.0.1:1", "127.0.0.1:1"},
		{"brokerStatus -b nowhere", "nowhere"},
		{"updateBrokerConfig -b BROKER -k storePathRootDir -v /tmp/x", "black list"},
		{"updateBrokerConfig -b BROKER -k brokerRole -v SLAVE", "brokerRole"},
		{"updateBrokerConfig -b BROKER -k maxMessageSize -v many", `did not take "many" for maxMessageSize`},
		{"updateBrokerConfig -b BROKER -k maxMesageSize -v 65536", "knows no setting maxMesageSize"},
		{"updateNamesrvConfig -k clusterTest -v perhaps", `did not take "perhaps" for clusterTest`},
		{"updateSubGroup -b BROKER -g orders -q many", "a whole number"},
		{"topicRoute", "-t"},
		{"clusterList -x", "-x"},
		{"clusterLost", "did you mean clusterList"},
	} {
		out, said, code := adminRun(t, t.Context(), adminArgs(c.args, server, "")...)
		if code == cli.ExitOK || !strings.Contains(said, c.want) || strings.Count(said, "\n") != 1 {
			t.Errorf("%s: ended with %d, printed %q and said\n%s\nwant %q", c.args, code, out, said, c.want)
		}
	}
	for _, args := range []string{"clusterList -n 127.0.0.1:1", "topicList -n nowhere"} {
		if _, said, code := adminRun(t, t.Context(), strings.Fields(args)...); code != cli.ExitFailed || strings.Count(said, "\n") != 1 {
			t.Errorf("%s: ended with %d and said %q", args, code, said)
		}
	}
	if out := fmt.Sprint(adminRun(t, t.Context(), "clusterList", "-n", "127.0.0.1:1;"+server.namesrv)); !strings.Contains(out, "broker-a") {
		t.Errorf("with the first name server down: %s", out)
	}
}
