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

func TestEffects(t *testing.T) {
	dir := tree(t, "\tA int32 `conf:\"a\" default:\"1\"`\n\tB string `conf:\"b\" inert:\"nobody asks\"`")
	code, page, err := generate(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`{Family: "broker", Name: "a", Type: Int, standard: "1", flags: important, inBroker: true, Meaning: "first|key", inert: "is not used"}`,
		`{Family: "store", Name: "b", Type: String, null: true, Meaning: "", inert: "nobody asks"}`,
		`standard: "=2*cpus"`, `Type: Enum, enum: "TlsMode"`, `flags: notRemote`,
	} {
		if !strings.Contains(code, want) {
			t.Errorf("the table does not contain %s:\n%s", want, code)
		}
	}
	for _, want := range []string{
		"| `a` | int | `1` | honoured | first\\|key |", "| `b` | String |  | none: nobody asks |  |", "| `c` | double | `0.5` | none: is not used |  |", "| `n` | int | `2*cpus` |",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not contain %s:\n%s", want, page)
		}
	}
}

func TestFaultyBindings(t *testing.T) {
	for field, want := range map[string]string{
		"\tA int32 `conf:\"a\" default:\"2\"`": "not the official one",
		"\tN int32 `conf:\"n\"`":               "has no key n",
		"\tX int32 `conf:\"x\"`":               "has no key x",
	} {
		if _, _, err := generate(tree(t, field)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", field, err)
		}
	}
}
