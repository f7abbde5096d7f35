package c_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pointsman/pointsman/engine/wasm"
	"github.com/pointsman/pointsman/sdk/testdata/conformance"
)

const example = "../../examples/plugins/c-language-budget"

// guest compiles a plugin of one file as manifest.json of the folder or the template says, and returns the module.
func guest(t *testing.T, dir, source string) []byte {
	t.Helper()
	for _, tool := range []string{"clang", "wasm-ld"} {
		if _, err := exec.LookPath(tool); err != nil {
			conformance.Missing(t, tool)
		}
	}
	var build *wasm.Build
	for _, from := range []string{dir, "template"} {
		file, err := os.ReadFile(filepath.Join(from, "manifest.json"))
		if err == nil {
			_, build, err = wasm.SourceManifest(file)
		}
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		if build != nil {
			break
		}
	}
	out := filepath.Join(t.TempDir(), "plugin.wasm")
	for i, arg := range build.Command {
		switch arg {
		case build.Module:
			build.Command[i] = out
		case "plugin.c":
			build.Command[i] = source
		}
	}
	conformance.Command(t, dir, nil, build.Command[0], append(build.Command[1:], "-Wextra", "-Werror")...)
	module, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	return module
}

// native compiles a test with the system's compiler and runs it.
func native(t *testing.T, dir, source string, args ...string) {
	t.Helper()
	if _, err := exec.LookPath("cc"); err != nil {
		conformance.Missing(t, "cc")
	}
	sdk, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), "native")
	conformance.Command(t, dir, nil, "cc", "-Wall", "-Wextra", "-Werror", "-g", "-I", sdk, "-o", out, source)
	if said := conformance.Command(t, dir, nil, out, args...); !strings.Contains(said, ", 0 failed") || strings.HasPrefix(said, "0 checks") {
		t.Errorf("%s says %s", source, said)
	}
}

func TestConformanceGuest(t *testing.T) {
	t.Parallel()
	conformance.Check(t, guest(t, "conformance", "every.c"))
}

// TestConformanceNative: the test double says what the server's runtime does.
func TestConformanceNative(t *testing.T) {
	t.Parallel()
	manifest := filepath.Join(t.TempDir(), "manifest.json")
	if err := os.WriteFile(manifest, []byte(`{"name":"every","version":"1.0.0","kind":"provider","abi":1}`), 0o666); err != nil {
		t.Fatal(err)
	}
	native(t, "conformance", "native.c", manifest, "../../testdata/conformance/fixtures.json")
}

func TestExampleGuest(t *testing.T) {
	t.Parallel()
	module := conformance.Embed(t, guest(t, example, "plugin.c"), filepath.Join(example, "manifest.json"))
	conformance.Run(t, module, conformance.Fixtures(t, filepath.Join(example, "fixtures.json")))
}

func TestExampleNative(t *testing.T) {
	t.Parallel()
	native(t, example, "plugin_test.c")
}

// TestTemplate builds and tests a new plugin as the tool writes it: the template, and the
// SDK in the folder "pointsman".
func TestTemplate(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for to, from := range map[string]string{"": "template", "pointsman": "."} {
		if err := os.CopyFS(filepath.Join(dir, to), os.DirFS(from)); err != nil {
			t.Fatal(err)
		}
	}
	source, err := os.ReadFile(filepath.Join(dir, "plugin.c"))
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(source), "\n"); n > 15 {
		t.Errorf("the first plugin has %d lines, want at most 15", n)
	}
	native(t, dir, "plugin_test.c")
	module := conformance.Embed(t, guest(t, dir, "plugin.c"), filepath.Join(dir, "manifest.json"))
	conformance.Run(t, module, conformance.Fixtures(t, filepath.Join(dir, "fixtures.json")))
}
