package codec

import (
	"strconv"

	"github.com/gantrymq/gantry/protocol"
)

// The JSON header is an object with code, flag, language, opaque, remark,
// version, serializeTypeCurrentRPC and extFields. It is walked once, in place:
// strings become views into the header, and escapes are undone where they stand,
// since the text that they stand for is never longer.
//
// Upstream reads it with fastjson, which forgives a lot. What real clients rely
// on is accepted: numbers as strings, ext values that are numbers or booleans
// (their text is the value), null for anything, keys in any order, keys nobody
// knows.

// maxNesting bounds how deep an unknown value may nest.
const maxNesting = 64

func (f *Frame) decodeJSON(b []byte) error {
	s := scanner{b: b}
	if !s.open('{') {
		return brokenFrame("the header is not a JSON object")
	}
	for more := !s.open('}'); more; {
		key, ok := s.key()
		if !ok {
			return s.broken()
		}
		if !f.setJSON(key, &s) {
			return s.broken()
		}
		if more = s.open(','); !more && !s.open('}') {
			return s.broken()
		}
	}
	if s.space(); s.i < len(s.b) {
		return brokenFrame("something follows the JSON header at byte %d of %d", s.i, len(s.b))
	}
	return nil
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
		text, ok := s.text()
		f.Language, _ = protocol.ParseLanguage(text)
		return ok
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
	if s.open('}') {
		return true
	}
	for {
		key, ok := s.key()
		if !ok {
			return false
		}
		if !s.null() {
			value, ok := s.text()
			if !ok {
				return false
			}
			f.Ext = append(f.Ext, Field{key, value})
		}
		if s.open(',') {
			continue
		}
		return s.open('}')
	}
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

func (s *scanner) space() {
	for s.i < len(s.b) {
		switch s.b[s.i] {
		case ' ', '\t', '\n', '\r':
			s.i++
		default:
			return
		}
	}
}

// open takes the byte c, after white space.
func (s *scanner) open(c byte) bool {
	s.space()
	if s.i < len(s.b) && s.b[s.i] == c {
		s.i++
		return true
	}
	return false
}

func (s *scanner) key() (string, bool) {
	s.space()
	k, ok := s.str()
	return k, ok && s.open(':')
}

func (s *scanner) null() bool {
	s.space()
	if len(s.b)-s.i >= 4 && string(s.b[s.i:s.i+4]) == "null" {
		s.i += 4
		return true
	}
	return false
}

// text takes a scalar and returns a string's content or any other scalar's
// letters; null is empty. An object or array yields its own text.
func (s *scanner) text() (string, bool) {
	s.space()
	if s.i < len(s.b) && s.b[s.i] == '"' {
		return s.str()
	}
	if s.null() {
		return "", true
	}
	start := s.i
	ok := s.skip(0)
	return view(s.b[start:s.i]), ok && s.i > start
}

func (s *scanner) int32(to *int32) bool {
	text, ok := s.text()
	if !ok {
		return false
	}
	if text == "" {
		*to = 0
		return true
	}
	n, err := strconv.ParseInt(text, 10, 32)
	*to = int32(n)
	return err == nil
}

// skip takes any one value.
func (s *scanner) skip(depth int) bool {
	s.space()
	if s.i >= len(s.b) || depth > maxNesting {
		return false
	}
	switch c := s.b[s.i]; c {
	case '"':
		_, ok := s.str()
		return ok
	case '{', '[':
		return s.skipNested(c, depth)
	}
	start := s.i
	for s.i < len(s.b) {
		switch s.b[s.i] {
		case ',', '}', ']', ':', '"', '{', '[', ' ', '\t', '\n', '\r':
			return s.i > start
		}
		s.i++
	}
	return s.i > start
}

func (s *scanner) skipNested(opening byte, depth int) bool {
	closing := byte('}')
	if opening == '[' {
		closing = ']'
	}
	s.i++
	if s.open(closing) {
		return true
	}
	for {
		if opening == '{' {
			if _, ok := s.key(); !ok {
				return false
			}
		}
		if !s.skip(depth + 1) {
			return false
		}
		if s.open(',') {
			continue
		}
		return s.open(closing)
	}
}
