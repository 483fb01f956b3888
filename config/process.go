package config

import "slices"

// Process is a kind of server process with the official keys that it reads.
type Process struct {
	Name string

	// families are the classes that are filled from its settings, in the order in
	// which they override each other when answered or shown.
	families []string
	// printed are the classes that -p prints.
	printed []string
	// answered are the classes that configuration requests read and change.
	answered []string
	// defaults replace the defaults of classes at start, by "family key".
	defaults map[string]string
	// refused are keys that update requests never change, by upstream's own rule.
	refused []string

	bit   processSet
	index map[string]*Key
}

// The kinds of process.
var (
	Namesrv = newProcess(Process{
		Name:     "namesrv",
		bit:      inNamesrv,
		families: []string{"tls", "nettyClient", "namesrv", "nettyServer"},
		printed:  []string{"namesrv", "nettyServer", "nettyClient"},
		answered: []string{"namesrv", "nettyServer"},
		defaults: map[string]string{"nettyServer listenPort": "9876"},
		refused:  []string{"configBlackList", "configStorePath", "kvConfigPath", "rocketmqHome"},
	})
	Broker = newProcess(Process{
		Name:     "broker",
		bit:      inBroker,
		families: []string{"tls", "auth", "tieredStore", "broker", "nettyServer", "nettyClient", "store"},
		printed:  []string{"broker", "nettyServer", "nettyClient", "auth"},
		answered: []string{"broker", "nettyServer", "nettyClient", "store"},
		defaults: map[string]string{"nettyServer listenPort": "10911"},
		refused:  []string{"brokerConfigPath", "rocketmqHome", "configBlackList"},
	})
	Controller = newProcess(Process{
		Name:     "controller",
		bit:      inController,
		families: []string{"nettyClient", "controller", "nettyServer"},
		printed:  []string{"controller", "nettyServer", "nettyClient"},
		answered: []string{"controller", "nettyServer"},
		defaults: map[string]string{"nettyServer listenPort": "19876"},
		refused:  []string{"configBlackList", "configStorePath", "rocketmqHome"},
	})
	Proxy = newProcess(Process{
		Name:     "proxy",
		bit:      inProxy,
		families: []string{"auth", "proxy"},
		printed:  []string{"proxy"},
	})
)

func newProcess(p Process) *Process {
	p.index = map[string]*Key{}
	for _, family := range p.families {
		for i := range keys {
			if k := &keys[i]; k.Family == family {
				p.index[k.Name] = k
			}
		}
	}
	return &p
}

// Key finds a key by its name. Where several classes have a key of that name,
// which one setting fills, it is the one that is shown last.
func (p *Process) Key(name string) (*Key, bool) {
	k, ok := p.index[name]
	return k, ok
}

// Has reports whether the process has a key.
func (p *Process) Has(name string) bool { return p.index[name] != nil }

// Keys lists the keys of the process by name.
func (p *Process) Keys() []*Key {
	list := make([]*Key, 0, len(p.index))
	for _, k := range p.index {
		list = append(list, k)
	}
	slices.SortFunc(list, func(a, b *Key) int { return compareNames(a.Name, b.Name) })
	return list
}

// IsOfficial reports whether any official program reads a key of that name.
func IsOfficial(name string) bool {
	return slices.ContainsFunc(keys[:], func(k Key) bool { return k.Name == name })
}
