package httpapi

import (
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/pointsman/pointsman/engine"
)

// TestAnswersComplete: every code of the engine has an answer, and no other has.
func TestAnswersComplete(t *testing.T) {
	t.Parallel()
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join("..", "..", "engine", "error.go"), nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	codes := map[engine.Code]bool{}
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || len(spec.Values) != 1 {
			return true
		}
		if kind, ok := spec.Type.(*ast.Ident); !ok || kind.Name != "Code" {
			return true
		}
		text, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
		if err != nil {
			t.Fatal(err)
		}
		codes[engine.Code(text)] = true
		return true
	})
	if len(codes) < 20 {
		t.Fatalf("only %d codes found in engine/error.go", len(codes))
	}
	for code := range codes {
		a, ok := answers[code]
		if !ok {
			t.Errorf("engine code %q has no answer", code)
		}
		if a.status < 400 || a.status > 599 || a.kind != typeOf(a.status) {
			t.Errorf("answers[%q] = %+v, want a status of 400 to 599 and its type", code, a)
		}
	}
	for code := range answers {
		if !codes[code] {
			t.Errorf("answers has %q, which is no code of the engine", code)
		}
	}
}

func TestFailureOf(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		err    error
		status int
		code   string
	}{
		{"source error", &engine.SourceError{Line: 1, Column: 2, Message: "unknown name foo"}, 400, "rule_compile"},
		{"wrapped source error", fmt.Errorf("save: %w", &engine.SourceError{Line: 1}), 400, "rule_compile"},
		{"not found", fmt.Errorf("get: %w", engine.ErrNotFound), 404, "not_found"},
		{"conflict", fmt.Errorf("put: %w", engine.ErrConflict), 409, "conflict"},
		{"canceled", fmt.Errorf("wait: %w", context.Canceled), 499, "client_closed"},
		{"fiber error", fiber.NewError(418, "x"), 418, "invalid_request"},
		{"anything else", errors.New("boom"), 500, "internal_error"},
		{"nil", nil, 500, "internal_error"},
		{"own failure", invalid("a", "b"), 400, "invalid_request"},
	} {
		if f := failureOf(c.err); f.status != c.status || f.code != c.code || f.message == "" || f.kind != typeOf(c.status) {
			t.Errorf("%s: failureOf(%v) = %+v, want %d %s with a message", c.name, c.err, f, c.status, c.code)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		after time.Duration
		want  string
	}{{time.Millisecond, "1"}, {time.Second, "1"}, {1001 * time.Millisecond, "2"}, {time.Hour, "3600"}} {
		if got := (&failure{after: c.after}).retryAfter(); got != c.want {
			t.Errorf("retryAfter(%v) = %s, want %s", c.after, got, c.want)
		}
	}
}
