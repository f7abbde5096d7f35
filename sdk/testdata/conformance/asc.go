package conformance

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// AssemblyScript returns a PATH that begins with the folder of AssemblyScript's compiler, asc,
// of the version that the SDK's template pins. It is installed from npm once for each pin, under the
// repository's folder .build.
func AssemblyScript(t *testing.T) (path string) {
	t.Helper()
	for _, tool := range []string{"node", "npm"} {
		if _, err := exec.LookPath(tool); err != nil {
			Missing(t, tool)
		}
	}
	if old := Command(t, ".", nil, "node", "-p", "Number(process.versions.node.split('.')[0]) < 20"); strings.TrimSpace(old) == "true" {
		Missing(t, "node 20 or later")
	}
	root := repository(t)
	pins := filepath.Join(root, "sdk", "assemblyscript", "template")
	sum := sha256.New()
	files := map[string][]byte{}
	for _, name := range []string{"package.json", "package-lock.json"} {
		file, err := os.ReadFile(filepath.Join(pins, name))
		if err != nil {
			t.Fatal(err)
		}
		files[name] = file
		sum.Write(file)
	}
	dir := filepath.Join(root, ".build", "asc", hex.EncodeToString(sum.Sum(nil))[:16])
	path = filepath.Join(dir, "node_modules", ".bin") + string(os.PathListSeparator) + os.Getenv("PATH")
	if _, err := os.Stat(dir); err == nil {
		return path
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		t.Fatal(err)
	}
	made, err := os.MkdirTemp(filepath.Dir(dir), "new-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(made)
	for name, file := range files {
		if err := os.WriteFile(filepath.Join(made, name), file, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	install(t, made)
	// Another run may have been faster: its folder is as good.
	if err := os.Rename(made, dir); err != nil {
		if _, there := os.Stat(dir); there != nil {
			t.Fatal(err)
		}
	}
	return path
}

// install asks npm twice, as a registry may be out of reach for a moment.
func install(t *testing.T, dir string) {
	t.Helper()
	for try := 1; ; try++ {
		cmd := exec.CommandContext(t.Context(), "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
		cmd.Dir = dir
		said, err := cmd.CombinedOutput()
		if err == nil {
			return
		}
		if try == 2 {
			t.Logf("npm ci: %v\n%s", err, said)
			Missing(t, "npm's package assemblyscript, which npm ci does not install,")
		}
		t.Logf("npm ci, once more: %v\n%s", err, said)
	}
}

// repository is the folder of go.mod.
func repository(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		if dir == filepath.Dir(dir) {
			t.Fatal("go.mod is not above this folder")
		}
		dir = filepath.Dir(dir)
	}
}
