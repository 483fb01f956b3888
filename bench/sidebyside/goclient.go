package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/apache/rocketmq-client-go/v2"
	"github.com/apache/rocketmq-client-go/v2/primitive"
	"github.com/apache/rocketmq-client-go/v2/producer"
	"github.com/apache/rocketmq-client-go/v2/rlog"
)

// sendWithGoClient is the load of the Go client: one producer, goroutines that send
// one message after the other, until ctx ends. It is run as a process of its own, as
// the Java programs are. target is a name server and a topic, with a comma between.
func sendWithGoClient(ctx context.Context, target string, out io.Writer) error {
	const goroutines, size = 16, 1024
	nameServer, topic, ok := strings.Cut(target, ",")
	if !ok {
		return fmt.Errorf("-go-client %s: it is name server and topic, with a comma between", target)
	}
	rlog.SetLogLevel("error")
	p, err := rocketmq.NewProducer(
		producer.WithNameServer(primitive.NamesrvAddr{nameServer}), producer.WithGroupName("GantryBenchGoClient"), producer.WithRetry(0),
	)
	if err != nil {
		return err
	}
	if err := p.Start(); err != nil {
		return err
	}
	body := bytes.Repeat([]byte("x"), size)
	var failed atomic.Int64
	var sending sync.WaitGroup
	for range goroutines {
		sending.Go(func() {
			for ctx.Err() == nil {
				if r, err := p.SendSync(ctx, primitive.NewMessage(topic, body)); err != nil || r.Status != primitive.SendOK {
					failed.Add(1)
				}
			}
		})
	}
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-tick.C:
			fmt.Fprintf(out, "Send Failed: %d\n", failed.Load())
		}
	}
	sending.Wait()
	return errors.Join(p.Shutdown())
}
