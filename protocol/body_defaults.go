package protocol

import "encoding/json"

// standard is a read function for standard text. Bodies whose fields start with values that are not
// Go's zeros have a method ReadJSON: it gives read, which knows the dialect, a struct that has them.
func standard(text []byte) func(any) error {
	return func(v any) error { return json.Unmarshal(text, v) }
}
