package main

import "strings"

// initialisms are the words that Go writes in capitals.
var initialisms = map[string]string{
	"id": "ID", "ids": "IDs", "mq": "MQ", "kv": "KV", "ha": "HA", "ns": "NS", "lo": "Lo", "acl": "ACL", "cq": "CQ", "lmq": "LMQ",
	"rpc": "RPC", "ip": "IP",
}

// goNames are wire names whose Go name says more than their letters do.
var goNames = map[string]string{
	"bname":        "TargetBroker",
	"ns":           "Namespace",
	"nsd":          "Namespaced",
	"oway":         "OneWay",
	"lo":           "LogicalQueue",
	"clientID":     "ClientID",
	"haServerAddr": "HAServerAddr",
}

// fieldName gives the exported Go name of a wire field: camel case, with the
// initialisms of Go's style (queueId → QueueID).
func fieldName(wire string) string {
	if name, ok := goNames[wire]; ok {
		return name
	}
	var b strings.Builder
	for _, word := range camelWords(wire) {
		if up, ok := initialisms[strings.ToLower(word)]; ok {
			b.WriteString(up)
			continue
		}
		b.WriteString(strings.ToUpper(word[:1]) + word[1:])
	}
	return b.String()
}

// camelWords splits at each change from lower to upper case.
func camelWords(s string) []string {
	var words []string
	start := 0
	for i := 1; i < len(s); i++ {
		if isUpper(s[i]) && !isUpper(s[i-1]) {
			words = append(words, s[start:i])
			start = i
		}
	}
	return append(words, s[start:])
}

func isUpper(c byte) bool { return c >= 'A' && c <= 'Z' }

// constName gives the Go name of an upstream constant (SEND_MESSAGE_V2 → SendMessageV2).
func constName(upstream string) string {
	var b strings.Builder
	for _, word := range strings.Split(strings.ToLower(upstream), "_") {
		if up, ok := initialisms[word]; ok {
			b.WriteString(up)
			continue
		}
		b.WriteString(strings.ToUpper(word[:1]) + word[1:])
	}
	return b.String()
}
