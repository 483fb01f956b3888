package configfile

import (
	"bytes"
	"slices"
)

// Growth lets a file take changes at its end instead of being written anew for
// each: a broker with ten thousand topics must not write megabytes for the next
// one. The text stays one that the official broker reads at any time: an entry
// that changed stands twice, and the later one counts.
//
// A change is then in the file, so that it survives the death of the process, but
// it is not synced; upstream never syncs its configuration. Settle syncs, and
// leaves the file in the form that encode gives it.
type Growth struct {
	// Closing is how a text of encode ends behind the last entry.
	Closing string
	// Entry is what every entry of Changes begins with, and nothing else in a text
	// of Changes: where a torn file is cut.
	Entry string
	// Changes appends to dst the entries that have changed since the last call of
	// it or of encode, in place of the closing before, and then a new closing, whose
	// length it returns. ok is false when entries cannot say what has changed: the
	// whole file is written then. It is called as encode is.
	Changes func(dst []byte) (text []byte, closing int, ok bool)
}

// wholeBelow is the size up to which a file may grow by changes whatever it
// was; a larger one may double.
const wholeBelow = 256 << 10

// Grow makes f a file that PersistChanges may extend. It is called before f is
// used.
func (f *File) Grow(g Growth) { f.growth = g }

// PersistChanges brings the file up to date by what it costs least. Callers that
// come together share a write, as those of Persist do. When it returns nil, the
// change is in the file; see Growth for what that means.
func (f *File) PersistChanges() error { return f.persist(false) }

// Settle makes durable what PersistChanges has left in the file, if anything, and
// gives the file the form of encode.
func (f *File) Settle() error {
	if !f.grown.Load() {
		return nil
	}
	return f.persist(true)
}

// extend appends the changes to the file, and reports whether it could. io is held.
func (f *File) extend() (done bool, err error) {
	if f.size == 0 || f.size-f.base > max(f.base, wholeBelow) {
		return false, nil
	}
	text, closing, ok := f.growth.Changes(f.text[:0])
	f.text = text[:0]
	if !ok {
		return false, nil
	}
	at := f.size - int64(f.closing)
	if err := f.fs.WriteAt(f.path, text, at); err != nil {
		f.size = 0 // what the file is now nobody knows
		return false, err
	}
	f.size, f.closing = at+int64(len(text)), closing
	f.grown.Store(true)
	return true, nil
}

// mend reads a file whose last changes are torn: entry by entry is cut off until
// decode takes what is left. A file that is damaged elsewhere stays unreadable.
func (f *File) mend(data []byte, decode func([]byte) error) bool {
	if f.growth.Changes == nil {
		return false
	}
	entry, closing := []byte(f.growth.Entry), []byte(f.growth.Closing)
	for len(data) > 0 {
		at := bytes.LastIndex(data, entry)
		for n := 1; at < 0 && n < len(entry); n++ {
			// The first change was cut within its first bytes, over the old closing.
			if base, ok := bytes.CutSuffix(data, slices.Concat(entry[:n], closing[min(n, len(closing)):])); ok {
				at = len(base)
			}
		}
		if at < 0 {
			return false
		}
		data = data[:at:at]
		if decode(append(data, closing...)) == nil {
			return true
		}
	}
	return false
}
