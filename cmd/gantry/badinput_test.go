package main

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/store"
)

// TestMain lets this program stand in for the binary, so that exit codes are real ones.
func TestMain(m *testing.M) {
	if os.Getenv("GANTRY_TEST_AS_BINARY") != "" {
		main()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// nobody is a user who owns nothing.
const nobody = 65534

// process is a command line of this binary. As another user than root it is what an ordinary user gets.
type process struct {
	binary string
	user   uint32 // 0 stays who we are
}

// run ends after the exit of the process, or when its output holds a text.
func (p process) run(t *testing.T, until string, args ...string) (out string, code int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, p.binary, args...)
	cmd.Env = []string{"GANTRY_TEST_AS_BINARY=1", "HOME=/nonexistent", "PATH=" + os.Getenv("PATH")}
	if p.user != 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: p.user, Gid: p.user}}
	}
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	text := &signalWriter{when: until, seen: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = text, text
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	var err error
	select {
	case err = <-done:
	case <-text.seen:
		cancel()
		err = <-done
	}
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return string(text.text), exit.ExitCode()
	}
	if err != nil && !errors.Is(err, context.Canceled) {
		t.Fatalf("%v: %v\n%s", args, err, text.text)
	}
	return string(text.text), 0
}

// Sizes of the directory's files.
var smallSizes = []string{"--mappedFileSizeCommitLog", "65536", "--mappedFileSizeConsumeQueue", "2000", "--maxHashSlotNum", "100", "--maxIndexNum", "400", "--mappedFileSizeTimerLog", "5216"}

// brokerOn is the command line of a broker on a directory.
func brokerOn(dir string) []string {
	return append([]string{"broker", "--storePathRootDir", dir, "--bindAddress", "127.0.0.1", "--brokerIP1", "127.0.0.1", "--listenPort", "0", "--namesrvAddr", "127.0.0.1:1"}, smallSizes...)
}

const booted = "boot success"

// leftBehind makes a directory that a broker has left: messages in several files, and every table with its copy.
func leftBehind(t *testing.T, p process) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "store")
	o := store.NewOptions(dir)
	o.SegmentSize, o.QueueFileSize, o.IndexSlots, o.IndexEntries = 65536, 2000, 100, 400
	s, err := store.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3000 {
		m := &codec.Message{
			Topic: "Orders", QueueID: int32(i % 2), Body: fmt.Appendf(nil, "order %d", i), BornTimestamp: 1750000000000,
			BornHost: netip.MustParseAddrPort("127.0.0.1:1"), Properties: fmt.Sprintf("KEYS\x01k%d\x02", i),
		}
		if r, err := s.Append(m); err != nil || r.Status != store.PutOK {
			t.Fatal(r.Status, err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if out, code := p.run(t, booted, brokerOn(dir)...); code != 0 || !strings.Contains(out, booted) {
		t.Fatalf("the broker ended with %d:\n%s", code, out)
	}
	for table, text := range map[string]string{
		"topics.json":         `{"dataVersion":{"counter":1,"stateVersion":0,"timestamp":1750000000000},"topicConfigTable":{"Orders":{"order":false,"perm":6,"readQueueNums":2,"topicName":"Orders","topicSysFlag":0,"writeQueueNums":2}}}`,
		"consumerOffset.json": `{"offsetTable":{"Orders@Billing":{0:12,1:9}}}`,
	} {
		put(t, filepath.Join(dir, "config", table), text)
		put(t, filepath.Join(dir, "config", table+".bak"), text)
	}
	for _, name := range []string{"timerwheel", "timerlog"} { // the wheel is large, and made again
		if err := os.RemoveAll(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// tree is what a directory holds: names, kinds, permissions, times and contents.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		text := info.Mode().String()
		if !d.IsDir() {
			b, err := os.ReadFile(name)
			if err != nil {
				return err
			}
			text += fmt.Sprintf(" %d bytes, sum %08x", len(b), crc32.ChecksumIEEE(b))
		}
		rel, err := filepath.Rel(dir, name)
		all[rel] = text
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// differences lists what has changed between two trees.
func differences(before, after map[string]string) (list []string) {
	for _, x := range []struct{ a, b map[string]string }{{before, after}, {after, before}} {
		for name, text := range x.a {
			if x.b[name] != text {
				list = append(list, fmt.Sprintf("%s: %q, then %q", name, before[name], after[name]))
			}
		}
	}
	return list
}

func put(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func overwrite(t *testing.T, name string, at int64, text string) {
	t.Helper()
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt([]byte(text), at); err != nil {
		t.Fatal(err)
	}
}

func resize(t *testing.T, name string, size int64) {
	t.Helper()
	if err := os.Truncate(name, size); err != nil {
		t.Fatal(err)
	}
}

// TestBadDirectories starts the binary on directories that it must refuse: it says what is wrong and what to do, ends with 1, and has
// changed nothing.
func TestBadDirectories(t *testing.T) {
	p := process{binary: self(t)}
	good := leftBehind(t, p)
	const second = "commitlog/00000000000000065536"
	zeros := string(make([]byte, 5000))
	tests := []struct {
		name  string
		spoil func(t *testing.T, dir string)
		want  []string
	}{
		{"a log file of another size", func(t *testing.T, d string) { resize(t, d+"/"+second, 1000) }, []string{second, "1000 bytes", "mappedFileSizeCommitLog"}},
		{"an empty log file in the middle", func(t *testing.T, d string) { resize(t, d+"/"+second, 0) }, []string{second, "0 bytes"}},
		{"a stray file in the log", func(t *testing.T, d string) { put(t, d+"/commitlog/notes.txt", "x") }, []string{"notes.txt is no commit log file", "move it out"}},
		{"a log file gone", func(_ *testing.T, d string) { os.Remove(d + "/" + second) }, []string{"the commit log lacks", "bring the missing files back"}},
		{"a short checkpoint", func(t *testing.T, d string) { resize(t, d+"/checkpoint", 17) }, []string{"checkpoint", "17 bytes"}},
		{"an index file of another size", func(t *testing.T, d string) {
			names, err := filepath.Glob(d + "/index/*")
			if err != nil || len(names) == 0 {
				t.Fatal("no index file", err)
			}
			resize(t, names[0], 77)
		}, []string{"index file", "77 bytes", "maxHashSlotNum"}},
		{"queues in RocksDB", func(t *testing.T, d string) { put(t, d+"/consumequeue/CURRENT", "MANIFEST-000004\n") }, []string{"RocksDB", "move consumequeue away"}},
		{"tables in RocksDB", func(t *testing.T, d string) { put(t, d+"/config/topics/CURRENT", "MANIFEST-000004\n") }, []string{"RocksDB", "config/topics"}},
		{"a DLedger log", func(t *testing.T, d string) { put(t, d+"/dledger-n0/data/00000000000000000000", "") }, []string{"DLedger", "dledger-n0"}},
		{"a repair that was cut short", func(t *testing.T, d string) { put(t, d+"/"+store.RepairMark, "1") }, []string{"gantry store repair"}},
		{"a file where the directory should be", func(t *testing.T, d string) {
			os.RemoveAll(d)
			put(t, d, "x")
		}, []string{"store", "not a directory"}},
		{"a table and its copy cut in half", func(t *testing.T, d string) {
			put(t, d+"/config/topics.json", `{"dataVersion":{"coun`)
			put(t, d+"/config/topics.json.bak", `{"dataVersion":{"coun`)
		}, []string{"load topics", "topics.json cannot be read", "topics.json.bak cannot be read"}},
		{"a table and its copy full of zeros", func(t *testing.T, d string) {
			put(t, d+"/config/consumerOffset.json", zeros)
			put(t, d+"/config/consumerOffset.json.bak", zeros)
		}, []string{"consumerOffset.json cannot be read", "consumerOffset.json.bak cannot be read"}},
		{"a timer wheel of another size", func(t *testing.T, d string) { put(t, d+"/timerwheel", zeros) }, []string{"timerwheel has 5000 bytes", "move it away"}},
		{"a timer log file of another size", func(t *testing.T, d string) {
			put(t, d+"/timerlog/00000000000000000000", "short")
		}, []string{"timerlog/00000000000000000000 has 5 bytes", "mappedFileSizeTimerLog"}},
	}
	for i := range 2 * len(tests) {
		tt, killed := tests[i/2], i%2 == 1
		t.Run(fmt.Sprintf("%s killed %t", tt.name, killed), func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "store")
			if err := os.CopyFS(dir, os.DirFS(good)); err != nil {
				t.Fatal(err)
			}
			if killed { // an official broker, in the middle of a record
				overwrite(t, dir+"/checkpoint", 48, string(make([]byte, 4048)))
				segments, err := filepath.Glob(dir + "/commitlog/*")
				if err != nil || len(segments) < 2 {
					t.Fatal(segments, err)
				}
				overwrite(t, segments[len(segments)-1], 65000, "torn")
				put(t, dir+"/abort", "1")
			}
			tt.spoil(t, dir)
			checkRefusal(t, p, dir, tt.want)
		})
	}
}

// TestBadDirectoriesThatServe: what a broker can put right does not keep it from starting, and it says what it did.
func TestBadDirectoriesThatServe(t *testing.T) {
	p := process{binary: self(t)}
	good := leftBehind(t, p)
	for _, tt := range []struct {
		name  string
		spoil func(t *testing.T, dir string)
		want  []string
		kept  string // a file in which the spoiled one lies afterwards
	}{
		{"a table cut in half", func(t *testing.T, d string) { put(t, d+"/config/topics.json", `{"dataVersion":{"coun`) },
			[]string{"topics.json cannot be read", "its backup was read instead", "topics.json.corrupt"}, "config/topics.json.corrupt"},
		{"an empty table", func(t *testing.T, d string) { put(t, d+"/config/topics.json", "") }, []string{"topics.json is missing or empty: its backup was read instead"}, ""},
		{"a table of zeros", func(t *testing.T, d string) { put(t, d+"/config/topics.json", string(make([]byte, 500))) }, []string{"its backup was read instead"}, "config/topics.json.corrupt"},
		{"an empty last log file", func(t *testing.T, d string) { put(t, d+"/commitlog/00000000000000999424", "") }, nil, ""},
		{"garbage in the middle of the log", func(t *testing.T, d string) {
			overwrite(t, d+"/commitlog/00000000000000327680", 5000, strings.Repeat("garbage", 100))
			overwrite(t, d+"/checkpoint", 48, string(make([]byte, 4048))) // as an official broker leaves it
			put(t, d+"/abort", "1")
		}, []string{"not stopped cleanly", "quarantine"}, ""},
		{"a checkpoint from the future", func(t *testing.T, d string) {
			put(t, d+"/checkpoint", strings.Repeat("\x00\x00\x01\xff\xff\xff\xff\xff", 3)+string(make([]byte, 4096-24)))
			put(t, d+"/abort", "1")
		}, []string{"not stopped cleanly"}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "store")
			if err := os.CopyFS(dir, os.DirFS(good)); err != nil {
				t.Fatal(err)
			}
			tt.spoil(t, dir)
			out, code := p.run(t, booted, brokerOn(dir)...)
			if code != 0 || !strings.Contains(out, booted) {
				t.Fatalf("the broker ended with %d:\n%s", code, out)
			}
			for _, want := range tt.want {
				if !strings.Contains(out, want) {
					t.Errorf("it does not say %q:\n%s", want, out)
				}
			}
			if _, err := os.Stat(filepath.Join(dir, tt.kept)); err != nil {
				t.Errorf("the spoiled file was not kept: %v", err)
			}
			if out, code := p.run(t, "", append([]string{"store", "verify", "--index-slots", "100", "--index-entries", "400"}, dir)...); code != 0 {
				t.Errorf("the broker has left damage:\n%s", out)
			}
		})
	}
}

// self is this program in a place where every user may run it.
func self(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "gantry-binary-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	name := filepath.Join(dir, "gantry")
	if err := errors.Join(os.WriteFile(name, b, 0o755), os.Chmod(dir, 0o755)); err != nil {
		t.Fatal(err)
	}
	return name
}
