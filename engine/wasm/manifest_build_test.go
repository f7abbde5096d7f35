package wasm

import (
	"reflect"
	"strings"
	"testing"

	"github.com/pointsman/pointsman/engine"
)

// TestSourceManifest: what goes into the module is what stands in manifest.json, but for how
// it is built.
func TestSourceManifest(t *testing.T) {
	t.Parallel()
	full := &Build{Command: []string{"make", "-s"}, Env: map[string]string{"A": "b"}, Module: "out.wasm"}
	for _, tt := range []struct {
		name, text string
		want       string
		wantBuild  *Build
		wantErr    string
	}{
		{"none", `{"name": "x", "abi": 1}`, `{"name": "x", "abi": 1}`, nil, ""},
		{"last", `{"name": "x", "abi": 1, "build": {"command": ["make", "-s"], "env": {"A": "b"}, "module": "out.wasm"}}`, `{"name":"x","abi":1}`, full, ""},
		{"first", `{"build": {"module": "out.wasm", "command": ["make", "-s"], "env": {"A": "b"}}, "name": "x", "config_schema": {"build": {}}}`, `{"name":"x","config_schema":{"build": {}}}`, full, ""},
		{"alone", `{"build": {}}`, `{}`, &Build{}, ""},
		{"numbers and odd names stay as they are", `{"a\n": 1.50, "build": {}, "b": 123456789012345678901}`, `{"a\n":1.50,"b":123456789012345678901}`, &Build{}, ""},
		{"twice", `{"build": {}, "build": {}}`, "", nil, `"build" stands twice`},
		{"misspelt", `{"build": {"comand": []}}`, "", nil, `build: unknown field "comand"`},
		{"a string", `{"build": "make"}`, "", nil, "build: "},
		{"an array", `[]`, "", nil, "it is no object"},
		{"two values", `{} {}`, "", nil, "after top-level value"},
		{"cut off", `{"build": {}`, "", nil, "unexpected end"},
		{"nothing", ``, "", nil, "unexpected end"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, build, err := SourceManifest([]byte(tt.text))
			if tt.wantErr != "" {
				if engine.CodeOf(err) != engine.CodeInvalid || !strings.Contains(err.Error(), tt.wantErr) {
					t.Errorf("SourceManifest(%s) = %s, %v, want an error with %q", tt.text, got, err, tt.wantErr)
				}
				return
			}
			if err != nil || string(got) != tt.want || !reflect.DeepEqual(build, tt.wantBuild) {
				t.Errorf("SourceManifest(%s) = %s, %+v, %v, want %s, %+v", tt.text, got, build, err, tt.want, tt.wantBuild)
			}
		})
	}
}

// TestBuildStaysOut: the module of a plugin does not say how its author built it, and one that
// does is not taken.
func TestBuildStaysOut(t *testing.T) {
	t.Parallel()
	const source = `{"name":"test","version":"1.0.0","kind":"rule","abi":1,"build":{"command":["/home/me/secret"],"module":"x.wasm"}}`
	module, err := EmbedManifest(rule(i32c(0)).module(), []byte(source))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(module), "secret") || strings.Contains(string(module), "build") {
		t.Error("the module says how it was built")
	}
	if _, err := inspect(module); err != nil {
		t.Errorf("inspect() = %v", err)
	}
	told := appendSection(rule(i32c(0)).module(), sectionCustom, append(appendName(nil, "pointsman.manifest"), source...))
	if _, err := inspect(told); engine.CodeOf(err) != engine.CodeInvalid || !strings.Contains(err.Error(), `unknown field "build"`) {
		t.Errorf("inspect() of a module that says it = %v, want it refused", err)
	}
}
