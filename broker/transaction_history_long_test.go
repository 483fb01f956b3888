//go:build long

package broker

// txHistories is how many histories the long test run lives through.
const txHistories = 2000
