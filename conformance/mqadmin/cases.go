package mqadmin

import (
	"embed"
	"maps"
	"os"
	"path/filepath"
	"time"

	"github.com/gantrymq/gantry/conformance"
	"github.com/gantrymq/gantry/conformance/javadriver"
)

//go:embed testdata
var scripts embed.FS

// Cases lists the cases: each script is played by the official tool and by ours, so that the
// two are compared on the same servers. When rewrite is not empty it is the folder of this
// package in the source tree: outputs of the official tool, seen with the official server,
// are then recorded there.
func Cases(pool *javadriver.Pool, own *Tool, rewrite string) ([]conformance.Case, error) {
	var all []conformance.Case
	err := conformance.EachScript(scripts, func(file, name, text string) error {
		s, err := parseScript(file, text)
		if err != nil {
			return err
		}
		c := s.head
		c.Name = "mqadmin/" + name
		c.Timeout = 4 * time.Minute // commands of all cases run one at a time
		c.Run = func(t *conformance.T) {
			record := rewrite != "" && t.Official()
			play(t, s, pool, nil, record)
			if record && !t.Failed() {
				t.Check(os.WriteFile(filepath.Join(rewrite, filepath.FromSlash(file)), []byte(s.format()), 0o644), "record %s", file)
			}
		}
		all = append(all, c)
		if s.officialOnly == "" && rewrite == "" {
			c.Name, c.Client = "admin/"+name, conformance.Admin
			if s.alone { // settings of another set of servers, without effect on any script
				c.Settings.Broker = maps.Clone(c.Settings.Broker)
				if c.Settings.Broker == nil {
					c.Settings.Broker = map[string]string{}
				}
				c.Settings.Broker["flushDelayOffsetInterval"] = "10001"
			}
			c.Run = func(t *conformance.T) { play(t, s, pool, own, false) }
			all = append(all, c)
		}
		return nil
	})
	return append(all, processCases(pool, own)...), err
}
