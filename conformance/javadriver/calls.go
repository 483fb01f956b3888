package javadriver

import "context"

// Calls is a DefaultMQAdminExt, the library that admin tools are built on. Release 5.5.0
// only.
type Calls struct {
	client
}

// Calls starts one.
func (d *Driver) Calls(ctx context.Context, namesrv string) (*Calls, error) {
	c, err := d.begin(ctx, "calls", namesrv, "", nil)
	if err != nil {
		return nil, err
	}
	return &Calls{c}, nil
}

// Call calls a method by its name. Arguments are words and numbers as they are, "null", and
// anything else as JSON. The result is JSON, indented and sorted, or what was thrown. The
// method "invoke" sends a request as it is: address, code, and fields "key=value".
func (c *Calls) Call(ctx context.Context, method string, args ...string) (result string, err error) {
	if args == nil {
		args = []string{}
	}
	return result, c.call(ctx, "call", Args{"method": method, "args": args}, &result)
}
