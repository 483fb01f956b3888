package main

import "github.com/spf13/pflag"

// proxyFlags are what the official mqbroker script passes to a proxy that runs in
// the broker's process.
type proxyFlags struct {
	enabled      bool
	config, mode string
	brokerConfig string
}

func (p *proxyFlags) bind(flags *pflag.FlagSet) {
	flags.BoolVar(&p.enabled, "enable-proxy", false, "taken for the official script's sake: this version has no proxy")
	flags.StringVar(&p.config, "pc", "", "proxy configuration file; without effect")
	flags.StringVar(&p.mode, "pm", "", "proxy mode; without effect")
	flags.StringVar(&p.brokerConfig, "bc", "", "broker configuration file, if -c names none")
}

func (p *proxyFlags) warnings() []string {
	if !p.enabled && p.config == "" && p.mode == "" {
		return nil
	}
	return []string{"there is no proxy in this version: ports 8080 and 8081 are not served, remoting clients are"}
}
