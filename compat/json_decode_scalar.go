package compat

import (
	"bytes"
	"encoding"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// scalar reads a value into a string, number or boolean.
func (r *jsonDecoder) scalar(v reflect.Value, c byte) error {
	switch {
	case r.null(c):
		v.SetZero()
		return nil
	case c == '"' || c == '\'':
		text, err := r.text()
		if err != nil {
			return err
		}
		return r.convert(v, text)
	case isNumberStart(c):
		n, err := r.number()
		if err != nil {
			return err
		}
		return r.fromNumber(v, n)
	case c == '{' || c == '[':
		return r.fromComposite(v, c)
	}
	lit, err := r.literal()
	if err != nil || lit == "null" { // undefined, NaN
		return r.mismatch("a value that is none", v.Type())
	}
	return r.convert(v, []byte(lit))
}

// fromNumber sets v from a number. A boolean is true for 1 and -1 alone; text shows a number that
// has an exponent as Java shows a double.
func (r *jsonDecoder) fromNumber(v reflect.Value, n jsonNumber) error {
	text := n.append(nil)
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(string(bytes.TrimPrefix(text, []byte("-"))) == "1")
		return nil
	case reflect.String:
		if len(n.power) > 0 {
			f, err := strconv.ParseFloat(string(text), 64)
			if err != nil {
				return r.mismatch(string(text), v.Type())
			}
			text = AppendFloat(nil, f, 64)
		}
	}
	return r.convert(v, text)
}

// fromComposite sets v from an object or an array: a string becomes its JSON, a whole number of 32
// bits is 0 for any object, and an array of one value that could stand in its place is that value.
func (r *jsonDecoder) fromComposite(v reflect.Value, c byte) error {
	switch {
	case v.Kind() == reflect.String:
		raw, err := r.raw()
		if err != nil {
			return err
		}
		v.SetString(onlyText(raw))
		return nil
	case c == '{' && v.Kind() == reflect.Int32:
		v.SetInt(0)
		return r.skip()
	case c == '{':
		return r.mismatch("an object", v.Type())
	}
	if err := r.enter(); err != nil {
		return err
	}
	defer r.leave()
	r.pos++
	if c := r.peek(); v.Kind() != reflect.Bool && c != '"' && c != '\'' && !isNumberStart(c) {
		return r.mismatch("an array", v.Type())
	}
	if err := r.scalar(v, r.peek()); err != nil {
		return err
	}
	if r.peek() != ']' {
		return r.mismatch("an array of several", v.Type())
	}
	r.pos++
	return nil
}

// onlyText is the JSON of an object or array as text: for an array of one text, that one, and of one
// null nothing.
func onlyText(raw []byte) string {
	if string(raw) == "[null]" {
		return ""
	}
	if bytes.HasPrefix(raw, []byte(`["`)) {
		inner := jsonReader{src: raw, pos: 1}
		if text, err := inner.text(); err == nil && inner.pos == len(raw)-1 {
			return string(text)
		}
	}
	return string(raw)
}

// convert sets v, a scalar or a map key, from text.
func (r *jsonDecoder) convert(v reflect.Value, text []byte) error {
	if v.CanAddr() && v.Addr().Type().Implements(textUnmarshalerType) {
		return v.Addr().Interface().(encoding.TextUnmarshaler).UnmarshalText(text)
	}
	s := string(text)
	switch {
	case v.Kind() == reflect.String:
		v.SetString(s)
		return nil
	case v.Kind() == reflect.Bool:
		b, ok := parseJavaBool(s)
		if !ok {
			return r.mismatch(strconv.Quote(s), v.Type())
		}
		v.SetBool(b)
		return nil
	case v.CanFloat():
		f, err := strconv.ParseFloat(orZero(s), 64)
		if err != nil || v.OverflowFloat(f) {
			return r.mismatch(strconv.Quote(s), v.Type())
		}
		v.SetFloat(f)
		return nil
	case v.CanInt():
		n, ok := parseWhole(s, v.Type().Bits())
		if !ok {
			return r.mismatch(strconv.Quote(s), v.Type())
		}
		v.SetInt(n)
		return nil
	case v.CanUint():
		n, ok := parseWhole(s, 64)
		if !ok || n < 0 || v.OverflowUint(uint64(n)) {
			return r.mismatch(strconv.Quote(s), v.Type())
		}
		v.SetUint(uint64(n))
		return nil
	}
	return r.mismatch("a scalar", v.Type())
}

// orZero is the number that a text stands for which is none in form.
func orZero(s string) string {
	switch s {
	case "", "null", "false":
		return "0"
	case "true":
		return "1"
	}
	return s
}

// parseWhole reads a number as a whole one of so many bits. Commas between its digits do not count.
// Of a fraction or a power of ten it is what Java's cast of a double makes: cut off, and the nearest
// number that there is.
func parseWhole(s string, bits int) (int64, bool) {
	s = strings.ReplaceAll(orZero(s), ",", "")
	if !strings.ContainsAny(s, ".eE") {
		n, err := strconv.ParseInt(s, 10, bits)
		return n, err == nil
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return 0, false
	}
	lowest, highest := int64(-1)<<(bits-1), int64(1)<<(bits-1)-1
	switch {
	case f <= float64(lowest):
		return lowest, true
	case f >= float64(highest):
		return highest, true
	}
	return int64(f), true
}

func parseJavaBool(s string) (b, ok bool) {
	switch strings.ToLower(s) {
	case "true", "1":
		return true, true
	case "false", "0", "", "null":
		return false, true
	}
	return s == "Y", s == "Y" || s == "N"
}

// enumeration is a text that is one of a few names, in the order of upstream's constants.
type enumeration interface{ JSONNames() []string }

var enumerations sync.Map // reflect.Type of a string → its names; nil for those that are no enumeration

func namesOf(t reflect.Type) []string {
	if t == stringType { // most are
		return nil
	}
	if known, ok := enumerations.Load(t); ok {
		return known.([]string)
	}
	var names []string
	if e, ok := reflect.Zero(t).Interface().(enumeration); ok {
		names = e.JSONNames()
	}
	enumerations.Store(t, names)
	return names
}

// enum reads one of the names, in any case, or its number. Another text is none of them.
func (r *jsonDecoder) enum(v reflect.Value, names []string, c byte) error {
	switch {
	case r.null(c):
		v.SetZero()
		return nil
	case c == '"' || c == '\'':
		text, err := r.text()
		i := slices.IndexFunc(names, func(name string) bool { return strings.EqualFold(name, string(text)) })
		if v.SetZero(); i >= 0 {
			v.SetString(names[i])
		}
		return err
	case isNumberStart(c):
		n, err := r.number()
		if err != nil {
			return err
		}
		i, ok := parseWhole(string(n.append(nil)), 32)
		if !ok || i < 0 || i >= int64(len(names)) {
			return r.mismatch("the number of none", v.Type())
		}
		v.SetString(names[i])
		return nil
	}
	return r.mismatch("no name", v.Type())
}

// dynamic reads a value of any kind into an empty interface: objects become
// map[string]any, arrays []any, whole numbers int64 and others float64.
func (r *jsonDecoder) dynamic(v reflect.Value) error {
	if v.NumMethod() > 0 {
		return r.mismatch("a value", v.Type())
	}
	c := r.peek()
	var out any
	var err error
	switch {
	case r.null(c):
		v.SetZero()
		return nil
	case c == '{':
		m := map[string]any{}
		err = r.mapping(reflect.ValueOf(&m).Elem(), c)
		out = m
	case c == '[':
		l := []any{}
		err = r.slice(reflect.ValueOf(&l).Elem(), c)
		out = l
	case c == '"' || c == '\'':
		var text []byte
		text, err = r.text()
		out = string(text)
	case isNumberStart(c):
		out, err = r.dynamicNumber()
	case r.pos >= len(r.src):
		return r.fail("a value is missing")
	default:
		var lit string
		if lit, err = r.literal(); lit == "null" { // undefined, NaN
			v.SetZero()
			return nil
		}
		out = lit == "true"
	}
	if err == nil {
		v.Set(reflect.ValueOf(out))
	}
	return err
}

func (r *jsonDecoder) dynamicNumber() (any, error) {
	n, err := r.number()
	if err != nil {
		return nil, err
	}
	s := string(n.append(nil))
	if whole, err := strconv.ParseInt(s, 10, 64); err == nil {
		return whole, nil
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return nil, r.fail("the number " + s + " is too large")
	}
	return f, nil
}
