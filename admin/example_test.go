package admin_test

import (
	"context"
	"fmt"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/gantrymq/gantry/admin"
	"github.com/gantrymq/gantry/protocol"
)

// These are programs as others write them: nothing but what the package exports, and the
// nouns of protocol.

// Topics of a cluster are created on each of its masters.
func ExampleClient_UpdateTopic() {
	ctx := context.Background()
	client := admin.New(admin.Options{NameServers: []string{"127.0.0.1:9876"}})
	defer client.Close()
	cluster, err := client.Cluster(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	masters, err := cluster.Masters("DefaultCluster")
	if err != nil {
		fmt.Println(err)
		return
	}
	topic := protocol.DefaultTopicConfig("Orders")
	topic.ReadQueueNums, topic.WriteQueueNums = 8, 8
	for _, addr := range masters {
		if err := client.UpdateTopic(ctx, addr, &topic); err != nil {
			fmt.Println(err)
		}
	}
}

// What an answer means is asked of the error.
func ExampleHasCode() {
	client := admin.New(admin.Options{NameServers: admin.ParseNameServers("127.0.0.1:9876;127.0.0.2:9876"), Timeout: time.Second})
	defer client.Close()
	_, err := client.Route(context.Background(), "Orders")
	switch {
	case err == nil:
		fmt.Println("the topic is there")
	case admin.HasCode(err, protocol.ResponseTopicNotExist):
		fmt.Println("no broker has the topic")
	default:
		fmt.Println("nobody could be asked:", err)
	}
}

// How far a group is behind, queue by queue.
func ExampleClient_GroupStats() {
	client := admin.New(admin.Options{NameServers: []string{"127.0.0.1:9876"}})
	defer client.Close()
	stats, err := client.GroupStats(context.Background(), "billing", "Orders", "")
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, q := range admin.SortedQueues(stats.OffsetTable) {
		o := stats.OffsetTable[q]
		fmt.Printf("%s %d: %d behind\n", q.BrokerName, q.QueueID, o.BrokerOffset-o.ConsumerOffset)
	}
}

// Messages are sent to a queue of the sender's choice.
func ExampleClient_NewSender() {
	ctx := context.Background()
	client := admin.New(admin.Options{NameServers: []string{"127.0.0.1:9876"}})
	defer client.Close()
	sender, err := client.NewSender(ctx, "Orders")
	if err != nil {
		fmt.Println(err)
		return
	}
	r, err := sender.Send(ctx, &admin.Outgoing{Topic: "Orders", Body: []byte("paid"), Properties: map[string]string{protocol.PropertyKeys: "order-1"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(r.MsgID)
}

// A call ends with its context, whatever its client's time is.
func TestCallsEndWithTheirContext(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0") // takes connections and says nothing
	if err != nil {
		t.Fatal(err)
	}
	client := admin.New(admin.Options{NameServers: []string{l.Addr().String()}, Timeout: time.Hour})
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		if c, err := l.Accept(); err == nil {
			cancel() // the call is under way
			defer c.Close()
			<-t.Context().Done()
		}
	})
	if _, err := client.Cluster(ctx); err == nil || ctx.Err() == nil {
		t.Errorf("the call ended with %v", err)
	}
	t.Cleanup(func() { l.Close(); client.Close(); wg.Wait() })
}
