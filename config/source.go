package config

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/gantrymq/gantry/compat"
)

// FileSource reads the settings of an official configuration file. name is the
// file's name, for messages.
func FileSource(name string, content []byte) (Source, error) {
	props, err := compat.ParseProperties(content)
	if err != nil {
		return Source{}, fmt.Errorf("configuration file %s: %w", name, err)
	}
	src := Source{Name: name, Shown: true}
	for _, p := range props {
		src.Values = append(src.Values, Value{p.Key, p.Value, p.Line})
	}
	return src, nil
}

// JSONSource reads the settings of a proxy's configuration file, one JSON object.
func JSONSource(name string, content []byte) (Source, error) {
	values := map[string]any{}
	if err := compat.UnmarshalFastjson(content, &values); err != nil {
		return Source{}, fmt.Errorf("configuration file %s: %w", name, err)
	}
	src := Source{Name: name, Shown: true}
	for key, v := range values {
		text, ok := v.(string)
		if !ok {
			b, err := compat.MarshalFastjson(v)
			if err != nil {
				return Source{}, fmt.Errorf("configuration file %s, key %s: %w", name, key, err)
			}
			text = string(b)
		}
		src.Values = append(src.Values, Value{Key: key, Text: text})
	}
	sortValues(src.Values)
	return src, nil
}

// EnvironmentSource takes the keys of a process from variables of the
// environment, which is a list of name=value as os.Environ returns it.
// GANTRY_BROKER_NAME is brokerName.
func EnvironmentSource(p *Process, environ []string) Source {
	names := map[string]string{}
	for _, k := range p.Keys() {
		names[EnvironmentName(k.Name)] = k.Name
	}
	src := Source{Name: "the environment"}
	for _, pair := range environ {
		name, text, _ := strings.Cut(pair, "=")
		if key, ok := names[name]; ok {
			src.Values = append(src.Values, Value{Key: key, Text: text})
		}
	}
	sortValues(src.Values)
	return src
}

// EnvironmentWarnings tells of variables that are no key's, by a name that is
// near that of a key of the process.
func EnvironmentWarnings(p *Process, environ []string) (warnings []Warning) {
	official := map[string]bool{}
	for i := range keys {
		official[EnvironmentName(keys[i].Name)] = true
	}
	for _, pair := range environ {
		name, _, _ := strings.Cut(pair, "=")
		if !strings.HasPrefix(name, variablePrefix) || official[name] {
			continue
		}
		if near := p.Near(strings.ReplaceAll(strings.TrimPrefix(name, variablePrefix), "_", "")); near != "" {
			warnings = append(warnings, Warning{"the environment", near, "there is no setting " + name + "; is " + EnvironmentName(near) + " meant?"})
		}
	}
	return warnings
}

// FlagSource takes the keys that were given on the command line.
func FlagSource(flags map[string]string) Source {
	src := Source{Name: "the command line"}
	for key, text := range flags {
		src.Values = append(src.Values, Value{Key: key, Text: text})
	}
	sortValues(src.Values)
	return src
}

// Without is the source without some keys.
func (s Source) Without(keys ...string) Source {
	s.Values = slices.DeleteFunc(slices.Clone(s.Values), func(v Value) bool { return slices.Contains(keys, v.Key) })
	return s
}

func sortValues(values []Value) {
	slices.SortFunc(values, func(a, b Value) int { return cmp.Compare(a.Key, b.Key) })
}

// variablePrefix begins the names of all variables that are settings.
const variablePrefix = "GANTRY_"

// EnvironmentName is the variable that sets a key: brokerIP1 is
// GANTRY_BROKER_IP1, tls.server.keyPath is GANTRY_TLS_SERVER_KEY_PATH.
func EnvironmentName(key string) string {
	var b strings.Builder
	b.WriteString(variablePrefix)
	runes := []rune(key)
	for i, r := range runes {
		if r == '.' {
			r = '_'
		}
		if unicode.IsUpper(r) && i > 0 && !unicode.IsUpper(runes[i-1]) {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToUpper(r))
	}
	return b.String()
}

// Usage is the help text of a key's flag.
func (k *Key) Usage() string {
	if k.standard == "" {
		return k.Meaning
	}
	standard := strings.TrimPrefix(k.standard, "=")
	if k.Type == String {
		standard = strconv.Quote(standard)
	}
	return strings.TrimSpace(k.Meaning + " (default " + standard + ")")
}
