package codec

import "unsafe"

// Field is one ext field of a command.
type Field struct{ Key, Value string }

// Fields are the ext fields of a command in the order of the wire. Java keeps
// them in a map: of a key that stands twice, the last value counts.
type Fields []Field

// Get finds the value of a key.
func (f Fields) Get(key string) (string, bool) {
	for i := len(f) - 1; i >= 0; i-- {
		if f[i].Key == key {
			return f[i].Value, true
		}
	}
	return "", false
}

// view makes a string that shares the bytes of b.
func view(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
