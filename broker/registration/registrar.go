package registration

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/compat"
	"github.com/gantrymq/gantry/protocol"
)

// Caller sends a command to an address and waits for the answer, or does not
// wait. remoting.Client is one.
type Caller interface {
	Call(ctx context.Context, addr string, c *codec.Command) (*codec.Frame, error)
	OneWay(ctx context.Context, addr string, c *codec.Command) error
}

// Identity is how a broker introduces itself.
type Identity struct {
	Cluster    string
	Name       string
	ID         int64
	Addr       string // host:port that clients are told
	HAAddr     string // host:port that slaves connect to
	ActingOK   bool   // enableSlaveActingMaster: a slave may act for this group's master
	Compressed bool   // compressedRegister
	// ActiveTimeout is the heartbeat time-out that the name server shall apply;
	// 0 leaves it to the name server.
	ActiveTimeout time.Duration
}

// Topics is the table that a broker registers.
type Topics struct {
	Table   map[string]*protocol.TopicConfig
	Version protocol.DataVersion
}

// Result is what one name server answered.
type Result struct {
	Server     string
	MasterAddr string            // the group's master, told to slaves
	HAAddr     string            // where it replicates from
	OrderTopic map[string]string // order topic configuration, by topic
}

// Registrar registers one broker with a list of name servers. Its methods may be
// called from any goroutine.
type Registrar struct {
	who     Identity
	caller  Caller
	timeout time.Duration

	mu      sync.Mutex // guards servers
	servers []string
}

// New makes a registrar. timeout bounds one round trip to one name server.
func New(who Identity, caller Caller, servers []string, timeout time.Duration) *Registrar {
	return &Registrar{who: who, caller: caller, timeout: timeout, servers: servers}
}

// Servers are the name servers that are registered with.
func (r *Registrar) Servers() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.servers
}

// SetServers replaces the list from the next registration on.
func (r *Registrar) SetServers(servers []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.servers = servers
}

// Register tells every name server the whole table, side by side. The results
// are those that came; the error joins the failures.
func (r *Registrar) Register(ctx context.Context, t Topics) ([]Result, error) {
	body, err := r.encode(t)
	if err != nil {
		return nil, fmt.Errorf("encode the registration of broker %s: %w", r.who.Name, err)
	}
	header := r.header(body)
	return r.each(ctx, func(ctx context.Context, server string) (Result, error) {
		h := header
		answer, err := r.call(ctx, server, protocol.RegisterBroker, &h, body)
		if err != nil {
			return Result{}, err
		}
		return decodeResult(server, answer)
	})
}

// Changed asks every name server whether it holds another version of the table.
// A server that does not answer counts as changed.
func (r *Registrar) Changed(ctx context.Context, version protocol.DataVersion) bool {
	body, err := compat.MarshalFastjson(version)
	if err != nil {
		return true
	}
	header := protocol.QueryDataVersionRequestHeader{BrokerName: r.who.Name, BrokerAddr: r.who.Addr, ClusterName: r.who.Cluster, BrokerID: r.who.ID}
	var changed bool
	var mu sync.Mutex
	_, err = r.each(ctx, func(ctx context.Context, server string) (Result, error) {
		h := header
		answer, err := r.call(ctx, server, protocol.QueryDataVersion, &h, body)
		if err != nil {
			return Result{}, err
		}
		if !sameVersion(answer, version) {
			mu.Lock()
			changed = true
			mu.Unlock()
		}
		return Result{Server: server}, nil
	})
	return changed || err != nil
}

func sameVersion(answer *codec.Frame, version protocol.DataVersion) bool {
	var h protocol.QueryDataVersionResponseHeader
	if err := codec.DecodeHeader(&h, answer.Ext); err != nil || h.Changed {
		return false
	}
	if len(answer.Body) == 0 {
		return true
	}
	var known protocol.DataVersion
	return compat.UnmarshalFastjson(answer.Body, &known) == nil && known == version
}

// Unregister takes the broker off every name server.
func (r *Registrar) Unregister(ctx context.Context) error {
	header := protocol.UnRegisterBrokerRequestHeader{BrokerName: r.who.Name, BrokerAddr: r.who.Addr, ClusterName: r.who.Cluster, BrokerID: r.who.ID}
	_, err := r.each(ctx, func(ctx context.Context, server string) (Result, error) {
		h := header
		_, err := r.call(ctx, server, protocol.UnregisterBroker, &h, nil)
		return Result{Server: server}, err
	})
	return err
}

// each asks all servers side by side and waits for all of them.
func (r *Registrar) each(ctx context.Context, ask func(context.Context, string) (Result, error)) ([]Result, error) {
	ctx, cancel := context.WithTimeout(ctx, r.timeout)
	defer cancel()
	servers := r.Servers()
	results, faults := make([]Result, len(servers)), make([]error, len(servers))
	var wg sync.WaitGroup
	for i, server := range servers {
		wg.Go(func() { results[i], faults[i] = ask(ctx, server) })
	}
	wg.Wait()
	var came []Result
	for i := range servers {
		if faults[i] == nil {
			came = append(came, results[i])
		} else {
			faults[i] = fmt.Errorf("name server %s: %w", servers[i], faults[i])
		}
	}
	return came, errors.Join(faults...)
}

func (r *Registrar) call(ctx context.Context, server string, code protocol.RequestCode, h protocol.Header, body []byte) (*codec.Frame, error) {
	answer, err := r.caller.Call(ctx, server, &codec.Command{
		Code: int32(code), Language: protocol.LanguageJava, Version: protocol.CurrentVersion, Header: h, Body: body,
	})
	if err != nil {
		return nil, err
	}
	if answer.Code != int32(protocol.ResponseSuccess) {
		return nil, fmt.Errorf("%s is answered %s: %s", code, protocol.ResponseCode(answer.Code), answer.Remark)
	}
	return answer, nil
}
