package broker

import (
	"bytes"
	"slices"
	"sync"

	"github.com/gantrymq/gantry/broker/clients"
	"github.com/gantrymq/gantry/broker/stats"
	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/protocol"
	"github.com/gantrymq/gantry/remoting"
)

// A client says the same every thirty seconds for as long as it lives. So a
// heartbeat that has changed nothing is kept, byte for byte, with all that its
// outcome depends on. When it comes again over the same connection and none of that
// has changed, it would again change nothing and be answered the same: it is not
// read, and only the times when its clients were last heard of move on.
//
// What the outcome depends on, and how a change of it shows:
//
//   - the settings, groups, topics and registered filters: beatFacts;
//   - the client as a member of its groups, and what the groups' heartbeats are
//     compared with (subscriptions, fingerprint): clients.Standing.

// beat is a heartbeat that was served. It does not change once it is kept.
type beat struct {
	body      []byte
	facts     beatFacts
	standings []clients.Standing
	consumers int  // groups that were registered
	producers int  // the same of producers
	changed   bool // what was answered as IS_SUB_CHANGE
}

// beatFacts is what the outcome of all heartbeats depends on.
type beatFacts struct {
	config                  *Config
	groups, topics, filters uint64
}

func (b *Broker) beatFacts() beatFacts {
	return beatFacts{b.config.Load(), b.groups.Generation(), b.topics.Generation(), b.filters.Generation()}
}

// quiet reports whether no registration changed anything.
func (h *beat) quiet() bool { return !slices.Contains(h.standings, clients.Standing{}) }

// The answers to heartbeats, by whether the subscriptions are wanted next time.
var (
	beatAnswer        = codec.Fields{{Key: "IS_SUPPORT_HEART_BEAT_V2", Value: "true"}, {Key: "IS_SUB_CHANGE", Value: "false"}}
	beatAnswerChanged = codec.Fields{{Key: "IS_SUPPORT_HEART_BEAT_V2", Value: "true"}, {Key: "IS_SUB_CHANGE", Value: "true"}}
)

func (h *beat) reply(r *remoting.Request) {
	fields := beatAnswer
	if h.changed {
		fields = beatAnswerChanged
	}
	r.ReplyExt(protocol.ResponseSuccess, "", nil, fields, nil)
}

// beatAgain does what serving a heartbeat again would do, and reports whether it
// would still do no more than that. If not, it has to be served.
func (b *Broker) beatAgain(h *beat) bool {
	if h.facts != b.beatFacts() {
		return false
	}
	now := b.now().UnixMilli()
	for _, s := range h.standings {
		if !s.Refresh(now) {
			return false
		}
	}
	if h.consumers > 0 {
		b.stats.Registered(stats.ConsumerRegisterTime, 0, h.consumers)
	}
	if h.producers > 0 {
		b.stats.Registered(stats.ProducerRegisterTime, 0, h.producers)
	}
	return true
}

// How much is kept for one connection. Several heartbeats come over one where it
// carries several clients, and where a client lists its groups in changing order, as
// Java's sets have it.
const (
	keepBeats     = 4
	keepBeatBytes = 16 << 10
)

// beats are the heartbeats that are kept: session → []*beat, the newest first. A
// slice never changes.
type beats struct{ bySession sync.Map }

// find returns what is kept of a heartbeat, or nil. It allocates nothing.
func (k *beats) find(r *remoting.Request) *beat {
	v, ok := k.bySession.Load(r.Session)
	if !ok {
		return nil
	}
	for _, h := range *v.(*[]*beat) {
		if bytes.Equal(h.body, r.Body) {
			return h
		}
	}
	return nil
}

// keep keeps a heartbeat in place of what was kept of the same before.
func (k *beats) keep(r *remoting.Request, h *beat) {
	if len(r.Body) > keepBeatBytes {
		return
	}
	h.body = bytes.Clone(r.Body)
	kept := []*beat{h}
	size := len(h.body)
	if v, ok := k.bySession.Load(r.Session); ok {
		for _, old := range *v.(*[]*beat) {
			size += len(old.body)
			if len(kept) < keepBeats && size <= keepBeatBytes && !bytes.Equal(old.body, h.body) {
				kept = append(kept, old)
			}
		}
	}
	kept = slices.Clip(kept)
	k.bySession.Store(r.Session, &kept)
}

// forget lets go of what was kept for a session.
func (k *beats) forget(s remoting.Session) { k.bySession.Delete(s) }
