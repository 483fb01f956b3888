//go:build race

package broker

// raceEnabled says that this is a build with the race detector, which allocates.
const raceEnabled = true
