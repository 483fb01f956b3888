package admin

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// ParseAttributes reads changes of attributes as operators write them:
// "+key=value" sets, "-key" removes, with commas between (upstream's
// AttributeParser). The sign stays part of the key.
func ParseAttributes(text string) (map[string]string, error) {
	all := map[string]string{}
	if text == "" {
		return all, nil
	}
	for _, item := range strings.Split(text, ",") {
		item = strings.TrimSpace(item)
		key, value, set := strings.Cut(item, "=")
		switch {
		case set && strings.HasPrefix(key, "+") && len(key) > 1:
		case !set && strings.HasPrefix(key, "-") && len(key) > 1:
		default:
			return nil, fmt.Errorf("%q is no change of an attribute; write +key=value to set one and -key to remove it", item)
		}
		if _, twice := all[key]; twice {
			return nil, fmt.Errorf("attribute %s stands twice", key)
		}
		all[key] = value
	}
	return all, nil
}

// FormatAttributes is the inverse of ParseAttributes.
func FormatAttributes(m map[string]string) string {
	items := make([]string, 0, len(m))
	for _, key := range slices.Sorted(maps.Keys(m)) {
		if strings.HasPrefix(key, "-") {
			items = append(items, key)
		} else {
			items = append(items, key+"="+m[key])
		}
	}
	return strings.Join(items, ",")
}
