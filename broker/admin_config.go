package broker

import (
	"errors"
	"fmt"
	"net/netip"
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
	r.Reply(protocol.ResponseSuccess, "", &protocol.GetBrokerConfigResponseHeader{Version: string(version)}, b.config.Settings().Answer())
	return nil
}

// updateConfig serves UPDATE_BROKER_CONFIG (25). The new settings take effect,
// and all of them replace the configuration file.
func (b *Broker) updateConfig(r *remoting.Request) error {
	if r.Body == nil {
		r.Reply(protocol.ResponseSuccess, "", nil, nil)
		return nil
	}
	lines, err := compat.ParseProperties(r.Body)
	if err != nil {
		return refuse(protocol.ResponseSystemError, "string2Properties error")
	}
	values := compat.PropertyMap(lines)
	change, err := b.config.Update(values)
	if errors.Is(err, config.ErrDenied) {
		return refuse(protocol.ResponseNoPermission, config.DeniedRemark)
	}
	if err != nil {
		return refuse(protocol.ResponseSystemError, "%v", err)
	}
	b.configUpdated(change, r.Session.RemoteAddr())
	if _, ok := values["brokerPermission"]; ok {
		// Name servers pass over topics of a version that they know.
		b.topics.NewVersion()
		b.permissionChanged.Store(true)
		b.registerSoon()
	}
	if err := b.configFile.Persist(); err != nil {
		return fmt.Errorf("the configuration was changed but could not be stored: %w", err)
	}
	r.Reply(protocol.ResponseSuccess, "", nil, nil)
	return nil
}

// configUpdated lets an update take effect and says what it was.
func (b *Broker) configUpdated(change config.Change, by netip.AddrPort) {
	b.applying.Lock()
	defer b.applying.Unlock()
	version := b.version.Load().Next(b.now().UnixMilli())
	b.version.Store(&version)
	b.configChanged(b.config.Load())
	settings := b.config.Settings()
	for _, key := range change.Changed {
		text, _ := settings.Get(key)
		b.log.Infof("configuration: %s=%s, set by %s", key, text, by)
	}
	for _, remark := range change.Remarks {
		b.log.Warnf("configuration: %s", remark)
	}
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
	if b.offsets != nil { // the last that is opened: the store and all tables are
		b.topics.SetAutoCreate(cfg.AutoCreateTopicEnable)
		b.groups.SetAutoCreate(cfg.AutoCreateSubscriptionGroup)
		b.offsets.SetServerSideReset(cfg.UseServerSideResetOffset)
		b.offsets.SetVersionStep(cfg.OffsetVersionStep)
		b.delay.SetVersionStep(cfg.DelayVersionStep)
		b.popper.LimitInFlight(cfg.EnablePopMessageThreshold, cfg.PopInflightMessageThreshold)
		if err := b.store.Tune(func(t *store.Tuning) { tune(cfg, t) }); err != nil {
			b.log.WithError(err).Warn("the store does not take the new configuration")
		}
	}
	b.pools.tune(cfg)
	b.hold.SetRecheck(recheckPulls(cfg))
	b.registrar.SetServers(nameServers(cfg.NamesrvAddr))
	b.registrar.SetForm(registrationForm(cfg))
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
