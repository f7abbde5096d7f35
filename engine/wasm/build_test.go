package wasm

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pointsman/pointsman/engine"
)

// TestExample builds the example plugin and has it decide, as README.md of it says.
func TestExample(t *testing.T) {
	t.Parallel()
	const dir = "../../examples/plugins/go-topic-router"
	out := filepath.Join(t.TempDir(), "router.wasm")
	if err := BuildGo(t.Context(), dir, filepath.Join(dir, "manifest.json"), out); err != nil {
		t.Fatalf("BuildGo(%s) = %v", dir, err)
	}
	module, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	l := open(t, cached())
	var s shelf
	v := s.add(t, "", module)
	v.Module = module
	if err := l.Prepare(t.Context(), v); err != nil {
		t.Fatalf("Prepare() = %v", err)
	}
	s.sync(t, l)
	g := ruleGuestOf(t, l, "acme", "go-topic-router@1.0.0")

	const config = `{"frugal_below":0.1,"topics":[{"name":"database","words":["query plan"],"model":"gpt-5"}]}`
	if err := g.Configure(t.Context(), []byte(config)); err != nil {
		t.Errorf("Configure(good) = %v", err)
	}
	for _, bad := range []string{`{}`, `{"topics":[]}`, `{"topics":[{"name":"x"}]}`, `{"frugal_below":2}`} {
		if err := g.Configure(t.Context(), []byte(bad)); engine.CodeOf(err) != engine.CodeInvalid {
			t.Errorf("Configure(%s) = %v, want %s", bad, err, engine.CodeInvalid)
		}
	}
	tests := []struct {
		context string
		verdict engine.Verdict
		targets []string
	}{
		{`{"request":{"text":"explain the Query  Plan"}}`, engine.VerdictDecided, []string{"gpt-5"}},
		{`{"request":{"text":"query plans"}}`, engine.VerdictAbstain, nil},
		{`{"request":{"text":"query plan"},"budget":{"left_fraction":0.01},"models":[{"id":"b","cost_nano_usd":2},{"id":"a","cost_nano_usd":1}]}`,
			engine.VerdictDecided, []string{"a"}},
	}
	for _, tt := range tests {
		var answer engine.RuleAnswer
		err := g.Decide(t.Context(), ruleCall(t, tt.context, config), &answer)
		if err != nil || answer.Verdict != tt.verdict || !slices.Equal(answer.Targets, tt.targets) {
			t.Errorf("Decide(%s) = %+v, %v, want %v %q", tt.context, answer, err, tt.verdict, tt.targets)
		}
	}
}

func TestBuildGoFailures(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	write("go.mod", "module plugin\n\ngo 1.26\n")
	write("wrong/main.go", "package main\n\nfunc main() { undefined() }\n")
	write("empty/main.go", "package main\n\nfunc main() {}\n")
	good := write("manifest.json", asm{}.manifest())
	bad := write("bad.json", `{"name":"Bad"}`)
	out := filepath.Join(dir, "out.wasm")
	tests := []struct {
		name, pkg, manifest, out, want string
		code                           engine.Code
	}{
		{"no manifest", "empty", filepath.Join(dir, "none.json"), out, "none.json", engine.CodeInternal},
		{"manifest that is none", "empty", bad, out, `name "Bad"`, engine.CodeInvalid},
		{"code that is none", "wrong", good, out, "undefined: undefined", engine.CodeInvalid},
		{"no entry point", "empty", good, out, `no function "pm_decide_v1"`, engine.CodeInvalid},
		{"no such folder for the result", "empty", good, filepath.Join(dir, "no/where.wasm"), "no", engine.CodeInternal},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := BuildGo(t.Context(), filepath.Join(dir, tt.pkg), tt.manifest, tt.out)
			if engine.CodeOf(err) != tt.code || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("BuildGo() = %v, want %s with %q", err, tt.code, tt.want)
			}
		})
	}
	left, err := filepath.Glob(filepath.Join(dir, "*build-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %q, %v", left, err)
	}
	if _, err := os.Stat(out); err == nil {
		t.Error("a failed build wrote its result")
	}
}
