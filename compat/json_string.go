package compat

import (
	"unicode/utf16"
	"unicode/utf8"
)

const hexDigits = "0123456789abcdef"

// text reads a string in single or double quotes and returns what it means. The
// result views the source or the reader's buffer, and is good until the next
// call.
func (r *jsonReader) text() ([]byte, error) {
	quote := r.src[r.pos]
	r.pos++
	start := r.pos
	for ; r.pos < len(r.src); r.pos++ {
		switch c := r.src[r.pos]; c {
		case quote:
			r.pos++
			return r.src[start : r.pos-1], nil
		case '\\':
			r.buf = append(r.buf[:0], r.src[start:r.pos]...)
			return r.escapedText(quote)
		}
	}
	return nil, r.fail("a string has no end")
}

// escapedText continues text at the first backslash.
func (r *jsonReader) escapedText(quote byte) ([]byte, error) {
	for r.pos < len(r.src) {
		c := r.src[r.pos]
		r.pos++
		if c == quote {
			return r.buf, nil
		}
		if c != '\\' {
			r.buf = append(r.buf, c)
			continue
		}
		u, err := r.escape()
		if err != nil {
			return nil, err
		}
		if utf16.IsSurrogate(u) {
			u = r.surrogate(u)
		}
		r.buf = utf8.AppendRune(r.buf, u)
	}
	return nil, r.fail("a string has no end")
}

// surrogate pairs a high surrogate with the escape that follows it. A lone one
// means U+FFFD, since it is no character.
func (r *jsonReader) surrogate(high rune) rune {
	if r.pos+1 < len(r.src) && r.src[r.pos] == '\\' && r.src[r.pos+1] == 'u' {
		before := r.pos
		r.pos++
		if low, err := r.escape(); err == nil {
			if both := utf16.DecodeRune(high, low); both != utf8.RuneError {
				return both
			}
		}
		r.pos = before
	}
	return utf8.RuneError
}

// escape reads what follows a backslash. Beyond the standard it knows \', \v,
// \xHH and \0 to \7.
func (r *jsonReader) escape() (rune, error) {
	if r.pos >= len(r.src) {
		return 0, r.fail("a string has no end")
	}
	c := r.src[r.pos]
	r.pos++
	switch c {
	case '"', '\\', '/', '\'':
		return rune(c), nil
	case 'b':
		return '\b', nil
	case 'f':
		return '\f', nil
	case 'n':
		return '\n', nil
	case 'r':
		return '\r', nil
	case 't':
		return '\t', nil
	case 'v':
		return '\v', nil
	case '0', '1', '2', '3', '4', '5', '6', '7':
		return rune(c - '0'), nil
	case 'u':
		return r.hex(4)
	case 'x':
		return r.hex(2)
	}
	return 0, r.fail("a backslash is followed by something unknown")
}

func (r *jsonReader) hex(n int) (rune, error) {
	if len(r.src)-r.pos < n {
		return 0, r.fail("a string has no end")
	}
	var u rune
	for _, c := range r.src[r.pos : r.pos+n] {
		switch {
		case '0' <= c && c <= '9':
			u = u<<4 | rune(c-'0')
		case 'a' <= c && c <= 'f':
			u = u<<4 | rune(c-'a'+10)
		case 'A' <= c && c <= 'F':
			u = u<<4 | rune(c-'A'+10)
		default:
			return 0, r.fail("a character's number is not hexadecimal")
		}
	}
	r.pos += n
	return u, nil
}

// appendJSONString writes s in quotes with the escapes of fastjson2: short ones
// where they exist, \u00xx in small letters for other control characters, and
// everything else as it is, <, > and & included. Bytes that are not UTF-8
// become U+FFFD.
func appendJSONString[S string | []byte](dst []byte, s S) []byte {
	dst = append(dst, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, size := decodeRune(s[i:])
			if r == utf8.RuneError && size == 1 {
				dst = append(dst, s[start:i]...)
				dst = utf8.AppendRune(dst, utf8.RuneError)
				start = i + 1
			}
			i += size
			continue
		}
		i++
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		dst = append(dst, s[start:i-1]...)
		dst = appendEscape(dst, c)
		start = i
	}
	dst = append(dst, s[start:]...)
	return append(dst, '"')
}

func appendEscape(dst []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(dst, '\\', c)
	case '\b':
		return append(dst, '\\', 'b')
	case '\f':
		return append(dst, '\\', 'f')
	case '\n':
		return append(dst, '\\', 'n')
	case '\r':
		return append(dst, '\\', 'r')
	case '\t':
		return append(dst, '\\', 't')
	}
	return append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
}

func decodeRune[S string | []byte](s S) (rune, int) {
	var b [utf8.UTFMax]byte
	return utf8.DecodeRune(b[:copy(b[:], s)])
}
