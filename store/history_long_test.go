//go:build long

package store

// histories is how many histories the long test run lives through.
const histories = 10_000
