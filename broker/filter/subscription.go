package filter

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gantrymq/gantry/compat"
	"github.com/gantrymq/gantry/protocol"
)

// TakesAll reports whether an expression is one of tags that every message
// passes.
func TakesAll(expression, expressionType string) bool {
	switch expressionType {
	case protocol.ExpressionTag:
		return expression == "" || expression == protocol.SubscribeAll
	case "":
		return expression == protocol.SubscribeAll
	}
	return false
}

// Subscribe builds the subscription that an expression means, as upstream's
// FilterAPI does. One of an empty type judges by tags, of which it has none: no message
// passes, unless the expression is *. Nothing of the arguments is kept.
func Subscribe(topic, expression, expressionType string) (*protocol.SubscriptionData, error) {
	s := &protocol.SubscriptionData{Topic: strings.Clone(topic), SubString: strings.Clone(expression)}
	if expressionType != protocol.ExpressionTag {
		if expression == "" {
			return nil, fmt.Errorf("a subscription of type %q needs an expression", expressionType)
		}
		s.ExpressionType = strings.Clone(expressionType)
		return s, nil
	}
	s.ExpressionType = protocol.ExpressionTag
	if expression == "" || expression == protocol.SubscribeAll {
		s.SubString = protocol.SubscribeAll
		return s, nil
	}
	for tag := range strings.SplitSeq(s.SubString, "||") {
		tag = strings.TrimSpace(tag)
		if tag == "" || slices.Contains(s.TagsSet, tag) {
			continue
		}
		s.TagsSet = append(s.TagsSet, tag)
		if code := compat.HashCode(tag); !slices.Contains(s.CodeSet, code) {
			s.CodeSet = append(s.CodeSet, code)
		}
	}
	if strings.Trim(expression, "|") == "" {
		return nil, fmt.Errorf("the tag expression %q holds no tag", expression)
	}
	return s, nil
}
