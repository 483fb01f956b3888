package namesrv

import (
	"errors"
	"fmt"

	"github.com/gantrymq/gantry/compat"
	"github.com/gantrymq/gantry/config"
	"github.com/gantrymq/gantry/protocol"
	"github.com/gantrymq/gantry/remoting"
)

// getConfig serves GET_NAMESRV_CONFIG (319): a line for each key, sorted.
func (s *Server) getConfig(r *remoting.Request) error {
	return success(r, s.settings.Settings().Answer(), nil)
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
	change, err := s.settings.Update(compat.PropertyMap(lines))
	if errors.Is(err, config.ErrDenied) {
		return remoting.Errorf(protocol.ResponseNoPermission, config.DeniedRemark)
	}
	if err != nil {
		return remoting.Errorf(protocol.ResponseSystemError, "%v", err)
	}
	s.configUpdated(r, change)
	if err := s.stored.Persist(); err != nil {
		s.log.Errorf("configuration: %v", err)
		return fmt.Errorf("the configuration was changed but could not be stored: %w", err)
	}
	return success(r, nil, nil)
}

// configUpdated lets an update take effect and says what it was.
func (s *Server) configUpdated(r *remoting.Request, change config.Change) {
	s.applying.Lock()
	defer s.applying.Unlock()
	s.routes.SetRules(s.rules(s.settings.Load()))
	settings := s.settings.Settings()
	for _, key := range change.Changed {
		text, _ := settings.Get(key)
		s.log.Infof("configuration: %s=%s, set by %s", key, text, r.Session.RemoteAddr())
	}
	for _, remark := range change.Remarks {
		s.log.Warnf("configuration: %s", remark)
	}
}
