package compat

import (
	"fmt"
	"unicode/utf8"
)

// maxJSONDepth bounds the nesting of what is read and written. No body of
// RocketMQ nests deeper than ten levels.
const maxJSONDepth = 512

// JSONError says where a text stops being JSON, even by fastjson's rules.
type JSONError struct {
	Offset int // in bytes
	Reason string
}

func (e *JSONError) Error() string {
	return fmt.Sprintf("JSON: %s at byte %d", e.Reason, e.Offset)
}

// jsonReader splits JSON text into tokens. It accepts what fastjson 1 or 2
// accepts beyond the standard; see ToStrict for the list.
type jsonReader struct {
	src   []byte
	pos   int
	depth int
	buf   []byte // holds the text of the last string that had escapes
}

func (r *jsonReader) fail(reason string) error {
	return &JSONError{Offset: r.pos, Reason: reason}
}

func (r *jsonReader) enter() error {
	if r.depth++; r.depth > maxJSONDepth {
		return r.fail("nesting is deeper than 512 levels")
	}
	return nil
}

func (r *jsonReader) leave() { r.depth-- }

// peek skips white space and comments and returns the next byte, or 0 at the
// end. A NUL byte counts as white space, as it does for fastjson.
func (r *jsonReader) peek() byte {
	for r.pos < len(r.src) {
		switch c := r.src[r.pos]; c {
		case ' ', '\t', '\n', '\r', '\b', '\f', 0:
			r.pos++
		case '/':
			if !r.skipComment() {
				return c
			}
		default:
			return c
		}
	}
	return 0
}

func (r *jsonReader) skipComment() bool {
	rest := r.src[r.pos:]
	if len(rest) < 2 {
		return false
	}
	switch rest[1] {
	case '/':
		for i, c := range rest {
			if c == '\n' {
				r.pos += i + 1
				return true
			}
		}
		r.pos = len(r.src)
		return true
	case '*':
		for i := 2; i+1 < len(rest); i++ {
			if rest[i] == '*' && rest[i+1] == '/' {
				r.pos += i + 2
				return true
			}
		}
	}
	return false
}

// end reports text behind the value as an error.
func (r *jsonReader) end() error {
	if r.peek(); r.pos < len(r.src) {
		return r.fail("text follows the value")
	}
	return nil
}

// start skips what may stand in front of the value.
func (r *jsonReader) start() error {
	if len(r.src) >= 3 && r.src[0] == 0xEF && r.src[1] == 0xBB && r.src[2] == 0xBF {
		r.pos = 3
	}
	if r.peek() == 0 {
		return r.fail("there is no value")
	}
	return nil
}

// comma moves over the commas behind an element of an array or object. fastjson
// 1 takes several for one, and one before the closing bracket. more is false at
// the closing bracket, which is consumed.
func (r *jsonReader) comma(closing byte) (more bool, err error) {
	seen := false
	for {
		switch r.peek() {
		case ',':
			seen = true
			r.pos++
		case closing:
			r.pos++
			return false, nil
		default:
			if r.pos >= len(r.src) {
				return false, r.fail("the text ends inside of an array or object")
			}
			if !seen {
				return false, r.fail("a comma or closing bracket is missing")
			}
			return true, nil
		}
	}
}

// open moves over an opening bracket and the commas behind it. more is false
// when the array or object is empty.
func (r *jsonReader) open(closing byte) (more bool, err error) {
	r.pos++
	for r.peek() == ',' {
		r.pos++
	}
	if r.pos >= len(r.src) {
		return false, r.fail("the text ends inside of an array or object")
	}
	if r.src[r.pos] == closing {
		r.pos++
		return false, nil
	}
	return true, nil
}

func (r *jsonReader) colon() error {
	if r.peek() != ':' {
		return r.fail("a colon is missing")
	}
	r.pos++
	return nil
}

// word reads a bare word: a literal or an unquoted key.
func (r *jsonReader) word() []byte {
	start := r.pos
	for r.pos < len(r.src) && isWordByte(r.src[r.pos]) {
		r.pos++
	}
	return r.src[start:r.pos]
}

func isWordByte(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_' || c == '$' || c >= utf8.RuneSelf
}

// literal reads a value that is a bare word and says what it means: null, true
// or false.
func (r *jsonReader) literal() (string, error) {
	switch string(r.word()) {
	case "true":
		return "true", nil
	case "false":
		return "false", nil
	case "null", "undefined", "NaN", "Infinity":
		return "null", nil
	}
	return "", r.fail("the value is none that JSON knows")
}

// jsonNumber is a number in the source. Digits may lack in front of or behind
// the point; at least one of both is there.
type jsonNumber struct {
	negative           bool
	whole, frac, power []byte // power with its letter and sign
}

// number reads a number with the liberties of fastjson: a plus sign, zeros in
// front, a bare point, and one of the suffixes of Java.
func (r *jsonReader) number() (n jsonNumber, err error) {
	if c := r.src[r.pos]; c == '-' || c == '+' {
		n.negative = c == '-'
		r.pos++
	}
	n.whole = r.digits()
	if r.at('.') {
		r.pos++
		n.frac = r.digits()
	}
	if len(n.whole)+len(n.frac) == 0 {
		return n, r.fail("a number has no digits")
	}
	if r.at('e') || r.at('E') {
		start := r.pos
		r.pos++
		if r.at('+') || r.at('-') {
			r.pos++
		}
		if len(r.digits()) == 0 {
			return n, r.fail("an exponent has no digits")
		}
		n.power = r.src[start:r.pos]
	}
	if r.at('L') || r.at('F') || r.at('D') || r.at('B') || r.at('S') {
		r.pos++
	}
	if r.pos < len(r.src) && isWordByte(r.src[r.pos]) {
		return n, r.fail("a number ends in letters")
	}
	return n, nil
}

func (r *jsonReader) at(c byte) bool { return r.pos < len(r.src) && r.src[r.pos] == c }

func (r *jsonReader) digits() []byte {
	start := r.pos
	for r.pos < len(r.src) && '0' <= r.src[r.pos] && r.src[r.pos] <= '9' {
		r.pos++
	}
	return r.src[start:r.pos]
}

// append writes the number as standard JSON, unchanged when it is standard.
func (n jsonNumber) append(dst []byte) []byte {
	if n.negative {
		dst = append(dst, '-')
	}
	whole := n.whole
	for len(whole) > 1 && whole[0] == '0' {
		whole = whole[1:]
	}
	if len(whole) == 0 {
		dst = append(dst, '0')
	}
	dst = append(dst, whole...)
	if len(n.frac) > 0 {
		dst = append(dst, '.')
		dst = append(dst, n.frac...)
	}
	return append(dst, n.power...)
}

func isNumberStart(c byte) bool {
	return '0' <= c && c <= '9' || c == '-' || c == '+' || c == '.'
}
