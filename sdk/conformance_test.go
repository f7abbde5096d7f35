package sdk_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/pointsman/pointsman/engine/wasm"
	"github.com/pointsman/pointsman/sdk/testdata/conformance"
)

// TestConformance runs the cases of every SDK on the guest of this one.
func TestConformance(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	manifest, out := filepath.Join(dir, "manifest.json"), filepath.Join(dir, "every.wasm")
	if err := os.WriteFile(manifest, []byte(`{"name":"every","version":"1.0.0","kind":"rule","abi":1}`), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := wasm.BuildGo(t.Context(), "testdata/every/guest", manifest, out); err != nil {
		t.Fatalf("BuildGo() = %v", err)
	}
	module, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	conformance.Check(t, module)
}
