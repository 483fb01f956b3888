//go:build long

package compaction

// histories is how many histories the long test run lives through.
const histories = 10_000
