package wasm

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// mappingAt is the line of /proc/self/maps of the mapping that begins there.
func mappingAt(t *testing.T, code []byte) string {
	t.Helper()
	text, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, fmt.Sprintf("%x-", &code[0])) {
			return strings.TrimSpace(line)
		}
	}
	return ""
}

// TestFiled: native code of a global plugin stands in a file that has no name, and serves; an account's stays where it is.
func TestFiled(t *testing.T) {
	t.Parallel()
	for account, want := range map[string]bool{"": true, "acme": false} {
		cfg := Config{CacheDir: t.TempDir(), CacheKey: []byte("one key"), filedFrom: 1}
		l := open(t, cfg)
		var s shelf
		s.add(t, account, versioned("1.0.0").build(t))
		s.sync(t, l)
		if got := decides(t, ruleGuestOf(t, l, account, "test")); got != "1.0.0 1.0.0" {
			t.Errorf("of %q: decides %q, want 1.0.0", account, got)
		}
		p, err := l.lookup(account, "test", "rule")
		if err != nil {
			t.Fatal(err)
		}
		in, err := p.borrow(t.Context(), account)
		if err != nil {
			t.Fatal(err)
		}
		code := executableOf(in.guest)
		if len(code) == 0 {
			t.Fatal("wazero keeps native code elsewhere")
		}
		if line := mappingAt(t, code); strings.HasSuffix(line, "(deleted)") != want {
			t.Errorf("code of %q stands in %q, want in a file: %v", account, line, want)
		}
		p.forget(in)
		if left, _ := filepath.Glob(filepath.Join(cfg.CacheDir, "*", ".*")); len(left) > 0 {
			t.Errorf("%q is left", left)
		}
	}
}

// TestRemapFails: where there is no file, the code stays as it is.
func TestRemapFails(t *testing.T) {
	t.Parallel()
	l := open(t, Config{CacheDir: t.TempDir(), CacheKey: []byte("one key"), filedFrom: 1})
	l.codeCache.dir = filepath.Join(l.codeCache.dir, "nowhere")
	var s shelf
	s.add(t, "", versioned("1.0.0").build(t))
	s.sync(t, l)
	if got := decides(t, ruleGuestOf(t, l, "", "test")); got != "1.0.0 1.0.0" {
		t.Errorf("decides %q, want 1.0.0", got)
	}
}
