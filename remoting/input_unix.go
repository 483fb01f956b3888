//go:build unix

package remoting

import "syscall"

// rawReads says that tryRead works here.
const rawReads = true

// tryRead is what syscall.RawConn.Read calls: it reads once and reports whether
// that settled anything. When there is nothing to read it gives an empty buffer
// back, so that a silent connection holds no memory, lets the outbox be written,
// and asks to be called again when bytes have arrived.
//
// The runtime holds the descriptor for reading meanwhile. Closing the connection
// from in here would therefore wait for itself; errors are only noted.
func (in *input) tryRead(fd uintptr) bool {
	for {
		room := in.room()
		n, err := syscall.Read(int(fd), room)
		switch err {
		case nil:
			in.n = n
			return true
		case syscall.EINTR:
		case syscall.EAGAIN:
			in.release()
			in.err = in.beforeWait()
			return in.err != nil
		default:
			in.err = err
			return true
		}
	}
}

// readReady reads what is there, and returns 0 when nothing is.
func (in *input) readReady(fd uintptr) int {
	for {
		n, err := syscall.Read(int(fd), in.room())
		if err == nil {
			return n
		}
		if err != syscall.EINTR {
			in.release()
			return 0
		}
	}
}

// writeNow writes what the socket takes without waiting.
func writeNow(raw syscall.RawConn, p []byte) (n int, err error) {
	controlErr := raw.Write(func(fd uintptr) bool {
		for {
			n, err = syscall.Write(int(fd), p)
			if err != syscall.EINTR {
				return true
			}
		}
	})
	n = max(n, 0)
	if err == syscall.EAGAIN {
		err = nil
	}
	if controlErr != nil {
		err = controlErr
	}
	return n, err
}
