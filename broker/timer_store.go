package broker

import (
	"errors"
	"fmt"
	"path/filepath"

	"github.com/gantrymq/gantry/broker/timer"
	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/protocol"
)

// openTimer takes up the delivery of messages with a time of their own where it was.
// b.timer stays nil when timerWheelEnable is off.
func (b *Broker) openTimer(cfg *Config, dir string) error {
	if !cfg.TimerWheelEnable {
		return nil
	}
	o := b.timerOptions(cfg, dir)
	o.Distrust = b.store.Distrusted()
	service, loaded, err := timer.Open(o)
	if err := b.noteLoad(loaded, err); err != nil {
		return err
	}
	b.timer = service
	return nil
}

func (b *Broker) timerOptions(cfg *Config, dir string) timer.Options {
	return timer.Options{
		Store: timerStore{b}, Now: func() int64 { return b.now().UnixMilli() }, Settings: b.timerSettings,
		Root: cfg.StorePathRootDir, Checkpoint: filepath.Join(dir, "timercheck"), Metrics: filepath.Join(dir, "timermetrics"),
		Precision: cfg.TimerPrecision.Milliseconds(), RollWindow: int64(cfg.TimerRollWindowSlot), FileSize: cfg.MappedFileSizeTimerLog,
		FlushInterval: cfg.TimerFlushInterval,
		OnError:       func(err error) { b.log.WithError(err).Warn("the timer") },
	}
}

func (b *Broker) timerSettings() timer.Settings {
	cfg := b.config.Load()
	return timer.Settings{
		MaxDelay: cfg.TimerMaxDelay.Milliseconds(), CongestPerSlot: int64(cfg.TimerCongestNumEachSlot),
		StopEnqueue: cfg.TimerStopEnqueue, DeleteKeyWithTopic: cfg.AppendTopicForTimerDeleteKey,
	}
}

// divertTimed turns a message that asks for a delivery time to the timer topic. Its
// delay level, which is stronger, has been looked at.
func (b *Broker) divertTimed(msg *codec.Message) error {
	if msg.Topic == protocol.TopicWheelTimer || !timer.IsTimed(msg.Properties) {
		return nil
	}
	_, err := b.timer.Divert(msg)
	cfg := b.config.Load()
	limit := int64(cfg.TimerCongestNumEachSlot)
	switch {
	case errors.Is(err, timer.ErrOff):
		return refuse(protocol.ResponseSystemError, "accurate timer message is not enabled, timerWheelEnable is false")
	case errors.Is(err, timer.ErrIllegal):
		return refuse(protocol.ResponseMessageIllegal,
			"timer message illegal, the delay time should not be bigger than the max delay %dms; or if set del msg, the delay time should be bigger than the current time",
			cfg.TimerMaxDelay.Milliseconds())
	case errors.Is(err, timer.ErrFlowControl):
		return refuse(protocol.ResponseSystemError,
			"timer message is under flow control, max num limit is %d or the current value is greater than %d and less than %d, trigger random flow control",
			2*limit, limit, 2*limit)
	}
	return err
}

// timerStore is the message store as the timer sees it.
type timerStore struct{ b *Broker }

// Range is the first and last offset of the timer topic's queue.
func (s timerStore) Range() (first, end int64) { return s.b.queueBounds(protocol.TopicWheelTimer, 0) }

// Entries appends entries of the timer topic's queue.
func (s timerStore) Entries(dst []timer.Entry, from int64, most int) []timer.Entry {
	units, err := s.b.store.Units(protocol.TopicWheelTimer, 0, from, most)
	if err != nil {
		s.b.log.WithError(err).Warn("the queue of the timer topic cannot be read")
	}
	for _, u := range units {
		dst = append(dst, timer.Entry{Offset: u.QueueOffset, Physical: u.Physical, Size: u.Size})
	}
	return dst
}

// Message reads a record of the commit log.
func (s timerStore) Message(physical int64, m *codec.Message) error {
	err := s.b.readMessage(physical, m)
	if lo, hi := s.b.store.LogRange(); err != nil && (physical < lo || physical >= hi) {
		return fmt.Errorf("%w: its record is gone: %w", timer.ErrSkip, err)
	}
	return err
}

// LogRange is the range of the commit log.
func (s timerStore) LogRange() (first, end int64) { return s.b.store.LogRange() }

// Append stores a message whose time has come.
func (s timerStore) Append(m *codec.Message) error {
	size, err := s.b.appendDue(m, timer.ErrSkip)
	if err == nil {
		s.b.countPut(m.Topic, 1, size)
	}
	return err
}

// Flush makes the commit log durable.
func (s timerStore) Flush() error { return s.b.store.Flush() }

// SyncFailed stops all writing: what waits is derived from the commit log as queues are.
func (s timerStore) SyncFailed(err error) { s.b.store.SyncFailed(err) }
