package main

import (
	"context"
	"runtime/debug"
	"runtime/metrics"
	"sync"
	"time"
)

// How the servers use memory, and why neither GOGC nor GOMEMLIMIT is set here.
//
// A message in flight allocates nothing, so the live heap stays at one to five
// megabytes and the collector's least goal of 4 MiB is what paces it: at 40,000
// messages a second with SYNC_FLUSH, the path that allocates most, it runs less
// than twice a second and takes under 1 % of the processor time. A higher GOGC
// would buy nothing, a lower one would cost, and a limit has nothing to limit:
// what grows with load are bounded buffers. GOGC and GOMEMLIMIT in the
// environment work as they do for any Go program.
//
// The other side of it is that after a burst nothing allocates, so nothing
// collects: buffers for a thousand connections would stay for minutes, until the
// runtime collects for want of any other reason. memoryKeeper does it sooner.

const (
	memoryCheck = 10 * time.Second
	// memoryRest is how much may be held without anybody looking: the budget at
	// rest is 40 MB.
	memoryRest = 24 << 20
	// memoryPasses is how often memory is returned when things have become quiet:
	// pools let go of their content at the second collection.
	memoryPasses = 2
)

// withMemoryReturned runs serve, and gives memory back to the operating system
// when a burst is over.
func withMemoryReturned(ctx context.Context, serve func(context.Context) error) error {
	watchCtx, stop := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() { returnMemory(watchCtx) })
	defer wg.Wait()
	defer stop()
	return serve(ctx)
}

func returnMemory(ctx context.Context) {
	tick := time.NewTicker(memoryCheck)
	defer tick.Stop()
	var k memoryKeeper
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if k.due(readMemory()) {
				debug.FreeOSMemory()
				k.collections = readMemory().collections
			}
		}
	}
}

// memoryUse is what the runtime says of itself.
type memoryUse struct {
	collections uint64 // since the start
	held        uint64 // bytes that the operating system has given and not got back
}

func readMemory() memoryUse {
	s := []metrics.Sample{{Name: "/gc/cycles/total:gc-cycles"}, {Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(s)
	return memoryUse{collections: s[0].Value.Uint64(), held: s[1].Value.Uint64() - s[2].Value.Uint64()}
}

// memoryKeeper decides when memory is returned. The zero value is ready.
type memoryKeeper struct {
	collections uint64
	passes      int // made since the runtime last collected on its own
}

// due is asked now and then. The runtime's own collections say that the process
// is at work: then it is left alone.
func (k *memoryKeeper) due(m memoryUse) bool {
	if m.collections != k.collections {
		k.collections, k.passes = m.collections, 0
		return false
	}
	if m.held <= memoryRest || k.passes == memoryPasses {
		return false
	}
	k.passes++
	return true
}
