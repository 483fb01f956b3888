//go:build !long

package store

// histories is how many histories a test run lives through.
const histories = 300
