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
	if cache, err = wazero.NewCompilationCacheWithDir(d.dir); err != nil {
		d.close()
		return d, nil, err
	}
	made, err := os.ReadDir(d.dir)
	if err != nil || len(made) != 1 {
		d.close()
		return d, nil, fmt.Errorf("wazero made %d folders in its cache (%w)", len(made), err)
	}
	d.in = filepath.Join(d.dir, made[0].Name())
	return d, cache, nil
}

// bring puts an entry where wazero finds it.
func (d loadingDock) bring(e compiledEntry) error {
	return os.WriteFile(filepath.Join(d.in, e.file), e.code, 0o600)
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

// drop removes an entry.
func (d loadingDock) drop(e compiledEntry) { _ = os.Remove(filepath.Join(d.in, e.file)) }

func (d loadingDock) close() {
	if d.dir != "" {
		_ = os.RemoveAll(d.dir)
	}
}
