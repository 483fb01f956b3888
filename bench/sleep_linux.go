package bench

import (
	"os"
	"sync"
	"syscall"
	"time"
	"unsafe"
)

// sleep waits more exactly than a timer of the runtime, which is rounded up to the next
// millisecond when nothing else goes on. It waits for a timer of the kernel, as for a
// connection: asleep in a system call instead, each of the connections would hold up
// one of the few threads that run Go code, and the answers to the others with it.
func sleep(d time.Duration) {
	t, _ := exactTimers.Get().(*exactTimer)
	if t == nil {
		var err error
		if t, err = newExactTimer(); err != nil { // no descriptors are left
			ts := syscall.NsecToTimespec(int64(d))
			_ = syscall.Nanosleep(&ts, nil) // woken by a signal it is early, and whoever paces looks at the clock again
			return
		}
	}
	if t.wait(max(d, 1)) == nil {
		exactTimers.Put(t)
	}
}

// exactTimers are the timers that nobody waits for. Those that the collector takes are
// closed with their files.
var exactTimers sync.Pool

// exactTimer is a timerfd(2).
type exactTimer struct {
	fd   uintptr
	file *os.File // waits by the runtime's poller
}

func newExactTimer() (*exactTimer, error) {
	const monotonic = 1
	fd, _, errno := syscall.Syscall(syscall.SYS_TIMERFD_CREATE, monotonic, syscall.O_NONBLOCK|syscall.O_CLOEXEC, 0)
	if errno != 0 {
		return nil, errno
	}
	return &exactTimer{fd, os.NewFile(fd, "timerfd")}, nil
}

// wait sets the timer, and returns when it has gone off.
func (t *exactTimer) wait(d time.Duration) error {
	spec := struct{ interval, value syscall.Timespec }{value: syscall.NsecToTimespec(int64(d))}
	if _, _, errno := syscall.Syscall6(syscall.SYS_TIMERFD_SETTIME, t.fd, 0, uintptr(unsafe.Pointer(&spec)), 0, 0, 0); errno != 0 {
		return errno
	}
	var expired [8]byte
	_, err := t.file.Read(expired[:])
	return err
}
