// Package config knows every official key of broker.conf, namesrv.conf and their
// kin, and binds the ones that are honoured to plain structs.
//
// The keys are data: definitions/keys.csv, from which go generate makes the table
// keys and the page docs/configuration.md. Load turns a file, the environment and
// flags into Settings, the values of all keys of one kind of process, with a
// warning for whatever cannot be used. Live holds them while the process runs:
// an update makes a new snapshot.
//
// A room takes what it needs through a struct whose fields name their keys:
//
//	ScanInterval time.Duration `conf:"scanNotActiveBrokerInterval" unit:"ms"`
//
// A field with the tag when:"start" is looked at only when the process starts, so
// that an update of its key waits for the next start. The generator reads these
// tags too: a key is honoured in a kind of process when a struct of its rooms
// names it. Defaults are in the table and nowhere else.
//
// Values are read and written as upstream's MixAll.properties2Object and
// object2Properties do. The package reads no file and knows no socket.
package config

import (
	"fmt"
	"iter"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/gantrymq/gantry/compat"
)

// Fault is a value that a key cannot take. Upstream passes over it in silence and
// keeps the value from before, which is kept here too.
type Fault struct {
	Key, Value, Want string
}

func (f *Fault) Error() string {
	return fmt.Sprintf("%s=%s: the value is not %s; the one from before stays", f.Key, f.Value, f.Want)
}

// Bind fills the struct that dst points to: each field with a conf tag takes the
// value of its key. Fields whose key the process does not have, or whose value
// is null, keep what they have.
func (s *Settings) Bind(dst any) error {
	for key, f := range fields(dst) {
		text, ok := s.Get(key)
		if !ok {
			continue
		}
		if err := f.set(key, text); err != nil {
			return fmt.Errorf("configuration of the %s: %w", s.process.Name, err)
		}
	}
	return nil
}

// StructSource takes the settings that a struct holds, which is how tests
// describe a process. Empty texts are left out: most stand for Java's null.
func StructSource(src any) Source {
	values := Source{Name: "the program"}
	for key, f := range fields(src) {
		if text := f.text(); text != "" {
			values.Values = append(values.Values, Value{Key: key, Text: text})
		}
	}
	return values
}

type field struct {
	value reflect.Value
	tag   reflect.StructTag
}

// fields walks the struct that v points to, and the structs in it.
func fields(v any) iter.Seq2[string, field] {
	return func(yield func(string, field) bool) { walk(reflect.ValueOf(v).Elem(), yield) }
}

func walk(v reflect.Value, yield func(string, field) bool) bool {
	for i := range v.NumField() {
		t := v.Type().Field(i)
		if t.Type.Kind() == reflect.Struct && t.Tag.Get("conf") == "" {
			if !walk(v.Field(i), yield) {
				return false
			}
			continue
		}
		if key := t.Tag.Get("conf"); key != "" && !yield(key, field{v.Field(i), t.Tag}) {
			return false
		}
	}
	return true
}

// unit is what a number of a time.Duration field counts.
func (f field) unit() time.Duration {
	switch f.tag.Get("unit") {
	case "ms":
		return time.Millisecond
	case "s":
		return time.Second
	}
	panic("a time.Duration field needs the tag unit:\"ms\" or unit:\"s\"")
}

func (f field) set(key, value string) error {
	switch f.value.Interface().(type) {
	case string:
		f.value.SetString(compat.TrimValue(value))
	case bool:
		// Like Java's, this takes all that is not "true" for false, and says nothing.
		on, _ := compat.ParseBool(value)
		f.value.SetBool(on)
	case time.Duration:
		n, err := compat.ParseInt(value, 64)
		if err != nil {
			return &Fault{key, value, "a whole number of " + f.tag.Get("unit")}
		}
		f.value.SetInt(int64(duration(n, f.unit())))
	case int32, int64, int:
		n, err := compat.ParseInt(value, f.value.Type().Bits())
		if err != nil {
			return &Fault{key, value, "a whole number of " + strconv.Itoa(f.value.Type().Bits()) + " bits"}
		}
		f.value.SetInt(n)
	case float64:
		n, err := compat.ParseFloat(value)
		if err != nil {
			return &Fault{key, value, "a number"}
		}
		f.value.SetFloat(n)
	default:
		panic(fmt.Sprintf("key %s: a field of type %s cannot be configured", key, f.value.Type()))
	}
	return nil
}

// duration is n units of time. What is longer than a time.Duration can hold, which
// people write for never, is the longest one, 292 years.
func duration(n int64, unit time.Duration) time.Duration {
	d := time.Duration(n) * unit
	switch {
	case d/unit == time.Duration(n):
		return d
	case n < 0:
		return math.MinInt64
	}
	return math.MaxInt64
}

func (f field) text() string {
	switch v := f.value.Interface().(type) {
	case string:
		return v
	case bool:
		return strconv.FormatBool(v)
	case time.Duration:
		return strconv.FormatInt(int64(v/f.unit()), 10)
	case float64:
		text := strconv.FormatFloat(v, 'f', -1, 64)
		if !strings.Contains(text, ".") {
			text += ".0" // as Double.toString writes it
		}
		return text
	default:
		return strconv.FormatInt(f.value.Int(), 10)
	}
}
