package sql92

import (
	"cmp"
	"math"
	"strconv"
	"strings"

	"github.com/gantrymq/gantry/compat"
)

// valueKind is the type of a value at run time: upstream's Java classes.
type valueKind uint8

const (
	null    valueKind = iota
	boolean           // i is 0 or 1
	whole             // i, of 32 bits
	long              // i, of 64 bits
	double            // f
	text              // s
	broken            // no value: an operand could not be converted
)

// value is what a node yields. Its text is a view.
type value struct {
	kind valueKind
	i    int64
	f    float64
	s    string
}

const (
	maxDouble = math.MaxFloat64
	minDouble = math.SmallestNonzeroFloat64
)

func textValue(s string) value { return value{kind: text, s: s} }

func boolValue(b bool) value {
	if b {
		return value{kind: boolean, i: 1}
	}
	return value{kind: boolean}
}

// intValue is a literal: of 32 bits where it fits.
func intValue(n int64) value {
	if n == int64(int32(n)) {
		return value{kind: whole, i: n}
	}
	return value{kind: long, i: n}
}

// String writes a value as Java does.
func (v value) String() string {
	switch v.kind {
	case boolean:
		return strconv.FormatBool(v.i != 0)
	case whole, long:
		return strconv.FormatInt(v.i, 10)
	case double:
		return string(compat.AppendFloat(nil, v.f, 64))
	}
	return v.s
}

func (v value) negate() value {
	switch v.kind {
	case whole:
		return value{kind: whole, i: int64(int32(-v.i))}
	case long:
		return value{kind: long, i: -v.i}
	case double:
		return value{kind: double, f: -v.f}
	case broken:
		return v
	}
	return value{} // upstream: null
}

// compare orders two values that are not null. Kinds that differ are brought
// together as upstream's ComparisonExpression does; ok is false where that
// throws. Values that cannot be brought together are ordered as -1.
func compare(l, r value) (order int, ok bool) {
	if l.kind == r.kind {
		return l.order(r), true
	}
	switch {
	case l.kind == boolean:
		return -1, r.kind != text // upstream casts the boolean to a string, which throws
	case l.kind == text:
		l, ok = l.as(r.kind)
	case r.kind == text:
		r, ok = r.as(l.kind)
	case r.kind == boolean:
		return -1, true
	case l.kind == double:
		r, ok = value{kind: double, f: float64(r.i)}, true
	case r.kind == double:
		l, ok = value{kind: double, f: float64(l.i)}, true
	default: // of two widths
		ok = true
	}
	if !ok {
		return 0, false
	}
	return l.order(r), true
}

// order compares values of one kind, or whole numbers of any width.
func (v value) order(other value) int {
	switch v.kind {
	case double:
		return orderDoubles(v.f, other.f)
	case text:
		return strings.Compare(v.s, other.s)
	}
	return cmp.Compare(v.i, other.i)
}

// orderDoubles is Java's Double.compare: minus zero comes before zero, and what
// is no number equals itself and comes last.
func orderDoubles(a, b float64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	case math.IsNaN(a) || math.IsNaN(b):
		return cmp.Compare(b2i(math.IsNaN(a)), b2i(math.IsNaN(b)))
	}
	return cmp.Compare(b2i(!math.Signbit(a)), b2i(!math.Signbit(b)))
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// as reads text as a value of another kind.
func (v value) as(k valueKind) (value, bool) {
	switch k {
	case boolean:
		return boolValue(strings.EqualFold(v.s, "true")), true
	case whole:
		n, ok := parseInt(v.s, 32)
		return value{kind: whole, i: n}, ok
	case long:
		n, ok := parseInt(v.s, 64)
		return value{kind: long, i: n}, ok
	}
	f, ok := parseDouble(v.s)
	return value{kind: double, f: f}, ok
}

// parseInt reads a number as Integer.valueOf and Long.valueOf do. It allocates
// nothing, not even for text that is none.
func parseInt(s string, bits int) (int64, bool) {
	digits, negative := s, false
	if digits != "" && (digits[0] == '-' || digits[0] == '+') {
		negative = digits[0] == '-'
		digits = digits[1:]
	}
	if digits == "" {
		return 0, false
	}
	limit := uint64(1) << (bits - 1) // of the magnitude, one more below zero than above
	if !negative {
		limit--
	}
	var n uint64
	for _, r := range digits {
		d, ok := digitOf(r)
		if !ok || n > limit/10 {
			return 0, false
		}
		if n = n*10 + d; n > limit {
			return 0, false
		}
	}
	if negative {
		return -int64(n), true
	}
	return int64(n), true
}

// digitOf is the value of a decimal digit. Java takes those of every script; the
// full-width ones are what keyboards make.
func digitOf(r rune) (uint64, bool) {
	switch {
	case r >= '0' && r <= '9':
		return uint64(r - '0'), true
	case r >= '０' && r <= '９':
		return uint64(r - '０'), true
	}
	return 0, false
}

// parseDouble reads a number as Double.valueOf does: blanks around it and a d or
// f behind it do not matter. It allocates nothing.
func parseDouble(s string) (float64, bool) {
	for s != "" && s[0] <= ' ' {
		s = s[1:]
	}
	for s != "" && s[len(s)-1] <= ' ' {
		s = s[:len(s)-1]
	}
	unsigned := strings.TrimPrefix(s, "-")
	if unsigned == s {
		unsigned = strings.TrimPrefix(s, "+")
	}
	switch unsigned {
	case "NaN":
		return math.NaN(), true
	case "Infinity":
		if s[0] == '-' {
			return math.Inf(-1), true
		}
		return math.Inf(1), true
	}
	hex := strings.HasPrefix(unsigned, "0x") || strings.HasPrefix(unsigned, "0X")
	if hex && !strings.ContainsAny(unsigned, "pP") {
		return 0, false
	}
	if n := len(unsigned); n > 1 && strings.IndexByte("dDfF", unsigned[n-1]) >= 0 {
		s, unsigned = s[:len(s)-1], unsigned[:n-1]
	}
	if !wellFormed(unsigned, hex) {
		return 0, false
	}
	f, _ := strconv.ParseFloat(s, 64) // beyond the range it is an infinity, as in Java
	return f, true
}

// wellFormed reports whether text without a sign has the form of a fraction, so
// that reading it cannot fail.
func wellFormed(s string, hex bool) bool {
	isDigit, mark := func(c byte) bool { return c >= '0' && c <= '9' }, byte('e')
	if hex {
		s = s[2:]
		mark = 'p'
		isDigit = func(c byte) bool { return c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'f' }
	}
	i, digits := 0, 0
	for ; i < len(s) && isDigit(s[i]); i++ {
		digits++
	}
	if i < len(s) && s[i] == '.' {
		for i++; i < len(s) && isDigit(s[i]); i++ {
			digits++
		}
	}
	if digits == 0 {
		return false
	}
	if i == len(s) {
		return true
	}
	if s[i]|0x20 != mark {
		return false
	}
	if i++; i < len(s) && (s[i] == '+' || s[i] == '-') {
		i++
	}
	for at := i; ; i++ {
		if i == len(s) {
			return i > at
		}
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
}
