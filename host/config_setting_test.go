package host

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

func settingsOf(t *testing.T, c Config, file string, flags ...string) map[string]Setting {
	t.Helper()
	list, err := c.Settings(file, func(f string) bool { return slices.Contains(flags, f) })
	if err != nil {
		t.Fatal(err)
	}
	byVariable := map[string]Setting{}
	for _, s := range list {
		byVariable[s.Variable] = s
	}
	return byVariable
}

func configFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// Every setting says who set it.
func TestSettingsOrigin(t *testing.T) {
	file := configFile(t, "# ours\nlisten: 127.0.0.1:99\nlog_level: debug\nupstream:\n  idle_timeout: 2s\n  connect_timeout: 3s\ndata_dir: elsewhere\n")
	t.Setenv("POINTSMAN_LOG_LEVEL", "warn")
	t.Setenv("OPENAI_API_KEY", "secret-word")
	t.Setenv("POINTSMAN_UPSTREAM_CONNECT_TIMEOUT", "")
	c, err := LoadConfig(file)
	if err != nil {
		t.Fatal(err)
	}
	c.DataDir = "flagged"
	got := settingsOf(t, c, file, "data-dir")
	for _, want := range []Setting{
		{"listen", "POINTSMAN_LISTEN", "127.0.0.1:99", file + ":2"},
		{"log_level", "POINTSMAN_LOG_LEVEL", "warn", "POINTSMAN_LOG_LEVEL"},
		{"upstream.idle_timeout", "POINTSMAN_UPSTREAM_IDLE_TIMEOUT", "2s", file + ":5"},
		{"upstream.connect_timeout", "POINTSMAN_UPSTREAM_CONNECT_TIMEOUT", "3s", file + ":6"},
		{"upstream.total_timeout", "POINTSMAN_UPSTREAM_TOTAL_TIMEOUT", "600s", "default"},
		{"data_dir", "POINTSMAN_DATA_DIR", "flagged", "--data-dir"},
		{"database_url", "POINTSMAN_DATABASE_URL", "sqlite:" + filepath.Join("flagged", "pointsman.db"), "default"},
		{"max_in_flight", "POINTSMAN_MAX_IN_FLIGHT", "16384", "default"},
		{"simulate", "POINTSMAN_SIMULATE", "false", "default"},
		{"telemetry.trace_ratio", "POINTSMAN_TRACE_RATIO", "1", "default"},
		{"", "OPENAI_API_KEY", maskedValue, "OPENAI_API_KEY"},
		{"", "ANTHROPIC_API_KEY", "", "default"},
		{"", "OTEL_EXPORTER_OTLP_ENDPOINT", "", "default"},
	} {
		if got[want.Variable] != want {
			t.Errorf("Settings()[%s] = %+v, want %+v", want.Variable, got[want.Variable], want)
		}
	}
}

// What is shown of a setting holds no secret, whichever setting it is in.
func TestSettingsMaskSecrets(t *testing.T) {
	t.Parallel()
	const secret = "https://user:secret-word@host.example/v1?key=secret-word#secret-word"
	secretName := regexp.MustCompile(`(Keys?|Secret|Password|Token|Credential|Endpoint|Traces|Base|URL)$`)
	c := DefaultConfig()
	masked := 0
	var fill func(v reflect.Value)
	fill = func(v reflect.Value) {
		for i := range v.NumField() {
			field := v.Type().Field(i)
			switch {
			case field.Type.Kind() == reflect.Struct:
				fill(v.Field(i))
			case field.Type.Kind() == reflect.String && (field.Tag.Get("mask") != "" || secretName.MatchString(field.Name)):
				v.Field(i).SetString(secret)
				masked++
			}
		}
	}
	fill(reflect.ValueOf(&c).Elem())
	if masked < 14 {
		t.Errorf("%d settings may hold a secret, want at least 14", masked)
	}
	for variable, s := range settingsOf(t, c, "") {
		if strings.Contains(s.Value, "secret-word") || strings.Contains(s.Value, "user") {
			t.Errorf("Settings()[%s] shows %q", variable, s.Value)
		}
	}
	for text, want := range map[string]string{
		"postgres://u:secret-word@h:5432/d?sslmode=disable": "postgres://********@h:5432/d?********",
		"sqlite:data/x.db":    "sqlite:data/x.db",
		"sqlite:/data/x.db":   "sqlite:///data/x.db",
		"secret-word":         maskedValue,
		"https://u:%zz@h":     maskedValue,
		"http://127.0.0.1:1/": "http://127.0.0.1:1/",
	} {
		if got := maskedURL(text); got != want && !(strings.HasPrefix(want, "sqlite") && strings.HasSuffix(got, "/data/x.db")) {
			t.Errorf("maskedURL(%q) = %q, want %q", text, got, want)
		}
	}
}

// The README's table has every setting of POINTSMAN_, and its default.
func TestSettingsAreInTheReadme(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	for variable, s := range settingsOf(t, DefaultConfig(), "") {
		if !strings.HasPrefix(variable, "POINTSMAN_") {
			continue
		}
		row := regexp.MustCompile("(?m)^\\|.*`" + variable + "`.*$").FindString(string(text))
		if row == "" {
			t.Errorf("README has no row for %s", variable)
		} else if _, err := time.ParseDuration(s.Value); err == nil && !strings.Contains(row, "`"+s.Value+"`") {
			t.Errorf("README says of %s %q, want the default %s", variable, row, s.Value)
		}
	}
}

func TestConfigCheckShowsThePlace(t *testing.T) {
	for _, tt := range []struct {
		name, file string
		env        map[string]string
		want       []string
	}{
		{"nothing wrong", "listen: 127.0.0.1:1\n", nil, nil},
		{"in the file", "listen: 127.0.0.1:1\nmax_in_flight: -3\n", nil, []string{"POINTSMAN_MAX_IN_FLIGHT is -3", "config.yaml:2", "^"}},
		{"in a part of the file", "upstream:\n  idle_timeout: -3s\n", nil, []string{"config.yaml:2", "idle_timeout: -3s", "^"}},
		{"in the environment", "log_level: info\n", map[string]string{"POINTSMAN_LOG_LEVEL": "loud"}, []string{`"loud"`, "(from POINTSMAN_LOG_LEVEL)"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for name, value := range tt.env {
				t.Setenv(name, value)
			}
			file := configFile(t, tt.file)
			c, err := LoadConfig(file)
			if err != nil {
				t.Fatal(err)
			}
			settings, err := c.Settings(file, func(string) bool { return false })
			if err != nil {
				t.Fatal(err)
			}
			err = c.Check(file, settings)
			if (err == nil) != (tt.want == nil) {
				t.Fatalf("Check() = %v, want %q", err, tt.want)
			}
			for _, part := range tt.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("Check() = %v, want %q in it", err, part)
				}
			}
		})
	}
}
