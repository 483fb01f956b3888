package compat

import (
	"reflect"
)

// slice reads an array, or one value as an array of it.
func (r *jsonDecoder) slice(v reflect.Value, c byte) error {
	if r.nothing(c) {
		v.SetZero()
		return nil
	}
	if t := v.Type().Elem(); c != '[' && c != '{' && c != '"' && c != '\'' && t.Kind() == reflect.String {
		return r.mismatch("a scalar", v.Type())
	}
	out := reflect.MakeSlice(v.Type(), 0, 0)
	err := r.elements(c, func() error {
		e := reflect.New(v.Type().Elem()).Elem()
		if isObject(e.Type()) && r.nothing(r.peek()) {
			return r.mismatch("null", e.Type())
		}
		if r.null(r.peek()) {
			return nil
		}
		if err := r.element(e); err != nil {
			return err
		}
		out = reflect.Append(out, e)
		return nil
	})
	if err == nil {
		v.Set(out)
	}
	return err
}

// isObject reports whether a type is read from an object.
func isObject(t reflect.Type) bool {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t.Kind() == reflect.Struct && !isOptType(t)
}

// element reads an element of a list. Bytes are Java's, which have a sign.
func (r *jsonDecoder) element(e reflect.Value) error {
	if e.Kind() != reflect.Uint8 {
		return r.value(e)
	}
	var b int8
	if err := r.value(reflect.ValueOf(&b).Elem()); err != nil {
		return err
	}
	e.SetUint(uint64(uint8(b)))
	return nil
}

// set reads an array into a map without values.
func (r *jsonDecoder) set(v reflect.Value, c byte) error {
	if r.nothing(c) {
		v.SetZero()
		return nil
	}
	out := reflect.MakeMap(v.Type())
	err := r.elements(c, func() error {
		k := reflect.New(v.Type().Key()).Elem()
		if r.null(r.peek()) {
			return nil
		}
		if err := r.value(k); err != nil {
			return err
		}
		out.SetMapIndex(k, reflect.Zero(emptyStructType))
		return nil
	})
	if err == nil {
		v.Set(out)
	}
	return err
}

// elements calls read at each element of an array, or once at a value that is
// no array.
func (r *jsonDecoder) elements(c byte, read func() error) error {
	if err := r.enter(); err != nil {
		return err
	}
	defer r.leave()
	if c != '[' {
		return read()
	}
	more, err := r.open(']')
	for more && err == nil {
		if err = read(); err != nil {
			return err
		}
		more, err = r.comma(']')
	}
	return err
}

func (r *jsonDecoder) mapping(v reflect.Value, c byte) error {
	if r.nothing(c) {
		v.SetZero()
		return nil
	}
	if c != '{' {
		return r.mismatch("something that is no object", v.Type())
	}
	if err := r.enter(); err != nil {
		return err
	}
	defer r.leave()
	t := v.Type()
	out := reflect.MakeMap(t)
	more, err := r.open('}')
	for more && err == nil {
		k := reflect.New(t.Key()).Elem()
		if err = r.mapKey(k); err != nil {
			return err
		}
		if err = r.colon(); err != nil {
			return err
		}
		if !r.null(r.peek()) {
			e := reflect.New(t.Elem()).Elem()
			if err = r.value(e); err != nil {
				return err
			}
			out.SetMapIndex(k, e)
		}
		more, err = r.comma('}')
	}
	if err == nil {
		v.Set(out)
	}
	return err
}

// mapKey reads a key into a value of the map's key type. An object may stand
// there as it is, or as a string that holds it.
func (r *jsonDecoder) mapKey(k reflect.Value) error {
	c := r.peek()
	switch {
	case k.Kind() == reflect.Struct && c != '"' && c != '\'':
		return r.value(k)
	case k.Kind() == reflect.Struct:
		text, err := r.text()
		if err != nil {
			return err
		}
		inner := jsonDecoder{jsonReader{src: text}}
		if err := inner.start(); err != nil {
			return err
		}
		if err := inner.value(k); err != nil {
			return err
		}
		return inner.end()
	}
	text, err := r.key()
	if err != nil {
		return err
	}
	return r.convert(k, text)
}
