package main

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/protocol"
	"github.com/gantrymq/gantry/store"
	"github.com/gantrymq/gantry/store/compaction"
)

// allSizes are the sizes of the files of everyKind, besides smallSizes.
var allSizes = []string{
	"--mapperFileSizeBatchConsumeQueue", "460", "--enableConsumeQueueExt", "true", "--mappedFileSizeConsumeQueueExt", "4096",
	"--compactionCqMappedFileSize", "460", "--compactionMappedFileSize", "2300",
}

// everyKind makes a directory that was stopped cleanly and has a file of every kind.
func everyKind(t *testing.T, p process) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "store")
	o := store.NewOptions(dir)
	o.SegmentSize, o.QueueFileSize, o.IndexSlots, o.IndexEntries = 65536, 2000, 100, 400
	o.BatchQueueFileSize, o.QueueExtSize, o.Tuning.QueueExt, o.Compaction = 460, 4096, true, true
	o.BatchQueues = func(topic string) bool { return topic == "Bulk" }
	sizes, err := compaction.NewSizes(2300, 460)
	if err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	err = s.OpenCompaction(store.Compaction{
		Compacted: func(topic string) bool { return topic == "Latest" }, Topics: []string{"Latest"}, Options: compaction.Options{Sizes: sizes, Workers: 1, Interval: 1 << 40},
	})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 900 {
		m := &codec.Message{
			Topic: []string{"Orders", "Bulk", "Latest"}[i%3], Body: fmt.Appendf(nil, "order %d", i), BornTimestamp: 1750000000000,
			BornHost: netip.MustParseAddrPort("127.0.0.1:1"), Properties: fmt.Sprintf("KEYS\x01k%d\x02", i),
		}
		if r, err := s.Append(m); err != nil || r.Status != store.PutOK {
			t.Fatal(r.Status, err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Join(dir, "timerlog", "00000000000000000000"), string(make([]byte, 5216)))
	topics := `{"dataVersion":{"counter":1,"stateVersion":0,"timestamp":1750000000000},"topicConfigTable":{`
	for i, topic := range []string{`"Orders":{`, `"Bulk":{"attributes":{"queue.type":"BatchCQ"},`, `"Latest":{"attributes":{"cleanup.policy":"COMPACTION"},`} {
		topics += strings.Repeat(",", min(i, 1)) + topic + fmt.Sprintf(`"perm":%d,"readQueueNums":1,"writeQueueNums":1}`, protocol.PermRead|protocol.PermWrite)
	}
	topics += "}}"
	for range 2 { // the second time for copies of the tables
		put(t, filepath.Join(dir, "config", "topics.json"), topics)
		if out, code := p.run(t, booted, append(brokerOn(dir), allSizes...)...); code != 0 || !strings.Contains(out, booted) {
			t.Fatalf("the broker ended with %d:\n%s", code, out)
		}
	}
	return dir
}

// badFile is a kind of file and what becomes of a start on one that is damaged. A text is what a refusal says; nil means that
// the broker starts, because it needs nothing of the file or makes it again.
type badFile struct {
	kind                                string // pattern below the store's root; the first file is spoiled, of which there is one
	last                                bool   // spoil the last instead
	short, long, empty, zeros, misnamed []string
	unread                              []string // damage that no start looks for: gantry store verify tells
}

var badFiles = []badFile{
	{kind: "commitlog/*", short: []string{"bytes", "mappedFileSizeCommitLog"}, long: []string{"bytes", "mappedFileSizeCommitLog"}, empty: []string{"0 bytes"}, zeros: []string{"does not begin with a message", "gantry store repair"}, misnamed: []string{"is no commit log file"}},
	{kind: "consumequeue/Orders/0/*", last: true, short: []string{"bytes", "mappedFileSizeConsumeQueue"}, long: []string{"bytes", "mappedFileSizeConsumeQueue"}, misnamed: []string{"is no consume queue file"}},
	{kind: "batchconsumequeue/Bulk/0/*", last: true, short: []string{"bytes", "mapperFileSizeBatchConsumeQueue"}, long: []string{"bytes", "mapperFileSizeBatchConsumeQueue"}, misnamed: []string{"is no consume queue file"}},
	{kind: "consumequeue_ext/Orders/0/*", last: true, short: []string{"bytes", "mappedFileSizeConsumeQueueExt"}, long: []string{"bytes", "mappedFileSizeConsumeQueueExt"}, misnamed: []string{"is no file of a consume queue's extension"}, unread: []string{"empty", "zeros"}},
	{kind: "index/*", last: true, short: []string{"bytes", "maxHashSlotNum"}, long: []string{"bytes", "maxHashSlotNum"}, misnamed: []string{"index file", "7 bytes"}},
	{kind: "compaction/compactionLog/Latest/0/*", short: []string{"bytes", "compactionMappedFileSize"}, long: []string{"bytes", "compactionMappedFileSize"}, misnamed: []string{"is no file of a compacted queue"}, unread: []string{"zeros"}},
	{kind: "compaction/compactionCq/Latest/0/*", short: []string{"bytes", "compactionCqMappedFileSize"}, long: []string{"bytes", "compactionCqMappedFileSize"}, misnamed: []string{"is no file of a compacted queue"}},
	{kind: "timerlog/*", short: []string{"bytes", "mappedFileSizeTimerLog"}, long: []string{"bytes", "mappedFileSizeTimerLog"}, misnamed: []string{"is no file of the timer log"}},
	{kind: "timerwheel", short: []string{"timerwheel has", "move it away"}, long: []string{"timerwheel has", "move it away"}},
	{kind: "checkpoint", short: []string{"checkpoint has"}, long: []string{"checkpoint has"}},
	{kind: "lock"},
}

// TestEveryBadFile spoils one file of each kind in each way. A start that is refused says so, ends with 1 and has changed nothing,
// also where a crash had left something to put right. After any other nothing is missing.
func TestEveryBadFile(t *testing.T) {
	p := process{binary: self(t)}
	good := everyKind(t, p)
	for _, tt := range badFiles {
		for _, damage := range []struct {
			name  string
			want  []string
			spoil func(t *testing.T, name string, size int64)
		}{
			{"short", tt.short, func(t *testing.T, name string, size int64) { resize(t, name, size/2+1) }},
			{"long", tt.long, func(t *testing.T, name string, size int64) { resize(t, name, size+1) }},
			{"empty", tt.empty, func(t *testing.T, name string, _ int64) { resize(t, name, 0) }},
			{"zeros", tt.zeros, func(t *testing.T, name string, size int64) { resize(t, name, 0); resize(t, name, size) }},
			{"misnamed", tt.misnamed, func(t *testing.T, name string, _ int64) {
				put(t, filepath.Join(filepath.Dir(name), "another"), "garbage")
			}},
		} {
			t.Run(tt.kind+" "+damage.name, func(t *testing.T) {
				dir := filepath.Join(t.TempDir(), "store")
				if err := os.CopyFS(dir, os.DirFS(good)); err != nil {
					t.Fatal(err)
				}
				names, err := filepath.Glob(filepath.Join(dir, tt.kind))
				names = slices.DeleteFunc(names, func(name string) bool { info, err := os.Stat(name); return err != nil || info.IsDir() })
				if err != nil || len(names) == 0 {
					t.Fatal("no such file", err)
				}
				name := names[0]
				if tt.last {
					name = names[len(names)-1]
				}
				info, err := os.Stat(name)
				if err != nil {
					t.Fatal(err)
				}
				damage.spoil(t, name, info.Size())
				if damage.want != nil {
					put(t, dir+"/abort", "1")
					checkRefusal(t, p, dir, damage.want, allSizes...)
					return
				}
				out, code := p.run(t, booted, append(brokerOn(dir), allSizes...)...)
				if code != 0 || !strings.Contains(out, booted) {
					t.Fatalf("the broker ended with %d:\n%s", code, out)
				}
				out, code = p.run(t, "", append([]string{"store", "verify", "--index-slots", "100", "--index-entries", "400"}, dir)...)
				if want := map[bool]int{true: 1, false: 0}[slices.Contains(tt.unread, damage.name)]; code != want {
					t.Errorf("gantry store verify ended with %d:\n%s", code, out)
				}
			})
		}
	}
}

// TestLostQueues removes a queue's folder, or some of its files, of a store that was stopped or killed: the start says so, and nothing
// is missing after it.
func TestLostQueues(t *testing.T) {
	p := process{binary: self(t)}
	good := everyKind(t, p)
	for _, queue := range []string{"consumequeue/Orders/0", "batchconsumequeue/Bulk/0"} {
		for _, damage := range []struct {
			name  string
			files string // pattern of what goes, below the folder
		}{{"folder", ""}, {"files", "*"}, {"file in the middle", "*[1-9]*"}} {
			for _, killed := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s %s killed %t", queue, damage.name, killed), func(t *testing.T) {
					dir := filepath.Join(t.TempDir(), "store")
					if err := os.CopyFS(dir, os.DirFS(good)); err != nil {
						t.Fatal(err)
					}
					names, err := filepath.Glob(filepath.Join(dir, queue, damage.files))
					if err != nil || len(names) == 0 {
						t.Fatal("nothing to remove", err)
					}
					if damage.name == "file in the middle" {
						names = names[:1]
					}
					for _, name := range names {
						if err := os.RemoveAll(name); err != nil {
							t.Fatal(err)
						}
					}
					if killed {
						put(t, dir+"/abort", "1")
					}
					out, code := p.run(t, booted, append(brokerOn(dir), allSizes...)...)
					if code != 0 || !strings.Contains(out, booted) || !strings.Contains(out, "the commit log is read as a whole") {
						t.Fatalf("the broker ended with %d:\n%s", code, out)
					}
					out, code = p.run(t, "", append([]string{"store", "verify", "--index-slots", "100", "--index-entries", "400"}, dir)...)
					if code != 0 {
						t.Errorf("gantry store verify ended with %d:\n%s", code, out)
					}
				})
			}
		}
	}
}

// checkRefusal starts a broker that must refuse a directory, with more flags.
func checkRefusal(t *testing.T, p process, dir string, want []string, flags ...string) {
	t.Helper()
	before := tree(t, dir)
	out, code := p.run(t, booted, append(brokerOn(dir), flags...)...)
	if code != 1 || strings.Contains(out, booted) {
		t.Errorf("the broker ended with %d", code)
	}
	for _, want := range append(want, "gantry: ") {
		if !strings.Contains(out, want) {
			t.Errorf("it does not say %q:\n%s", want, out)
		}
	}
	if changed := differences(before, tree(t, dir)); len(changed) > 0 {
		t.Errorf("the refused start has changed:\n%s", strings.Join(changed, "\n"))
	}
}

// TestEveryBadTable spoils each table and its copy. Where only the table is bad, its copy is taken.
func TestEveryBadTable(t *testing.T) {
	p := process{binary: self(t)}
	good := everyKind(t, p)
	for _, table := range []string{
		"topics.json", "topicQueueMapping.json", "subscriptionGroup.json", "consumerOffset.json", "consumerFilter.json", "consumerOrderInfo.json",
		"delayOffset.json", "messageRequestMode.json", "timermetrics", "transactionMetrics",
	} {
		t.Run(table, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "store")
			if err := os.CopyFS(dir, os.DirFS(good)); err != nil {
				t.Fatal(err)
			}
			put(t, filepath.Join(dir, "config", table), `{"half`)
			put(t, filepath.Join(dir, "config", table+".bak"), `{"half`)
			put(t, dir+"/abort", "1")
			checkRefusal(t, p, dir, []string{table + " cannot be read", table + ".bak cannot be read"}, allSizes...)
		})
	}
}
