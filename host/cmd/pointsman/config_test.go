package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/pointsman/pointsman/host"
)

// command runs the command in this process.
func command(t *testing.T, args ...string) (stdout string, err error) {
	t.Helper()
	var out bytes.Buffer
	root := newRoot()
	root.SetOut(&out)
	root.SetErr(&out)
	root.SetArgs(args)
	err = root.ExecuteContext(t.Context())
	return out.String(), err
}

func TestConfigShow(t *testing.T) {
	path := file(t, "config.yaml", "log_level: warn\nupstream:\n  idle_timeout: 2s\n")
	t.Setenv("RAPTOR_API_KEY", "secret-word")
	args := []string{"config", "show", "--config", path, "--listen", "127.0.0.1:7"}
	out, err := command(t, args...)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"127.0.0.1:7", "--listen", path + ":1", path + ":3", "RAPTOR_API_KEY", "********"} {
		if !strings.Contains(out, want) {
			t.Errorf("config show prints\n%s\nwant %q", out, want)
		}
	}
	if strings.Contains(out, "POINTSMAN_MAX_IN_FLIGHT") || strings.Contains(out, "secret-word") {
		t.Errorf("config show prints\n%s\nwant neither defaults nor secrets", out)
	}
	for name, read := range map[string]func([]byte, any) error{"json": json.Unmarshal, "yaml": func(b []byte, v any) error { return yaml.Unmarshal(b, v) }} {
		out, err := command(t, append(args, "--resolved", "-o", name)...)
		var doc struct {
			Data []host.Setting `yaml:"data"`
		}
		if err != nil || read([]byte(out), &doc) != nil || len(doc.Data) < 30 || doc.Data[0].Origin != "--listen" {
			t.Errorf("config show --resolved -o %s = %v, want every setting\n%s", name, err, out)
		}
	}
}

func TestConfigCheck(t *testing.T) {
	for text, want := range map[string][]string{
		"log_level: warn\n":                 nil,
		"log_level: loud\n":                 {"loud", "config.yaml:1", "^"},
		"data_dir: x\nlistn: 127.0.0.1:1\n": {"[2:1]", "listn", "^"},
		"simulate: perhaps\n":               {"[1:11]", "^"},
	} {
		out, err := command(t, "config", "check", "--config", file(t, "config.yaml", text))
		if (err == nil) != (want == nil) {
			t.Errorf("config check of %q = %v, want %q", text, err, want)
			continue
		}
		if err == nil && !strings.Contains(out, "1 of ") {
			t.Errorf("config check of %q prints %q", text, out)
		}
		for _, part := range want {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("config check of %q = %v, want %q in it", text, err, part)
			}
		}
	}
}

func TestCompletion(t *testing.T) {
	for shell, want := range map[string]string{"bash": "__start_pointsman", "zsh": "#compdef pointsman", "fish": "complete -c pointsman", "powershell": "Register-ArgumentCompleter"} {
		if out, err := command(t, "completion", shell); err != nil || !strings.Contains(out, want) {
			t.Errorf("completion %s = %v, want %q in it", shell, err, want)
		}
	}
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{"conf"}, "config\t"},
		{[]string{"rules", "list", "-o", ""}, "table\njson\nyaml\n"},
		{[]string{"rules", "graph", "-o", ""}, "svg\n"},
	} {
		if out, err := command(t, append([]string{"__complete"}, tt.args...)...); err != nil || !strings.Contains(out, tt.want) {
			t.Errorf("completion of %q = %q, %v, want %q", tt.args, out, err, tt.want)
		}
	}
}
