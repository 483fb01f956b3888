//go:build !long

package broker

// txHistories is how many histories a test run lives through.
const txHistories = 24
