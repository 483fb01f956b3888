package namesrv

import (
	"fmt"
	"maps"

	"github.com/gantrymq/gantry/compat"
	"github.com/gantrymq/gantry/config"
	"github.com/gantrymq/gantry/protocol"
	"github.com/gantrymq/gantry/remoting"
)

// getConfig serves GET_NAMESRV_CONFIG (319): a line for each key, sorted.
func (s *Server) getConfig(r *remoting.Request) error {
	text, err := s.configText()
	return success(r, text, err)
}

// configText is the configuration as upstream's Configuration shows and stores
// it: what the file said, overruled by what the keys are now. A path that was
// never set is null there and left out.
func (s *Server) configText() ([]byte, error) {
	c := s.settings.Load()
	all := maps.Clone(c.File)
	if all == nil {
		all = map[string]string{}
	}
	for key, value := range config.Values(c) {
		if value != "" {
			all[key] = value
		}
	}
	return compat.AppendProperties(nil, all), nil
}

// updateConfig serves UPDATE_NAMESRV_CONFIG (318). Keys that do not exist and
// values that do not fit are passed over, as upstream does; they are logged. The
// whole configuration then replaces the configuration file.
func (s *Server) updateConfig(r *remoting.Request) error {
	if len(r.Body) == 0 {
		return success(r, nil, nil)
	}
	lines, err := compat.ParseProperties(r.Body)
	if err != nil {
		return remoting.Errorf(protocol.ResponseSystemError, "string2Properties error")
	}
	update := compat.PropertyMap(lines)
	for key := range update {
		if s.refused[key] {
			return remoting.Errorf(protocol.ResponseNoPermission, "Can not update config in black list.")
		}
	}
	s.applyConfig(r, update)
	if err := s.stored.Persist(); err != nil {
		s.log.Errorf("configuration: %v", err)
		return fmt.Errorf("the configuration was changed but could not be stored: %w", err)
	}
	return success(r, nil, nil)
}

func (s *Server) applyConfig(r *remoting.Request, update map[string]string) {
	s.updating.Lock()
	defer s.updating.Unlock()
	next := *s.settings.Load()
	next.File = maps.Clone(next.File)
	for key, value := range update {
		_, inFile := next.File[key]
		known, err := config.Set(&next, key, value)
		switch {
		case err != nil:
			s.log.Warnf("configuration: %v", err)
			continue
		case !known && !inFile:
			s.log.Warnf("configuration: there is no key %s", key)
			continue
		case inFile:
			next.File[key] = value
		}
		s.log.Infof("configuration: %s=%s, set by %s", key, value, r.Session.RemoteAddr())
	}
	s.settings.Store(&next)
	s.routes.SetRules(s.rules(&next))
}
