package bench

import (
	"syscall"
	"time"
)

// sleep waits more exactly than a timer, which the runtime rounds up to the next
// millisecond when nothing else goes on. It holds a thread meanwhile.
func sleep(d time.Duration) {
	ts := syscall.NsecToTimespec(int64(d))
	_ = syscall.Nanosleep(&ts, nil) // woken by a signal it is early, and whoever paces looks at the clock again
}
