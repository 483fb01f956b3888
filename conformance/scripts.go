package conformance

import (
	"io/fs"
	"path"
	"strings"
)

// EachScript reads the files below testdata that end with .txt, in the order of their
// names. f is given the path, by which a recording is written back, the path as cases are
// named after it, without testdata and ending, and the text.
func EachScript(files fs.FS, f func(file, name, text string) error) error {
	const root, ending = "testdata", ".txt"
	return fs.WalkDir(files, root, func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || path.Ext(file) != ending {
			return err
		}
		text, err := fs.ReadFile(files, file)
		if err != nil {
			return err
		}
		return f(file, strings.TrimSuffix(strings.TrimPrefix(file, root+"/"), ending), string(text))
	})
}
