//go:build failpoint

package schema

import (
	"errors"
	"io/fs"
	"os"
	"slices"
)

// later adds the migrations of POINTSMAN_FAILPOINT_MIGRATIONS, a folder with one for each dialect, as a
// version to come would have them. A released program has no such thing.
func later(folder string, files fs.FS) fs.FS {
	dir := os.Getenv("POINTSMAN_FAILPOINT_MIGRATIONS")
	if dir == "" {
		return files
	}
	return both{files, os.DirFS(dir), folder}
}

// both is two file systems of which each has a part of one folder.
type both struct {
	first, second fs.FS
	folder        string
}

// Open implements fs.FS.
func (b both) Open(name string) (fs.File, error) {
	f, err := b.first.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return b.second.Open(name)
	}
	return f, err
}

// ReadDir implements fs.ReadDirFS.
func (b both) ReadDir(name string) ([]fs.DirEntry, error) {
	list, err := fs.ReadDir(b.first, name)
	if err != nil || name != b.folder {
		return list, err
	}
	more, err := fs.ReadDir(b.second, name)
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return slices.Concat(list, more), err // numbered on: by name, too
}
