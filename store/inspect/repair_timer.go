package inspect

import (
	"errors"
	"fmt"
	"io/fs"
	"path"

	"github.com/gantrymq/gantry/protocol"
)

// planTimer moves wrong files of the timer out of the way. What waits is in the commit log too, and Gantry enters it again when
// it starts; the official broker would not.
func (p *Plan) planTimer() error {
	var log, wheel, check bool
	for _, f := range p.v.damage {
		log = log || f.Kind == "timer log" || f.Kind == "size" && path.Dir(f.Where) == p.d.timerLog()
		wheel = wheel || f.Kind == "timer wheel"
		check = check || f.Kind == "timer checkpoint"
	}
	if log {
		entries, err := p.d.o.FS.ReadDir(p.d.timerLog())
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("list the timer log: %w", err)
		}
		for _, e := range entries {
			p.moves[path.Join(p.d.timerLog(), e.Name())] = true
		}
		p.step("move the timer log aside: Gantry, not the official broker, enters what waits again from %s when it starts next", protocol.TopicWheelTimer)
	}
	if log || wheel {
		p.moves[p.d.wheelPath()] = true
		p.step("move the timer wheel aside: it is made again from the timer log")
	}
	if check {
		p.moves[p.d.timerCheckPath()] = true
		p.step("move the timer's checkpoint aside: messages that were delivered in the last days may be delivered again")
	}
	return nil
}
