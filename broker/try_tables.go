package broker

import (
	"io"

	"github.com/sirupsen/logrus"

	"github.com/gantrymq/gantry/broker/timer"
	"github.com/gantrymq/gantry/broker/transaction"
	"github.com/gantrymq/gantry/configfile"
)

// tryTables reads every table as it will be read, and looks at the sizes of the timer's
// files and of compacted queues, and changes nothing. What has to be refused is refused here: the store comes
// before the tables, and after a crash its start repairs the log, which a start that is
// refused must not. The topics stay, because the store asks for them.
func (b *Broker) tryTables(cfg *Config, dir string) error {
	quiet := logrus.New()
	quiet.SetOutput(io.Discard) // what there is to say is said when the tables are opened
	trial := &Broker{config: b.config, log: quiet, now: b.now, levels: b.levels, name: b.name, changed: make(chan struct{}, 1), tables: configfile.Trial}
	if err := trial.openTables(cfg, dir); err != nil {
		return err
	}
	if err := trial.openDelay(cfg, dir); err != nil {
		return err
	}
	if err := trial.openPopTables(dir); err != nil {
		return err
	}
	if err := transaction.Try(b.transactionOptions(dir)); err != nil {
		return err
	}
	if cfg.TimerWheelEnable {
		if err := timer.Try(b.timerOptions(cfg, dir)); err != nil {
			return err
		}
	}
	if err := tryCompaction(cfg); err != nil {
		return err
	}
	b.storedTopics = trial.topics
	return nil
}
