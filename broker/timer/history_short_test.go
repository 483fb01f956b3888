//go:build !long

package timer

// histories is how many histories a test run lives through.
const histories = 300
