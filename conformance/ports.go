package conformance

import (
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
)

// portPool hands out listening ports below the range that the kernel gives to outgoing
// connections, so that a server's port is not taken between two starts of the server.
type portPool struct {
	mu    sync.Mutex
	given map[int]bool // guarded by mu: every port ever handed out in this process
}

var ports = portPool{given: map[int]bool{}}

const lowestPort, highestPort = 12000, 31999

// take finds a port p such that p+d is free for every d of the offsets. A broker takes the
// offsets 0, -2 (VIP) and 1 (replication).
func (pp *portPool) take(offsets ...int) (int, error) {
	pp.mu.Lock()
	defer pp.mu.Unlock()
	for range 200 {
		p := lowestPort + rand.IntN(highestPort-lowestPort)
		if pp.free(p, offsets) {
			for _, d := range offsets {
				pp.given[p+d] = true
			}
			return p, nil
		}
	}
	return 0, fmt.Errorf("conformance: found no free ports between %d and %d", lowestPort, highestPort)
}

func (pp *portPool) free(p int, offsets []int) bool {
	for _, d := range offsets {
		if pp.given[p+d] {
			return false
		}
		l, err := net.Listen("tcp", net.JoinHostPort("", strconv.Itoa(p+d)))
		if err != nil {
			return false
		}
		l.Close()
	}
	return true
}
