package broker

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

// brokerAddrsAge is how long the addresses of other brokers are good for, as upstream's.
const brokerAddrsAge = 5 * time.Second

// brokerAddrs remembers where the masters of all broker groups are.
type brokerAddrs struct {
	mu     sync.Mutex // guards what follows
	known  map[string]string
	at     time.Time
	asking sync.Mutex // one question at a time; guards nothing
}

func (a *brokerAddrs) get(name string, now time.Time) (addr string, fresh bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.known[name], !a.at.IsZero() && now.Sub(a.at) < brokerAddrsAge
}

// brokerAddr is the address of a group's master. It may ask the name servers, so it
// must not be called on a connection's reader.
func (b *Broker) brokerAddr(name string) (string, error) {
	addr, fresh := b.brokers.get(name, b.now())
	if addr != "" && fresh {
		return addr, nil
	}
	b.brokers.asking.Lock()
	defer b.brokers.asking.Unlock()
	if again, fresh := b.brokers.get(name, b.now()); again != "" && fresh {
		return again, nil
	}
	known, err := b.askBrokerAddrs()
	if err == nil {
		b.brokers.mu.Lock()
		b.brokers.known, b.brokers.at = known, b.now()
		b.brokers.mu.Unlock()
		addr = known[name]
	}
	if addr == "" {
		return "", fmt.Errorf("cannot find addr for broker %s", name)
	}
	return addr, nil
}

// askBrokerAddrs asks one name server after the other.
func (b *Broker) askBrokerAddrs() (map[string]string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), routeTimeout)
	defer cancel()
	err := errors.New("there is no name server")
	for _, server := range b.registrar.Servers() {
		var answer *codec.Frame
		if answer, err = b.client.Call(ctx, server, brokerCommand(protocol.GetBrokerClusterInfo, nil)); err != nil {
			continue
		}
		var info protocol.ClusterInfo
		if err = compat.UnmarshalFastjson(answer.Body, &info); err != nil {
			continue
		}
		known := make(map[string]string, len(info.BrokerAddrTable))
		for name, group := range info.BrokerAddrTable {
			if group != nil {
				known[name] = group.BrokerAddrs[protocol.MasterID]
			}
		}
		return known, nil
	}
	return nil, err
}

func brokerCommand(code protocol.RequestCode, h protocol.Header) *codec.Command {
	return &codec.Command{Code: int32(code), Language: protocol.LanguageJava, Version: protocol.CurrentVersion, Header: h}
}

// askBroker asks another broker and waits for the answer. A failure is the refusal that
// the client is answered with. Not for a connection's reader.
func (b *Broker) askBroker(ctx context.Context, name string, code protocol.RequestCode, h protocol.Header) (*codec.Frame, error) {
	addr, err := b.brokerAddr(name)
	if err != nil {
		return nil, refuse(protocol.ResponseSystemError, "%s", err)
	}
	ctx, cancel := context.WithTimeout(ctx, b.config.Load().ForwardTimeout)
	defer cancel()
	answer, err := b.client.Call(ctx, addr, brokerCommand(code, h))
	if err != nil {
		return nil, refuse(protocol.ResponseSystemError, "%s", err)
	}
	return answer, nil
}

// askFor is askBroker with the fields of the answer, which must be SUCCESS.
func askFor[T any, H interface {
	*T
	protocol.Header
}](b *Broker, name string, code protocol.RequestCode, h protocol.Header) (T, error) {
	var header T
	answer, err := b.askBroker(context.Background(), name, code, h)
	if err != nil {
		return header, err
	}
	if protocol.ResponseCode(answer.Code) != protocol.ResponseSuccess {
		return header, refuse(protocol.ResponseSystemError, "%s", remoteFault(name, answer))
	}
	if err := codec.DecodeHeader(H(&header), answer.Ext); err != nil {
		return header, refuse(protocol.ResponseSystemError, "broker %s: %s", name, err)
	}
	return header, nil
}

// remoteFault says what another broker answered instead of what was asked for.
func remoteFault(name string, answer *codec.Frame) string {
	return fmt.Sprintf("broker %s, where the queue lies, answered %s: %s", name, protocol.ResponseCode(answer.Code), answer.Remark)
}

// askJSON is askBroker for a body, which is lent nothing: it is the caller's.
func askJSON(ctx context.Context, b *Broker, name string, code protocol.RequestCode, h protocol.Header, body any) error {
	answer, err := b.askBroker(ctx, name, code, h)
	if err != nil {
		return err
	}
	if protocol.ResponseCode(answer.Code) != protocol.ResponseSuccess {
		return errors.New(remoteFault(name, answer))
	}
	return compat.UnmarshalFastjson(answer.Body, body)
}
