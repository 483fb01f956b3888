package broker

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/gantrymq/gantry/compat"
	"github.com/gantrymq/gantry/protocol"
	"github.com/gantrymq/gantry/remoting"
)

// suggestFAQ ends the remarks that point to upstream's page of frequent questions.
// Clients and people match on it.
const suggestFAQ = "\nSee https://rocketmq.apache.org/docs/bestPractice/06FAQ for further details."

// remarkUnset goes with some successes: upstream forgets to clear the remark that
// every answer begins with.
const remarkUnset = "not set any response code"

// need fails when a request lacks one of the fields that it cannot do without.
// Upstream stumbles over a null there and answers with the exception.
func need(r *remoting.Request, keys ...string) error {
	for _, key := range keys {
		if _, ok := r.Ext.Get(key); !ok {
			return fmt.Errorf("the request lacks the field %s", key)
		}
	}
	return nil
}

// readBody reads a body that must say something: upstream stumbles over one that is null.
func readBody(r *remoting.Request, body any) error {
	if string(bytes.TrimSpace(r.Body)) == "null" {
		return errors.New("the body is null")
	}
	return compat.UnmarshalFastjson(r.Body, body)
}

// extOrNull is an ext field as Java writes it into a text.
func extOrNull(r *remoting.Request, key string) string {
	if value, ok := r.Ext.Get(key); ok {
		return value
	}
	return "null"
}

// refuse makes the error that a request is answered with.
func refuse(code protocol.ResponseCode, format string, args ...any) error {
	return remoting.Errorf(code, format, args...)
}

// asRefusal tells a refusal from a failure.
func asRefusal(err error) (*remoting.RemoteError, bool) {
	return errors.AsType[*remoting.RemoteError](err)
}

// refuseWith answers a refusal under the header that upstream sends with it. Any
// other error is given back.
func refuseWith(r *remoting.Request, err error, header protocol.Header) error {
	fault, ok := asRefusal(err)
	if !ok {
		return err
	}
	r.Reply(fault.Code, fault.Remark, header, nil)
	return nil
}
