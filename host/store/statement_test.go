package store_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

var (
	// How a statement begins, which what is being done ("update rule "+id) does not.
	statement = regexp.MustCompile(`(?is)^\s*(select\s|insert\s+into\b|update\s*$|update\s+\S+\s+set\b|delete\s+from\b|with\s+\S+\s+as\b|` +
		`(create|alter|drop)\s+(role|table|index|schema|view|function|policy)\b|truncate\s|grant\s|revoke\s.*\sfrom\b|do\s+\$|copy\s|listen\s+\S)`)
	// What a statement may have beside text of its own: names that are made here.
	madeHere = map[string]bool{
		"schema.Table": true, // a constant
		"w.role":       true, // a prefix and hexadecimal digits
	}
)

// builtFrom is what a text beside constants is made of, "" for nothing.
func builtFrom(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.BasicLit:
		return ""
	case *ast.ParenExpr:
		return builtFrom(e.X)
	case *ast.BinaryExpr:
		if from := builtFrom(e.X); from != "" {
			return from
		}
		return builtFrom(e.Y)
	case *ast.SelectorExpr:
		if on, ok := e.X.(*ast.Ident); ok && madeHere[on.Name+"."+e.Sel.Name] {
			return ""
		}
	}
	return "something else"
}

// beginning is the first literal of a text that is put together.
func beginning(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.BinaryExpr:
		return beginning(e.X)
	case *ast.BasicLit:
		if e.Kind == token.STRING {
			text, _ := strconv.Unquote(e.Value)
			return text
		}
	}
	return ""
}

// faults are the places of a file where a statement is made of values, or where the database
// is reached past the generated queries.
func faults(t *testing.T, path string, src any) (list []string) {
	t.Helper()
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, path, src, 0)
	if err != nil {
		t.Fatal(err)
	}
	fault := func(n ast.Node, what string) { list = append(list, files.Position(n.Pos()).String()+": "+what) }
	if !strings.Contains(filepath.ToSlash(path), "host/store/") {
		for _, i := range file.Imports {
			if name := strings.Trim(i.Path.Value, `"`); name == "database/sql" || strings.HasPrefix(name, "github.com/jackc/pgx") {
				fault(i, "imports "+name+": only host/store talks to a database")
			}
		}
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.BinaryExpr:
			if n.Op == token.ADD && statement.MatchString(beginning(n)) {
				if builtFrom(n) != "" {
					fault(n, "a statement is put together from values: pass them as parameters")
				}
				return false
			}
		case *ast.CallExpr:
			for i, arg := range n.Args {
				name, _ := n.Fun.(*ast.SelectorExpr)
				if name != nil && i < 2 && strings.Contains(name.Sel.Name, "printf") && statement.MatchString(beginning(arg)) && strings.Contains(beginning(arg), "%") {
					fault(arg, "a statement is formatted: pass values as parameters")
				}
			}
		case *ast.Ident:
			if n.Name == "QueryExecModeSimpleProtocol" {
				fault(n, "the simple protocol puts values into the text of a statement")
			}
		}
		return true
	})
	return list
}

// A value that comes into the text of a statement is how gateways have lost every key they
// had (CVE-2026-42208), so none is built anywhere.
func TestStatementsHaveParameters(t *testing.T) {
	t.Parallel()
	for name, src := range map[string]string{
		"a concatenation": "package p\nvar s = `select id from keys where name = '` + name + `'`",
		"a format":        "package p\nvar s = fmt.Sprintf(`delete from keys where id = %s`, id)",
		"another driver":  "package p\nimport _ `github.com/jackc/pgx/v5`",
		"simple protocol": "package p\nvar s = pgx.QueryExecModeSimpleProtocol",
	} {
		src = strings.Replace(src, "`github.com/jackc/pgx/v5`", `"github.com/jackc/pgx/v5"`, 1)
		if got := faults(t, "host/other/p.go", src); len(got) != 1 {
			t.Errorf("%s: faults = %q, want one", name, got)
		}
	}
	seen := 0
	for _, top := range []string{"engine", "host"} {
		err := filepath.WalkDir(filepath.Join("..", "..", top), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			if slashed := filepath.ToSlash(path); strings.Contains(slashed, "/query/") || strings.Contains(slashed, "/storetest/") {
				return nil // generated, and what tests do to a database
			}
			seen++
			for _, fault := range faults(t, path, nil) {
				t.Error(fault)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if seen < 100 {
		t.Errorf("%d files were looked at, want all of them", seen)
	}
}

// TestPgxVersion: before 5.12 a server could skip the authentication that was asked for
// (GHSA-95fj), and older ones let a long value run over into the next message (CVE-2024-27304).
func TestPgxVersion(t *testing.T) {
	t.Parallel()
	mod, err := os.ReadFile(filepath.Join("..", "..", "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`(?m)^\s*(?:require\s+)?github\.com/jackc/pgx/v5 v5\.(\d+)\.`).FindSubmatch(mod)
	if m == nil {
		t.Fatal("go.mod does not require pgx v5, want ≥ 5.12.0")
	}
	if minor, _ := strconv.Atoi(string(m[1])); minor < 12 {
		t.Errorf("go.mod requires pgx 5.%d, want ≥ 5.12", minor)
	}
	if regexp.MustCompile(`(?m)^\s*replace\s.*pgx`).Match(mod) {
		t.Error("go.mod replaces pgx")
	}
}
