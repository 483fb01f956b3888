package table

import (
	"github.com/gantrymq/gantry/compat"
	"github.com/gantrymq/gantry/configfile"
)

// How the official text of a table ends behind its last configuration, and how one
// that was added at its end begins. The official form never begins a line with a
// quotation mark, so the second one is found nowhere else.
const (
	Closing    = "\n\t}\n}"
	EntryStart = ",\n\""
)

// Growth is how the file of the table grows. The text of the whole file must end
// with the configurations, as the official one does; whoever encodes it calls
// Written.
func (t *Table[C]) Growth() configfile.Growth {
	return configfile.Growth{Closing: Closing, Entry: EntryStart, Changes: t.changes}
}

// Written says that the text of the whole file was made from the table as it is
// now.
func (t *Table[C]) Written() { t.changed, t.rewrite = nil, false }

// changes is what the file lacks: entries for its end, and the new version, which
// stands twice then; readers take the later one.
func (t *Table[C]) changes(dst []byte) (text []byte, closing int, ok bool) {
	t.Lock()
	changed, version, rewrite := t.changed, t.Version, t.rewrite
	t.changed = nil
	t.Unlock()
	if rewrite {
		return dst, 0, false
	}
	var err error
	for _, e := range changed {
		dst = append(dst, ",\n"...)
		if dst, err = compat.AppendFastjson(dst, e.name, compat.Compact); err != nil {
			return dst, 0, false
		}
		dst = append(dst, ':')
		if dst, err = compat.AppendFastjson(dst, e.config, compat.Compact); err != nil {
			return dst, 0, false
		}
	}
	before := len(dst)
	dst = append(dst, "\n\t},\n\t\"dataVersion\":"...)
	if dst, err = compat.AppendFastjson(dst, version, compat.Compact); err != nil {
		return dst, 0, false
	}
	dst = append(dst, "\n}"...)
	return dst, len(dst) - before, true
}
