package main

import (
	"github.com/gantrymq/gantry/conformance"
	"github.com/gantrymq/gantry/conformance/goclient"
	"github.com/gantrymq/gantry/conformance/process"
	"github.com/gantrymq/gantry/conformance/raw"
)

// cases lists the cases of every client. A new client adds its line here.
func cases(o options) ([]conformance.Case, error) {
	all, err := raw.Cases(o.rewrite)
	if err != nil {
		return nil, err
	}
	all = append(all, goclient.Cases()...)
	return append(all, process.Cases()...), nil
}
