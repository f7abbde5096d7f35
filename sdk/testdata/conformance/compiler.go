package conformance

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

var (
	compilerOnce sync.Once
	compilerPath string
	compilerErr  error
)

// compiler is the command that compiles modules, built once in a run of the tests.
func compiler(t *testing.T) []string {
	t.Helper()
	root := repository(t)
	compilerOnce.Do(func() {
		compilerPath = filepath.Join(root, ".build", "compiler")
		cmd := exec.Command("go", "test", "-c", "-trimpath", "-o", compilerPath, "./sdk/testdata/conformance/compiler")
		cmd.Dir = root
		if said, err := cmd.CombinedOutput(); err != nil {
			compilerErr = fmt.Errorf("go test -c: %w\n%s", err, said)
		}
	})
	if compilerErr != nil {
		t.Fatal(compilerErr)
	}
	return []string{compilerPath}
}
