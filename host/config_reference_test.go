package host

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

const configReference = "CONFIGURATION.md"

// settingComments is what the source says of each setting, by variable.
func settingComments(t *testing.T) map[string]string {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	said := map[string]string{}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			field, ok := n.(*ast.Field)
			if !ok || field.Tag == nil {
				return true
			}
			variable := reflect.StructTag(strings.Trim(field.Tag.Value, "`")).Get("env")
			if variable == "" || len(field.Names) == 0 {
				return true
			}
			text := strings.Join(strings.Fields(field.Doc.Text()+" "+field.Comment.Text()), " ")
			text = strings.TrimPrefix(text, "As OpenTelemetry names them. ")
			// The sentence begins with the field's name, for Go's readers.
			if rest, ok := strings.CutPrefix(text, field.Names[0].Name+" "); ok {
				text = strings.TrimPrefix(strings.TrimPrefix(rest, "is "), "are ")
			}
			said[variable] = text
			return true
		})
	}
	return said
}

// served are the flags of `pointsman serve`.
func servedFlags(t *testing.T) map[string]bool {
	t.Helper()
	files, err := filepath.Glob("cmd/pointsman/*.go")
	if err != nil {
		t.Fatal(err)
	}
	flags := map[string]bool{}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`\w+Var\(&\w+\.\w+, "([a-z-]+)"`).FindAllSubmatch(text, -1) {
			flags[string(m[1])] = true
		}
	}
	return flags
}

// TestConfigReference keeps CONFIGURATION.md what the settings say of themselves; -update writes it.
func TestConfigReference(t *testing.T) {
	t.Parallel()
	settings, err := DefaultConfig().Settings("", func(string) bool { return false })
	if err != nil {
		t.Fatal(err)
	}
	said, flags := settingComments(t), servedFlags(t)
	var b bytes.Buffer
	b.WriteString("<!-- Written by go test ./host -run TestConfigReference -update, from Config. DO NOT EDIT. -->\n# Settings\n\n" +
		"A flag goes before the environment, that before the file (`--config FILE` or `POINTSMAN_CONFIG`, YAML), that before the default.\n" +
		"`pointsman config show --resolved` prints what is in force and who said so, `pointsman config check` finds what cannot work: a name\n" +
		"that is unknown in the file is an error with its line. `upstream.idle_timeout` is the member `idle_timeout` of `upstream`. Durations are\nwritten as `90s` or `5m`. Secrets come from the environment alone.\n\n" +
		"| variable | in the file | flag | default | |\n|---|---|---|---|---|\n")
	for _, s := range settings {
		said := said[s.Variable]
		if vendor := vendorSetting(s.Variable, said); vendor != "" {
			said = vendor
		}
		if said == "" {
			t.Errorf("nothing is said of %s: give its field a comment", s.Variable)
		}
		name, flag, value := "", "", "none"
		if s.Name != "" {
			name = "`" + s.Name + "`"
		}
		if f := strings.ReplaceAll(s.Name, "_", "-"); s.Name != "" && flags[f] {
			flag = "`--" + f + "`"
		}
		if s.Value != "" {
			value = "`" + filepath.ToSlash(s.Value) + "`"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s |\n", s.Variable, name, flag, value, strings.ReplaceAll(said, "|", `\|`))
	}
	if len(flags) < 5 {
		t.Errorf("serve has %d flags, want at least 5", len(flags))
	}
	if *update {
		if err := os.WriteFile(configReference, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := os.ReadFile(configReference); err != nil || !bytes.Equal(got, b.Bytes()) {
		t.Errorf("%s is not what the settings say (%v): go test ./host -run TestConfigReference -update", configReference, err)
	}
}

// vendorSetting is what a variable of a vendor's own name means; form is of its value.
func vendorSetting(variable, form string) string {
	vendor, rest, _ := strings.Cut(variable, "_")
	switch name := strings.ReplaceAll(strings.ToLower(vendor), "gemini", "google"); {
	case strings.HasPrefix(variable, "POINTSMAN_"):
		return ""
	case strings.HasSuffix(rest, "API_KEY"):
		return "key for the provider " + name + "; without one the provider is skipped, or simulated"
	case strings.HasSuffix(rest, "BASE_URL"):
		if form == "" {
			form = "an origin"
		}
		return "where the provider " + name + " is, if not where its vendor has it; " + form
	}
	return ""
}
