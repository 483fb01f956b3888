package remoting

import (
	"fmt"

	"github.com/gantrymq/gantry/protocol"
)

// Handler serves one request. It answers it, or detaches it, or returns an error,
// which becomes the answer: a *RemoteError as it says, any other as SYSTEM_ERROR
// with the error's text. A two-way request that a handler neither answers nor
// detaches is answered as the reference answers it, SYSTEM_ERROR "not set any
// response code". A panic is answered with SYSTEM_ERROR and reported.
type Handler func(r *Request) error

// Route says how requests of one code are served.
type Route struct {
	Code protocol.RequestCode
	Name string // upstream's, for metrics; empty means that of the code
	// Worker runs the handler; nil runs it in the connection's reader goroutine,
	// where it must not wait for anything.
	Worker *Pool
	Handle Handler
	// Reject, if set, is asked first; true is answered with SYSTEM_BUSY
	// "[REJECTREQUEST]…".
	Reject func() bool
}

// lowCodes is how many codes a table finds by index.
const lowCodes = 1024

// Table finds the route of a request. It does not change once a server or client
// has it.
type Table struct {
	low      [lowCodes]*Route
	high     map[protocol.RequestCode]*Route
	fallback *Route
}

// NewTable makes a table. Two routes of one code, or a route without handler, are
// an error.
func NewTable(routes ...Route) (*Table, error) {
	t := &Table{high: map[protocol.RequestCode]*Route{}}
	for _, r := range routes {
		if r.Name == "" {
			r.Name = r.Code.String()
		}
		if r.Handle == nil {
			return nil, fmt.Errorf("route %s (%d) has no handler", r.Name, r.Code)
		}
		if t.Lookup(r.Code) != nil {
			return nil, fmt.Errorf("two routes serve %s (%d)", r.Name, r.Code)
		}
		if r.Code >= 0 && r.Code < lowCodes {
			t.low[r.Code] = &r
		} else {
			t.high[r.Code] = &r
		}
	}
	return t, nil
}

// SetDefault names the route of all codes that have none; its Code means nothing.
// Without it they are answered with REQUEST_CODE_NOT_SUPPORTED.
func (t *Table) SetDefault(r Route) { t.fallback = &r }

// Lookup returns the route of a code, or nil. The default route is not counted.
func (t *Table) Lookup(code protocol.RequestCode) *Route {
	if code >= 0 && code < lowCodes {
		return t.low[code]
	}
	return t.high[code]
}

// Wrap returns a table whose handlers are what wrap makes of those of t. It is
// the place for what concerns all requests, such as authorization.
func (t *Table) Wrap(wrap func(r Route, next Handler) Handler) *Table {
	wrapped := &Table{high: make(map[protocol.RequestCode]*Route, len(t.high))}
	one := func(r *Route) *Route {
		if r == nil {
			return nil
		}
		w := *r
		w.Handle = wrap(*r, r.Handle)
		return &w
	}
	for i, r := range t.low {
		wrapped.low[i] = one(r)
	}
	for code, r := range t.high {
		wrapped.high[code] = one(r)
	}
	wrapped.fallback = one(t.fallback)
	return wrapped
}

// route is Lookup with the default.
func (t *Table) route(code int32) *Route {
	if r := t.Lookup(protocol.RequestCode(code)); r != nil {
		return r
	}
	return t.fallback
}
