package queuelock

import (
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/gantrymq/gantry/protocol"
)

func queues(ids ...int32) []protocol.MessageQueue {
	var list []protocol.MessageQueue
	for _, id := range ids {
		list = append(list, protocol.MessageQueue{Topic: "T", BrokerName: "b", QueueID: id})
	}
	return list
}

func TestLocks(t *testing.T) {
	now := int64(1_000_000)
	m := New(func() int64 { return now }, DefaultExpiry)
	lock := func(group, client string, ids []int32, want ...int32) {
		t.Helper()
		if got := m.LockBatch(group, client, queues(ids...)); !slices.Equal(got, queues(want...)) {
			t.Errorf("%s got %v, want queues %v", client, got, want)
		}
	}
	lock("G", "a", []int32{0, 1}, 0, 1)
	lock("G", "b", []int32{1, 2}, 2)
	lock("H", "b", []int32{1}, 1) // another group does not care
	if !m.IsLocked("G", "a", queues(1)[0]) || m.IsLocked("G", "b", queues(1)[0]) || m.AllExpired("G") || !m.AllExpired("none") {
		t.Error("the locks are not told right")
	}

	now += DefaultExpiry // the last moment
	lock("G", "b", []int32{0})
	lock("G", "a", []int32{1}, 1) // renewed
	now++
	lock("G", "b", []int32{0, 1}, 0)
	if m.IsLocked("G", "a", queues(0)[0]) || !m.IsLocked("G", "b", queues(0)[0]) {
		t.Error("the expired lock was not passed on")
	}

	m.UnlockBatch("G", "b", queues(0, 1)) // b does not hold 1
	m.UnlockBatch("none", "b", queues(0))
	lock("G", "c", []int32{0, 1}, 0)
	lock("G", "c", nil)
}

func TestExpire(t *testing.T) {
	now := int64(0)
	m := New(func() int64 { return now }, 10)
	m.LockBatch("G", "a", queues(0))
	now = 11
	m.LockBatch("H", "a", queues(0))
	if !m.AllExpired("G") || m.AllExpired("H") {
		t.Error("AllExpired is wrong")
	}
	m.Expire()
	if len(m.groups) != 1 || !m.IsLocked("H", "a", queues(0)[0]) {
		t.Errorf("left: %v", m.groups)
	}
	m.UnlockBatch("H", "a", queues(0))
	if len(m.groups) != 0 {
		t.Errorf("an empty group is kept: %v", m.groups)
	}
}

// However many clients ask at once, a queue has one holder.
func TestOneHolder(t *testing.T) {
	m := New(func() int64 { return 0 }, 10)
	var holders atomic.Int32
	var wg sync.WaitGroup
	for _, client := range []string{"a", "b", "c", "d"} {
		wg.Go(func() {
			if len(m.LockBatch("G", client, queues(0))) == 1 {
				holders.Add(1)
			}
		})
	}
	wg.Wait()
	if holders.Load() != 1 {
		t.Errorf("%d holders", holders.Load())
	}
}
