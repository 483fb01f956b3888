package codec

import (
	"bytes"
	"math"
	"strconv"
	"unicode/utf8"

	"github.com/gantrymq/gantry/protocol"
)

// The JSON header is an object with code, flag, language, opaque, remark,
// version, serializeTypeCurrentRPC and extFields. It is walked once, in place:
// strings become views into the header, and escapes are undone where they stand,
// since the text that they stand for is never longer.
//
// Upstream reads it with fastjson 2, which forgives a lot, and what it forgives is
// forgiven here, as conformance/raw/testdata/broken records it: numbers as strings and
// with fractions, ext values of any kind (their text is the value), null for anything,
// keys in any order, keys nobody knows, single quotes, comments, a comma too few or one
// at the end. Everything else, text that is no UTF-8 included, breaks the frame.

// maxNesting bounds how deep an unknown value may nest, as fastjson does.
const maxNesting = 2048

func (f *Frame) decodeJSON(b []byte) error {
	if !begunAsUTF8(b) {
		return brokenFrame("the JSON header is no UTF-8")
	}
	s := scanner{b: b}
	if !s.open('{') {
		return brokenFrame("the header is not a JSON object")
	}
	for s.next() != '}' {
		key, ok := s.key()
		if !ok || !f.setJSON(key, &s) {
			return s.broken()
		}
		s.comma()
	}
	s.i++
	if s.next(); s.i < len(s.b) {
		return brokenFrame("something follows the JSON header at byte %d of %d", s.i, len(s.b))
	}
	return nil
}

// begunAsUTF8 reports whether every character begins with a byte that one may begin with.
// fastjson looks no closer.
func begunAsUTF8(b []byte) bool {
	if utf8.Valid(b) {
		return true
	}
	for i := 0; i < len(b); {
		switch c := b[i]; {
		case c < utf8.RuneSelf:
			i++
		case c>>5 == 0b110:
			i += 2
		case c>>4 == 0b1110:
			i += 3
		case c>>3 == 0b11110:
			i += 4
		default:
			return false
		}
	}
	return true
}

func (f *Frame) setJSON(key string, s *scanner) bool {
	switch key {
	case "code":
		return s.int32(&f.Code)
	case "flag":
		return s.int32(&f.Flag)
	case "opaque":
		return s.int32(&f.Opaque)
	case "version":
		return s.int32((*int32)(&f.Version))
	case "language":
		return s.language(&f.Language)
	case "remark":
		text, ok := s.text()
		f.Remark = text
		return ok
	case "extFields":
		return f.setJSONExt(s)
	}
	return s.skip(0)
}

func (f *Frame) setJSONExt(s *scanner) bool {
	if s.null() {
		return true
	}
	if !s.open('{') {
		return false
	}
	for s.next() != '}' {
		if key, value, ok := s.plainMember(); ok {
			f.Ext = append(f.Ext, Field{key, value})
			continue
		}
		key, ok := s.key()
		if !ok {
			return false
		}
		var value string
		switch s.next() {
		case '"', '\'':
			value, ok = s.str()
		case 'n':
			if !s.null() {
				return false
			}
			s.comma()
			continue
		default:
			value, ok = s.text()
		}
		if !ok {
			return false
		}
		f.Ext = append(f.Ext, Field{key, value})
		s.comma()
	}
	s.i++
	f.EmptyExt = len(f.Ext) == 0
	return true
}

// scanner walks JSON text that it may rewrite. Its methods take one thing off
// the front and report whether it was there.
type scanner struct {
	b []byte
	i int
}

func (s *scanner) broken() error {
	return brokenFrame("the JSON header makes no sense at byte %d of %d", s.i, len(s.b))
}

// next returns the byte that comes after white space and comments, without taking it;
// 0 at the end.
func (s *scanner) next() byte {
	if s.i < len(s.b) {
		if c := s.b[s.i]; c > ' ' && c != '/' {
			return c
		}
	}
	return s.nextAfterSpace()
}

func (s *scanner) nextAfterSpace() byte {
	for s.i < len(s.b) {
		switch c := s.b[s.i]; c {
		case ' ', '\t', '\n', '\r':
			s.i++
		case '/':
			if !s.comment() {
				return c
			}
		default:
			return c
		}
	}
	return 0
}

// comma takes the comma between two members, which may be missing.
func (s *scanner) comma() {
	if s.next() == ',' {
		s.i++
	}
}

// comment takes a comment of either kind.
func (s *scanner) comment() bool {
	rest := s.b[s.i+1:]
	end, size := -1, 0
	switch {
	case bytes.HasPrefix(rest, []byte("*")):
		end, size = bytes.Index(rest[1:], []byte("*/")), len("/**/")
	case bytes.HasPrefix(rest, []byte("/")):
		end, size = bytes.IndexByte(rest[1:], '\n'), len("//\n")
	}
	if end < 0 {
		return false
	}
	s.i += end + size
	return true
}

// open takes the byte c, after white space.
func (s *scanner) open(c byte) bool {
	if s.next() != c {
		return false
	}
	s.i++
	return true
}

// key takes a key and the colon behind it.
func (s *scanner) key() (string, bool) {
	if s.next(); !s.quoted() {
		return "", false
	}
	k, ok := s.str()
	return k, ok && s.open(':')
}

func (s *scanner) null() bool {
	if s.next() == 'n' && len(s.b)-s.i >= 4 && string(s.b[s.i:s.i+4]) == "null" {
		s.i += 4
		return true
	}
	return false
}

// text takes a value and returns a string's content or any other's own letters; null
// is empty.
func (s *scanner) text() (string, bool) {
	if s.next(); s.quoted() {
		return s.str()
	}
	if s.null() {
		return "", true
	}
	start := s.i
	ok := s.skip(0)
	return view(s.b[start:s.i]), ok && s.i > start
}

// quoted reports whether a string comes next.
func (s *scanner) quoted() bool {
	return s.i < len(s.b) && (s.b[s.i] == '"' || s.b[s.i] == '\'')
}

// int32 takes a number as fastjson makes an int of a value: a fraction is cut off, true
// is 1, and an object is 0. A number that is too large breaks the frame.
func (s *scanner) int32(to *int32) bool {
	object := s.next() == '{'
	if s.digits(to) {
		return true
	}
	text, ok := s.text()
	switch {
	case !ok:
		return false
	case text == "" || text == "false" || object:
		*to = 0
		return true
	case text == "true":
		*to = 1
		return true
	}
	if n, err := strconv.ParseInt(text, 10, 32); err == nil {
		*to = int32(n)
		return true
	}
	f, err := strconv.ParseFloat(text, 64)
	f = math.Trunc(f)
	*to = int32(f)
	return err == nil && f >= math.MinInt32 && f <= math.MaxInt32 && isNumber(text)
}

// digits takes a number that is nothing but a few digits, as nearly all are.
func (s *scanner) digits(to *int32) bool {
	var n int32
	for i, c := range s.b[s.i:min(len(s.b), s.i+10)] {
		if c -= '0'; c <= 9 {
			n = n*10 + int32(c)
			continue
		}
		if i == 0 || !endsWord[c+'0'] {
			return false
		}
		*to = n
		s.i += i
		return true
	}
	return false
}

// language takes a name or a number.
func (s *scanner) language(to *protocol.Language) bool {
	if c := s.next(); c == '{' || c == '[' {
		return false
	}
	text, ok := s.text()
	*to, _ = protocol.ParseLanguage(text)
	if isNumber(text) {
		if n, err := strconv.ParseUint(text, 10, 8); err == nil {
			*to = protocol.Language(n)
		}
	}
	return ok
}

// skip takes any one value.
func (s *scanner) skip(depth int) bool {
	switch c := s.next(); {
	case c == 0 || depth > maxNesting:
		return false
	case c == '"' || c == '\'':
		_, ok := s.str()
		return ok
	case c == '{' || c == '[':
		return s.skipNested(c, depth)
	}
	start := s.i
	for s.i < len(s.b) && !endsWord[s.b[s.i]] {
		s.i++
	}
	word := view(s.b[start:s.i])
	return word == "true" || word == "false" || word == "null" || isNumber(word)
}

// endsWord are the bytes that end a number, true, false and null.
var endsWord = [256]bool{',': true, '}': true, ']': true, ':': true, '"': true, '\'': true, '{': true, '[': true, ' ': true, '\t': true, '\n': true, '\r': true, '/': true}

// isNumber reports whether text consists of what numbers are made of, and begins as one.
func isNumber(text string) bool {
	for i := range len(text) {
		switch c := text[i]; {
		case c >= '0' && c <= '9', c == '.':
		case c == '+', c == '-':
		case (c == 'e' || c == 'E') && i > 0:
		default:
			return false
		}
	}
	return text != ""
}

func (s *scanner) skipNested(opening byte, depth int) bool {
	closing := byte('}')
	if opening == '[' {
		closing = ']'
	}
	s.i++
	for s.next() != closing {
		if opening == '{' {
			if _, ok := s.key(); !ok {
				return false
			}
		}
		if !s.skip(depth + 1) {
			return false
		}
		s.comma()
	}
	s.i++
	return true
}
