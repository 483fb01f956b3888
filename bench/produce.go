package bench

import (
	"sync/atomic"
	"time"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/protocol"
)

// producer sends to the queues of one broker in turn, on one connection.
type producer struct {
	o         *produceOptions
	templates []*template // of the broker's queues; shared
	turn      int
	shared    *producing
}

// producing is what the producers of a run have in common.
type producing struct {
	run    uint64
	serial atomic.Uint64
	left   *atomic.Int64 // messages still to be sent, nil without a limit
}

// request sends to the next queue. The connections start far from each other and
// go on from there, so that queues are filled evenly.
func (p *producer) request(dst []byte, _ int, opaque int32, due, now time.Time) []byte {
	n := int64(p.o.Batch)
	if left := p.shared.left; left != nil && left.Add(-n) < 0 {
		return dst
	}
	t := p.templates[p.turn]
	if p.turn++; p.turn == len(p.templates) {
		p.turn = 0
	}
	return t.append(dst, &stamps{
		opaque: opaque, now: now, due: due, run: p.shared.run, serial: p.shared.serial.Add(uint64(n)) - uint64(n),
		keys: p.o.Keys, tags: p.o.Tags,
	})
}

// answer counts the messages of a SUCCESS. Any other code is a failure under its
// name, also those that say that the message is in the log but not as safe as asked
// for (FLUSH_DISK_TIMEOUT and its like): they are no acknowledgement.
func (p *producer) answer(_ int, f *codec.Frame, _ time.Time) outcome {
	if code := protocol.ResponseCode(f.Code); code != protocol.ResponseSuccess {
		return outcome{failure: code.String()}
	}
	return outcome{messages: int64(p.o.Batch)}
}
