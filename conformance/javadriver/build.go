package javadriver

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/gantrymq/gantry/conformance/java"
)

// The client releases that the driver is built with.
const (
	V498 = "4.9.8" // the last 4.x
	V550 = "5.5.0" // the newest; mqadmin and the official examples come with it
)

// ErrLacking marks errors about what the machine lacks: cases that need it are skipped
// with this reason, not failed.
var ErrLacking = errors.New("the Java driver cannot be had here")

// CacheDir is where builds are kept, outside the source tree.
func CacheDir() (string, error) {
	base := os.Getenv("XDG_CACHE_HOME")
	if base == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return "", fmt.Errorf("find the cache: %w", err)
		}
		base = filepath.Join(home, ".cache")
	}
	return filepath.Join(base, "gantry-conformance"), nil
}

// Build compiles the driver for a client release, unless the cache has it, and returns its
// class path. It needs mvn, a JDK and, the first time, a Maven repository to fetch from.
func Build(ctx context.Context, release string) (classPath string, err error) {
	for _, tool := range []string{"java", "mvn"} {
		if _, err := exec.LookPath(tool); err != nil {
			return "", fmt.Errorf("%w: %s is not installed", ErrLacking, tool)
		}
	}
	cache, err := CacheDir()
	if err != nil {
		return "", err
	}
	sum, err := sourceSum()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(cache, "java-driver-"+release+"-"+sum)
	classPath = filepath.Join(dir, "driver.jar") + string(os.PathListSeparator) + filepath.Join(dir, "lib", "*")
	if _, err := os.Stat(dir); err == nil {
		return classPath, nil
	}
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return "", fmt.Errorf("make the cache: %w", err)
	}
	// Built aside and renamed when complete: a broken build is never found, and of two
	// runs at once the first to finish wins.
	work, err := os.MkdirTemp(cache, "java-driver-build-")
	if err != nil {
		return "", fmt.Errorf("make the cache: %w", err)
	}
	defer os.RemoveAll(work)
	if err := maven(ctx, release, work); err != nil {
		return "", err
	}
	if err := os.Rename(filepath.Join(work, "out"), dir); err != nil && !errors.Is(err, fs.ErrExist) {
		if _, statErr := os.Stat(dir); statErr != nil {
			return "", fmt.Errorf("keep the built driver: %w", err)
		}
	}
	return classPath, nil
}

// maven unpacks the sources into work/src and builds them into work/out.
func maven(ctx context.Context, release, work string) error {
	src, out := filepath.Join(work, "src"), filepath.Join(work, "out")
	if err := os.CopyFS(src, java.Source); err != nil {
		return fmt.Errorf("unpack the driver's sources: %w", err)
	}
	cmd := exec.CommandContext(ctx, "mvn", "-q", "-B", "-Pclient-"+release, "-Dgantry.build="+out, "package")
	cmd.Dir = src
	if text, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: Maven could not build it for client %s: %w\n%s", ErrLacking, release, err, tail(string(text), 20))
	}
	return nil
}

// sourceSum names a version of the sources.
func sourceSum() (string, error) {
	h := sha256.New()
	err := fs.WalkDir(java.Source, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := fs.ReadFile(java.Source, path)
		fmt.Fprintf(h, "%s %d\n%s", path, len(content), content)
		return err
	})
	return hex.EncodeToString(h.Sum(nil)[:6]), err
}

// tail is the last n lines of a text.
func tail(text string, n int) string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
