package vfs

import (
	"maps"
	"math/rand/v2"
	"slices"
)

// sectorSize is what a disk writes whole or not at all.
const sectorSize = 512

// Kill is what a killed process leaves: everything written, synced or not. m must not be used any more.
func (m *Memory) Kill() *Memory {
	m.mu.Lock()
	defer m.mu.Unlock()
	c := NewMemory()
	c.boot, c.capacity, c.now = m.boot, m.capacity, m.now
	nodes := map[*inode]*inode{}
	clone := func(n *inode) *inode {
		if nodes[n] == nil {
			nodes[n] = &inode{dir: n.dir, data: clonePages(n.data), synced: n.synced, allocated: map[int64]struct{}{}, modTime: n.modTime}
			for p := range n.allocated {
				nodes[n].allocated[p] = struct{}{}
			}
			nodes[n].lost = maps.Clone(n.lost)
		}
		return nodes[n]
	}
	for name, n := range m.names {
		c.names[name] = clone(n)
		c.used += int64(len(n.allocated)) * pageSize
	}
	for name, n := range m.durable {
		c.durable[name] = clone(n)
	}
	for _, op := range m.pending {
		if op.node != nil {
			op.node = clone(op.node)
		}
		c.pending = append(c.pending, op)
	}
	return c
}

// Reboot is what the luckiest power failure leaves: everything, as after Kill, but nobody can know.
func (m *Memory) Reboot() *Memory {
	c := m.Kill()
	c.boot++
	return c
}

// Crash is what a power failure leaves. Synced data and names are there. Of every page that was not synced, each sector
// holds the old or the new bytes by rng's choice; of the names made, removed or changed in a directory since its last sync, a
// first part holds. m must not be used any more.
func (m *Memory) Crash(rng *rand.Rand) *Memory {
	m.mu.Lock()
	defer m.mu.Unlock()
	c := NewMemory()
	c.boot, c.capacity, c.now = m.boot+1, m.capacity, m.now
	names := map[string]*inode{}
	for name, n := range m.durable {
		names[name] = n
	}
	lost := map[string]bool{} // directories whose later changes are lost
	for _, op := range m.pending {
		if lost[op.dir] || rng.IntN(8) == 0 {
			lost[op.dir] = true
			continue
		}
		op.apply(names)
	}
	for _, name := range slices.Sorted(maps.Keys(names)) { // the same seed loses the same
		n := names[name]
		if !reachable(names, name) {
			continue
		}
		left := n.crash(rng)
		c.names[name], c.durable[name] = left, left
		c.used += int64(len(left.allocated)) * pageSize
	}
	return c
}

// reachable tells whether all directories above a name survived.
func reachable(names map[string]*inode, name string) bool {
	for i := 1; i < len(name); i++ {
		if name[i] == '/' && (names[name[:i]] == nil || !names[name[:i]].dir) {
			return false
		}
	}
	return true
}

// crash is what is left of a file.
func (n *inode) crash(rng *rand.Rand) *inode {
	left := &inode{dir: n.dir, modTime: n.modTime, allocated: map[int64]struct{}{}}
	if n.dir {
		return left
	}
	size := len(n.data)
	if len(n.synced) != size && rng.IntN(2) == 0 {
		size = len(n.synced)
	}
	left.data = make([]byte, size)
	copy(left.data, n.synced)
	mode := rng.IntN(4) // most pages lost, most kept, or each by the coin
	for p := int64(0); p*pageSize < int64(size); p++ {
		live, dst := page(n.data, p), page(left.data, p)
		if len(live) < len(dst) {
			continue
		}
		if _, ok := n.allocated[p]; ok {
			left.allocated[p] = struct{}{}
		}
		if samePages(dst, live) {
			continue
		}
		for s := 0; s < len(dst); s += sectorSize {
			keep := rng.IntN(2) == 0
			switch mode {
			case 0:
				keep = rng.IntN(16) == 0
			case 1:
				keep = rng.IntN(16) != 0
			}
			if keep {
				copyPages(dst[s:min(s+sectorSize, len(dst))], live[s:])
			}
		}
	}
	left.synced = clonePages(left.data)
	return left
}
