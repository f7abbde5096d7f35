package sdk_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pointsman/pointsman/engine/wasm"
	"github.com/pointsman/pointsman/sdk/testdata/conformance"
)

// TestHello: the plugin that authors meet first, in the package's comment, the README and the template, is the
// same, is short, and does in the runtime what it says.
func TestHello(t *testing.T) {
	t.Parallel()
	template := filepath.Join("go", "template")
	source := read(t, filepath.Join(template, "main.go"))
	if lines := strings.Count(source, "\n"); lines > 15 {
		t.Errorf("main.go has %d lines, want at most 15", lines)
	}
	comment := ""
	for line := range strings.Lines(source) {
		comment += strings.TrimRight("//\t"+line, "\t\n") + "\n"
	}
	if !strings.Contains(read(t, "sdk.go"), comment) {
		t.Errorf("sdk.go does not have, in its package comment,\n%s", comment)
	}
	indented := ""
	for line := range strings.Lines(source) {
		indented += strings.TrimRight("    "+line, " \n") + "\n"
	}
	if !strings.Contains(read(t, "README.md"), indented) {
		t.Errorf("README.md does not have\n%s", indented)
	}
	out := filepath.Join(t.TempDir(), "hello.wasm")
	if err := wasm.BuildGo(t.Context(), template, filepath.Join(template, "manifest.json"), out); err != nil {
		t.Fatalf("BuildGo() = %v", err)
	}
	conformance.Run(t, []byte(read(t, out)), conformance.Fixtures(t, filepath.Join(template, "fixtures.json")))
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
