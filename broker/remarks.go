package broker

import (
	"errors"

	"github.com/gantrymq/gantry/protocol"
	"github.com/gantrymq/gantry/remoting"
)

// suggestFAQ ends the remarks that point to upstream's page of frequent questions.
// Clients and people match on it.
const suggestFAQ = "\nSee https://rocketmq.apache.org/docs/bestPractice/06FAQ for further details."

// refuse makes the error that a request is answered with.
func refuse(code protocol.ResponseCode, format string, args ...any) error {
	return remoting.Errorf(code, format, args...)
}

// asRefusal tells a refusal from a failure.
func asRefusal(err error) (*remoting.RemoteError, bool) {
	return errors.AsType[*remoting.RemoteError](err)
}
