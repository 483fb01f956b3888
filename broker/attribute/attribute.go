// Package attribute knows the named attributes that topics and consumer groups
// may carry, and how a request alters them: "+key" sets, "-key" removes.
//
// It holds rules only; the tables belong to packages topics and groups. What it
// says to a caller is what 5.5.0 says (TopicAttributes,
// SubscriptionGroupAttributes, AttributeUtil), because the sentences reach
// clients as response remarks.
package attribute

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Definition is one attribute.
type Definition struct {
	Name       string
	Changeable bool                     // false: may only be given when the topic or group is created
	Default    string                   // what an absent attribute means; "" when upstream has none
	Verify     func(value string) error // refuses what is no value of it
}

// Set is the attributes that one kind of thing may carry, by name.
type Set map[string]Definition

// Names of attributes that Gantry's own code looks at.
const (
	MessageType   = "message.type"
	QueueType     = "queue.type"
	CleanupPolicy = "cleanup.policy"
	ReserveTime   = "reserve.time"
	// PriorityFactor is the share, in percent, of a group's POP requests that
	// honour message priorities.
	PriorityFactor = "priority.factor"
)

// Topic holds the attributes of topics.
var Topic = set(
	Definition{QueueType, false, "SimpleCQ", oneOf("SimpleCQ", "BatchCQ")},
	Definition{CleanupPolicy, false, "DELETE", oneOf("DELETE", "COMPACTION")},
	Definition{MessageType, true, "NORMAL",
		oneOf("UNSPECIFIED", "MIXED", "TRANSACTION", "PRIORITY", "FIFO", "DELAY", "LITE", "NORMAL")},
	Definition{ReserveTime, true, "-1", between(-1, math.MaxInt64)},
	Definition{"lite.topic.expiration", true, "-1", between(-1, 30*24*60)}, // minutes
)

// Group holds the attributes of consumer groups.
var Group = set(
	Definition{PriorityFactor, true, "100", between(0, 100)},
	Definition{"lite.bind.topic", true, "", anything},
	Definition{"lite.sub.model", true, "Shared", oneOf("Shared", "Exclusive")},
	Definition{"lite.sub.reset.offset.exclusive", true, "false", boolean},
	Definition{"lite.sub.reset.offset.unsubscribe", true, "false", boolean},
	Definition{"lite.sub.client.quota", true, "2000", between(-1, math.MaxInt64)},
	Definition{"lite.sub.client.max.event.cnt", true, "400", between(10, math.MaxInt64)},
	Definition{"lite.sub.wildcard", true, "", anything},
)

func set(defs ...Definition) Set {
	s := make(Set, len(defs))
	for _, d := range defs {
		s[d.Name] = d
	}
	return s
}

// oneOf lists the values in the order in which Java prints its hash set.
func oneOf(values ...string) func(string) error {
	return func(value string) error {
		if !slices.Contains(values, value) {
			return fmt.Errorf("value is not in set: [%s]", strings.Join(values, ", "))
		}
		return nil
	}
}

func between(lowest, highest int64) func(string) error {
	return func(value string) error {
		n, err := strconv.ParseInt(value, 10, 64)
		if err != nil {
			return fmt.Errorf("For input string: %q", value)
		}
		if n < lowest || n > highest {
			return fmt.Errorf("value is not in range(%d, %d)", lowest, highest)
		}
		return nil
	}
}

func boolean(value string) error {
	if !strings.EqualFold(value, "true") && !strings.EqualFold(value, "false") {
		return errors.New("boolean attribute format is wrong.")
	}
	return nil
}

func anything(string) error { return nil }

// Kinds of change, in the order in which upstream verifies them.
const (
	initial = iota // at creation, where unchangeable attributes may be given
	add
	update
	remove
	kinds
)

// Alter returns what current becomes by the wished changes, whose keys begin
// with + or -. Neither map is changed. create says that the topic or group is
// new: then every change must be a +. Faults are reported in the order of the
// keys.
func (s Set) Alter(create bool, current, wished map[string]string) (map[string]string, error) {
	var changes [kinds]map[string]string
	for i := range changes {
		changes[i] = map[string]string{}
	}
	seen := map[string]bool{}
	for _, key := range sortedKeys(wished) {
		name := strings.TrimPrefix(key, firstChar(key))
		if name == "" || strings.ContainsAny(name, "+-") {
			return nil, errors.New("kv string format wrong.")
		}
		if seen[name] {
			return nil, fmt.Errorf("alter duplication key. key: %s", name)
		}
		seen[name] = true
		kind, err := classify(key, name, create, current)
		if err != nil {
			return nil, err
		}
		changes[kind][name] = wished[key]
	}
	for kind, change := range changes {
		if err := s.verify(kind, change); err != nil {
			return nil, err
		}
	}
	return apply(current, changes), nil
}

func classify(key, name string, create bool, current map[string]string) (int, error) {
	_, exists := current[name]
	switch {
	case create && key[0] == '+':
		return initial, nil
	case create:
		return 0, fmt.Errorf("only add attribute is supported while creating topic. key: %s", name)
	case key[0] == '+' && exists:
		return update, nil
	case key[0] == '+':
		return add, nil
	case key[0] == '-' && exists:
		return remove, nil
	case key[0] == '-':
		return 0, fmt.Errorf("attempt to delete a nonexistent key: %s", name)
	}
	return 0, fmt.Errorf("wrong format key: %s", name)
}

func (s Set) verify(kind int, change map[string]string) error {
	for _, name := range sortedKeys(change) {
		def, ok := s[name]
		if !ok {
			return fmt.Errorf("unsupported key: %s", name)
		}
		if kind != initial && !def.Changeable {
			return fmt.Errorf("attempt to update an unchangeable attribute. key: %s", name)
		}
		if kind != remove {
			if err := def.Verify(change[name]); err != nil {
				return err
			}
		}
	}
	return nil
}

func apply(current map[string]string, changes [kinds]map[string]string) map[string]string {
	result := make(map[string]string, len(current)+1)
	for name, value := range current {
		result[name] = value
	}
	for kind, change := range changes {
		for name, value := range change {
			if kind == remove {
				delete(result, name)
			} else {
				result[name] = value
			}
		}
	}
	return result
}

// firstChar is the first character of a key, which Alter takes for its sign
// whatever it is. Java's characters are UTF-16; a sign beyond ASCII is an error
// either way.
func firstChar(key string) string {
	for _, r := range key {
		return string(r)
	}
	return ""
}

func sortedKeys(m map[string]string) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
