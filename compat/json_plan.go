package compat

import (
	"cmp"
	"encoding"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"sync"
)

// structPlan is what the reader and the writer know of a struct type. It is
// computed once and never changed.
type structPlan struct {
	fields []fieldPlan    // sorted by name, the order in which fastjson writes
	byName map[string]int // index into fields
	isOpt  bool           // a protocol.Opt: V counts when Set
	starts bool           // a withStart
}

type fieldPlan struct {
	name      string
	key       []byte // quoted, with the colon
	index     []int
	omitEmpty bool
	omitZero  bool
	spaced    bool // an empty list takes three lines in the pretty form
}

var (
	plans sync.Map // reflect.Type → *structPlan

	jsonMarshalerType   = reflect.TypeFor[json.Marshaler]()
	jsonReaderType      = reflect.TypeFor[withDefaults]()
	jsonStarterType     = reflect.TypeFor[withStart]()
	jsonUnmarshalerType = reflect.TypeFor[json.Unmarshaler]()
	textMarshalerType   = reflect.TypeFor[encoding.TextMarshaler]()
	textUnmarshalerType = reflect.TypeFor[encoding.TextUnmarshaler]()
	emptyStructType     = reflect.TypeFor[struct{}]()
	stringType          = reflect.TypeFor[string]()
)

func planOf(t reflect.Type) *structPlan {
	if p, ok := plans.Load(t); ok {
		return p.(*structPlan)
	}
	p := &structPlan{isOpt: isOptType(t), starts: reflect.PointerTo(t).Implements(jsonStarterType), byName: map[string]int{}}
	for _, f := range reflect.VisibleFields(t) {
		if fp, ok := planField(f); ok {
			p.fields = append(p.fields, fp)
		}
	}
	slices.SortStableFunc(p.fields, func(a, b fieldPlan) int {
		return cmp.Or(strings.Compare(a.name, b.name), cmp.Compare(len(a.index), len(b.index)))
	})
	// The outer of two fields with one name wins, as in Go.
	p.fields = slices.CompactFunc(p.fields, func(a, b fieldPlan) bool { return a.name == b.name })
	for i, f := range p.fields {
		p.byName[f.name] = i
	}
	actual, _ := plans.LoadOrStore(t, p)
	return actual.(*structPlan)
}

func planField(f reflect.StructField) (fieldPlan, bool) {
	tag, tagged := f.Tag.Lookup("json")
	name, options, _ := strings.Cut(tag, ",")
	if !f.IsExported() || tag == "-" || f.Anonymous && !tagged && f.Type.Kind() == reflect.Struct {
		return fieldPlan{}, false
	}
	if name == "" {
		name = f.Name
	}
	fp := fieldPlan{
		name:   name,
		key:    append(appendJSONString(nil, name), ':'),
		index:  f.Index,
		spaced: isSpacedList(f.Type),
	}
	for option := range strings.SplitSeq(options, ",") {
		fp.omitEmpty = fp.omitEmpty || option == "omitempty"
		fp.omitZero = fp.omitZero || option == "omitzero"
	}
	return fp, true
}

// isSpacedList reports whether fastjson2 writes an empty list in a field of this
// type over three lines: it has a shorter way for lists of numbers only.
func isSpacedList(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Slice:
		switch t.Elem().Kind() {
		case reflect.String, reflect.Struct, reflect.Pointer, reflect.Interface, reflect.Slice:
			return true
		}
	case reflect.Map:
		return isSet(t) && t.Key().Kind() == reflect.String
	}
	return false
}

// isSet reports whether a map type stands for a Java Set.
func isSet(t reflect.Type) bool { return t.Elem() == emptyStructType }

// withDefaults is a type whose fields start with values of their own: ReadJSON gives read a struct
// that has them, and takes over what it then says.
type withDefaults interface {
	ReadJSON(read func(body any) error) error
}

// withStart is a type whose fields StartJSON sets before its object is read. It costs no allocation, but
// only this package knows it, and an object that turns out to be wrong leaves them set.
type withStart interface{ StartJSON() }

// isOptType recognises protocol.Opt by its shape: a value and whether it is set.
func isOptType(t reflect.Type) bool {
	return t.NumField() == 2 && t.Field(0).Name == "V" && t.Field(1).Name == "Set" &&
		t.Field(1).Type.Kind() == reflect.Bool && strings.HasPrefix(t.Name(), "Opt[")
}

// compareKeys orders map keys: numbers by value, structs field by field in the
// order of their JSON names.
func compareKeys(a, b reflect.Value) int {
	switch a.Kind() {
	case reflect.String:
		return strings.Compare(a.String(), b.String())
	case reflect.Bool:
		return cmp.Compare(boolRank(a.Bool()), boolRank(b.Bool()))
	case reflect.Float32, reflect.Float64:
		return cmp.Compare(a.Float(), b.Float())
	case reflect.Struct:
		for _, f := range planOf(a.Type()).fields {
			if c := compareKeys(a.FieldByIndex(f.index), b.FieldByIndex(f.index)); c != 0 {
				return c
			}
		}
		return 0
	}
	switch {
	case a.CanInt():
		return cmp.Compare(a.Int(), b.Int())
	case a.CanUint():
		return cmp.Compare(a.Uint(), b.Uint())
	}
	return 0
}

func boolRank(b bool) int {
	if b {
		return 1
	}
	return 0
}
