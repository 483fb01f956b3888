package main

import (
	"bytes"
	"fmt"
	"strings"
)

// generateRequests writes the request code constants and their table. A line is
// code, upstream name, handlers, tier and key=value pairs.
func generateRequests(text string, headers map[string]*header) ([]byte, error) {
	var consts, table bytes.Buffer
	err := lines(text, func(_ int, line string) error {
		words := strings.Fields(line)
		if len(words) < 4 {
			return fmt.Errorf("%q has fewer than four columns", line)
		}
		code, upstream, handlers, tier := words[0], words[1], words[2], words[3]
		name := constName(upstream)
		fmt.Fprintf(&consts, "%s RequestCode = %s // %s\n", name, code, upstream)
		fmt.Fprintf(&table, "{Code: %s, Name: %q, Handlers: %s, Tier: %s", name, upstream, handlerSet(handlers), tier)
		for _, pair := range words[4:] {
			key, value, ok := strings.Cut(pair, "=")
			if !ok {
				return fmt.Errorf("%q is not key=value", pair)
			}
			fmt.Fprintf(&table, ", %s", requestAttribute(key, value))
			if key == "header" {
				table.WriteString(resourceFields(value, headers))
			}
		}
		table.WriteString("},\n")
		return nil
	})
	var b bytes.Buffer
	fmt.Fprintf(&b, "// Request codes, by upstream's names (class RequestCode).\nconst (\n%s)\n\n", consts.String())
	fmt.Fprintf(&b, "// requestCodes is sorted by code.\nvar requestCodes = [...]RequestInfo{\n%s}\n", table.String())
	return b.Bytes(), err
}

func handlerSet(handlers string) string {
	if handlers == "none" {
		return "0"
	}
	var set []string
	for _, h := range strings.Split(handlers, ",") {
		set = append(set, map[string]string{
			"namesrv": "ByNamesrv", "broker": "ByBroker", "controller": "ByController", "client": "ByClient",
		}[h])
	}
	return strings.Join(set, "|")
}

// resourceFields names the ext fields of a header that say which resources a
// request touches.
func resourceFields(name string, headers map[string]*header) string {
	h, ok := headers[name]
	if !ok {
		return ""
	}
	var b strings.Builder
	for _, f := range h.fields {
		if f.resource == "" {
			continue
		}
		key := f.wire
		if name == h.shortName {
			key = f.short
		}
		fmt.Fprintf(&b, "{Key: %q, Kind: %q, Splitter: %q},", key, f.resource, f.splitter)
	}
	if b.Len() == 0 {
		return ""
	}
	return ", Resources: []ResourceField{" + b.String() + "}"
}

func requestAttribute(key, value string) string {
	switch key {
	case "header":
		return fmt.Sprintf("NewHeader: func() Header { return new(%s) }", value)
	case "answer":
		return fmt.Sprintf("NewAnswer: func() Header { return new(%s) }", value)
	case "action":
		return fmt.Sprintf("Actions: []string{%s}", quoted(strings.Split(value, ",")))
	default:
		return fmt.Sprintf("Resource: %q", value)
	}
}

// generateResponses writes the response code constants and their table. A line
// is code, upstream name and meaning.
func generateResponses(text string) ([]byte, error) {
	var consts, table bytes.Buffer
	err := lines(text, func(_ int, line string) error {
		words := strings.Fields(line)
		if len(words) < 3 {
			return fmt.Errorf("%q has fewer than three columns", line)
		}
		name := "Response" + constName(words[1])
		fmt.Fprintf(&consts, "%s ResponseCode = %s // %s\n", name, words[0], strings.Join(words[2:], " "))
		fmt.Fprintf(&table, "%s: %q,\n", name, words[1])
		return nil
	})
	var b bytes.Buffer
	fmt.Fprintf(&b, "// Response codes, by upstream's names (classes ResponseCode and RemotingSysResponseCode).\nconst (\n%s)\n\n", consts.String())
	fmt.Fprintf(&b, "var responseNames = map[ResponseCode]string{\n%s}\n", table.String())
	return b.Bytes(), err
}
