package protocol

import "encoding/json"

// standard is a read function for standard text. Bodies whose fields start with values that are not
// Go's zeros have a method ReadJSON: it gives read, which knows the dialect, a struct that has them.
func standard(text []byte) func(any) error {
	return func(v any) error { return json.Unmarshal(text, v) }
}

// readOver sets what dst points to to what read makes of start. On an error dst stays as it is.
func readOver[T any](dst *T, start T, read func(any) error) error {
	if err := read(&start); err != nil {
		return err
	}
	*dst = start
	return nil
}
