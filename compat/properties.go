package compat

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"unicode/utf16"
	"unicode/utf8"
)

// Property is one line of a .properties file, continuation lines included.
type Property struct {
	Key, Value string
	Line       int // where the key stands, from 1
}

// ParseProperties reads a file as java.util.Properties.load does from a stream
// of bytes, which is how the official servers read their configuration files
// and, although those are UTF-8, the bodies of their configuration requests:
// every byte is one character of ISO 8859-1, others are written \uXXXX. Keys
// that occur twice are both returned; for Java the last one counts.
//
// Values keep blanks at their end. The only error is a \u without four
// hexadecimal digits, for which Java refuses the whole file.
func ParseProperties(data []byte) ([]Property, error) {
	p := propertiesReader{src: data, line: 1}
	var out []Property
	for {
		line := p.next()
		if line == nil {
			return out, nil
		}
		at := p.start
		key, value := splitProperty(line)
		prop := Property{Line: at}
		var err error
		if prop.Key, err = unescapeProperty(key); err == nil {
			prop.Value, err = unescapeProperty(value)
		}
		if err != nil {
			return nil, fmt.Errorf("properties, line %d: %w", at, err)
		}
		out = append(out, prop)
	}
}

// PropertyMap turns what ParseProperties returned into a map; of equal keys the
// last one counts.
func PropertyMap(props []Property) map[string]string {
	m := make(map[string]string, len(props))
	for _, p := range props {
		m[p.Key] = p.Value
	}
	return m
}

// propertiesReader splits a file into logical lines.
type propertiesReader struct {
	src   []byte
	pos   int
	line  int // of pos
	start int // where the last logical line began
}

func isPropertyBlank(c byte) bool { return c == ' ' || c == '\t' || c == '\f' }

func isLineEnd(c byte) bool { return c == '\n' || c == '\r' }

// next returns the next logical line without blanks at its front, its
// continuations joined and its escapes still in place; nil at the end.
func (p *propertiesReader) next() []byte {
	for {
		p.skipBlank()
		if p.pos >= len(p.src) {
			return nil
		}
		if c := p.src[p.pos]; isLineEnd(c) {
			p.lineEnd()
			continue
		} else if c == '#' || c == '!' {
			for p.pos < len(p.src) && !isLineEnd(p.src[p.pos]) {
				p.pos++
			}
			continue
		}
		p.start = p.line
		return p.logicalLine()
	}
}

func (p *propertiesReader) logicalLine() []byte {
	line := []byte{}
	for p.pos < len(p.src) {
		c := p.src[p.pos]
		switch {
		case isLineEnd(c):
			p.lineEnd()
			return line
		case c != '\\':
			line = append(line, c)
			p.pos++
		case p.pos+1 >= len(p.src): // a backslash at the very end means nothing
			p.pos++
		case isLineEnd(p.src[p.pos+1]):
			p.pos++
			p.lineEnd()
			p.skipBlank()
		default:
			line = append(line, c, p.src[p.pos+1])
			p.pos += 2
		}
	}
	return line
}

func (p *propertiesReader) skipBlank() {
	for p.pos < len(p.src) && isPropertyBlank(p.src[p.pos]) {
		p.pos++
	}
}

// lineEnd moves over one line end: LF, CR or both.
func (p *propertiesReader) lineEnd() {
	if p.src[p.pos] == '\r' && p.pos+1 < len(p.src) && p.src[p.pos+1] == '\n' {
		p.pos++
	}
	p.pos++
	p.line++
}

// splitProperty finds where the key ends: at the first =, : or blank that has no
// backslash in front. One = or : among the blanks behind it belongs to neither.
func splitProperty(line []byte) (key, value []byte) {
	end := 0
	for end < len(line) {
		c := line[end]
		if c == '\\' {
			end += 2
			continue
		}
		if c == '=' || c == ':' || isPropertyBlank(c) {
			break
		}
		end++
	}
	end = min(end, len(line))
	rest, separator := end, false
	for ; rest < len(line); rest++ {
		c := line[rest]
		if !separator && (c == '=' || c == ':') {
			separator = true
		} else if !isPropertyBlank(c) {
			break
		}
	}
	return line[:end], line[rest:]
}

var errPropertyEscape = errors.New("a \\u is not followed by four hexadecimal digits")

// unescapeProperty reads ISO 8859-1 with Java's escapes as text.
func unescapeProperty(s []byte) (string, error) {
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			out = utf8.AppendRune(out, rune(s[i]))
			continue
		}
		i++
		switch c := s[i]; c {
		case 't':
			out = append(out, '\t')
		case 'n':
			out = append(out, '\n')
		case 'r':
			out = append(out, '\r')
		case 'f':
			out = append(out, '\f')
		case 'u':
			r, err := propertyRune(s, &i)
			if err != nil {
				return "", err
			}
			out = utf8.AppendRune(out, r)
		default:
			out = utf8.AppendRune(out, rune(c))
		}
	}
	return string(out), nil
}

// propertyRune reads the digits of a \u whose u is at *i and leaves *i at the
// last of them. A pair of surrogates is one character.
func propertyRune(s []byte, i *int) (rune, error) {
	d := jsonReader{src: s, pos: *i + 1}
	r, err := d.hex(4)
	if err != nil {
		return 0, errPropertyEscape
	}
	if utf16.IsSurrogate(r) {
		r = d.surrogate(r)
	}
	*i = d.pos - 1
	return r, nil
}

// AppendProperties appends a line key=value for each entry, in the order of the
// keys and without any escapes, as the official servers answer configuration
// requests (MixAll.properties2String).
func AppendProperties(dst []byte, m map[string]string) []byte {
	for _, k := range slices.Sorted(maps.Keys(m)) {
		dst = append(dst, k...)
		dst = append(dst, '=')
		dst = append(dst, m[k]...)
		dst = append(dst, '\n')
	}
	return dst
}

// AppendPropertiesFile appends the lines of AppendProperties with the escapes
// that are needed to read the same back. Upstream writes its files without: a
// value with a line end becomes two settings there, and other than ASCII text
// changes with every rewrite. Lines that need no escape are the same.
func AppendPropertiesFile(dst []byte, m map[string]string) []byte {
	for _, k := range slices.Sorted(maps.Keys(m)) {
		dst = appendPropertyText(dst, k, true)
		dst = append(dst, '=')
		dst = appendPropertyText(dst, m[k], false)
		dst = append(dst, '\n')
	}
	return dst
}

func appendPropertyText(dst []byte, s string, key bool) []byte {
	for i, r := range s {
		switch {
		case r == '\\':
			dst = append(dst, '\\', '\\')
		case r == '\n':
			dst = append(dst, '\\', 'n')
		case r == '\r':
			dst = append(dst, '\\', 'r')
		case r == '\t', r == '\f', r == ' ':
			dst = appendPropertyBlank(dst, byte(r), key || i == 0)
		case key && (r == '=' || r == ':' || i == 0 && (r == '#' || r == '!')):
			dst = append(dst, '\\', byte(r))
		case r > 0 && r < utf8.RuneSelf:
			dst = append(dst, byte(r))
		default:
			for _, u := range utf16.Encode([]rune{r}) {
				dst = append(dst, '\\', 'u', hexDigits[u>>12], hexDigits[u>>8&15], hexDigits[u>>4&15], hexDigits[u&15])
			}
		}
	}
	return dst
}

// appendPropertyBlank writes a blank, which would end a key or vanish in front
// of a value.
func appendPropertyBlank(dst []byte, c byte, escape bool) []byte {
	if !escape {
		return append(dst, c)
	}
	switch c {
	case '\t':
		c = 't'
	case '\f':
		c = 'f'
	}
	return append(dst, '\\', c)
}
