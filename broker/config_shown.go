package broker

import (
	"maps"
	"strconv"

	"github.com/gantrymq/gantry/config"
)

// shownSettings are the settings as administrators see them: every official key,
// in upstream's order and form, with what this broker runs with where it honours
// the key, and with what was asked for where it does not; and whatever else the
// configuration file says.
func (b *Broker) shownSettings() *config.Settings {
	b.updating.Lock()
	file := maps.Clone(b.properties)
	cfg := b.config.Load()
	b.updating.Unlock()

	running := map[string]string{}
	for name, value := range config.Values(cfg) {
		if key, known := config.Broker.Key(name); known && key.Effect(config.Broker) == "" && value != "" {
			running[name] = value
		}
	}
	running["haListenPort"] = strconv.Itoa(int(cfg.HAAddr().Port()))
	source := config.FlagSource(file)
	source.Shown = true
	settings, _ := config.Load(config.Broker, config.ThisMachine(b.storeHost.Addr()), source, config.FlagSource(running))
	return settings
}
