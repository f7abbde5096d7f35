// Package plugins holds the plugins that come with Pointsman: one provider adapter
// per vendor's wire, built to wasm with the same SDK that everyone else has.
//
// This package embeds the built modules for the server. It is not where an adapter's
// logic is: that is in openai, anthropic and google, each importable and tested as
// plain Go, with chat as their common canonical side. Read openai/openai.go first;
// replay_test.go runs recorded exchanges through all of them.
package plugins

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
)

// dist is filled by "make build" and empty in a fresh clone, but for a placeholder.
//
//go:embed all:dist
var dist embed.FS

// ErrNotBuilt is what [Modules] returns from a binary that was built without the guests.
var ErrNotBuilt = errors.New("the first-party plugins are not built into this binary: run make build")

// names are the adapters that every binary must carry.
var names = []string{"anthropic", "google", "openai"}

// Modules returns the built modules by plugin name, manifest section included. The
// bytes are copies; the caller owns them.
// Errors: ErrNotBuilt, naming what is missing.
func Modules() (map[string][]byte, error) { return modules(dist) }

// Module returns one of the built modules, a copy that the caller owns.
// Errors: ErrNotBuilt.
func Module(name string) ([]byte, error) {
	module, err := dist.ReadFile(path.Join("dist", name+".wasm"))
	if err != nil {
		return nil, fmt.Errorf("%w (missing: %s)", ErrNotBuilt, name)
	}
	return module, nil
}

func modules(files fs.FS) (map[string][]byte, error) {
	built, err := fs.Glob(files, "dist/*.wasm")
	if err != nil {
		return nil, fmt.Errorf("list the built plugins: %w", err)
	}
	all := make(map[string][]byte, len(built))
	for _, name := range built {
		module, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", name, err)
		}
		all[strings.TrimSuffix(path.Base(name), ".wasm")] = module
	}
	var missing []string
	for _, name := range names {
		if len(all[name]) == 0 {
			missing = append(missing, name)
		}
	}
	if missing != nil {
		return nil, fmt.Errorf("%w (missing: %s)", ErrNotBuilt, strings.Join(missing, ", "))
	}
	return all, nil
}
