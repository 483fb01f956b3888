package codec

import (
	"bytes"
	"unicode/utf16"
	"unicode/utf8"
)

// shortString is up to which length a string is looked through byte by byte: keys
// and numbers are shorter, and for them that is quicker than two searches.
const shortString = 16

// str takes a quoted string and returns its content as a view. Escapes are
// undone in place.
func (s *scanner) str() (string, bool) {
	if !s.quoted() {
		return "", false
	}
	start := s.i + 1
	if s.b[s.i] == '\'' {
		return s.strEscaped(start, '\'')
	}
	rest := s.b[start:]
	for i, c := range rest[:min(len(rest), shortString)] {
		if c == '"' {
			s.i = start + i + 1
			return view(rest[:i]), true
		}
		if c == '\\' {
			return s.strEscaped(start, '"')
		}
	}
	end := bytes.IndexByte(rest, '"')
	if end < 0 {
		return "", false
	}
	if bytes.IndexByte(rest[:end], '\\') < 0 {
		s.i = start + end + 1
		return view(rest[:end]), true
	}
	return s.strEscaped(start, '"')
}

// plainMember takes a short key and a string without white space between, and without
// escapes, as all ext fields but one are written, and the comma behind them. Where
// something else comes, it takes nothing.
func (s *scanner) plainMember() (key, value string, ok bool) {
	b := s.b[s.i:]
	k := plainEnd(b)
	if k < 0 || len(b) < k+3 || b[k+1] != ':' {
		return "", "", false
	}
	rest := b[k+2:]
	v := plainEnd(rest)
	if v < 0 {
		return "", "", false
	}
	s.i += k + 2 + v + 1
	if v+1 < len(rest) && rest[v+1] == ',' {
		s.i++
	} else {
		s.comma()
	}
	return view(b[1:k]), view(rest[1:v]), true
}

// plainEnd is where the string that b begins with ends, when it is quoted, short and
// without escapes, and -1 otherwise.
func plainEnd(b []byte) int {
	if len(b) == 0 || b[0] != '"' {
		return -1
	}
	for i := 1; i < len(b) && i <= plainMost; i++ {
		switch b[i] {
		case '"':
			return i
		case '\\':
			return -1
		}
	}
	return -1
}

// plainMost bounds the strings that plainEnd looks through.
const plainMost = 40

// strEscaped takes the string whose content begins at start and ends at quote, and may
// hold escapes.
func (s *scanner) strEscaped(start int, quote byte) (string, bool) {
	b := s.b
	r, w := start, start
	for r < len(b) {
		switch c := b[r]; c {
		case quote:
			s.i = r + 1
			return view(b[start:w]), true
		case '\\':
			if c, ok := lowUnicode(b[r:]); ok {
				b[w] = c
				r += len(`\u0000`)
				w++
				continue
			}
			n, size := unescape(b[r:], b[w:w])
			if n == 0 {
				return "", false
			}
			r += n
			w += size
		default:
			b[w] = c
			r++
			w++
		}
	}
	return "", false
}

// lowUnicode reads \u0000 to \u0009: the separators of properties are among them.
func lowUnicode(b []byte) (byte, bool) {
	if len(b) < 6 || b[1] != 'u' || b[2] != '0' || b[3] != '0' || b[4] != '0' {
		return 0, false
	}
	c := b[5] - '0'
	return c, c <= 9
}

// unescape reads the escape at the front of b and appends what it stands for to
// dst, whose room lies in front of or at b. It returns how many bytes it read
// and wrote; 0 read means that this is no escape.
func unescape(b, dst []byte) (read, wrote int) {
	if len(b) < 2 {
		return 0, 0
	}
	var c byte
	switch b[1] {
	case '"', '\\', '/', '\'', '.', '_', '#', '&', '[', ']', '@', '(', ')', ',', '~', ' ':
		c = b[1] // fastjson's list
	case 'b':
		c = '\b'
	case 'f', 'F':
		c = '\f'
	case 'n':
		c = '\n'
	case 'r':
		c = '\r'
	case 't':
		c = '\t'
	case 'v':
		c = '\v'
	case '0', '1', '2', '3', '4', '5', '6', '7':
		c = b[1] - '0'
	case 'u':
		return unescapeUnicode(b, dst)
	default:
		return 0, 0
	}
	_ = append(dst, c)
	return 2, 1
}

func unescapeUnicode(b, dst []byte) (read, wrote int) {
	r, ok := hex4(b)
	if !ok {
		return 0, 0
	}
	read = 6
	if utf16.IsSurrogate(r) {
		low, ok := hex4(b[6:])
		if pair := utf16.DecodeRune(r, low); ok && pair != utf8.RuneError {
			r, read = pair, 12
		}
	}
	return read, len(utf8.AppendRune(dst, r))
}

// hex4 reads \uXXXX.
func hex4(b []byte) (rune, bool) {
	if len(b) < 6 || b[0] != '\\' || b[1] != 'u' {
		return 0, false
	}
	var r rune
	for _, c := range b[2:6] {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		case c < 'f':
			c = 0 // what fastjson makes of it
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}
