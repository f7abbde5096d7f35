package plugins

import (
	"encoding/json"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

func TestModules(t *testing.T) {
	t.Parallel()
	all := fstest.MapFS{
		"dist/.gitkeep":       {},
		"dist/openai.wasm":    {Data: []byte("o")},
		"dist/anthropic.wasm": {Data: []byte("a")},
		"dist/google.wasm":    {Data: []byte("g")},
	}
	without := func(names ...string) fstest.MapFS {
		files := maps.Clone(all)
		for _, name := range names {
			delete(files, name)
		}
		return files
	}
	for _, tc := range []struct {
		name        string
		files       fstest.MapFS
		want        []string
		wantMissing string // what ErrNotBuilt names; "" means no error
	}{
		{"all built", all, []string{"anthropic", "google", "openai"}, ""},
		{"fresh clone", fstest.MapFS{"dist/.gitkeep": {}}, nil, "anthropic, google, openai"},
		{"one missing", without("dist/google.wasm"), nil, "(missing: google)"},
		{"empty file", fstest.MapFS{"dist/openai.wasm": {}, "dist/anthropic.wasm": all["dist/anthropic.wasm"],
			"dist/google.wasm": all["dist/google.wasm"]}, nil, "(missing: openai)"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got, err := modules(tc.files)
			if tc.wantMissing != "" {
				if !errors.Is(err, ErrNotBuilt) || !strings.Contains(err.Error(), tc.wantMissing) {
					t.Fatalf("modules(%s) = %v, want ErrNotBuilt with %q", tc.name, err, tc.wantMissing)
				}
				return
			}
			if names := slices.Sorted(maps.Keys(got)); err != nil || !slices.Equal(names, tc.want) {
				t.Fatalf("modules(%s) = %v, %v, want %v", tc.name, names, err, tc.want)
			}
		})
	}
}

// Every folder with a guest is an adapter that the binary must carry, and its
// manifest has the folder's name.
func TestNames(t *testing.T) {
	t.Parallel()
	guests, err := filepath.Glob("*/guest/main.go")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, guest := range guests {
		folder := filepath.Dir(filepath.Dir(guest))
		got = append(got, folder)
		b, err := os.ReadFile(filepath.Join(folder, "manifest.json"))
		if err != nil {
			t.Fatal(err)
		}
		var manifest struct{ Name, Kind string }
		if err := json.Unmarshal(b, &manifest); err != nil || manifest.Name != folder || manifest.Kind != "provider" {
			t.Errorf("manifest of %s = %+v, %v, want its name and kind provider", folder, manifest, err)
		}
	}
	if !slices.Equal(got, names) {
		t.Errorf("folders with a guest = %q, names = %q", got, names)
	}
}
