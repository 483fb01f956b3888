package registration

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
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
	Cluster  string
	Name     string
	ID       int64
	Addr     string // host:port that clients are told
	HAAddr   string // host:port that slaves connect to
	ActingOK bool   // enableSlaveActingMaster: a slave may act for this group's master
}

// Form is how a registration is made. It may change while the broker runs.
type Form struct {
	Timeout    time.Duration // registerBrokerTimeoutMills: bounds one round trip to one name server
	Compressed bool          // compressedRegister
	// ActiveTimeout is the heartbeat time-out that the name server shall apply;
	// 0 leaves it to the name server.
	ActiveTimeout time.Duration
}

// Topics is the table that a broker registers, and its part of those that are static.
type Topics struct {
	Table    map[string]*protocol.TopicConfig
	Mappings map[string]*protocol.TopicQueueMappingInfo
	Version  protocol.DataVersion
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
	who    Identity
	caller Caller

	mu      sync.Mutex // guards what follows
	form    Form
	servers []string
}

// New makes a registrar.
func New(who Identity, caller Caller, servers []string, form Form) *Registrar {
	return &Registrar{who: who, caller: caller, form: form, servers: servers}
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

// SetForm changes how the next registrations are made.
func (r *Registrar) SetForm(f Form) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.form = f
}

func (r *Registrar) currentForm() Form {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.form
}

// Register tells every name server the whole table, side by side. The results
// are those that came; the error joins the failures.
func (r *Registrar) Register(ctx context.Context, t Topics) ([]Result, error) {
	f := r.currentForm()
	body, err := f.encode(t)
	if err != nil {
		return nil, fmt.Errorf("encode the registration of broker %s: %w", r.who.Name, err)
	}
	return r.each(ctx, func(ctx context.Context, server string) (Result, error) { return r.register(ctx, server, f, body) })
}

// RegisterChanges tells every name server that knows the version since only what
// has changed, and the others, which missed something or were restarted, the
// whole table; all is asked for that when it is needed. Otherwise it is as
// Register.
func (r *Registrar) RegisterChanges(ctx context.Context, since protocol.DataVersion, changes Topics, all func() Topics) ([]Result, error) {
	f := r.currentForm()
	part, err := f.encode(changes)
	if err != nil {
		return nil, fmt.Errorf("encode the registration of broker %s: %w", r.who.Name, err)
	}
	whole := sync.OnceValues(func() ([]byte, error) {
		t := all()
		t.Version = changes.Version
		return f.encode(t)
	})
	return r.each(ctx, func(ctx context.Context, server string) (Result, error) {
		body := part
		current, err := r.knows(ctx, server, since)
		if err == nil && !current {
			body, err = whole()
		}
		if err != nil {
			return Result{}, err
		}
		return r.register(ctx, server, f, body)
	})
}

func (r *Registrar) register(ctx context.Context, server string, f Form, body []byte) (Result, error) {
	h := r.header(f, body)
	answer, err := r.call(ctx, server, protocol.RegisterBroker, &h, body)
	if err != nil {
		return Result{}, err
	}
	return decodeResult(server, answer)
}

// Changed asks every name server whether it holds another version of the table.
// A server that does not answer counts as changed.
func (r *Registrar) Changed(ctx context.Context, version protocol.DataVersion) bool {
	var changed atomic.Bool
	_, err := r.each(ctx, func(ctx context.Context, server string) (Result, error) {
		current, err := r.knows(ctx, server, version)
		if !current {
			changed.Store(true)
		}
		return Result{Server: server}, err
	})
	return changed.Load() || err != nil
}

// knows asks a name server whether it holds this version of the table.
func (r *Registrar) knows(ctx context.Context, server string, version protocol.DataVersion) (bool, error) {
	body, err := compat.MarshalFastjson(version)
	if err != nil {
		return false, err
	}
	h := protocol.QueryDataVersionRequestHeader{BrokerName: r.who.Name, BrokerAddr: r.who.Addr, ClusterName: r.who.Cluster, BrokerID: r.who.ID}
	answer, err := r.call(ctx, server, protocol.QueryDataVersion, &h, body)
	if err != nil {
		return false, err
	}
	return sameVersion(answer, version), nil
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
	r.mu.Lock()
	servers, timeout := r.servers, r.form.Timeout
	r.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
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
