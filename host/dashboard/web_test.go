package dashboard

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// The source's own tests: what pages compute, and the colours' distances and contrasts.
func TestWebUnits(t *testing.T) {
	npm, err := exec.LookPath("npm")
	if err == nil {
		_, err = os.Stat(filepath.Join("web", "node_modules", "vitest"))
	}
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("npm or the dashboard's packages are missing: make test sees to them: %v", err)
		}
		t.Skipf("npm or the dashboard's packages are missing: make test sees to them: %v", err)
	}
	cmd := exec.CommandContext(t.Context(), npm, "test", "--silent")
	cmd.Dir = "web"
	cmd.Env = append(os.Environ(), "NO_COLOR=1")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("npm test: %v\n%s", err, out)
	}
}
