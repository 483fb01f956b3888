package remoting

// poisonLent has frames overwritten as soon as their loan to an inline handler
// ends. Otherwise a handler that keeps a string of a request without copying it
// is found out only when the connection happens to read something else to the
// same place. It is on where programs are tested: in builds with the race
// detector, and in the tests of this package.
var poisonLent = raceEnabled

// poison is what lent memory is overwritten with: neither text nor a small
// number.
const poison = 0xDB

// takeBack ends the loan of a frame's bytes.
func takeBack(b []byte) {
	if !poisonLent {
		return
	}
	for i := range b {
		b[i] = poison
	}
}
