package config

import (
	"maps"
	"time"

	"github.com/gantrymq/gantry/compat"
)

// Shown are the settings that configuration requests are answered with: those of
// the classes that upstream registers for it, without the ones that are null,
// and whatever else the file says, but for TLS: paths and passwords of keys are
// not for everybody who asks (intended difference 34).
func (s *Settings) Shown() map[string]string {
	m := s.stored()
	maps.DeleteFunc(m, func(name, _ string) bool {
		k, ok := s.process.Key(name)
		return ok && k.Family == "tls"
	})
	return m
}

// stored are the settings that an update writes to the file.
func (s *Settings) stored() map[string]string {
	m := make(map[string]string, len(s.process.index)+len(s.file))
	maps.Copy(m, s.file)
	for name, k := range s.process.index {
		if !s.process.answers(k.Family) || k.has(noField) {
			continue
		}
		if text, ok := s.Get(name); ok {
			m[name] = text
		}
	}
	return m
}

// Answer is the body of the answer to GET_BROKER_CONFIG or GET_NAMESRV_CONFIG: a
// line key=value for each setting that is shown, by key.
func (s *Settings) Answer() []byte { return compat.AppendProperties(nil, s.Shown()) }

// File is the content of the configuration file after an update: all that is
// shown, as upstream writes it, but with the escapes that are needed to read it
// again, and what the file said of TLS.
func (s *Settings) File() []byte { return compat.AppendPropertiesFile(nil, s.stored()) }

// AppendPrint appends what the official -p prints (with importantOnly, what -m
// prints): class after class, key=value behind a head as of a log line, which
// scripts cut off. The official -p shows the values before anything is derived
// from them, and so does this.
func (s *Settings) AppendPrint(dst []byte, now time.Time, importantOnly bool) []byte {
	head := now.Format("2006-01-02 15:04:05") + " INFO main - "
	for _, family := range s.process.printed {
		for i := range keys {
			k := &keys[i]
			if k.Family != family || k.has(noField|inherited) || importantOnly && !k.has(important) {
				continue
			}
			text, _ := s.value(k)
			dst = append(dst, head...)
			dst = append(dst, k.Name...)
			dst = append(dst, '=')
			dst = append(dst, text...)
			dst = append(dst, '\n')
		}
	}
	return dst
}
