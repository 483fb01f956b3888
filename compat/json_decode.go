package compat

import (
	"bytes"
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
)

// UnmarshalFastjson reads loose JSON text into what v points to. It accepts the
// text that ToStrict accepts, and converts as fastjson does: numbers and
// literals to strings, text to numbers and booleans ("" is 0), numbers to
// booleans, numbers with a fraction to whole ones by cutting it off, objects and
// arrays to a string with their JSON, one value to a list of it, an array of one
// value to that value, a number to the name that an enumeration has for it, and
// "" to no object, list or map at all.
//
// Keys are matched exactly, unknown ones are skipped. null makes a field zero,
// also one that starts with another value. Where Java would keep a null among
// the elements of a list or the values of a map, a scalar is left out; an object
// that is null is refused, since upstream stumbles over it later. A
// map[K]struct{} is read from an array. Types with UnmarshalJSON or
// UnmarshalText are asked; the former get standard text. Types with StartJSON are told before their object is read. Text is copied, so data
// may be reused.
func UnmarshalFastjson(data []byte, v any) error {
	rv := reflect.ValueOf(v)
	if rv.Kind() != reflect.Pointer || rv.IsNil() {
		return fmt.Errorf("cannot read JSON into %T: it must be a pointer that is not nil", v)
	}
	if bytes.Contains(data, []byte("$ref")) {
		strict, err := ToStrict(nil, data)
		if err != nil {
			return err
		}
		data = strict
	}
	r := jsonDecoder{jsonReader{src: data}}
	if err := r.start(); err != nil {
		return err
	}
	if err := r.value(rv.Elem()); err != nil {
		return fmt.Errorf("cannot read JSON into %T: %w", v, err)
	}
	return r.end()
}

// jsonDecoder reads tokens into Go values.
type jsonDecoder struct{ jsonReader }

func (r *jsonDecoder) mismatch(what string, t reflect.Type) error {
	return r.fail(what + " stands where " + t.String() + " belongs")
}

func (r *jsonDecoder) value(v reflect.Value) error {
	c := r.peek()
	if r.pos >= len(r.src) {
		return r.fail("a value is missing")
	}
	if done, err := r.unmarshaler(v, c); done {
		return err
	}
	switch v.Kind() {
	case reflect.String:
		if names := namesOf(v.Type()); names != nil {
			return r.enum(v, names, c)
		}
	case reflect.Pointer:
		if r.null(c) || v.Type().Elem().Kind() == reflect.Struct && r.nothing(c) {
			v.SetZero()
			return nil
		}
		if v.IsNil() {
			v.Set(reflect.New(v.Type().Elem()))
		}
		return r.value(v.Elem())
	case reflect.Interface:
		return r.dynamic(v)
	case reflect.Slice:
		return r.slice(v, c)
	case reflect.Map:
		if isSet(v.Type()) {
			return r.set(v, c)
		}
		return r.mapping(v, c)
	case reflect.Struct:
		if isOptType(v.Type()) {
			return r.opt(v, c)
		}
		return r.object(v, c)
	}
	return r.scalar(v, c)
}

// unmarshaler gives types that read themselves their text.
func (r *jsonDecoder) unmarshaler(v reflect.Value, c byte) (done bool, err error) {
	if !v.CanAddr() {
		return false, nil
	}
	p := v.Addr()
	switch t := p.Type(); {
	case t.Implements(jsonReaderType):
		return true, p.Interface().(withDefaults).ReadJSON(func(body any) error { return r.value(reflect.ValueOf(body).Elem()) })
	case t.Implements(jsonUnmarshalerType):
		raw, err := r.raw()
		if err != nil {
			return true, err
		}
		return true, p.Interface().(json.Unmarshaler).UnmarshalJSON(raw)
	case t.Implements(textUnmarshalerType) && (c == '"' || c == '\''):
		text, err := r.text()
		if err != nil {
			return true, err
		}
		return true, p.Interface().(encoding.TextUnmarshaler).UnmarshalText(text)
	}
	return false, nil
}

// raw reads any value and returns it as standard text of its own.
func (r *jsonDecoder) raw() ([]byte, error) {
	w := strictWriter{jsonReader: r.jsonReader}
	w.limit = maxStrictGrowth*(len(r.src)-r.pos) + 64
	err := w.value()
	r.jsonReader = w.jsonReader
	return w.dst, err
}

// null reports whether the next value, which begins with c, means null, and
// moves over it in that case.
func (r *jsonDecoder) null(c byte) bool {
	if c != 'n' {
		return false
	}
	before := r.pos
	if string(r.word()) == "null" {
		return true
	}
	r.pos = before
	return false
}

// nothing reports whether the next value means that there is no object, list or map: null, or a text
// that is empty or says null. It moves over it in that case.
func (r *jsonDecoder) nothing(c byte) bool {
	if c != '"' && c != '\'' {
		return r.null(c)
	}
	before := r.pos
	if text, err := r.text(); err == nil && (len(text) == 0 || string(text) == "null") {
		return true
	}
	r.pos = before
	return false
}

func (r *jsonDecoder) opt(v reflect.Value, c byte) error {
	if r.null(c) {
		v.SetZero()
		return nil
	}
	v.Field(1).SetBool(true)
	return r.value(v.Field(0))
}

func (r *jsonDecoder) object(v reflect.Value, c byte) error {
	if r.nothing(c) {
		return nil
	}
	if c != '{' {
		return r.mismatch("something that is no object", v.Type())
	}
	if err := r.enter(); err != nil {
		return err
	}
	defer r.leave()
	plan := planOf(v.Type())
	if plan.starts && v.CanAddr() {
		v.Addr().Interface().(withStart).StartJSON()
	}
	more, err := r.open('}')
	for more && err == nil {
		if err = r.member(v, plan); err != nil {
			return err
		}
		more, err = r.comma('}')
	}
	return err
}

// member reads a key with its value into the field that has its name.
func (r *jsonDecoder) member(v reflect.Value, plan *structPlan) error {
	key, err := r.key()
	if err != nil {
		return err
	}
	field, known := plan.byName[string(key)]
	if err := r.colon(); err != nil {
		return err
	}
	if !known {
		return r.skip()
	}
	fv, err := settableField(v, plan.fields[field].index)
	if err != nil {
		return err
	}
	if err := r.value(fv); err != nil {
		return fmt.Errorf("%s: %w", plan.fields[field].name, err)
	}
	return nil
}

// settableField is FieldByIndex that makes embedded pointers on its way.
func settableField(v reflect.Value, index []int) (reflect.Value, error) {
	for i, x := range index {
		if i > 0 && v.Kind() == reflect.Pointer {
			if v.IsNil() {
				if !v.CanSet() {
					return v, fmt.Errorf("the embedded pointer %s cannot be set", v.Type())
				}
				v.Set(reflect.New(v.Type().Elem()))
			}
			v = v.Elem()
		}
		v = v.Field(x)
	}
	return v, nil
}

// key reads the key of an object in any of its forms as text.
func (r *jsonDecoder) key() ([]byte, error) {
	switch c := r.peek(); {
	case c == '"' || c == '\'':
		return r.text()
	case c == '{' || c == '[':
		return r.raw()
	case isNumberStart(c):
		n, err := r.number()
		return n.append(nil), err
	}
	if word := r.word(); len(word) > 0 {
		return word, nil
	}
	return nil, r.fail("a key is missing")
}

// skip moves over a value.
func (r *jsonDecoder) skip() error {
	var discard any
	switch c := r.peek(); {
	case c == '{':
		return r.skipMembers()
	case c == '[':
		return r.skipElements()
	default:
		return r.dynamic(reflect.ValueOf(&discard).Elem())
	}
}

func (r *jsonDecoder) skipMembers() error {
	if err := r.enter(); err != nil {
		return err
	}
	defer r.leave()
	more, err := r.open('}')
	for more && err == nil {
		if _, err = r.key(); err != nil {
			return err
		}
		if err = r.colon(); err != nil {
			return err
		}
		if err = r.skip(); err != nil {
			return err
		}
		more, err = r.comma('}')
	}
	return err
}

func (r *jsonDecoder) skipElements() error {
	if err := r.enter(); err != nil {
		return err
	}
	defer r.leave()
	more, err := r.open(']')
	for more && err == nil {
		if err = r.skip(); err != nil {
			return err
		}
		more, err = r.comma(']')
	}
	return err
}
