package admin

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/compat"
	"github.com/gantrymq/gantry/protocol"
	"github.com/gantrymq/gantry/remoting"
)

// DefaultTimeout is how long a call waits for its answer, as in the official tools.
const DefaultTimeout = 5 * time.Second

// Options describes a client.
type Options struct {
	// NameServers are addresses "host:port". A question is asked of the first one that
	// can be reached; what changes a name server is sent to each.
	NameServers []string
	// Timeout bounds each call, besides the context; 0 means DefaultTimeout.
	Timeout time.Duration
	// TLS, if set, is used on every connection.
	TLS *tls.Config
	// Credentials, if set, sign every request, as brokers with ACLs demand.
	Credentials *Credentials
}

// Client asks name servers, brokers and controllers. Its methods may be called from
// any goroutine. Close it.
type Client struct {
	servers []string
	timeout time.Duration
	signer  *Credentials
	net     *remoting.Client
}

// New makes a client. It connects when it first has to.
func New(o Options) *Client {
	if o.Timeout <= 0 {
		o.Timeout = DefaultTimeout
	}
	return &Client{
		servers: o.NameServers,
		timeout: o.Timeout,
		signer:  o.Credentials,
		net:     remoting.NewClient(remoting.ClientOptions{TLS: o.TLS, DialTimeout: min(o.Timeout, 3*time.Second)}),
	}
}

// Close ends all calls and connections.
func (c *Client) Close() error { return c.net.Close() }

// NameServers lists the addresses that the client was given.
func (c *Client) NameServers() []string { return c.servers }

// ParseNameServers splits a list as operators write it: addresses between semicolons
// (upstream's form) or commas, with spaces or without.
func ParseNameServers(list string) []string {
	return strings.FieldsFunc(list, func(r rune) bool { return r == ';' || r == ',' || r == ' ' })
}

// Error is an answer other than SUCCESS.
type Error struct {
	Request protocol.RequestCode
	Addr    string // who answered
	Code    protocol.ResponseCode
	Remark  string // the server's own words, may be empty
}

func (e *Error) Error() string {
	if e.Remark == "" {
		return fmt.Sprintf("%s answered %s with %s", e.Addr, e.Request, e.Code)
	}
	return fmt.Sprintf("%s answered %s with %s: %s", e.Addr, e.Request, e.Code, strings.Join(strings.Fields(e.Remark), " "))
}

// HasCode reports whether err is an answer with this code.
func HasCode(err error, code protocol.ResponseCode) bool {
	answer, ok := errors.AsType[*Error](err)
	return ok && answer.Code == code
}

// ErrNoNameServer says that a question for a name server cannot be asked.
var ErrNoNameServer = errors.New("no name server is known; give -n host:port or set NAMESRV_ADDR")

// call sends one request and waits for its answer, whatever the answer's code.
func (c *Client) call(ctx context.Context, addr string, cmd *codec.Command) (*codec.Frame, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	return c.send(ctx, addr, cmd)
}

// send is call for a request whose patience the caller sets.
func (c *Client) send(ctx context.Context, addr string, cmd *codec.Command) (*codec.Frame, error) {
	cmd.Language, cmd.Version = protocol.LanguageGo, protocol.V5_5_0
	if c.signer != nil {
		c.signer.sign(cmd)
	}
	return c.net.Call(ctx, addr, cmd)
}

// ask is call for requests where only SUCCESS is good news.
func (c *Client) ask(ctx context.Context, addr string, code protocol.RequestCode, header protocol.Header, body []byte) (*codec.Frame, error) {
	f, err := c.call(ctx, addr, &codec.Command{Code: int32(code), Header: header, Body: body})
	if err != nil {
		return nil, err
	}
	return f, answerError(f, addr, code)
}

// answerError makes an error of an answer that is none of SUCCESS.
func answerError(f *codec.Frame, addr string, code protocol.RequestCode) error {
	if got := protocol.ResponseCode(f.Code); got != protocol.ResponseSuccess {
		return &Error{Request: code, Addr: addr, Code: got, Remark: strings.Clone(f.Remark)}
	}
	return nil
}

// do is ask for requests whose answer holds nothing.
func (c *Client) do(ctx context.Context, addr string, code protocol.RequestCode, header protocol.Header, body []byte) error {
	_, err := c.ask(ctx, addr, code, header, body)
	return err
}

// doJSON is do with a body in JSON.
func (c *Client) doJSON(ctx context.Context, addr string, code protocol.RequestCode, header protocol.Header, body any) error {
	text, err := compat.MarshalFastjson(body)
	if err != nil {
		return fmt.Errorf("cannot write the body of %s: %w", code, err)
	}
	return c.do(ctx, addr, code, header, text)
}

// askJSON is ask for answers with a body in JSON. An answer without body gives the
// zero value.
func askJSON[T any](ctx context.Context, c *Client, addr string, code protocol.RequestCode, header protocol.Header, body []byte) (T, error) {
	var v T
	f, err := c.ask(ctx, addr, code, header, body)
	if err != nil {
		return v, err
	}
	return v, decodeBody(f, addr, code, &v)
}

// decodeBody reads the body of an answer; an empty one leaves v as it is.
func decodeBody(f *codec.Frame, addr string, code protocol.RequestCode, v any) error {
	if len(f.Body) == 0 {
		return nil
	}
	if err := compat.UnmarshalFastjson(f.Body, v); err != nil {
		return fmt.Errorf("the answer of %s to %s cannot be read: %w", addr, code, err)
	}
	return nil
}

// askHeader is ask for answers that are a header.
func (c *Client) askHeader(ctx context.Context, addr string, code protocol.RequestCode, header, answer protocol.Header) error {
	f, err := c.ask(ctx, addr, code, header, nil)
	if err != nil {
		return err
	}
	codec.DecodeHeaderLoosely(answer, f.Ext)
	return nil
}

// anyServer runs f with the name servers in turn, until one can be reached.
func (c *Client) anyServer(f func(addr string) error) error {
	if len(c.servers) == 0 {
		return ErrNoNameServer
	}
	var all []error
	for _, addr := range c.servers {
		err := f(addr)
		if _, unreachable := errors.AsType[*remoting.ConnectError](err); !unreachable {
			return err
		}
		all = append(all, err)
	}
	return errors.Join(all...)
}

// eachServer runs f with every name server and joins what went wrong.
func (c *Client) eachServer(f func(addr string) error) error {
	if len(c.servers) == 0 {
		return ErrNoNameServer
	}
	var all []error
	for _, addr := range c.servers {
		all = append(all, f(addr))
	}
	return errors.Join(all...)
}

// askServers is askJSON of any name server.
func askServers[T any](ctx context.Context, c *Client, code protocol.RequestCode, header protocol.Header) (v T, err error) {
	err = c.anyServer(func(addr string) error {
		v, err = askJSON[T](ctx, c, addr, code, header, nil)
		return err
	})
	return v, err
}

// At is a client of a single name server that shares this one's connections. It is
// closed with it.
func (c *Client) At(nameServer string) *Client {
	one := *c
	one.servers = []string{nameServer}
	return &one
}
