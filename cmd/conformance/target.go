package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/gantrymq/gantry/conformance"
	"github.com/gantrymq/gantry/conformance/docker"
)

// newTarget makes a target of a kind. What the machine lacks for it is said in the target, and
// then counted; an error is a mistake in how the command was called, or a build that fails.
func newTarget(ctx context.Context, kind conformance.Kind, o options) (*conformance.Target, func(), error) {
	target := &conformance.Target{Kind: kind}
	closeTarget := func() {}
	switch kind {
	case conformance.KindProcess:
		binary, remove, err := gantryBinary(ctx, o.gantry)
		if err != nil {
			return nil, nil, err
		}
		closeTarget = remove
		target.Implementation, target.Self = conformance.Gantry, &conformance.GantryLauncher{Binary: binary}
		target.Reference, target.ReferenceLacking = reference(ctx, o)
	case conformance.KindContainer:
		target.Implementation = conformance.Official
		launcher, err := docker.NewLauncher(ctx, o.image)
		if err != nil {
			target.Lacking = lacking(err.Error())
			break
		}
		target.Self, target.Reference = launcher, launcher
	case conformance.KindJVM:
		target.Implementation = conformance.Official
		launcher, err := jvm(o)
		if err != nil {
			target.Lacking = lacking(err.Error())
			break
		}
		target.Self, target.Reference = launcher, launcher
	case conformance.KindExternal:
		target.Implementation = o.external
		target.NameServers, target.Brokers = addresses(o.nameServers), addresses(o.brokers)
		if len(target.NameServers) == 0 {
			return nil, nil, errors.New("-target external needs -namesrv, and -broker for most cases")
		}
	default:
		return nil, nil, fmt.Errorf("-target %q is none of process, container, jvm, external", kind)
	}
	return target, closeTarget, nil
}

// reference is the official release for topologies that mix it with Gantry: containers where
// they can be had, plain JVMs otherwise.
func reference(ctx context.Context, o options) (conformance.Launcher, string) {
	launcher, dockerErr := docker.NewLauncher(ctx, o.image)
	if dockerErr == nil {
		return launcher, ""
	}
	plain, err := jvm(o)
	if err == nil {
		return plain, ""
	}
	return nil, lacking(dockerErr.Error() + "; " + err.Error())
}

// lacking prefers what the preparation said over what we notice: it knows the cause.
func lacking(noticed string) string {
	if said := setting("GANTRY_CONFORMANCE_LACKING", ""); said != "" {
		return "lacking: " + said
	}
	return "lacking: " + noticed
}

func jvm(o options) (conformance.Launcher, error) {
	if jars, _ := filepath.Glob(filepath.Join(o.lib, "rocketmq-broker-*.jar")); o.lib == "" || len(jars) == 0 {
		return nil, errors.New("no official jars (conformance/prepare/prepare.sh fetches them)")
	}
	if _, err := exec.LookPath("java"); err != nil {
		return nil, errors.New("no java program")
	}
	return &conformance.JVMLauncher{Lib: o.lib}, nil
}

// gantryBinary builds the server for this run unless a binary is given. The build is static,
// as the released one is.
func gantryBinary(ctx context.Context, given string) (string, func(), error) {
	if given != "" {
		path, err := filepath.Abs(given)
		return path, func() {}, err
	}
	dir, err := os.MkdirTemp("", "gantry-build-")
	if err != nil {
		return "", nil, err
	}
	remove := func() { os.RemoveAll(dir) }
	binary := filepath.Join(dir, "gantry")
	cmd := exec.CommandContext(ctx, "go", "build", "-o", binary, "github.com/gantrymq/gantry/cmd/gantry")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		remove()
		return "", nil, fmt.Errorf("building gantry: %w\n%s", err, out)
	}
	return binary, remove, nil
}

func addresses(list string) []string {
	return strings.FieldsFunc(list, func(r rune) bool { return r == ';' || r == ',' })
}

// settings are what conformance/prepare/prepare.sh found, by name. The environment wins.
var settings = readSettings()

func setting(name, otherwise string) string {
	if v := os.Getenv(name); v != "" {
		return v
	}
	if v := settings[name]; v != "" {
		return v
	}
	return otherwise
}

// readSettings reads the file that the preparation left in the user's cache folder; where there is none, the
// defaults serve. The address of the Docker daemon goes to the environment, where the
// libraries look for it.
func readSettings() map[string]string {
	found := map[string]string{}
	cache, err := os.UserCacheDir()
	if err != nil {
		return found
	}
	f, err := os.Open(filepath.Join(cache, "gantry-conformance", "settings.env"))
	if err != nil {
		return found
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if name, value, ok := strings.Cut(lines.Text(), "="); ok && !strings.HasPrefix(name, "#") {
			found[name] = value
		}
	}
	if host := found["DOCKER_HOST"]; host != "" && os.Getenv("DOCKER_HOST") == "" {
		_ = os.Setenv("DOCKER_HOST", host)
	}
	return found
}
