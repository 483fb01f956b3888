package inspect

import (
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/gantrymq/gantry/compat"
	"github.com/gantrymq/gantry/protocol"
)

// checkConfig looks at the files below config: whether each can be read, or its copy, and whether offsets fit the queues.
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
	names := map[string]bool{}
	for _, e := range entries {
		if name := e.Name(); strings.HasSuffix(name, ".json") || strings.HasSuffix(name, ".json.bak") {
			names[strings.TrimSuffix(name, ".bak")] = true
		}
	}
	var sorted []string
	for name := range names {
		sorted = append(sorted, name)
	}
	slices.Sort(sorted)
	for _, name := range sorted {
		var into any = new(any)
		switch name {
		case "consumerOffset.json":
			into = &consumerOffsets{}
		case "delayOffset.json":
			into = &delayOffsets{}
		}
		if !v.readConfig(path.Join(dir, name), into) {
			continue
		}
		switch x := into.(type) {
		case *consumerOffsets:
			v.checkConsumers(path.Join(dir, name), x)
		case *delayOffsets:
			v.checkDelays(path.Join(dir, name), x)
		}
	}
}

type consumerOffsets struct {
	OffsetTable map[string]map[int32]int64 `json:"offsetTable"`
}

type delayOffsets struct {
	OffsetTable map[int32]int64 `json:"offsetTable"`
}

// readConfig reads a file, or the copy of its former state, as a broker does. ok is false when neither can be read.
func (v *verification) readConfig(name string, into any) (ok bool) {
	text, err := v.d.readFile(name)
	switch {
	case err == nil && len(text) > 0:
		if err = compat.UnmarshalFastjson(text, into); err == nil {
			return true
		}
	case err == nil:
		err = errors.New("the file is empty")
	}
	copied, err2 := v.d.readFile(name + ".bak")
	if err2 == nil && len(copied) > 0 {
		if err2 = compat.UnmarshalFastjson(copied, into); err2 == nil {
			v.report(Note, "config", name, -1, "cannot be read (%v); its copy .bak can, and is what a broker takes", err)
			return true
		}
	}
	v.report(Damage, "config", name, -1, "cannot be read (%v), nor can its copy .bak", err)
	return false
}

// checkConsumers compares committed offsets with the ends of their queues.
func (v *verification) checkConsumers(name string, x *consumerOffsets) {
	for key, table := range x.OffsetTable {
		topic, group, ok := strings.Cut(key, "@")
		if !ok || v.noQueues {
			continue
		}
		for id, off := range table {
			c := v.queues[queueName{topic, id}]
			if c == nil || len(c.files) == 0 {
				continue
			}
			if end := max(c.end, c.next); off > end {
				v.report(v.offsetSeverity(), "offset", name, off, "group %s has consumed %s/%d up to %d, but the queue ends at %d", group, topic, id, off, end)
			}
		}
	}
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
