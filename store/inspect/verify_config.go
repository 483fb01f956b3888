package inspect

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/gantrymq/gantry/compat"
	"github.com/gantrymq/gantry/protocol"
)

// bareTables are the tables whose names have no extension.
var bareTables = []string{"timermetrics", "transactionMetrics"}

// Suffixes of files beside a table.
const (
	copySuffix   = ".bak"     // its former state
	tempSuffix   = ".tmp"     // a state that was being written
	brokenSuffix = ".corrupt" // a state that could not be read and was kept for people
)

// checkConfig looks at everything below config: whether each table can be read, and its copy, and whether what it says fits the
// queues.
func (v *verification) checkConfig() {
	dir := path.Join(v.d.root, "config")
	entries, err := v.d.o.FS.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	if err != nil {
		v.report(Damage, "config", dir, -1, "cannot be listed: %v", err)
		return
	}
	tables := map[string]bool{}
	for _, e := range entries {
		name := path.Join(dir, e.Name())
		table := strings.TrimSuffix(e.Name(), copySuffix)
		switch {
		case e.IsDir():
			v.checkConfigDatabase(name)
		case path.Ext(table) == ".json" || slices.Contains(bareTables, table):
			tables[table] = true
		case strings.HasSuffix(table, tempSuffix):
			v.report(Note, "config", name, -1, "was left by a write that was cut short; nobody reads it")
		case strings.HasSuffix(table, brokenSuffix):
			v.report(Note, "config", name, -1, "could not be read by a start and was set aside; nobody reads it")
		case table != path.Base(v.d.timerCheckPath()) && path.Ext(table) != ".properties":
			v.report(Note, "config", name, -1, "is no file that a broker is known to write here")
		}
	}
	for _, name := range slices.Sorted(maps.Keys(tables)) {
		v.checkTable(path.Join(dir, name))
	}
}

// checkConfigDatabase tells of tables that cannot be looked at.
func (v *verification) checkConfigDatabase(name string) {
	if _, err := v.d.o.FS.Stat(path.Join(name, "CURRENT")); err == nil {
		v.report(Note, "config", name, -1, "is a RocksDB, which is not looked at")
	}
}

// checkTable reads one table and compares it with the queues.
func (v *verification) checkTable(name string) {
	switch path.Base(name) {
	case "consumerOffset.json", "lmqConsumerOffset.json":
		x := &consumerOffsets{}
		if v.readConfig(name, x) {
			v.checkConsumers(name, x)
		}
	case "delayOffset.json":
		x := &delayOffsets{}
		if v.readConfig(name, x) {
			v.checkDelays(name, x)
		}
	case "topics.json":
		x := &topicTable{}
		if v.readConfig(name, x) {
			v.checkTopics(name, x)
		}
	default:
		v.readConfig(name, new(any))
	}
}

type consumerOffsets struct {
	OffsetTable map[string]map[int32]int64 `json:"offsetTable"`
	LightTable  map[string]int64           `json:"lmqOffsetTable"` // of groups that have one offset in a topic
}

type delayOffsets struct {
	OffsetTable map[int32]int64 `json:"offsetTable"`
}

type topicTable struct {
	Topics map[string]json.RawMessage `json:"topicConfigTable"`
}

// readConfig reads a file, or the copy of its former state, as a broker does. ok is false when neither can be read.
func (v *verification) readConfig(name string, into any) (ok bool) {
	err := v.decodeConfig(name, into)
	if err == nil {
		if err := v.decodeConfig(name+copySuffix, new(any)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			v.report(Note, "config", name+copySuffix, -1, "cannot be read (%v): there would be nothing to fall back on", err)
		}
		return true
	}
	if v.decodeGrown(name, into) {
		v.report(Note, "config", name, -1, "its last changes were cut off while they were written; a broker takes what is before them")
		return true
	}
	if v.decodeConfig(name+copySuffix, into) == nil {
		v.report(Note, "config", name, -1, "cannot be read (%v); its copy .bak can, and is what a broker takes", err)
		return true
	}
	v.report(Damage, "config", name, -1, "cannot be read (%v), nor can its copy .bak", err)
	return false
}

// decodeConfig reads one file.
func (v *verification) decodeConfig(name string, into any) error {
	text, err := v.d.readFile(name)
	if err != nil {
		return err
	}
	if len(text) == 0 {
		return errors.New("the file is empty")
	}
	return compat.UnmarshalFastjson(text, into)
}

// decodeGrown reads a table of topics that changes were appended to and whose end is torn: change by change is cut off.
func (v *verification) decodeGrown(name string, into any) bool {
	const change, closing = ",\n\"", "\n\t}\n}"
	text, err := v.d.readFile(name)
	if err != nil || path.Base(name) != "topics.json" {
		return false
	}
	for {
		at := bytes.LastIndex(text, []byte(change))
		if at < 0 {
			return false
		}
		text = text[:at:at]
		if compat.UnmarshalFastjson(append(text, closing...), into) == nil {
			return true
		}
	}
}

// checkTopics looks for queues of topics that do not exist. Names of light queues are in no table.
func (v *verification) checkTopics(name string, x *topicTable) {
	var strays []string
	for queue := range v.queues {
		if _, ok := x.Topics[queue.topic]; !ok && !strings.HasPrefix(queue.topic, protocol.PrefixLMQ) && !slices.Contains(strays, queue.topic) {
			strays = append(strays, queue.topic)
		}
	}
	slices.Sort(strays)
	for _, topic := range strays {
		v.report(Note, "topic", name, -1, "topic %s has consume queues and is not in the table: it was deleted, or is made anew when somebody sends to it", topic)
	}
}

// checkConsumers compares committed offsets with the ends of their queues.
func (v *verification) checkConsumers(name string, x *consumerOffsets) {
	for key, table := range x.OffsetTable {
		for id, off := range table {
			v.checkConsumer(name, key, id, off)
		}
	}
	for key, off := range x.LightTable {
		v.checkConsumer(name, key, 0, off)
	}
}

// checkConsumer does so for one offset. The key is "topic@group".
func (v *verification) checkConsumer(name, key string, id int32, off int64) {
	topic, group, ok := strings.Cut(key, "@")
	if !ok || v.noQueues {
		return
	}
	if end, ok := v.endOf(queueName{topic, id}); ok && off > end {
		v.report(v.offsetSeverity(), "offset", name, off, "group %s has consumed %s/%d up to %d, but the queue ends at %d", group, topic, id, off, end)
	}
}

// endOf is the queue offset behind a queue's last message; ok is false when it has no files.
func (v *verification) endOf(name queueName) (end int64, ok bool) {
	if c := v.batches[name]; c != nil && len(c.files) > 0 {
		return max(c.last, c.next), true
	}
	if c := v.queues[name]; c != nil && len(c.files) > 0 {
		return max(c.end, c.next), true
	}
	return 0, false
}

// offsetSeverity: after a kill the queues are completed by the next start, and messages that were consumed before they were
// synced may be gone after a power failure.
func (v *verification) offsetSeverity() Severity {
	if v.d.unclean {
		return Note
	}
	return Damage
}

// checkDelays does the same for the delay levels.
func (v *verification) checkDelays(name string, x *delayOffsets) {
	for level, off := range x.OffsetTable {
		c := v.queues[queueName{protocol.TopicSchedule, level - 1}]
		if c != nil && len(c.files) > 0 && off > max(c.end, c.next) {
			v.report(v.offsetSeverity(), "offset", name, off, "delay level %d has been delivered up to %d, but its queue ends at %d", level, off, max(c.end, c.next))
		}
	}
}
