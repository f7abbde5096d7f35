package host

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
)

func TestLoadConfig(t *testing.T) {
	tests := []struct {
		name, file string
		env        map[string]string
		want       func(*Config)
		wantErr    string
	}{
		{name: "nothing is the defaults", want: func(*Config) {}},
		{name: "an empty file", file: "  \n", want: func(*Config) {}},
		{name: "a file of comments", file: "# listen: 1.2.3.4:80\n# data_dir: x\n", want: func(*Config) {}},
		{name: "a file", file: "listen: 127.0.0.1:99\nsimulate: true\n", want: func(c *Config) { c.Listen, c.Simulate = "127.0.0.1:99", true }},
		{name: "the environment goes before the file", file: "listen: 127.0.0.1:99\n", env: map[string]string{"POINTSMAN_LISTEN": "127.0.0.1:98"}, want: func(c *Config) { c.Listen = "127.0.0.1:98" }},
		{name: "an empty variable is none", env: map[string]string{"POINTSMAN_LISTEN": ""}, want: func(*Config) {}},
		{name: "an unknown key", file: "listn: 127.0.0.1:99\n", wantErr: "listn"},
		{name: "a secret has no place in a file", file: "admin_key: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n", wantErr: "admin_key"},
		{name: "no YAML", file: "listen: [\n", wantErr: "config"},
		{name: "a wrong type", file: "simulate: perhaps\n", wantErr: "simulate"},
		{name: "timeouts of a file", file: "upstream:\n  connect_timeout: 2s\n  answer_timeout: 1m30s\n", want: func(c *Config) { c.Timeouts.Connect, c.Timeouts.Answer = 2*time.Second, 90*time.Second }},
		{name: "timeouts of the environment", env: map[string]string{"POINTSMAN_UPSTREAM_FIRST_BYTE_TIMEOUT": "20s", "POINTSMAN_UPSTREAM_IDLE_TIMEOUT": "30s", "POINTSMAN_UPSTREAM_TOTAL_TIMEOUT": "2m"}, want: func(c *Config) {
			c.Timeouts = Timeouts{FirstByte: 20 * time.Second, Idle: 30 * time.Second, Total: 2 * time.Minute}
		}},
		{name: "keys without a database", file: "keys_without_database: 5m\n", want: func(c *Config) { c.KeysWithoutDatabase = 5 * time.Minute }},
		{name: "limits without a database", file: "limits_without_database: share\nmax_in_flight: 7\n", env: map[string]string{"POINTSMAN_MAX_IN_FLIGHT": "9"}, want: func(c *Config) {
			c.LimitsWithoutDatabase, c.MaxInFlight = "share", 9
		}},
		{name: "webhooks to this machine", file: "webhook_loopback: true\n", want: func(c *Config) { c.WebhookLoopback = true }},
		{name: "no duration", env: map[string]string{"POINTSMAN_UPSTREAM_CONNECT_TIMEOUT": "5"}, wantErr: "unit"},
		{name: "no truth value", env: map[string]string{"POINTSMAN_SIMULATE": "perhaps"}, wantErr: "perhaps"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := ""
			if tt.file != "" {
				path = filepath.Join(t.TempDir(), "config.yaml")
				if err := os.WriteFile(path, []byte(tt.file), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			for name, value := range tt.env {
				t.Setenv(name, value)
			}
			got, err := LoadConfig(path)
			if tt.wantErr != "" {
				if err == nil || !strings.Contains(err.Error(), tt.wantErr) {
					t.Errorf("LoadConfig(%q) = %v, want an error with %q", tt.file, err, tt.wantErr)
				}
				return
			}
			want := DefaultConfig()
			tt.want(&want)
			if err != nil || got != want {
				t.Errorf("LoadConfig(%q) = %+v, %v, want %+v", tt.file, got, err, want)
			}
		})
	}
}

func TestConfigValidate(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("k", 32)
	tests := []struct {
		name    string
		change  func(*Config)
		wantErr string
	}{
		{"the defaults", func(*Config) {}, ""},
		{"Postgres with a key", func(c *Config) { c.DatabaseURL, c.EncryptionKey = "postgres://u:secret-word@h/d", long }, ""},
		{"Postgres without", func(c *Config) { c.DatabaseURL = "postgres://u:secret-word@h/d" }, "POINTSMAN_ENCRYPTION_KEY"},
		{"a short encryption key", func(c *Config) { c.EncryptionKey = "secret-word" }, "32"},
		{"previous encryption keys", func(c *Config) { c.PreviousKeys = long + ", " + long + "," }, ""},
		{"a short previous one", func(c *Config) { c.PreviousKeys = long + ",secret-word" }, "key 2 of POINTSMAN_ENCRYPTION_KEY_PREVIOUS"},
		{"a short admin key", func(c *Config) { c.AdminKey = "secret-word" }, "24"},
		{"a timeout", func(c *Config) { c.Timeouts.Total = time.Hour }, ""},
		{"a negative timeout", func(c *Config) { c.Timeouts.Idle = -time.Second }, "POINTSMAN_UPSTREAM_IDLE_TIMEOUT"},
		{"a timeout of days", func(c *Config) { c.Timeouts.Answer = 25 * time.Hour }, "24h"},
		{"keys hold for a day", func(c *Config) { c.KeysWithoutDatabase = 24 * time.Hour }, ""},
		{"keys hold for a moment", func(c *Config) { c.KeysWithoutDatabase = time.Second }, "POINTSMAN_KEYS_WITHOUT_DATABASE"},
		{"limits are shared without a database", func(c *Config) { c.LimitsWithoutDatabase = "share" }, ""},
		{"limits are something else without one", func(c *Config) { c.LimitsWithoutDatabase = "ignore" }, "refuse or share"},
		{"fewer than no requests in flight", func(c *Config) { c.MaxInFlight = -1 }, "POINTSMAN_MAX_IN_FLIGHT"},
		{"no address", func(c *Config) { c.Listen = "" }, "127.0.0.1:8080"},
		{"unpriced models at the ceiling", func(c *Config) { c.Unpriced = engine.UnpricedCeiling }, ""},
		{"unpriced models for nothing", func(c *Config) { c.Unpriced = "free" }, "POINTSMAN_UNPRICED"},
		{"no log level", func(c *Config) { c.LogLevel = "" }, ""},
		{"a log level", func(c *Config) { c.LogLevel = "debug" }, ""},
		{"an unknown log level", func(c *Config) { c.LogLevel = "loud" }, "loud"},
		{"a base URL", func(c *Config) { c.Upstreams.OpenAIBase = "http://127.0.0.1:1/v1" }, ""},
		{"a base URL without scheme", func(c *Config) { c.Upstreams.AnthropicBase = "api.example.com" }, "ANTHROPIC_BASE_URL"},
		{"a base URL of another scheme", func(c *Config) { c.Upstreams.RaptorBase = "ftp://h" }, "RAPTOR_BASE_URL"},
		{"a base URL without host", func(c *Config) { c.Upstreams.GoogleBase = "https:///v1" }, "GOOGLE_GEMINI_BASE_URL"},
		{"a base URL that is none", func(c *Config) { c.Upstreams.GeminiBase = "https://u:secret-word@h:port/" }, "GEMINI_BASE_URL"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := DefaultConfig()
			tt.change(&c)
			err := c.validate()
			if (err != nil) != (tt.wantErr != "") || err != nil && !strings.Contains(err.Error(), tt.wantErr) {
				t.Errorf("validate = %v, want an error with %q", err, tt.wantErr)
			}
			if err != nil && strings.Contains(err.Error(), "secret-word") {
				t.Errorf("validate = %v shows a secret", err)
			}
		})
	}
}

// What is printed for an operator to read, and to paste elsewhere, holds no secret.
func TestDiagnoseShowsNoSecret(t *testing.T) {
	t.Parallel()
	c := DefaultConfig()
	c.AdminKey, c.EncryptionKey = strings.Repeat("secret-word", 3), strings.Repeat("secret-word", 3)
	c.Upstreams = Upstreams{OpenAIKey: "secret-word", RaptorBase: "http://user:secret-word@127.0.0.1:1/v1?key=secret-word"}
	text := textOf(diagnoseProviders(t.Context(), c, DiagnoseOptions{}))
	for _, want := range []string{"openai     key set", "raptor     no key, base URL http://", "anthropic  skipped: no key"} {
		if !strings.Contains(text, want) {
			t.Errorf("findings do not say %q:\n%s", want, text)
		}
	}
	c.DataDir, c.DatabaseURL = t.TempDir(), "postgres://u:secret-word@127.0.0.1:1/d?connect_timeout=2"
	c.LogLevel = "loud"
	found := Diagnose(t.Context(), c, DiagnoseOptions{})
	text += textOf(found)
	for _, want := range []string{"error config POINTSMAN_LOG_LEVEL", "error store Postgres"} {
		if !strings.Contains(text, want) {
			t.Errorf("findings do not say %q:\n%s", want, text)
		}
	}
	if strings.Contains(text, "secret-word") {
		t.Errorf("findings show a secret:\n%s", text)
	}
	if !Failed(found) {
		t.Errorf("Failed(%v) = false, want true", found)
	}
}

// textOf is findings as lines.
func textOf(found []Finding) string {
	var b strings.Builder
	for _, f := range found {
		fmt.Fprintln(&b, f.Level, f.Check, f.Text, f.Next)
	}
	return b.String()
}
