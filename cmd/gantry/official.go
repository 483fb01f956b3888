package main

import (
	"slices"
	"strings"

	"github.com/gantrymq/gantry/config"
)

// officialOptions are the long options of the official servers. Their parser
// takes them behind one dash too, and any beginning that fits only one of them.
var officialOptions = []string{"configFile", "help", "namesrvAddr", "printConfigItem", "printImportantConfig"}

// proxyOptions are options of the official proxy, which mqbroker hands on when it
// starts one.
var proxyOptions = []string{"-pc", "-pm", "-bc"}

// officialArgs turns a call under an official script's name into a command, and
// what the official parser makes of its options into flags.
func officialArgs(name string, args []string) []string {
	switch name {
	case "mqnamesrv", "mqbroker", "mqshutdown", "mqadmin", "mqproxy", "mqcontroller":
		args = append([]string{strings.TrimPrefix(name, "mq")}, args...)
	}
	if len(args) == 0 || args[0] != "namesrv" && args[0] != "broker" {
		return args
	}
	spelled := slices.Clone(args)
	withProxy := slices.Contains(args, "--enable-proxy")
	for i, arg := range spelled {
		switch {
		case withProxy && slices.Contains(proxyOptions, arg):
			spelled[i] = "-" + arg
		case strings.HasPrefix(arg, "-"):
			spelled[i] = officialOption(arg)
		}
	}
	return spelled
}

// officialOption spells out a long option of the official servers.
func officialOption(arg string) string {
	name, value, hasValue := strings.Cut(strings.TrimLeft(arg, "-"), "=")
	if len(name) < 2 || config.IsOfficial(name) && strings.HasPrefix(arg, "--") {
		return arg
	}
	var fits []string
	for _, option := range officialOptions {
		if strings.HasPrefix(option, name) {
			fits = append(fits, option)
		}
	}
	if len(fits) != 1 {
		return arg
	}
	if hasValue {
		return "--" + fits[0] + "=" + value
	}
	return "--" + fits[0]
}
