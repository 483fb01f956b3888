package config

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
)

// Settings are the values of all official keys of one process. They never
// change; an update makes new ones. Use Load or Standard to make some.
type Settings struct {
	process *Process
	machine Machine
	given   map[string]given  // accepted values by key
	file    map[string]string // everything that the file says, as it says it
	running bool              // the process runs: nothing is computed from other settings any more
}

// given is a value that a source gave.
type given struct {
	text string // in the form it is shown in
	from string // the source, with the line in a file
}

// Process is the kind of process that the settings are of.
func (s *Settings) Process() *Process { return s.process }

// Source is one place that settings come from.
type Source struct {
	Name   string // for messages: a file, "the environment"
	Values []Value
	// Shown says that also what no key takes is shown to those who ask for the
	// configuration, as upstream does with its file.
	Shown bool
}

// Value is one setting of a source.
type Value struct {
	Key, Text string
	Line      int // in a file, else 0
}

// Warning is something about a setting that whoever made it should know. None
// keeps a process from starting.
type Warning struct {
	Where string // the source, with the line in a file
	Key   string
	Text  string // a sentence without its full stop
}

func (w Warning) String() string { return w.Where + ": " + w.Text }

// Standard are the settings of a process that is told nothing.
func Standard(p *Process, m Machine) *Settings {
	return &Settings{process: p, machine: m, given: map[string]given{}, file: map[string]string{}}
}

// Load takes the settings of the sources; later ones override earlier ones.
// Values that cannot be taken leave what was there before, as upstream does,
// which says nothing about them; here they are warned of, as are unknown keys
// and keys without effect that are set to other than their default.
func Load(p *Process, m Machine, sources ...Source) (*Settings, []Warning) {
	s := Standard(p, m)
	var warnings []Warning
	for _, src := range sources {
		seen := map[string]bool{}
		for _, v := range src.Values {
			where := src.Name
			if v.Line > 0 {
				where = fmt.Sprintf("%s, line %d", src.Name, v.Line)
			}
			if seen[v.Key] {
				warnings = append(warnings, Warning{where, v.Key, v.Key + " is set for the second time; the last value counts"})
			}
			seen[v.Key] = true
			if src.Shown {
				s.file[v.Key] = v.Text
			}
			if text := s.take(v, where); text != "" {
				warnings = append(warnings, Warning{where, v.Key, text})
			}
		}
	}
	return s, warnings
}

// take accepts one value and returns what is to be said about it.
func (s *Settings) take(v Value, where string) string {
	k, ok := s.process.Key(v.Key)
	if !ok {
		return s.unknown(v.Key)
	}
	if k.has(noSetter) {
		if s.isStandard(k, v.Text) {
			return ""
		}
		return v.Key + " cannot be set; it is only shown"
	}
	text, ok, fault := k.read(v.Text)
	switch {
	case ok && fault != nil:
		s.given[v.Key] = given{text, where}
		return fmt.Sprintf("%s=%s: the value is not %s and counts as %s", v.Key, v.Text, fault.Want, text)
	case fault != nil:
		return fault.Error()
	}
	s.given[v.Key] = given{text, where}
	if why := k.Effect(s.process); why != "" && !s.isStandard(k, text) {
		return fmt.Sprintf("%s has no effect: it %s", v.Key, why)
	}
	return ""
}

// isStandard reports whether a value asks for nothing but what is so anyway. A
// file that was written after an update names all keys, most of them like that.
func (s *Settings) isStandard(k *Key, text string) bool {
	standard := Settings{process: s.process, machine: s.machine}
	is, ok := standard.Get(k.Name)
	return ok && is == text
}

func (s *Settings) unknown(key string) string {
	if IsOfficial(key) {
		return fmt.Sprintf("%s has no effect: it is not a key of a %s", key, s.process.Name)
	}
	if near := s.process.Near(key); near != "" {
		return fmt.Sprintf("there is no key %s; is %s meant?", key, near)
	}
	return "there is no key " + key
}

// Get is the value of a key in the form in which it is shown; ok is false when
// there is no such key or its value is Java's null.
func (s *Settings) Get(key string) (text string, ok bool) {
	k, known := s.process.Key(key)
	if !known {
		text, ok = s.file[key]
		return text, ok
	}
	if text := s.derive(key); text != "" {
		return text, true
	}
	return s.value(k)
}

// derive is what the process computes for a key, or empty.
func (s *Settings) derive(key string) string {
	if derive, ok := derived[s.process.Name+" "+key]; ok && !s.running {
		return derive(s)
	}
	return ""
}

// settled are the settings of a process that starts with s: what is computed
// from others is computed now, and an update of those does not change it.
func (s *Settings) settled() *Settings {
	c := s.clone()
	for _, k := range s.process.index {
		if text := s.derive(k.Name); text != "" {
			c.given[k.Name] = given{text, s.Origin(k.Name)}
		}
	}
	c.running = true
	return c
}

// value is what a key of one class is set to, or its default.
func (s *Settings) value(k *Key) (text string, ok bool) {
	if g, ok := s.given[k.Name]; ok {
		return g.text, true
	}
	if text, ok := s.process.defaults[k.Family+" "+k.Name]; ok {
		return text, true
	}
	return s.machine.standardOf(k)
}

// Given reports whether a source set the key to a value that was accepted.
func (s *Settings) Given(key string) bool {
	_, ok := s.given[key]
	return ok
}

// Origin says where the value of a key comes from: the source that gave it, with
// the line in a file, or "default". A value that the process computes from
// others, whatever was given, is "computed".
func (s *Settings) Origin(key string) string {
	k, known := s.process.Key(key)
	if !known {
		return "default"
	}
	if text := s.derive(key); text != "" {
		if plain, _ := s.value(k); text != plain {
			return "computed"
		}
	}
	if g, ok := s.given[key]; ok {
		return g.from
	}
	return "default"
}

// derived are settings that the official programs compute at start from others.
// An empty result leaves the value as it is.
var derived = map[string]func(*Settings) string{
	"broker haListenPort": func(s *Settings) string {
		if n := s.number("haListenPort"); s.Given("haListenPort") && n > 0 {
			return ""
		}
		return strconv.Itoa(s.number("listenPort") + 1)
	},
	"broker brokerId": func(s *Settings) string {
		switch {
		case s.text("enableDLegerCommitLog") == "true":
			return "-1"
		case s.text("enableControllerMode") != "true" && s.text("brokerRole") != "SLAVE":
			return "0"
		}
		return ""
	},
	"broker bitMapLengthConsumeQueueExt": func(s *Settings) string {
		if n := bloomBits(s.number("expectConsumerNumUseFilter"), s.number("maxErrorRateOfBloomFilter")); n > 0 {
			return strconv.Itoa(n)
		}
		return ""
	},
}

// text is the value of a key before anything is derived.
func (s *Settings) text(key string) string {
	text, _ := s.value(s.process.index[key])
	return text
}

func (s *Settings) number(key string) int {
	n, _ := strconv.Atoi(s.text(key))
	return n
}

// clone is a copy whose maps may be changed.
func (s *Settings) clone() *Settings {
	c := *s
	c.given, c.file = maps.Clone(s.given), maps.Clone(s.file)
	return &c
}

// answers reports whether configuration requests read and change a class.
func (p *Process) answers(family string) bool { return slices.Contains(p.answered, family) }
