package codec

import (
	"encoding/binary"
	"strconv"
	"sync"
	"unicode/utf8"

	"github.com/gantrymq/gantry/protocol"
)

// pool is a typed sync.Pool. A writer travels behind an interface into the
// generated headers and would otherwise be allocated for each command.
type pool[T any] struct{ p sync.Pool }

func (p *pool[T]) Get() *T {
	if v, ok := p.p.Get().(*T); ok {
		return v
	}
	return new(T)
}

func (p *pool[T]) Put(v *T) {
	var zero T
	*v = zero
	p.p.Put(v)
}

var (
	jsonWriters   pool[jsonFields]
	binaryWriters pool[binaryFields]

	_ protocol.FieldWriter = (*jsonFields)(nil)
	_ protocol.FieldWriter = (*binaryFields)(nil)
)

// jsonFields writes ext fields as members of a JSON object. All values are
// strings, whatever their type.
type jsonFields struct {
	dst   []byte
	first bool
}

func (w *jsonFields) key(key string) {
	if !w.first {
		w.dst = append(w.dst, ',')
	}
	w.first = false
	w.dst = appendJSONString(w.dst, key)
	w.dst = append(w.dst, ':')
}

func (w *jsonFields) WriteString(key, value string) {
	w.key(key)
	w.dst = appendJSONString(w.dst, value)
}

func (w *jsonFields) WriteInt(key string, value int64) {
	w.key(key)
	w.dst = append(w.dst, '"')
	w.dst = strconv.AppendInt(w.dst, value, 10)
	w.dst = append(w.dst, '"')
}

func (w *jsonFields) WriteBool(key string, value bool) {
	w.WriteString(key, strconv.FormatBool(value))
}

// binaryFields writes ext fields in the ROCKETMQ form.
type binaryFields struct{ dst []byte }

func (w *binaryFields) key(key string) {
	w.dst = binary.BigEndian.AppendUint16(w.dst, uint16(len(key)))
	w.dst = append(w.dst, key...)
}

func (w *binaryFields) WriteString(key, value string) {
	w.key(key)
	w.dst = binary.BigEndian.AppendUint32(w.dst, uint32(len(value)))
	w.dst = append(w.dst, value...)
}

func (w *binaryFields) WriteInt(key string, value int64) {
	w.key(key)
	mark := len(w.dst)
	w.dst = append(w.dst, 0, 0, 0, 0)
	w.dst = strconv.AppendInt(w.dst, value, 10)
	binary.BigEndian.PutUint32(w.dst[mark:], uint32(len(w.dst)-mark-4))
}

func (w *binaryFields) WriteBool(key string, value bool) {
	w.WriteString(key, strconv.FormatBool(value))
}

const hexDigits = "0123456789abcdef"

// appendJSONString quotes s. Bytes that are no UTF-8 become U+FFFD, since
// readers refuse them.
func appendJSONString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' && c < utf8.RuneSelf {
			i++
			continue
		}
		size := 1
		if c >= utf8.RuneSelf {
			var r rune
			if r, size = utf8.DecodeRuneInString(s[i:]); r != utf8.RuneError || size > 1 {
				i += size
				continue
			}
		}
		dst = append(dst, s[start:i]...)
		dst = appendEscaped(dst, c)
		i += size
		start = i
	}
	dst = append(dst, s[start:]...)
	return append(dst, '"')
}

func appendEscaped(dst []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(dst, '\\', c)
	case '\n':
		return append(dst, '\\', 'n')
	case '\r':
		return append(dst, '\\', 'r')
	case '\t':
		return append(dst, '\\', 't')
	case '\b':
		return append(dst, '\\', 'b')
	case '\f':
		return append(dst, '\\', 'f')
	}
	if c >= utf8.RuneSelf {
		return append(dst, "\ufffd"...)
	}
	return append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
}
