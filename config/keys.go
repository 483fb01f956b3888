package config

import (
	"slices"
	"strconv"
	"strings"

	"github.com/gantrymq/gantry/compat"
)

//go:generate go run ../internal/confgen -in definitions -tree .. -out keys_gen.go -page ../docs/configuration.md

// Key is one official setting: a field of one of the official configuration
// classes. What is read from text, shown and answered for it follows that class.
type Key struct {
	Name    string
	Family  string // the class: namesrv, broker, store, nettyServer …
	Type    Type
	Meaning string

	standard string   // the default; ${…} and =… depend on the machine
	null     bool     // the default is Java's null: the key is not shown until it is set
	enum     string   // the Java class of an Enum
	inert    string   // why it has no effect where it has none
	flags    keyFlags // what is special about it

	honoured processSet // where a struct takes it
	atStart  processSet // of those, where it is looked at only at the start
}

// processSet is a set of kinds of process.
type processSet uint8

const (
	inNamesrv processSet = 1 << iota
	inBroker
	inController
	inProxy
)

// Type is the form of a key's values.
type Type uint8

// The types of keys.
const (
	Int    Type = iota // 32 bits
	Long               // 64 bits
	Double             // a number with a fraction
	Bool               // true, or anything else
	String             // text, without blanks at its ends
	Enum               // one of a few words
	Other              // cannot be set from text
)

// keyFlags are properties of the class member behind a key.
type keyFlags uint8

const (
	// important keys are those that the official -m prints.
	important keyFlags = 1 << iota
	noField            // there is a setter only: never shown unless the file has it
	noSetter           // there is a field only: shown, never set
	inherited          // -p leaves it out, which looks at the class itself only
	notRemote          // refused in update requests: it names files, classes or trust
)

// enums lists the words of the official enumerations.
var enums = map[string][]string{
	"FlushDiskType":       {"ASYNC_FLUSH", "SYNC_FLUSH"},
	"BrokerRole":          {"ASYNC_MASTER", "SYNC_MASTER", "SLAVE"},
	"MessageRequestMode":  {"PULL", "POP"},
	"MetricsExporterType": {"DISABLE", "OTLP_GRPC", "PROM", "LOG"},
	"TieredStorageLevel":  {"DISABLE", "NOT_IN_DISK", "NOT_IN_MEM", "FORCE"},
	"TlsMode":             {"disabled", "permissive", "enforcing"},
}

// has reports whether the key is marked with a flag.
func (k *Key) has(f keyFlags) bool { return k.flags&f != 0 }

// Effect says why the key has no effect in a kind of process; it is empty for a
// key that is honoured.
func (k *Key) Effect(p *Process) string {
	if k.honoured&p.bit != 0 {
		return ""
	}
	return k.inert
}

// When says when a new value of a key counts.
type When uint8

// The times at which a new value counts.
const (
	AtOnce     When = iota // and also by an update request
	AtStart                // an update request is remembered for the next start
	ByFileOnly             // no request may change it
)

// Changes says when a new value of an honoured key counts in a kind of process.
func (k *Key) Changes(p *Process) When {
	switch {
	case k.has(notRemote|noSetter) || slices.Contains(p.refused, k.Name) || !p.answers(k.Family):
		return ByFileOnly
	case k.atStart&p.bit != 0:
		return AtStart
	}
	return AtOnce
}

// read checks a value as the official setter would and returns its text as the
// official program shows it afterwards. A value that the setter cannot take,
// which leaves the setting as it was, is a fault with ok false. A boolean is
// always taken; what is neither true nor false is a fault with ok true.
func (k *Key) read(value string) (text string, ok bool, fault *Fault) {
	switch k.Type {
	case Int, Long:
		bits := 32
		if k.Type == Long {
			bits = 64
		}
		n, err := compat.ParseInt(value, bits)
		if err != nil {
			return "", false, &Fault{k.Name, value, "a whole number of " + strconv.Itoa(bits) + " bits"}
		}
		return strconv.FormatInt(n, 10), true, nil
	case Double:
		f, err := compat.ParseFloat(value)
		if err != nil {
			return "", false, &Fault{k.Name, value, "a number"}
		}
		return string(compat.AppendFloat(nil, f, 64)), true, nil
	case Bool:
		b, err := compat.ParseBool(value)
		if err != nil {
			fault = &Fault{k.Name, value, "true or false"}
		}
		return strconv.FormatBool(b), true, fault
	case String:
		return compat.TrimValue(value), true, nil
	case Enum:
		text = compat.TrimValue(value)
		words := enums[k.enum]
		for _, w := range words {
			if text == w {
				return text, true, nil
			}
		}
		return "", false, &Fault{k.Name, value, "one of " + strings.Join(words, ", ")}
	}
	return "", false, &Fault{k.Name, value, "something that text can express"}
}

// Values says what the key takes, for people.
func (k *Key) Values() string {
	switch k.Type {
	case Int:
		return "a whole number of 32 bits"
	case Long:
		return "a whole number of 64 bits"
	case Double:
		return "a number"
	case Bool:
		return "true or false"
	case Enum:
		return "one of " + strings.Join(enums[k.enum], ", ")
	case String:
		return "text"
	}
	return "nothing that text can express"
}
