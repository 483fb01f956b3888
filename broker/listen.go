package broker

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strconv"
	"time"

	"github.com/gantrymq/gantry/broker/stats"
	"github.com/gantrymq/gantry/remoting"
)

// listen opens the broker's ports. The second port (listenPort-2) is the one
// that old clients call VIP.
func (b *Broker) listen(cfg *Config) error {
	ip, err := resolveIP(cfg.BrokerIP1)
	if err != nil {
		return err
	}
	table, err := b.table(false)
	if err != nil {
		return err
	}
	vip, err := b.table(true)
	if err != nil {
		return err
	}
	o := remoting.ServerOptions{Idle: cfg.ServerChannelMaxIdleTime, OnOpen: b.sessionOpened, OnClose: b.sessionClosed, OnPanic: b.handlerPanicked, OnRefused: b.connectionRefused}
	if err := cfg.TLS.Apply(&o, func(err error) { b.log.Warn(err) }); err != nil {
		return err
	}
	o.GoAwayTime = func() time.Duration { return b.config.Load().GoAwayTime() }
	b.server = remoting.NewServer(o, table)
	at, err := b.server.Listen(hostPort(cfg.BindAddress, cfg.ListenPort))
	if err != nil {
		return fmt.Errorf("the broker's port: %w; bindAddress and listenPort say where it listens", err)
	}
	b.storeHost = netip.AddrPortFrom(ip, at.Port())
	b.told = b.storeHost.String()
	if cfg.BrokerIP1 != "" {
		b.told = hostPort(cfg.BrokerIP1, int32(at.Port()))
	}
	if cfg.ListenPort > 2 {
		if _, err := b.server.ListenTable(hostPort(cfg.BindAddress, cfg.ListenPort-2), vip); err != nil {
			return fmt.Errorf("the broker's fast port: %w; it is listenPort minus 2, here %d - 2", err, cfg.ListenPort)
		}
	}
	return nil
}

func hostPort(host string, port int32) string { return net.JoinHostPort(host, strconv.Itoa(int(port))) }

func (b *Broker) sessionOpened(remoting.Session) {
	b.stats.Item(stats.ChannelActivity, "CONNECT").Add(1, 1)
}

// sessionClosed forgets the client of a connection. One that was idle or broken counts
// as such besides, as upstream's events do.
func (b *Broker) sessionClosed(s remoting.Session, reason error) {
	activity := b.stats.Item(stats.ChannelActivity, "CLOSE")
	switch {
	case errors.Is(reason, remoting.ErrIdle):
		b.stats.Item(stats.ChannelActivity, "IDLE").Add(1, 1)
	case !errors.Is(reason, io.EOF) && !errors.Is(reason, remoting.ErrShutdown):
		b.stats.Item(stats.ChannelActivity, "EXCEPTION").Add(1, 1)
	}
	activity.Add(1, 1)
	b.producers.CloseSession(s)
	b.consumers.CloseSession(s)
	b.beats.forget(s)
}

func (b *Broker) connectionRefused(addr net.Addr, reason error) {
	b.log.WithError(reason).Debugf("a connection from %s was refused", addr)
}

func (b *Broker) handlerPanicked(p remoting.Panic) {
	b.log.WithField("stack", string(p.Stack)).Errorf("a handler of %s failed: %v", p.Request, p.Value)
}
