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
//	ScanInterval time.Duration `conf:"scanNotActiveBrokerInterval" unit:"ms" default:"5000"`
//
// A key that the official server has and that means nothing here may have a third
// tag, inert, which says why, so that whoever sets it can be told. The generator
// reads these tags too: a key is honoured when a struct has it without that tag.
//
// Values are read and written as upstream's MixAll.properties2Object and
// object2Properties do. The package reads no file and knows no socket.
package config

import (
	"fmt"
	"iter"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/gantrymq/gantry/compat"
)

// Fault is a value that a key cannot take. Upstream passes over it in silence and
// keeps the value from before, which Set does too.
type Fault struct {
	Key, Value, Want string
}

func (f *Fault) Error() string {
	return fmt.Sprintf("%s=%s: the value is not %s; the one from before stays", f.Key, f.Value, f.Want)
}

// SetDefaults gives every field of the struct that dst points to the default of
// its tag. It panics when a tag does not fit its field.
func SetDefaults(dst any) {
	for key, f := range fields(dst) {
		text, ok := f.tag.Lookup("default")
		if !ok {
			continue
		}
		if err := f.set(key, text); err != nil {
			panic(fmt.Sprintf("default of %T: %v", dst, err))
		}
	}
}

// Set gives a key a value. It reports whether dst has the key; a value of the
// wrong form is a *Fault and changes nothing.
func Set(dst any, key, value string) (known bool, err error) {
	for k, f := range fields(dst) {
		if k == key {
			return true, f.set(key, value)
		}
	}
	return false, nil
}

// Values is every key of src with its value as text, keys with an empty string
// included: leave them out where upstream's default is null.
func Values(src any) iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for key, f := range fields(src) {
			if !yield(key, f.text()) {
				return
			}
		}
	}
}

// Inert says why a key of v has no effect, and is empty for one that has.
func Inert(v any, key string) string {
	for k, f := range fields(v) {
		if k == key {
			return f.tag.Get("inert")
		}
	}
	return ""
}

type field struct {
	value reflect.Value
	tag   reflect.StructTag
}

// fields walks the struct that v points to, and the structs embedded in it.
func fields(v any) iter.Seq2[string, field] {
	return func(yield func(string, field) bool) { walk(reflect.ValueOf(v).Elem(), yield) }
}

func walk(v reflect.Value, yield func(string, field) bool) bool {
	for i := range v.NumField() {
		t := v.Type().Field(i)
		if t.Anonymous {
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
		if err != nil || time.Duration(n)*f.unit()/f.unit() != time.Duration(n) {
			return &Fault{key, value, "a whole number of " + f.tag.Get("unit")}
		}
		f.value.SetInt(int64(time.Duration(n) * f.unit()))
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
