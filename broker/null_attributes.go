package broker

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/gantrymq/gantry/compat"
	"github.com/gantrymq/gantry/protocol"
)

// attributed is what a topic or a group of a request says of its attributes.
type attributed struct {
	Attributes json.RawMessage `json:"attributes"`
}

// null is the name of an attribute that is null, "" when there is none. Where attributes are read as a map, such a one is left out.
func (a *attributed) null() string {
	var values map[string]json.RawMessage
	if json.Unmarshal(a.Attributes, &values) != nil { // no object: no attributes
		return ""
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if bytes.Equal(values[name], []byte("null")) {
			return name
		}
	}
	return ""
}

// checkGroupAttributes refuses a body with groups, or of one, that has an attribute that is null: upstream stumbles over it.
func checkGroupAttributes(body []byte) error {
	var given struct {
		attributed
		GroupConfigList []*attributed `json:"groupConfigList"`
	}
	if err := compat.UnmarshalFastjson(body, &given); err != nil {
		return err
	}
	for _, a := range append(given.GroupConfigList, &given.attributed) {
		if name := a.null(); name != "" {
			return fmt.Errorf("the attribute %s is null", name)
		}
	}
	return nil
}

// checkTopicAttributes is checkGroupAttributes for topics. Where upstream stumbles over those, it says why.
func checkTopicAttributes(body []byte) error {
	var given struct {
		TopicConfigList []*attributed `json:"topicConfigList"`
	}
	if err := compat.UnmarshalFastjson(body, &given); err != nil {
		return err
	}
	for _, a := range given.TopicConfigList {
		if name := a.null(); name != "" {
			return refuse(protocol.ResponseSystemError, "null value in entry: %s=null", name)
		}
	}
	return nil
}
