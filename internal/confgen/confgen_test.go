package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// tree writes a small source tree with one struct in the folder broker.
func tree(t *testing.T, fields string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"broker/deep/config.go": "package deep\n\ntype Config struct {\n" + fields + "\n}\n",
		"broker/x_test.go":      "package broker\n\ntype c struct {\n\tA int `conf:\"onlyInTests\"`\n}\n",
		"defs/reasons.csv":      "reason,text\nr,is not used\n",
		"defs/keys.csv": "family,key,type,default,flags,reason,meaning\nbroker,a,int,1,I,r,first|key\nstore,b,String,null,,r,\n" +
			"store,c,double,0.5,R,r,\nnamesrv,n,int,=2*cpus,,r,\ntls,t,TlsMode,permissive,,r,mode\n",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func generate(dir string) (code, page string, err error) {
	out, doc := filepath.Join(dir, "k.go"), filepath.Join(dir, "docs", "c.md")
	err = run(filepath.Join(dir, "defs"), dir, out, doc)
	text, _ := os.ReadFile(out)
	md, _ := os.ReadFile(doc)
	return string(text), string(md), err
}

const reader = "\n}\n\nfunc (c *Config) read() { _, _ = c.A, c.B"

func TestEffects(t *testing.T) {
	dir := tree(t, "\tA int `conf:\"a\" when:\"start\"`\n\tB string `conf:\"b\"`"+reader)
	code, page, err := generate(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`{Family: "broker", Name: "a", Type: Int, standard: "1", flags: important, honoured: inBroker, atStart: inBroker, Meaning: "first|key", inert: "is not used"}`,
		`{Family: "store", Name: "b", Type: String, null: true, honoured: inBroker, Meaning: "", inert: "is not used"}`,
		`standard: "=2*cpus"`, `Type: Enum, enum: "TlsMode"`, `flags: notRemote`,
	} {
		if !strings.Contains(code, want) {
			t.Errorf("the table does not contain %s:\n%s", want, code)
		}
	}
	for _, want := range []string{
		"| `a` | int | `1` | at start | first\\|key |", "| `b` | String |  | live |  |", "| `c` | double | `0.5` | none: it is not used |  |", "| `n` | int | `2*cpus` |",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not contain %s:\n%s", want, page)
		}
	}
}

func TestFaultyBindings(t *testing.T) {
	for field, want := range map[string]string{
		"\tA int32 `conf:\"a\" default:\"1\"`" + reader:             "the tag default of a is of no use",
		"\tA int32 `conf:\"a\" inert:\"nobody asks\"`" + reader:     "the tag inert of a is of no use",
		"\tN int32 `conf:\"n\"`" + reader:                           "has no key n",
		"\tX int32 `conf:\"x\"`" + reader:                           "has no key x",
		"\tA int32 `conf:\"a\"`\n\tOther int `conf:\"b\"`" + reader: "b is bound to Other, which nobody reads",
	} {
		if _, _, err := generate(tree(t, field)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", field, err)
		}
	}
}

// A field of the shared room counts for the kinds of process that read it.
func TestSharedBindings(t *testing.T) {
	dir := tree(t, "")
	shared := "package config\n\ntype Shared struct {\n\tA int `conf:\"a\"`\n}\n"
	if err := os.MkdirAll(filepath.Join(dir, "config"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "config", "shared.go"), []byte(shared), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, page, err := generate(dir); err != nil || !strings.Contains(page, "| `a` | int | `1` | none: it is not used |") {
		t.Errorf("a shared field that nobody reads: %v\n%s", err, page)
	}
	read := "package broker\n\nfunc read(c Shared) int { return c.A }\n"
	if err := os.WriteFile(filepath.Join(dir, "broker", "read.go"), []byte(read), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, page, err := generate(dir); err != nil || !strings.Contains(page, "| `a` | int | `1` | live |") {
		t.Errorf("a shared field that the broker reads: %v\n%s", err, page)
	}
}
