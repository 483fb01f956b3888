package configfile

import (
	"bytes"
	"encoding/json"
)

// EncodeJSON writes v as the official broker writes its configuration files:
// one key a line, indented by tabs, no space after the colon.
func EncodeJSON(v any) ([]byte, error) {
	var compact bytes.Buffer
	enc := json.NewEncoder(&compact)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return indent(make([]byte, 0, 2*compact.Len()), bytes.TrimSuffix(compact.Bytes(), []byte("\n"))), nil
}

// DecodeJSON reads what EncodeJSON or the official broker wrote, numbers without
// quotes as keys of objects included.
func DecodeJSON(b []byte, v any) error { return json.Unmarshal(quoteNumericKeys(b), v) }

// quoteNumericKeys puts quotes around keys that are bare numbers, which fastjson
// writes for maps from integers.
func quoteNumericKeys(b []byte) []byte {
	var out []byte // nil while nothing had to be changed
	copied := 0
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case c == '"':
			for i++; i < len(b) && b[i] != '"'; i++ {
				if b[i] == '\\' {
					i++
				}
			}
		case c == '-' || c >= '0' && c <= '9':
			start := i
			for i < len(b) && (b[i] == '-' || b[i] >= '0' && b[i] <= '9') {
				i++
			}
			end := i
			for i < len(b) && (b[i] == ' ' || b[i] == '\t' || b[i] == '\n' || b[i] == '\r') {
				i++
			}
			if i < len(b) && b[i] == ':' {
				out = append(append(append(append(out, b[copied:start]...), '"'), b[start:end]...), '"')
				copied = end
			}
			i--
		}
	}
	if out == nil {
		return b
	}
	return append(out, b[copied:]...)
}

// indent appends compact JSON with line breaks and tabs.
func indent(dst, compact []byte) []byte {
	depth, quoted := 0, false
	newLine := func() {
		dst = append(dst, '\n')
		for range depth {
			dst = append(dst, '\t')
		}
	}
	for i := 0; i < len(compact); i++ {
		c := compact[i]
		switch {
		case quoted:
			dst = append(dst, c)
			if c == '\\' {
				i++
				dst = append(dst, compact[i])
			}
			quoted = c != '"'
		case c == '"':
			quoted = true
			dst = append(dst, c)
		case c == '{' || c == '[':
			dst = append(dst, c)
			if next := compact[i+1]; next == '}' || next == ']' {
				dst = append(dst, next)
				i++
				continue
			}
			if end := numbersEnd(compact[i:]); end > 0 {
				dst = append(dst, compact[i+1:i+end]...)
				i += end - 1
				continue
			}
			depth++
			newLine()
		case c == '}' || c == ']':
			depth--
			newLine()
			dst = append(dst, c)
		case c == ',':
			dst = append(dst, c)
			newLine()
		default:
			dst = append(dst, c)
		}
	}
	return dst
}

// numbersEnd is the length of the array of plain numbers that b begins with, or
// 0. The official dialect keeps such an array on one line.
func numbersEnd(b []byte) int {
	if b[0] != '[' {
		return 0
	}
	for i, c := range b[1:] {
		switch {
		case c == ']':
			return i + 2
		case c != ',' && c != '-' && (c < '0' || c > '9'):
			return 0
		}
	}
	return 0
}
