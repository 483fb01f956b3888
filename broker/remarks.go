package broker

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"

	"github.com/gantrymq/gantry/codec"
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

// readHeader fills h from the fields of a request as upstream does: a number that cannot be read counts
// as absent. It fails when one of the fields is absent that the request cannot do without.
func readHeader(r *remoting.Request, h protocol.Header, needed ...string) error {
	if err := codec.DecodeHeaderNeeding(h, r.Ext, needed...); err != nil {
		return err
	}
	return need(r, needed...)
}

// needNumbers is need for fields that have to be numbers: one that cannot be read counts as absent.
func needNumbers(r *remoting.Request, keys ...string) error {
	for _, key := range keys {
		if value, _ := r.Ext.Get(key); !isNumber(value) {
			return fmt.Errorf("the request lacks a number in the field %s", key)
		}
	}
	return nil
}

// needInts is needNumbers for fields of 32 bits.
func needInts(r *remoting.Request, keys ...string) error {
	for _, key := range keys {
		value, _ := r.Ext.Get(key)
		if _, err := strconv.ParseInt(value, 10, 32); err != nil {
			return fmt.Errorf("the request lacks a number of 32 bits in the field %s", key)
		}
	}
	return nil
}

func isNumber(text string) bool {
	_, err := strconv.ParseInt(text, 10, 64)
	return err == nil
}

// readBody reads a body that must say something: upstream stumbles over one that is null.
func readBody(r *remoting.Request, body any) error {
	if isNothing(r.Body) {
		return errors.New("the body is null")
	}
	return compat.UnmarshalFastjson(r.Body, body)
}

// isNothing reports whether a body is read as no object at all.
func isNothing(body []byte) bool {
	switch string(bytes.TrimSpace(body)) {
	case "null", `""`, `"null"`:
		return true
	}
	return false
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
