package remoting

import (
	"errors"
	"fmt"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/protocol"
)

// The remarks that the remoting layer itself gives. Clients and people match on
// them, so they are upstream's, byte for byte (NettyRemotingAbstract,
// BrokerFastFailure, RemotingCommand), as observed on 5.5.0.
const (
	remarkNotSupported = " request type %d not supported"
	remarkOverload     = "[OVERLOAD]system busy, start flow control for a while"
	remarkReject       = "[REJECTREQUEST]system busy, start flow control for a while"
	remarkTimeout      = "[TIMEOUT_CLEAN_QUEUE]broker busy, start flow control for a while, period in queue: %dms, size of queue: %d"
	remarkGoAway       = "please go away"
	remarkNoAnswer     = "not set any response code"
)

// RemoteError is an answer that is not SUCCESS: returned by a handler it becomes
// the answer, and ResponseError makes one of an answer.
type RemoteError struct {
	Code   protocol.ResponseCode
	Remark string
}

func (e *RemoteError) Error() string {
	if e.Remark == "" {
		return e.Code.String()
	}
	return fmt.Sprintf("%s: %s", e.Code, e.Remark)
}

// Errorf makes a RemoteError with a formatted remark.
func Errorf(code protocol.ResponseCode, format string, args ...any) error {
	return &RemoteError{Code: code, Remark: fmt.Sprintf(format, args...)}
}

// ResponseError returns a *RemoteError if f is an answer other than SUCCESS. The
// error keeps the frame's remark.
func ResponseError(f *codec.Frame) error {
	if code := protocol.ResponseCode(f.Code); code != protocol.ResponseSuccess {
		return &RemoteError{Code: code, Remark: f.Remark}
	}
	return nil
}

// answerFor is the one place where an error of a handler becomes an answer.
func answerFor(err error) (protocol.ResponseCode, string) {
	if remote, ok := errors.AsType[*RemoteError](err); ok {
		return remote.Code, remote.Remark
	}
	return protocol.ResponseSystemError, err.Error()
}
