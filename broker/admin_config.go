package broker

import (
	"slices"
	"strings"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/compat"
	"github.com/gantrymq/gantry/config"
	"github.com/gantrymq/gantry/protocol"
	"github.com/gantrymq/gantry/remoting"
	"github.com/gantrymq/gantry/store"
)

// getConfig serves GET_BROKER_CONFIG (26): every key with its value, as
// properties text.
func (b *Broker) getConfig(r *remoting.Request) error {
	version, err := compat.MarshalFastjson(b.version.Load())
	if err != nil {
		return err
	}
	r.Reply(protocol.ResponseSuccess, "", &protocol.GetBrokerConfigResponseHeader{Version: string(version)}, b.shownSettings().Answer())
	return nil
}

// lockedKeys are never set by a request: a path would let a client write files
// where it wants.
var lockedKeys = []string{
	"brokerConfigPath", "rocketmqHome", "storePathRootDir", "storePathCommitLog", "storePathDLedgerCommitLog", "storePathEpochFile",
	"storePathBrokerIdentity", "readOnlyCommitLogStorePaths", "kvConfigPath", "configStorePath", "filterServerNums",
}

// updateConfig serves UPDATE_BROKER_CONFIG (25).
func (b *Broker) updateConfig(r *remoting.Request) error {
	properties, err := compat.ParseProperties(r.Body)
	if err != nil {
		return refuse(protocol.ResponseSystemError, "string2Properties error")
	}
	changes := compat.PropertyMap(properties)
	forbidden := append(strings.Split(b.config.Load().ConfigBlackList, ";"), lockedKeys...)
	for key := range changes {
		if slices.Contains(forbidden, key) {
			return refuse(protocol.ResponseNoPermission, "Can not update config in black list.")
		}
	}
	if err := b.applyConfig(changes); err != nil {
		return err
	}
	r.Reply(protocol.ResponseSuccess, "", nil, nil)
	return nil
}

// applyConfig makes a new snapshot with the changes, writes them to the file
// that the configuration came from, and lets them take effect. A value of the
// wrong form changes nothing, as upstream.
func (b *Broker) applyConfig(changes map[string]string) error {
	b.updating.Lock()
	defer b.updating.Unlock()
	next := *b.config.Load()
	if b.properties == nil {
		b.properties = map[string]string{}
	}
	for key, value := range changes {
		if _, err := config.Set(&next, key, value); err != nil {
			b.log.WithError(err).Warn("a value of an update of the configuration is passed over")
			continue
		}
		b.properties[key] = value
	}
	if b.configFile != nil {
		if err := b.configFile.Persist(); err != nil {
			return err
		}
	}
	b.config.Store(&next)
	version := b.version.Load().Next(b.now().UnixMilli(), 0)
	b.version.Store(&version)
	b.configChanged(&next)
	if _, ok := changes["brokerPermission"]; ok {
		// Name servers pass over topics of a version that they know.
		b.topics.NewVersion()
		b.permissionChanged.Store(true)
		b.registerSoon()
	}
	return nil
}

// configText is the configuration file after an update. updating is held.
func (b *Broker) configText() ([]byte, error) {
	return compat.AppendPropertiesFile(nil, b.properties), nil
}

// configChanged lets a new configuration take effect where it is not looked up
// each time.
func (b *Broker) configChanged(cfg *Config) {
	b.ownProperties.Store(newBrokerProperties(cfg.RegionID, cfg.BrokerClusterName, cfg.TraceOn, b.ids))
	trace := "false"
	if cfg.TraceOn {
		trace = "true"
	}
	b.sendExt.Store(&codec.Fields{{Key: protocol.PropertyMsgRegion, Value: cfg.RegionID}, {Key: protocol.PropertyTraceOn, Value: trace}})
	if b.store != nil {
		if err := b.store.Tune(func(t *store.Tuning) { tune(cfg, t) }); err != nil {
			b.log.WithError(err).Warn("the store does not take the new configuration")
		}
	}
	if b.registrar != nil {
		b.registrar.SetServers(nameServers(cfg.NamesrvAddr))
	}
}

// nameServers splits namesrvAddr.
func nameServers(text string) []string {
	var servers []string
	for server := range strings.SplitSeq(text, ";") {
		if server = strings.TrimSpace(server); server != "" {
			servers = append(servers, server)
		}
	}
	return servers
}
