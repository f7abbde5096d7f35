package host

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"strings"
	"testing"
)

// layer places a package (path below the module) in the order of the layers:
// every import of ours points to a lower number, or is listed as a pair below.
func layer(path string) int {
	switch {
	case path == "": // the SDK's sources as files
		return 10
	case path == "sdk/abi":
		return 10
	case path == "migrations":
		return 10
	case path == "engine/document", path == "engine/trie":
		return 11
	case path == "sdk", path == "engine/wire":
		return 12
	case path == "sdk/sdktest", path == "sdk/c", path == "sdk/rust", path == "sdk/assemblyscript":
		return 13
	case path == "plugins/chat", path == "plugins/adaptertest":
		return 14
	case path == "plugins/openai", path == "plugins/anthropic", path == "plugins/google":
		return 15
	case strings.HasPrefix(path, "plugins"):
		return 16
	case strings.HasPrefix(path, "examples"), path == "sdk/go/template":
		return 17
	case path == "engine":
		return 20
	case path == "host/bench": // a program
		return 50
	case path == "host/store/row", path == "host/store/schema", path == "host/cost/spool", path == "host/cost/budget", path == "engine/graph":
		return 29
	case path == "host/store/storetest/migrated":
		return 31
	case strings.HasPrefix(path, "host/store/"):
		return 30
	case path == "host/store":
		return 31
	case path == "engine/rule", path == "engine/wasm", strings.HasPrefix(path, "host/") && !strings.HasPrefix(path, "host/cmd"):
		return 31
	case path == "host":
		return 40
	case strings.HasPrefix(path, "host/cmd/"):
		return 50
	}
	return 0
}

// A stranger must be able to tell from a folder's place what it may depend on.
func TestImportsPointDown(t *testing.T) {
	const module = "github.com/pointsman/pointsman"
	out, err := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Imports", module+"/...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	below := func(path string) string { return strings.TrimPrefix(strings.TrimPrefix(path, module), "/") }
	packages := 0
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p struct {
			ImportPath string
			Imports    []string
		}
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		packages++
		from := below(p.ImportPath)
		if layer(from) == 0 {
			t.Errorf("package %s has no layer: put it into design order in layer()", from)
		}
		for _, imported := range p.Imports {
			if !strings.HasPrefix(imported, module) {
				continue
			}
			to := below(imported)
			// A driver keeps its generated queries below itself.
			if strings.HasPrefix(to, from+"/") && layer(from) == 30 {
				continue
			}
			if layer(to) >= layer(from) {
				t.Errorf("%s imports %s: imports point down, and siblings do not import each other", from, to)
			}
		}
		for _, word := range []string{"util", "common", "helper", "manager", "types", "models"} {
			if strings.HasSuffix(from, "/"+word) || strings.HasSuffix(from, "/"+word+"s") {
				t.Errorf("package %s is named after nothing", from)
			}
		}
	}
	if packages < 15 {
		t.Errorf("go list saw %d packages, want the whole module", packages)
	}
}
