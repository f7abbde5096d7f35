package httpapi

import (
	"bytes"
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite generated files")

// codesIn returns the string constants of the package in dir whose names begin with prefix.
func codesIn(t *testing.T, dir, prefix string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok {
				return true
			}
			for i, id := range spec.Names {
				if !strings.HasPrefix(id.Name, prefix) || i >= len(spec.Values) {
					continue
				}
				if lit, ok := spec.Values[i].(*ast.BasicLit); ok && lit.Kind == token.STRING {
					text, err := strconv.Unquote(lit.Value)
					if err != nil {
						t.Fatal(err)
					}
					list = append(list, text)
				}
			}
			return true
		})
	}
	return list
}

// Every code of the engine and of this package has its row, and each row is complete.
func TestErrorMeanings(t *testing.T) {
	t.Parallel()
	rows := map[string]reference{}
	for _, r := range references() {
		if _, twice := rows[r.Code]; twice {
			t.Errorf("the code %s has two rows", r.Code)
		}
		rows[r.Code] = r
		if r.Status < 400 || r.Status > 599 || r.Type == "" || r.ClaudeType == "" || r.Meaning == "" || r.Retry == "" || r.Next == "" {
			t.Errorf("references() has %+v, want every member", r)
		}
	}
	codes := append(codesIn(t, "../../engine", "Code"), codesIn(t, ".", "code")...)
	if len(codes) < 35 {
		t.Fatalf("the sources have %d codes, want at least 35", len(codes))
	}
	for _, scope := range []string{"inference", "read", "manage"} {
		codes = append(codes, scopeCode(scope))
	}
	for _, code := range codes {
		if _, ok := rows[code]; !ok {
			t.Errorf("the code %s has no row in meanings", code)
		}
		delete(rows, code)
	}
	for code := range rows {
		t.Errorf("meanings has %s, which no source has", code)
	}
}

// ERRORS.md is what the table says; -update writes it.
func TestErrorReference(t *testing.T) {
	t.Parallel()
	want := ErrorReference()
	if *update {
		if err := os.WriteFile("ERRORS.md", want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := os.ReadFile("ERRORS.md"); err != nil || !bytes.Equal(got, want) {
		t.Errorf("ERRORS.md is not what reference.go says (%v): go test ./host/httpapi -run TestErrorReference -update", err)
	}
}
