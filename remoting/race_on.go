//go:build race

package remoting

// raceEnabled says that this is a build with the race detector.
const raceEnabled = true
