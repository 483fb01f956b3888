//go:build !long

package compaction

// histories is how many histories a test run lives through.
const histories = 100
