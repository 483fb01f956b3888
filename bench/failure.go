package bench

import (
	"errors"
	"io"
	"os"
	"syscall"
)

// failureName sorts errors of connections into a few kinds, so that they can be
// counted.
func failureName(err error) string {
	var answer *answerError
	switch {
	case errors.As(err, &answer):
		return answer.code.String()
	case errors.Is(err, syscall.ECONNREFUSED):
		return "connection refused"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return "connection reset"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "connection closed by the server"
	case errors.Is(err, os.ErrDeadlineExceeded):
		return "timed out"
	case errors.Is(err, syscall.EADDRNOTAVAIL), errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE):
		return "this machine ran out of ports or descriptors"
	}
	return "connection failed otherwise"
}
