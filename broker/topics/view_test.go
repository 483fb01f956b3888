package topics

import "unsafe"

// asView is a string over memory that the test overwrites later, as a frame's
// strings are.
func asView(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
