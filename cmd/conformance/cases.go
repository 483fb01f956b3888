package main

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/gantrymq/gantry/conformance"
	"github.com/gantrymq/gantry/conformance/goclient"
	"github.com/gantrymq/gantry/conformance/javaclient"
	"github.com/gantrymq/gantry/conformance/javadriver"
	"github.com/gantrymq/gantry/conformance/mqadmin"
	"github.com/gantrymq/gantry/conformance/process"
	"github.com/gantrymq/gantry/conformance/raw"
)

// cases lists the cases of every client. A new client adds its line here. Cases that drive
// Java programs take their processes from the pool.
func cases(o options, java *javadriver.Pool, own *mqadmin.Tool) ([]conformance.Case, error) {
	all, err := raw.Cases(o.rewrite)
	if err != nil {
		return nil, err
	}
	all = append(all, goclient.Cases(o.kills)...)
	all = append(all, process.Cases()...)
	tool, err := mqadmin.Cases(java, own, beside(o.rewrite, "mqadmin"))
	if err != nil {
		return nil, err
	}
	all = append(all, tool...)
	return append(all, javaclient.Cases(java)...), nil
}

// beside is the folder of another package next to the one that is being recorded.
func beside(rewrite, name string) string {
	if rewrite == "" {
		return ""
	}
	return filepath.Join(filepath.Dir(filepath.Clean(rewrite)), name)
}

// javaReleases names the releases of the Java driver that the cases need.
func javaReleases(cases []conformance.Case) []string {
	of := map[conformance.Client]string{
		conformance.Java498: javadriver.V498, conformance.Java550: javadriver.V550,
		conformance.MQAdmin: javadriver.V550, conformance.Admin: javadriver.V550, conformance.Example: javadriver.V550,
	}
	needed := map[string]bool{}
	for _, c := range cases {
		if release, ok := of[c.Client]; ok {
			needed[release] = true
		}
	}
	return slices.Sorted(maps.Keys(needed))
}

// random is the comparison of targets that -random asks for.
func random(o options) ([]conformance.Case, error) {
	seed, number, one := strings.Cut(o.random, "/")
	r := &raw.Random{Count: o.count, Recording: o.recording}
	var err error
	if r.Seed, err = strconv.ParseUint(seed, 10, 64); err != nil {
		return nil, fmt.Errorf("-random: %w", err)
	}
	if one {
		if r.First, err = strconv.Atoi(number); err != nil {
			return nil, fmt.Errorf("-random: %w", err)
		}
	}
	c, err := r.Case()
	return []conformance.Case{c}, err
}
