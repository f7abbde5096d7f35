// Package plugins_test builds every example with its own command and runs its cases in the
// server's runtime.
package plugins_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pointsman/pointsman/engine/wasm"
	"github.com/pointsman/pointsman/sdk/testdata/conformance"
)

// A compiler that is not there ends an example's test as a failure in CI, elsewhere as a skip.
var compilers = map[string]func(t *testing.T) (path string){
	"go":             func(t *testing.T) string { return found(t, "go") },
	"c":              func(t *testing.T) string { return found(t, "clang", "wasm-ld") },
	"rust":           rust,
	"assemblyscript": conformance.AssemblyScript,
}

// TestExamples builds one example after another, as compilers use all processors there are.
func TestExamples(t *testing.T) {
	library := conformance.Open(t)
	modules := map[string][]byte{} // by example: those that could be built
	for _, name := range examples(t) {
		t.Run(name, func(t *testing.T) {
			b := &wasm.Build{}
			file, err := os.ReadFile(filepath.Join(name, "manifest.json"))
			if err == nil {
				_, b, err = wasm.SourceManifest(file)
			}
			if err != nil || b == nil || len(b.Command) == 0 || b.Module == "" {
				t.Fatalf("manifest.json of %s: %v, want a build command and a module", name, err)
			}
			language, _, _ := strings.Cut(name, "-")
			compiler, known := compilers[language]
			if !known {
				t.Fatalf("%s: no compiler is known for %q", name, language)
			}
			env := []string{"PATH=" + compiler(t)}
			for key, value := range b.Env {
				env = append(env, key+"="+value)
			}
			module := filepath.Join(name, b.Module)
			if err := os.RemoveAll(module); err != nil {
				t.Fatal(err)
			}
			// env looks for the compiler in the PATH that it is given.
			conformance.Command(t, name, env, "env", b.Command...)
			built, err := os.ReadFile(module)
			if err != nil {
				t.Fatal(err)
			}
			built = conformance.Embed(t, built, filepath.Join(name, "manifest.json"))
			modules[name] = built
			conformance.RunOn(t, library, built, conformance.Fixtures(t, filepath.Join(name, "fixtures.json")))
			if language == "assemblyscript" {
				conformance.Command(t, name, env, "node", "--test")
			}
		})
	}
	t.Run("replay", func(t *testing.T) { checkReplays(t, library, modules) })
}

// The examples' list names every one of them, and each has what an author looks for.
func TestExamplesAreListed(t *testing.T) {
	t.Parallel()
	list, err := os.ReadFile(filepath.Join("..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range examples(t) {
		if !strings.Contains(string(list), "(plugins/"+name+")") {
			t.Errorf("examples/README.md does not list %s", name)
		}
		for _, file := range []string{"README.md", "manifest.json", "fixtures.json"} {
			if _, err := os.Stat(filepath.Join(name, file)); err != nil {
				t.Errorf("%s has no %s", name, file)
			}
		}
	}
	for _, language := range []string{"go", "rust", "assemblyscript", "c"} {
		same, err := filepath.EvalSymlinks(filepath.Join(language+"-language-budget", "fixtures.json"))
		if err != nil || same != "language-budget.fixtures.json" {
			t.Errorf("%s-language-budget has the cases %q (%v), want those of every language", language, same, err)
		}
	}
}

// examples names the folders beside this file that hold a plugin.
func examples(t *testing.T) []string {
	t.Helper()
	manifests, err := filepath.Glob(filepath.Join("*", "manifest.json"))
	if err != nil || len(manifests) < 5 {
		t.Fatalf("Glob() = %d examples, %v, want 5 or more", len(manifests), err)
	}
	var names []string
	for _, m := range manifests {
		names = append(names, filepath.Dir(m))
	}
	return names
}

// found is the PATH as it is, once the tools are there.
func found(t *testing.T, tools ...string) string {
	t.Helper()
	for _, tool := range tools {
		if _, err := exec.LookPath(tool); err != nil {
			conformance.Missing(t, tool)
		}
	}
	return os.Getenv("PATH")
}

// rust is a PATH with a cargo whose rustc has the target wasm32-unknown-unknown: one that
// comes first may lack it where the system's has it.
func rust(t *testing.T) string {
	t.Helper()
	for _, path := range []string{os.Getenv("PATH"), "/usr/bin" + string(os.PathListSeparator) + os.Getenv("PATH")} {
		cmd := exec.CommandContext(t.Context(), "env", "rustc", "--print", "target-libdir", "--target", "wasm32-unknown-unknown")
		cmd.Env = append(os.Environ(), "PATH="+path)
		said, err := cmd.Output()
		if err != nil {
			continue
		}
		if _, err := os.Stat(strings.TrimSpace(string(said))); err == nil {
			return path
		}
	}
	conformance.Missing(t, "cargo with the target wasm32-unknown-unknown")
	return ""
}
