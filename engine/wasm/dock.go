package wasm

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/tetratelabs/wazero"
)

// loadingDock is the folder through which native code reaches wazero, which takes it from
// files only. It is this process's own, and empty but for what is being loaded: an entry
// is authenticated in memory and written here, so that nobody can change it in between.
type loadingDock struct {
	dir string // "": closed
	in  string // where in it wazero looks
}

// openDock makes the folder and a wazero cache over it.
func openDock() (d loadingDock, cache wazero.CompilationCache, err error) {
	if d.dir, err = os.MkdirTemp("", "pointsman-guests-"); err != nil {
		return d, nil, err
	}
	in, cache, err := dockAt(d.dir)
	if err != nil {
		d.close()
		return d, nil, err
	}
	return in, cache, nil
}

// dockAt makes a wazero cache over a folder that holds nothing else.
func dockAt(dir string) (d loadingDock, cache wazero.CompilationCache, err error) {
	if cache, err = wazero.NewCompilationCacheWithDir(dir); err != nil {
		return d, nil, err
	}
	made, err := os.ReadDir(dir)
	if err != nil || len(made) != 1 {
		return d, nil, fmt.Errorf("wazero made %d folders in its cache (%w)", len(made), err)
	}
	return loadingDock{dir: dir, in: filepath.Join(dir, made[0].Name())}, cache, nil
}

// bring puts an entry where wazero finds it.
func (d loadingDock) bring(e compiledEntry) (os.FileInfo, error) {
	path := filepath.Join(d.in, e.file)
	if err := os.WriteFile(path, e.code, 0o600); err != nil {
		return nil, err
	}
	return os.Stat(path)
}

// take removes and returns the one entry that is there.
func (d loadingDock) take() (e compiledEntry, err error) {
	files, err := os.ReadDir(d.in)
	if err != nil {
		return e, err
	}
	if len(files) != 1 || len(files[0].Name()) != nameSize {
		return e, fmt.Errorf("%d compiled files, not one", len(files))
	}
	e.file = files[0].Name()
	path := filepath.Join(d.in, e.file)
	if e.code, err = os.ReadFile(path); err == nil {
		err = os.Remove(path)
	}
	return e, err
}

// clear removes what is there, and reports whether it was the file of that entry alone, as it was
// brought: wazero, where it does not find or does not want what is there, compiles what it was
// given and leaves a file of its own.
func (d loadingDock) clear(e compiledEntry, brought os.FileInfo) bool {
	files, err := os.ReadDir(d.in)
	alone := err == nil && len(files) == 1 && files[0].Name() == e.file
	if alone {
		now, err := files[0].Info()
		alone = err == nil && os.SameFile(now, brought)
	}
	for _, f := range files {
		_ = os.Remove(filepath.Join(d.in, f.Name()))
	}
	return alone
}

func (d loadingDock) close() {
	if d.dir != "" {
		_ = os.RemoveAll(d.dir)
	}
}
