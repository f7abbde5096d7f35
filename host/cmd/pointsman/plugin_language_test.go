package main

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/pointsman/pointsman/engine/wasm"
)

// What each language's new plugin holds: a whole project, under its own name, and the SDK.
func TestNewFiles(t *testing.T) {
	t.Parallel()
	for _, l := range languages {
		t.Run(l.id, func(t *testing.T) {
			t.Parallel()
			all, err := newFiles(sdkSources(), l, "by-language")
			if err != nil {
				t.Fatalf("newFiles(%s) = %v", l.id, err)
			}
			sdk := 0
			for p, text := range all {
				if strings.HasPrefix(p, sdkFolder+"/") {
					sdk++
				} else if strings.Contains(p+string(text), placeholder) {
					t.Errorf("%s names %q, want the plugin's own name", p, placeholder)
				}
			}
			if sdk == 0 {
				t.Error("there is no SDK")
			}
			if m := string(all[manifestFile]); !strings.Contains(m, `"by-language"`) {
				t.Errorf("manifest.json is %s, want the name", m)
			}
			cases, err := wasm.ParseFixtures(all[fixturesFile])
			if err != nil || len(cases) == 0 {
				t.Errorf("ParseFixtures(fixtures.json) = %d cases, %v", len(cases), err)
			}
			if _, build, err := wasm.SourceManifest(all[manifestFile]); err != nil || build == nil || len(build.Command) == 0 {
				t.Errorf("manifest.json is %s, want a build command", all[manifestFile])
			}
		})
	}
}

// A source that the patterns of the embedding are not deep enough for would be missing in
// plugins, and nobody would know until one is built.
func TestSDKSourcesAreWhole(t *testing.T) {
	t.Parallel()
	root := filepath.Join("..", "..", "..")
	for _, l := range languages[1:] { // that Go's is whole, its build in another test says
		t.Run(l.id, func(t *testing.T) {
			all, err := newFiles(sdkSources(), l, placeholder)
			if err != nil {
				t.Fatal(err)
			}
			dir := filepath.Join(root, "sdk", l.id)
			err = fs.WalkDir(os.DirFS(dir), ".", func(p string, d fs.DirEntry, err error) error {
				switch {
				case err != nil:
					return err
				case d.IsDir() && p != "." && skipped(d.Name()):
					return fs.SkipDir
				case d.IsDir(), path.Ext(p) == ".go", path.Ext(p) == ".wasm", strings.HasPrefix(path.Base(p), "."):
					return nil
				}
				parts := strings.SplitN(p, "/", 2)
				want := path.Join(sdkFolder, strings.TrimPrefix(p, sdkFolder+"/"))
				if parts[0] == "template" {
					want = parts[1]
				} else if !needed(p) {
					return nil
				}
				if _, ok := all[want]; !ok {
					t.Errorf("sdk/%s/%s is not in a new plugin", l.id, p)
				}
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
}

func TestNewFilesWithoutATemplate(t *testing.T) {
	t.Parallel()
	source := fstest.MapFS{"sdk/go/template/main.go": {Data: []byte("package main")}}
	_, err := newFiles(source, languages[1], "x")
	if err == nil || !strings.Contains(err.Error(), "no template for Rust") || !strings.Contains(err.Error(), "make build") {
		t.Errorf("newFiles() without the language = %v, want what is missing and the next step", err)
	}
	if _, err := findLanguage("cobol"); err == nil || !strings.Contains(err.Error(), "go, rust, assemblyscript, c") {
		t.Errorf("findLanguage(cobol) = %v, want those there are", err)
	}
}
