package config

import "strings"

// tlsFile says which file has settings of TLS beside the configuration file.
type tlsFile struct {
	Path string `conf:"tls.config.file" when:"start"`
}

// TLSFile is the path of the file with settings of TLS, which need not exist.
func (s *Settings) TLSFile() string {
	var f tlsFile
	if err := s.Bind(&f); err != nil {
		return ""
	}
	return f.Path
}

// TLSSource reads the settings of a TLSFile: those of TLS, whatever else the file
// says. The two that would lead elsewhere are not among them, as upstream.
func TLSSource(name string, content []byte) (Source, error) {
	src, err := FileSource(name, content)
	src.Shown = false
	var values []Value
	for _, v := range src.Values {
		if strings.HasPrefix(v.Key, "tls.") && v.Key != "tls.config.file" && v.Key != "tls.enable" {
			values = append(values, v)
		}
	}
	src.Values = values
	return src, err
}
