package config

import "time"

// NettyServer holds the keys of upstream's NettyServerConfig, which every server
// process reads along with its own, as far as they are honoured.
type NettyServer struct {
	BindAddress string `conf:"bindAddress" when:"start"`
	// ListenPort has a default of its own in each process.
	ListenPort int32 `conf:"listenPort" when:"start"`

	ServerChannelMaxIdleTime time.Duration `conf:"serverChannelMaxIdleTimeSeconds" unit:"s" when:"start"`
	EnableShutdownGracefully bool          `conf:"enableShutdownGracefully"`
	ShutdownWaitTime         time.Duration `conf:"shutdownWaitTimeSeconds" unit:"s"`
}

// GoAwayTime is how long clients are told to go elsewhere while the server stops.
func (n *NettyServer) GoAwayTime() time.Duration {
	if !n.EnableShutdownGracefully {
		return 0
	}
	return n.ShutdownWaitTime
}
