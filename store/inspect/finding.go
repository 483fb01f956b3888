package inspect

import (
	"encoding/json"
	"fmt"
)

// Severity is how bad a finding is.
type Severity uint8

// The severities.
const (
	Note   Severity = iota // worth knowing; a start puts it right, or nothing has to be
	Damage                 // something is lost, or would mislead a broker
)

// String is the word that people read.
func (s Severity) String() string {
	if s == Damage {
		return "damage"
	}
	return "note"
}

// MarshalJSON writes the word.
func (s Severity) MarshalJSON() ([]byte, error) { return json.Marshal(s.String()) }

// Finding is something that Verify has found.
type Finding struct {
	Severity Severity `json:"severity"`
	Kind     string   `json:"kind"`             // a word to sort findings by: log, queue, index, …
	Where    string   `json:"where"`            // file, or topic/queue
	Offset   int64    `json:"offset,omitempty"` // physical offset or queue offset, -1 where there is none
	Text     string   `json:"text"`
}

// String is the finding as a line.
func (f Finding) String() string {
	if f.Offset >= 0 {
		return fmt.Sprintf("%s: %s at %d: %s", f.Severity, f.Where, f.Offset, f.Text)
	}
	return fmt.Sprintf("%s: %s: %s", f.Severity, f.Where, f.Text)
}

// fault remembers what was found while the directory was listed.
func (d *Dir) fault(s Severity, kind, where string, offset int64, format string, args ...any) {
	d.faults = append(d.faults, Finding{s, kind, where, offset, fmt.Sprintf(format, args...)})
}

// mostOfAKind bounds how many findings of one kind and severity are kept: a lost disk makes millions.
const mostOfAKind = 50

// Findings collects what is found, and counts what is too much to keep.
type Findings struct {
	List    []Finding
	Damaged int64 // findings of severity Damage, kept or not
	Noted   int64 // the others
	kinds   map[string]int

	onDamage func(Finding) // told of every damage, kept or not; may be nil
}

func (f *Findings) add(x Finding) {
	if x.Severity == Damage {
		f.Damaged++
		if f.onDamage != nil {
			f.onDamage(x)
		}
	} else {
		f.Noted++
	}
	if f.kinds == nil {
		f.kinds = map[string]int{}
	}
	key := x.Kind + x.Severity.String()
	if f.kinds[key]++; f.kinds[key] <= mostOfAKind {
		f.List = append(f.List, x)
	}
}

func (f *Findings) report(s Severity, kind, where string, offset int64, format string, args ...any) {
	f.add(Finding{s, kind, where, offset, fmt.Sprintf(format, args...)})
}

// Left is how many findings were counted and not kept.
func (f *Findings) Left() int64 { return f.Damaged + f.Noted - int64(len(f.List)) }
