package main

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// A name alone means its active version, that of an account before the one for all.
func TestVersionOf(t *testing.T) {
	t.Parallel()
	version := func(account, version string, active bool) string {
		return fmt.Sprintf(`{"ref":"p@%s","version":%q,"account_id":%q,"active":%t}`, version, version, account, active)
	}
	for _, tt := range []struct {
		name  string
		args  []string
		there []string
		path  string // of the call after
		want  string // or the error
	}{
		{"with its version", []string{"p@1.0.0+b"}, nil, "/api/v1/plugins/p/1.0.0+b/stats", ""},
		{"version apart", []string{"p", "1.0.0"}, nil, "/api/v1/plugins/p/1.0.0/stats", ""},
		{"the active one", []string{"p"}, []string{version("", "1.0.0", false), version("", "2.0.0", true)}, "/api/v1/plugins/p/2.0.0/stats", ""},
		{"the account's", []string{"p"}, []string{version("", "1.0.0", true), version("acme", "2.0.0", true)}, "/api/v1/plugins/p/2.0.0/stats?account_id=acme", ""},
		{"two accounts'", []string{"p"}, []string{version("acme", "1.0.0", true), version("lab", "1.0.0", true)}, "", "--account acme, --account lab"},
		{"none active", []string{"p"}, []string{version("", "1.0.0", false), version("", "2.0.0", false)}, "", "name one of p@1.0.0, p@2.0.0"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				fmt.Fprintf(w, `{"data":[%s]}`, strings.Join(tt.there, ","))
			}))
			t.Cleanup(server.Close)
			c := &client{url: server.URL, key: "k"}
			cmd := newPluginStats(c)
			cmd.SetContext(t.Context())
			r, err := c.versionOf(cmd, "", tt.args)
			if tt.want != "" {
				if err == nil || !strings.Contains(err.Error(), tt.want) {
					t.Errorf("versionOf(%q) = %v, want %q", tt.args, err, tt.want)
				}
				return
			}
			if got := r.path("stats"); err != nil || got != tt.path {
				t.Errorf("versionOf(%q) = %q, %v, want %q", tt.args, got, err, tt.path)
			}
		})
	}
}

func TestFigures(t *testing.T) {
	t.Parallel()
	for got, want := range map[string]string{
		grouped(0): "0", grouped(999): "999", grouped(-1000): "-1,000", grouped(1234567): "1,234,567", grouped(-123): "-123",
		bytesText(12): "12 B", bytesText(1536): "1.5 KiB", bytesText(7 << 20): "7.0 MiB",
		timeText(831): "831 ns", timeText(41200): "41.2 µs", timeText(3 * time.Millisecond): "3 ms", timeText(1500 * time.Millisecond): "1.5 s",
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestTable(t *testing.T) {
	t.Parallel()
	table := &table{head: []string{"CASE", "FUEL", ""}, right: []bool{1: true}}
	table.add([]string{"two\nlines"}, "größer", "1,000", "")
	table.add(nil, "b", "7", "x")
	var out bytes.Buffer
	table.write(&out)
	const want = "CASE     FUEL\ngrößer  1,000\n    two\n    lines\nb           7  x\n"
	if out.String() != want {
		t.Errorf("table is\n%s\nwant\n%s", out.String(), want)
	}
}

// What the host and the guest's language say of a failure, without what repeats it.
func TestReadable(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, text, want string }{
		{"plain", "targets is [a], want [b]", "targets is [a], want [b]"},
		{"nameless stack", "plugin_failed: plugin p@1 failed: unreachable: \n> panic: x\nwasm error: unreachable\nwasm stack trace:\n\t.$1195(i32) i32\n\t.$6()", "plugin p@1 failed: unreachable: \n> panic: x"},
		{"stack with names", "plugin p@1 failed\nwasm error: unreachable\nwasm stack trace:\n\t.decide() i32", "plugin p@1 failed\nwasm error: unreachable\nwasm stack trace:\n\t.decide() i32"},
	} {
		if got := readable(tt.text); got != tt.want {
			t.Errorf("%s: readable() = %q, want %q", tt.name, got, tt.want)
		}
	}
}
