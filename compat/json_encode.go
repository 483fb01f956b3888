package compat

import (
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
)

// JSONForm is one of the forms in which RocketMQ writes JSON.
type JSONForm uint8

const (
	// Compact is the form of nearly all bodies on the wire. Map keys are written
	// as the values they are, without quotes unless they are strings:
	// {0:"1.2.3.4:10911"}, {{"brokerName":"b",…}:{…}}.
	Compact JSONForm = iota
	// Pretty is Compact with a line for each element and tabs, as in the files
	// below store/config.
	Pretty
	// Standard is JSON that every parser reads: map keys in quotes, and numbers
	// beyond 2^53 as strings. Only route answers are written so.
	Standard
)

// MarshalFastjson writes v as the 5.5.0 servers do, in the form Compact. See
// AppendFastjson.
func MarshalFastjson(v any) ([]byte, error) { return AppendFastjson(nil, v, Compact) }

// AppendFastjson appends v to dst as fastjson2 would write the Java object that
// v stands for: fields of structs by their json tag and in alphabetical order,
// null fields left out, text as it is except for quotes, backslashes and control
// characters.
//
// Maps are written in the order of their keys, numbers by value; Java writes
// them in the order of its hash tables. A map[K]struct{} is a set and becomes an
// array. A nil slice or map is an empty one, since Java's fields start empty;
// one that may be null has the option omitempty or omitzero, which work as in
// encoding/json. Nil pointers, nil interfaces and unset protocol.Opt values are
// null. Types with MarshalJSON or MarshalText are asked.
//
// On an error dst is returned as it was.
func AppendFastjson(dst []byte, v any, form JSONForm) ([]byte, error) {
	w := jsonWriter{dst: dst, form: form}
	if err := w.value(reflect.ValueOf(v)); err != nil {
		return dst, fmt.Errorf("cannot write %T as JSON: %w", v, err)
	}
	return w.dst, nil
}

type jsonWriter struct {
	dst   []byte
	form  JSONForm
	depth int
}

var errTooDeep = errors.New("the value is nested deeper than 512 levels or contains itself")

// line starts a new line in the pretty form.
func (w *jsonWriter) line() {
	if w.form != Pretty {
		return
	}
	w.dst = append(w.dst, '\n')
	for range w.depth {
		w.dst = append(w.dst, '\t')
	}
}

// open writes an opening bracket.
func (w *jsonWriter) open(c byte) error {
	if w.depth++; w.depth > maxJSONDepth {
		return errTooDeep
	}
	w.dst = append(w.dst, c)
	w.line()
	return nil
}

func (w *jsonWriter) comma() {
	w.dst = append(w.dst, ',')
	w.line()
}

func (w *jsonWriter) close(c byte) {
	w.depth--
	w.line()
	w.dst = append(w.dst, c)
}

// isNull reports whether v stands for Java's null.
func isNull(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Invalid:
		return true
	case reflect.Pointer, reflect.Interface:
		return v.IsNil() || isNull(v.Elem())
	case reflect.Struct:
		return isOptType(v.Type()) && !v.Field(1).Bool()
	}
	return false
}

func (w *jsonWriter) value(v reflect.Value) error {
	if isNull(v) {
		w.dst = append(w.dst, "null"...)
		return nil
	}
	if done, err := w.marshaler(v); done {
		return err
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		return w.value(v.Elem())
	case reflect.Struct:
		if isOptType(v.Type()) {
			return w.value(v.Field(0))
		}
		return w.object(v)
	case reflect.Map:
		return w.mapping(v)
	case reflect.Slice, reflect.Array:
		return w.list(v)
	}
	return w.scalar(v)
}

func (w *jsonWriter) scalar(v reflect.Value) error {
	switch v.Kind() {
	case reflect.String:
		w.dst = appendJSONString(w.dst, v.String())
	case reflect.Bool:
		w.dst = strconv.AppendBool(w.dst, v.Bool())
	case reflect.Float32:
		w.dst = AppendFloat(w.dst, v.Float(), 32)
	case reflect.Float64:
		w.dst = AppendFloat(w.dst, v.Float(), 64)
	default:
		return w.integer(v)
	}
	return nil
}

// maxSafeInteger is the largest number that JavaScript and other parsers with
// floating point numbers read exactly.
const maxSafeInteger = 1<<53 - 1

func (w *jsonWriter) integer(v reflect.Value) error {
	var n int64
	switch {
	case v.CanInt():
		n = v.Int()
	case v.CanUint() && v.Uint() <= 1<<63-1:
		n = int64(v.Uint())
	default:
		return fmt.Errorf("a value of type %s has no JSON form", v.Type())
	}
	quoted := w.form == Standard && (n > maxSafeInteger || n < -maxSafeInteger)
	if quoted {
		w.dst = append(w.dst, '"')
	}
	w.dst = strconv.AppendInt(w.dst, n, 10)
	if quoted {
		w.dst = append(w.dst, '"')
	}
	return nil
}

// marshaler asks types that write themselves.
func (w *jsonWriter) marshaler(v reflect.Value) (done bool, err error) {
	var out []byte
	switch t := v.Type(); {
	case t.Implements(jsonMarshalerType):
		if out, err = v.Interface().(json.Marshaler).MarshalJSON(); err == nil {
			w.dst = append(w.dst, out...)
		}
	case t.Implements(textMarshalerType):
		if out, err = v.Interface().(encoding.TextMarshaler).MarshalText(); err == nil {
			w.dst = appendJSONString(w.dst, out)
		}
	default:
		return false, nil
	}
	return true, err
}

func (w *jsonWriter) object(v reflect.Value) error {
	if err := w.open('{'); err != nil {
		return err
	}
	first := true
	for _, f := range planOf(v.Type()).fields {
		fv, err := v.FieldByIndexErr(f.index)
		if err != nil || omitted(&f, fv) {
			continue
		}
		if !first {
			w.comma()
		}
		first = false
		w.dst = append(w.dst, f.key...)
		if f.spaced && fv.Len() == 0 {
			if err := w.open('['); err != nil {
				return err
			}
			w.close(']')
			continue
		}
		if err := w.value(fv); err != nil {
			return fmt.Errorf("%s: %w", f.name, err)
		}
	}
	w.close('}')
	return nil
}

func omitted(f *fieldPlan, v reflect.Value) bool {
	if isNull(v) || f.omitZero && v.IsZero() {
		return true
	}
	if !f.omitEmpty {
		return false
	}
	switch v.Kind() {
	case reflect.String, reflect.Slice, reflect.Map, reflect.Array:
		return v.Len() == 0
	case reflect.Struct:
		return false
	}
	return v.IsZero()
}

func (w *jsonWriter) list(v reflect.Value) error {
	n := v.Len()
	if n == 0 {
		w.dst = append(w.dst, '[', ']')
		return nil
	}
	if err := w.open('['); err != nil {
		return err
	}
	for i := range n {
		if i > 0 {
			w.comma()
		}
		if err := w.element(v.Index(i)); err != nil {
			return err
		}
	}
	w.close(']')
	return nil
}

// element writes an element of a list. Bytes are Java's, which have a sign.
func (w *jsonWriter) element(v reflect.Value) error {
	if v.Kind() == reflect.Uint8 {
		w.dst = strconv.AppendInt(w.dst, int64(int8(v.Uint())), 10)
		return nil
	}
	return w.value(v)
}

func (w *jsonWriter) mapping(v reflect.Value) error {
	set := isSet(v.Type())
	if v.Len() == 0 {
		if set {
			w.dst = append(w.dst, '[', ']')
		} else {
			w.dst = append(w.dst, '{', '}')
		}
		return nil
	}
	keys := v.MapKeys()
	slices.SortFunc(keys, compareKeys)
	if set {
		return w.set(keys)
	}
	if err := w.open('{'); err != nil {
		return err
	}
	first := true
	for _, k := range keys {
		value := v.MapIndex(k)
		if isNull(value) {
			continue
		}
		if !first {
			w.comma()
		}
		first = false
		if err := w.key(k); err != nil {
			return err
		}
		w.dst = append(w.dst, ':')
		if err := w.value(value); err != nil {
			return err
		}
	}
	w.close('}')
	return nil
}

func (w *jsonWriter) set(keys []reflect.Value) error {
	if err := w.open('['); err != nil {
		return err
	}
	for i, k := range keys {
		if i > 0 {
			w.comma()
		}
		if err := w.value(k); err != nil {
			return err
		}
	}
	w.close(']')
	return nil
}

// key writes a map key: by its value, or in quotes in the standard form. Objects
// as keys, which no route has, stay objects.
func (w *jsonWriter) key(k reflect.Value) error {
	if w.form != Standard || k.Kind() == reflect.String {
		return w.value(k)
	}
	switch k.Kind() {
	case reflect.Struct, reflect.Slice, reflect.Map, reflect.Pointer, reflect.Interface:
		return w.value(k)
	}
	w.dst = append(w.dst, '"')
	w.form = Compact // without further quotes
	err := w.scalar(k)
	w.form = Standard
	w.dst = append(w.dst, '"')
	return err
}
