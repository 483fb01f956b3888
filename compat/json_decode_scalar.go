package compat

import (
	"encoding"
	"math"
	"reflect"
	"strconv"
	"strings"
)

// scalar reads a value into a string, number or boolean.
func (r *jsonDecoder) scalar(v reflect.Value, c byte) error {
	switch {
	case r.null(c):
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
		return r.convert(v, n.append(nil))
	case c == '{' || c == '[':
		if v.Kind() != reflect.String {
			return r.mismatch("an object or array", v.Type())
		}
		raw, err := r.raw()
		v.SetString(string(raw))
		return err
	}
	lit, err := r.literal()
	if err != nil {
		return err
	}
	if v.CanInt() || v.CanUint() || v.CanFloat() {
		lit = strconv.Itoa(boolRank(lit == "true"))
	}
	return r.convert(v, []byte(lit))
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
		n, ok := parseWhole(s)
		if !ok || v.OverflowInt(n) {
			return r.mismatch(strconv.Quote(s), v.Type())
		}
		v.SetInt(n)
		return nil
	case v.CanUint():
		n, ok := parseWhole(s)
		if !ok || n < 0 || v.OverflowUint(uint64(n)) {
			return r.mismatch(strconv.Quote(s), v.Type())
		}
		v.SetUint(uint64(n))
		return nil
	}
	return r.mismatch("a scalar", v.Type())
}

func orZero(s string) string {
	if s == "" {
		return "0"
	}
	return s
}

// parseWhole reads a number as a whole one, without its fraction.
func parseWhole(s string) (int64, bool) {
	s = orZero(s)
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return n, true
	}
	if !strings.ContainsAny(s, ".eE") {
		return 0, false
	}
	f, err := strconv.ParseFloat(s, 64)
	if f = math.Trunc(f); err != nil || f < -(1<<63) || f >= 1<<63 {
		return 0, false
	}
	return int64(f), true
}

func parseJavaBool(s string) (b, ok bool) {
	switch strings.ToLower(s) {
	case "true", "y", "1", "t":
		return true, true
	case "false", "n", "0", "f", "":
		return false, true
	}
	if f, err := strconv.ParseFloat(s, 64); err == nil {
		return f != 0, true
	}
	return false, false
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
		lit, err = r.literal()
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
