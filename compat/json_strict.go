package compat

import (
	"bytes"
	"slices"
	"unicode/utf8"
)

// maxStrictGrowth bounds the output of ToStrict: so many bytes for a byte of
// input, and a little more.
const maxStrictGrowth = 16

// ToStrict appends to dst the standard, compact JSON text that loose text means
// to fastjson, so that a standard parser can read it. Nothing of src is kept.
//
// Beyond the standard it accepts keys without quotes, numbers, literals, objects
// and arrays as keys (an object becomes a string that holds its JSON), single
// quotes, commas without an element, comments, NaN, Infinity and undefined
// (null), numbers with a plus sign, leading zeros, a bare point or a Java
// suffix, control characters and the escapes \' \v \xHH \0…\7 in strings, and
// {"$ref":"$.a.b[0]"}, which is replaced by the value it points to.
//
// Standard text comes back without white space and otherwise unchanged, except
// that bytes that are not UTF-8 become U+FFFD. Nesting and the size of the
// result are bounded. On an error dst is returned as it was.
func ToStrict(dst, src []byte) ([]byte, error) {
	w := strictWriter{jsonReader: jsonReader{src: src}, dst: dst, base: len(dst)}
	w.limit = w.base + maxStrictGrowth*len(src) + 64
	err := w.start()
	if err == nil {
		err = w.value()
	}
	if err == nil {
		err = w.end()
	}
	if err != nil {
		return dst, err
	}
	if !w.refs {
		return w.dst, nil
	}
	doc := slices.Clone(w.dst[w.base:])
	out, err := resolveRefs(w.dst[:w.base], doc)
	if err != nil {
		return dst, err
	}
	return out, nil
}

// strictWriter copies tokens from a loose text to a strict one.
type strictWriter struct {
	jsonReader
	dst   []byte
	base  int  // where the output begins
	limit int  // where it must end
	refs  bool // a key $ref was seen
	inKey bool
}

func (w *strictWriter) value() error {
	if len(w.dst) > w.limit {
		return w.fail("the text grows too much")
	}
	switch c := w.peek(); {
	case c == '{':
		return w.object()
	case c == '[':
		return w.array()
	case c == '"' || c == '\'':
		return w.string()
	case isNumberStart(c):
		return w.strictNumber()
	}
	if w.pos >= len(w.src) {
		return w.fail("a value is missing")
	}
	lit, err := w.literal()
	w.dst = append(w.dst, lit...)
	return err
}

func (w *strictWriter) object() error {
	if err := w.enter(); err != nil {
		return err
	}
	defer w.leave()
	w.dst = append(w.dst, '{')
	more, err := w.open('}')
	for more && err == nil {
		if err = w.key(); err != nil {
			return err
		}
		w.dst = append(w.dst, ':')
		if err = w.colon(); err != nil {
			return err
		}
		if err = w.value(); err != nil {
			return err
		}
		if more, err = w.comma('}'); more {
			w.dst = append(w.dst, ',')
		}
	}
	w.dst = append(w.dst, '}')
	return err
}

func (w *strictWriter) array() error {
	if err := w.enter(); err != nil {
		return err
	}
	defer w.leave()
	w.dst = append(w.dst, '[')
	more, err := w.open(']')
	for more && err == nil {
		if err = w.value(); err != nil {
			return err
		}
		if more, err = w.comma(']'); more {
			w.dst = append(w.dst, ',')
		}
	}
	w.dst = append(w.dst, ']')
	return err
}

// key writes a key of any kind as a string.
func (w *strictWriter) key() error {
	c := w.peek()
	switch {
	case c == '"' || c == '\'':
		at := len(w.dst)
		err := w.string()
		if bytes.Equal(w.dst[at:], []byte(`"$ref"`)) {
			w.refs = true
		}
		return err
	case c == '{' || c == '[':
		return w.compositeKey()
	case isNumberStart(c):
		w.dst = append(w.dst, '"')
		err := w.strictNumber()
		w.dst = append(w.dst, '"')
		return err
	}
	word := w.word()
	if len(word) == 0 {
		return w.fail("a key is missing")
	}
	w.refs = w.refs || string(word) == "$ref"
	w.dst = appendJSONString(w.dst, word)
	return nil
}

// compositeKey writes an object or array as a string that holds its JSON. Keys
// inside of such a key are refused: each level doubles the backslashes.
func (w *strictWriter) compositeKey() error {
	if w.inKey {
		return w.fail("a key contains an object with an object as key")
	}
	w.inKey = true
	at := len(w.dst)
	err := w.value()
	w.inKey = false
	if err != nil {
		return err
	}
	text := slices.Clone(w.dst[at:])
	w.dst = appendJSONString(w.dst[:at], text)
	return nil
}

func (w *strictWriter) strictNumber() error {
	n, err := w.number()
	if err != nil {
		return err
	}
	w.dst = n.append(w.dst)
	return nil
}

// string copies a string that is standard as it is, escapes included, and
// writes any other anew.
func (w *strictWriter) string() error {
	start := w.pos
	if end, ok := standardString(w.src[start:]); ok {
		w.dst = append(w.dst, w.src[start:start+end]...)
		w.pos += end
		return nil
	}
	text, err := w.text()
	if err != nil {
		return err
	}
	w.dst = appendJSONString(w.dst, text)
	return nil
}

// standardString finds the end of the string that s begins with, and whether a
// standard parser would read the same from it.
func standardString(s []byte) (end int, ok bool) {
	if s[0] != '"' {
		return 0, false
	}
	for i := 1; i < len(s); {
		c := s[i]
		switch {
		case c == '"':
			return i + 1, true
		case c < ' ':
			return 0, false
		case c == '\\':
			n := standardEscape(s[i:])
			if n == 0 {
				return 0, false
			}
			i += n
		case c >= utf8.RuneSelf:
			r, size := utf8.DecodeRune(s[i:])
			if r == utf8.RuneError && size == 1 {
				return 0, false
			}
			i += size
		default:
			i++
		}
	}
	return 0, false
}

// standardEscape is the length of the standard escape that s begins with, or 0.
func standardEscape(s []byte) int {
	if len(s) < 2 {
		return 0
	}
	switch s[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2
	case 'u':
		if len(s) < 6 {
			return 0
		}
		h := jsonReader{src: s, pos: 2}
		if _, err := h.hex(4); err == nil {
			return 6
		}
	}
	return 0
}
