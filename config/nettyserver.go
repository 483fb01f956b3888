package config

import "time"

// NettyServer holds the keys of upstream's NettyServerConfig, which every server
// process reads along with its own.
type NettyServer struct {
	BindAddress string `conf:"bindAddress" default:"0.0.0.0"`
	// ListenPort has a default of its own in each process.
	ListenPort int32 `conf:"listenPort" default:"0"`

	ServerChannelMaxIdleTime time.Duration `conf:"serverChannelMaxIdleTimeSeconds" unit:"s" default:"120"`
	EnableShutdownGracefully bool          `conf:"enableShutdownGracefully" default:"false"`
	ShutdownWaitTime         time.Duration `conf:"shutdownWaitTimeSeconds" unit:"s" default:"30"`

	ServerWorkerThreads                int32 `conf:"serverWorkerThreads" default:"8" inert:"frames are decoded by each connection's own goroutine"`
	ServerCallbackExecutorThreads      int32 `conf:"serverCallbackExecutorThreads" default:"0" inert:"there is no pool of callback threads"`
	ServerSelectorThreads              int32 `conf:"serverSelectorThreads" default:"3" inert:"the Go runtime polls the sockets"`
	ServerOnewaySemaphoreValue         int32 `conf:"serverOnewaySemaphoreValue" default:"256" inert:"what waits to be sent is bounded per connection, in bytes"`
	ServerAsyncSemaphoreValue          int32 `conf:"serverAsyncSemaphoreValue" default:"64" inert:"what waits to be sent is bounded per connection, in bytes"`
	ServerSocketSndBufSize             int32 `conf:"serverSocketSndBufSize" default:"0" inert:"the operating system sizes the socket buffers"`
	ServerSocketRcvBufSize             int32 `conf:"serverSocketRcvBufSize" default:"0" inert:"the operating system sizes the socket buffers"`
	WriteBufferHighWaterMark           int32 `conf:"writeBufferHighWaterMark" default:"0" inert:"what waits to be sent is bounded per connection, in bytes"`
	WriteBufferLowWaterMark            int32 `conf:"writeBufferLowWaterMark" default:"0" inert:"what waits to be sent is bounded per connection, in bytes"`
	ServerSocketBacklog                int32 `conf:"serverSocketBacklog" default:"1024" inert:"the backlog is the operating system's limit, net.core.somaxconn"`
	ServerNettyWorkerGroupEnable       bool  `conf:"serverNettyWorkerGroupEnable" default:"true" inert:"frames are decoded by each connection's own goroutine"`
	ServerPooledByteBufAllocatorEnable bool  `conf:"serverPooledByteBufAllocatorEnable" default:"true" inert:"buffers are always pooled"`
	UseEpollNativeSelector             bool  `conf:"useEpollNativeSelector" default:"false" inert:"the Go runtime polls the sockets"`
}
