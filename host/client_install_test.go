package host

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// installed returns the folder of a client's packages: made once for each content of
// the files that pin them, under the repository's folder .build, and used again by
// later runs. install is given a new folder that has the pins, and is tried twice, as
// a registry may be out of reach for a moment.
func installed(t *testing.T, name string, pins []string, install func(dir string) error) string {
	t.Helper()
	root, err := filepath.Abs(filepath.Join("..", ".build", "clients"))
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.New()
	for _, pin := range pins {
		text, err := os.ReadFile(pin)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(sum, "%s %d\n%s", filepath.Base(pin), len(text), text)
	}
	dir := filepath.Join(root, name+"-"+hex.EncodeToString(sum.Sum(nil))[:16])
	if _, err := os.Stat(dir); err == nil {
		return dir
	}
	if err := os.MkdirAll(root, 0o755); err != nil {
		t.Fatal(err)
	}
	for try := 1; ; try++ {
		made, err := os.MkdirTemp(root, name+"-new-")
		if err != nil {
			t.Fatal(err)
		}
		for _, pin := range pins {
			text, err := os.ReadFile(pin)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(made, filepath.Base(pin)), text, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		err = install(made)
		if err == nil {
			// Another run may have been faster: its folder is as good.
			if err = os.Rename(made, dir); err == nil {
				return dir
			}
			if _, there := os.Stat(dir); there == nil {
				_ = os.RemoveAll(made)
				return dir
			}
		}
		_ = os.RemoveAll(made)
		var absent *absentError
		if errors.As(err, &absent) {
			t.Skip(absent.Error())
		}
		if try == 2 {
			t.Fatalf("install the %s clients: %v", name, err)
		}
		t.Logf("install the %s clients, once more: %v", name, err)
	}
}

// absentError says that the machine cannot have a client at all.
type absentError struct{ reason string }

func (e *absentError) Error() string { return e.reason }

// output runs a program in a folder; its error has what the program said.
func output(t *testing.T, dir, program string, args ...string) ([]byte, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Dir = dir
	var failed strings.Builder
	cmd.Stderr = &failed
	out, err := cmd.Output()
	if err != nil {
		return out, fmt.Errorf("%s %s: %w\n%s%s", program, strings.Join(args, " "), err, out, failed.String())
	}
	return out, nil
}

// node returns a folder with the npm clients and their scripts.
func node(t *testing.T) string {
	t.Helper()
	for _, tool := range []string{"node", "npm"} {
		if _, err := exec.LookPath(tool); err != nil {
			if os.Getenv("CI") != "" {
				t.Fatalf("%s is not installed, and CI must drive the npm clients", tool)
			}
			t.Skipf("%s is not installed", tool)
		}
	}
	if _, err := output(t, ".", "node", "-e", "process.exit(Number(process.versions.node.split('.')[0]) < 20 ? 1 : 0)"); err != nil {
		t.Skip("node is older than 20, which the clients need")
	}
	from := filepath.Join("testdata", "node")
	pins, err := filepath.Glob(filepath.Join(from, "*"))
	if err != nil {
		t.Fatal(err)
	}
	return installed(t, "node", pins, func(dir string) error {
		_, err := output(t, dir, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--omit=peer", "--omit=optional")
		return err
	})
}

// python returns the interpreter that has the pip clients, and the folder of their
// scripts.
func python(t *testing.T) (program, scripts string) {
	t.Helper()
	system, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("python3 is not installed")
	}
	if _, err := output(t, ".", system, "-c", "import sys; sys.exit(sys.version_info < (3, 11))"); err != nil {
		t.Skip("python3 is older than 3.11, which the clients need")
	}
	scripts, err = filepath.Abs(filepath.Join("testdata", "python"))
	if err != nil {
		t.Fatal(err)
	}
	dir := installed(t, "python", []string{filepath.Join(scripts, "requirements.txt")}, func(dir string) error {
		if err := venv(t, system, dir); err != nil {
			return err
		}
		_, err := output(t, dir, filepath.Join(dir, "bin", "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
			"--no-deps", "--only-binary", ":all:", "-r", "requirements.txt")
		return err
	})
	return filepath.Join(dir, "bin", "python"), scripts
}

// venv makes a virtual environment. Debian keeps what that needs in a package of its
// own, which root may add.
func venv(t *testing.T, system, dir string) error {
	_, err := output(t, dir, system, "-m", "venv", dir)
	if err == nil {
		return nil
	}
	apt, missing := exec.LookPath("apt-get")
	if missing != nil || os.Geteuid() != 0 {
		return &absentError{"python3 cannot make a virtual environment here (is python3-venv installed?)"}
	}
	if _, err := output(t, dir, apt, "install", "-y", "--no-install-recommends", "python3-venv"); err != nil {
		if _, err := output(t, dir, apt, "update"); err != nil {
			return &absentError{"python3-venv cannot be installed: " + err.Error()}
		}
		if _, err := output(t, dir, apt, "install", "-y", "--no-install-recommends", "python3-venv"); err != nil {
			return &absentError{"python3-venv cannot be installed: " + err.Error()}
		}
	}
	_, err = output(t, dir, system, "-m", "venv", dir)
	return err
}
