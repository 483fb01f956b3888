package compat

import (
	"bytes"
	"errors"
	"strconv"
	"strings"
)

// maxRefDepth bounds references that lead to values with references. A cycle,
// which no body of RocketMQ has, ends there.
const maxRefDepth = 16

// resolveRefs appends doc, which is strict and compact, to dst with every
// object {"$ref":"path"} replaced by the value at that path of doc. fastjson 1
// writes such objects where a value occurs a second time.
func resolveRefs(dst, doc []byte) ([]byte, error) {
	w := refWriter{doc: doc, dst: dst}
	w.limit = len(dst) + maxStrictGrowth*len(doc) + 64
	w.budget = 64*len(doc) + 4096
	if err := w.copy(doc, 0); err != nil {
		return nil, err
	}
	return w.dst, nil
}

type refWriter struct {
	doc    []byte
	dst    []byte
	limit  int // of len(dst)
	budget int // bytes that may still be read while paths are followed
}

var refPrefix = []byte(`{"$ref":"`)

// copy appends text with its references resolved. depth counts the references
// that led to text.
func (w *refWriter) copy(text []byte, depth int) error {
	for {
		at := bytes.Index(text, refPrefix)
		if at < 0 {
			at = len(text)
		}
		if len(w.dst)+at > w.limit {
			return errors.New("JSON: the references grow the text too much")
		}
		w.dst = append(w.dst, text[:at]...)
		if text = text[at:]; len(text) == 0 {
			return nil
		}
		r := jsonReader{src: text, pos: len(refPrefix) - 1}
		path, err := r.text()
		if err != nil || text[r.pos] != '}' {
			// More keys than $ref: an object like any other.
			w.dst = append(w.dst, '{')
			text = text[1:]
			continue
		}
		if err := w.reference(string(path), depth); err != nil {
			return err
		}
		text = text[r.pos+1:]
	}
}

func (w *refWriter) reference(path string, depth int) error {
	if depth >= maxRefDepth {
		return errors.New("JSON: the references lead in a circle or are nested more than 16 times")
	}
	target := w.find(path)
	if w.budget < 0 {
		return errors.New("JSON: there are too many references")
	}
	if target == nil {
		w.dst = append(w.dst, "null"...)
		return nil
	}
	return w.copy(target, depth+1)
}

// find follows a path like $.a.b[0] through the document; nil when it leads
// nowhere. The forms for a value inside of itself ("$", "..", "@") lead nowhere
// either: such a value has no finite text.
func (w *refWriter) find(path string) []byte {
	rest, ok := strings.CutPrefix(path, "$")
	if !ok || rest == "" {
		return nil
	}
	at := w.doc
	for rest != "" && at != nil {
		switch rest[0] {
		case '.':
			rest = rest[1:]
			end := strings.IndexAny(rest, ".[")
			if end < 0 {
				end = len(rest)
			}
			at = w.member(at, rest[:end])
			rest = rest[end:]
		case '[':
			end := strings.IndexByte(rest, ']')
			if end < 0 {
				return nil
			}
			index := rest[1:end]
			rest = rest[end+1:]
			if n, err := strconv.Atoi(index); err == nil {
				at = w.element(at, n)
			} else {
				at = w.member(at, strings.Trim(index, `'"`))
			}
		default:
			return nil
		}
	}
	return at
}

func (w *refWriter) member(obj []byte, name string) []byte {
	if obj[0] != '{' {
		return nil
	}
	for i := 1; obj[i] != '}'; i++ {
		key := skipStrict(obj[i:])
		value := i + key + 1
		size := skipStrict(obj[value:])
		w.budget -= key + size
		if w.budget < 0 {
			return nil
		}
		r := jsonReader{src: obj, pos: i}
		if text, err := r.text(); err == nil && string(text) == name {
			return obj[value : value+size]
		}
		if i = value + size; obj[i] == '}' {
			break
		}
	}
	return nil
}

func (w *refWriter) element(arr []byte, n int) []byte {
	if arr[0] != '[' || n < 0 {
		return nil
	}
	for i := 1; arr[i] != ']'; i++ {
		size := skipStrict(arr[i:])
		if w.budget -= size; w.budget < 0 {
			return nil
		}
		if n == 0 {
			return arr[i : i+size]
		}
		n--
		if i += size; arr[i] == ']' {
			break
		}
	}
	return nil
}

// skipStrict is the length of the value that strict, compact text begins with.
func skipStrict(text []byte) int {
	depth := 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '"':
			for i++; text[i] != '"'; i++ {
				if text[i] == '\\' {
					i++
				}
			}
			if depth == 0 {
				return i + 1
			}
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 {
				return i
			}
			if depth--; depth == 0 {
				return i + 1
			}
		case ',', ':':
			if depth == 0 {
				return i
			}
		}
	}
	return len(text)
}
