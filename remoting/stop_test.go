package remoting

import (
	"context"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/protocol"
)

// TestStopServesWhatHasArrived: a one-way request that lies in the socket when
// the server is told to stop is served. Nobody would ever learn that it was lost.
func TestStopServesWhatHasArrived(t *testing.T) {
	entered, proceed := make(chan struct{}), make(chan struct{})
	var served atomic.Int32
	table, err := NewTable(Route{Code: protocol.UpdateConsumerOffset, Handle: func(*Request) error {
		if served.Add(1) == 1 {
			close(entered)
			<-proceed
		}
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	s := NewServer(ServerOptions{DrainTimeout: time.Minute}, table)
	addr, err := s.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = s.Run(ctx)
	}()
	c, err := net.Dial("tcp", addr.String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	oneWay := codec.AppendCommand(nil, &codec.Command{
		Code: int32(protocol.UpdateConsumerOffset), Flag: protocol.FlagOneway, Version: protocol.V5_5_0,
	})
	write := func() {
		if _, err := c.Write(oneWay); err != nil {
			t.Fatal(err)
		}
	}
	write()
	<-entered
	write() // it waits in the socket: the reader is busy with the first
	cancel()
	for _, conn := range s.connections() {
		for !conn.stopping.Load() {
			time.Sleep(time.Millisecond)
		}
	}
	close(proceed)
	<-ended
	if n := served.Load(); n != 2 {
		t.Errorf("%d requests were served, want both", n)
	}
}
