package protocol

import (
	"slices"
	"strconv"
)

// RequestCode says what a request asks for.
type RequestCode int32

// Handlers is a set of the kinds of process that serve a request.
type Handlers uint8

// The kinds of process that serve requests.
const (
	ByNamesrv Handlers = 1 << iota
	ByBroker
	ByController
	ByClient
)

// RequestInfo is what is known of one request code of 5.5.0.
type RequestInfo struct {
	Code RequestCode
	Name string // upstream's constant
	// Handlers is empty for codes that no process of 5.5.0 serves.
	Handlers Handlers
	// Tier sorts the codes by who needs them: 1 normal clients and
	// registration, 2 administration, 3 replication and controller, 4 POP and
	// 5.x features, 5 unused upstream.
	Tier      int
	NewHeader func() Header // nil when the request has no header class
	NewAnswer func() Header // nil when the answer has no header class
	// Actions and Resource repeat upstream's RocketMQAction annotation. An empty
	// Resource means that the fields of Resources name what is touched.
	Actions   []string
	Resource  string
	Resources []ResourceField
}

// ResourceField is an ext field that names what a request touches.
type ResourceField struct {
	Key      string
	Kind     string // topic, group or cluster
	Splitter string // between several names; empty means one name
}

// RequestCodes lists every request code of 5.5.0 by ascending code. The slice
// is shared: do not change it.
func RequestCodes() []RequestInfo { return requestCodes[:] }

// Lookup finds the table row of a code.
func (c RequestCode) Lookup() (*RequestInfo, bool) {
	i, ok := slices.BinarySearchFunc(requestCodes[:], c, func(r RequestInfo, c RequestCode) int { return int(r.Code) - int(c) })
	if !ok {
		return nil, false
	}
	return &requestCodes[i], true
}

// String is upstream's name, or the number of an unknown code.
func (c RequestCode) String() string {
	if r, ok := c.Lookup(); ok {
		return r.Name
	}
	return strconv.Itoa(int(c))
}

// ResponseCode says how a request ended.
type ResponseCode int32

// String is upstream's name, or the number of an unknown code.
func (c ResponseCode) String() string {
	if name, ok := responseNames[c]; ok {
		return name
	}
	return strconv.Itoa(int(c))
}
