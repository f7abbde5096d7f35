package main

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// With no room to write down what a request costs, nothing that costs is taken, in words; with
// room again it is, without a restart, and what was answered has its row.
func TestSpoolDiskFull(t *testing.T) {
	dir := warmDir(t)
	spool := filepath.Join(dir, "pointsman-data", "spool")
	if err := os.MkdirAll(spool, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", spool, "tmpfs", 0, "size=48m,mode=700"); err != nil {
		t.Skipf("a small disk of its own cannot be mounted here: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(spool, 0); err != nil {
			t.Errorf("unmount %s: %v", spool, err)
		}
	})
	filler := filepath.Join(spool, "filler")
	if err := os.WriteFile(filler, make([]byte, 47<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	up := newProvider(t)
	p := serve(t, dir, "POINTSMAN_ENCRYPTION_KEY="+testEncryptionKey, "OPENAI_API_KEY=sk-test", "OPENAI_BASE_URL="+up.url)
	t.Cleanup(p.kill) // before its disk goes
	body := map[string]any{"model": "gpt-4o", "models": []string{}, "messages": []any{map[string]any{"role": "user", "content": "This is call-0-1."}}}
	for range 3 {
		status, header, text := p.call(http.MethodPost, "/v1/chat/completions", body)
		if status != http.StatusServiceUnavailable || header.Get("Retry-After") == "" {
			t.Errorf("a completion with no room for its row = %d %s (retry-after %q), want 503 and when to come again", status, text, header.Get("Retry-After"))
		}
	}
	if status, _, text := p.call(http.MethodGet, "/v1/models", nil); status != http.StatusOK {
		t.Errorf("the list of models, which costs nothing = %d %s, want 200", status, text)
	}
	up.mu.Lock()
	if len(up.reached) != 0 {
		t.Errorf("requests that were refused reached the provider: %v", up.reached)
	}
	up.mu.Unlock()
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		status, _, text := p.call(http.MethodPost, "/v1/chat/completions", body)
		if status == http.StatusOK {
			break
		}
		if status != http.StatusServiceUnavailable || time.Now().After(deadline) {
			t.Fatalf("a completion with room again = %d %s, want 503 for a while, then 200", status, text)
		}
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		_, _, text := p.call(http.MethodGet, "/api/v1/usage", nil)
		if n := strings.Count(string(text), `"gpt-4o"`); n > 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("the answered request has no row: %s", text)
		}
	}
}
