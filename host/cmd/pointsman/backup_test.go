package main

import (
	"net/http"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// A backup that was made while a server ran brings back what it had then.
func TestBackupAndRestore(t *testing.T) {
	dir := t.TempDir()
	data, saved := filepath.Join(dir, "pointsman-data"), filepath.Join(dir, "monday.db")
	p := serve(t, dir)
	p.createRule("before", "mentions('before')", "gpt-4o")
	if out, err := command(t, "backup", saved, "--data-dir", data); err != nil || !strings.Contains(out, "encryption.key") {
		t.Fatalf("backup with a running server = %q, %v, want nil", out, err)
	}
	p.createRule("after", "mentions('after')", "gpt-4o")
	if out, err := command(t, "backup", saved, "--data-dir", data); err == nil || !strings.Contains(err.Error(), "choose another name") {
		t.Errorf("backup onto a file = %q, %v, want a refusal", out, err)
	}
	if out, err := command(t, "restore", saved, "--data-dir", data); err == nil || !strings.Contains(err.Error(), "in use by process") {
		t.Errorf("restore with a running server = %q, %v, want a refusal", out, err)
	}
	if p.ruleOf("after") != "after" {
		t.Error("a refused restore changed what the server decides")
	}
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	<-p.exited

	out, err := command(t, "restore", saved, "--data-dir", data)
	if err != nil || !strings.Contains(out, "pointsman.db.before-") {
		t.Fatalf("restore = %q, %v, want it to keep the old database", out, err)
	}
	if out, err := doctor(t, "doctor", data); err != nil || !strings.Contains(out, "every chain holds") {
		t.Errorf("doctor after restore = %q, %v, want it to be sound", out, err)
	}
	again := serve(t, dir)
	again.key = p.key
	for id, want := range map[string]int{"before": http.StatusOK, "after": http.StatusNotFound} {
		if status, _, body := again.call(http.MethodGet, "/api/v1/rules/"+id, nil); status != want {
			t.Errorf("rule %s after restore = %d, want %d\n%s", id, status, want, body)
		}
	}

	// Elsewhere it needs the key.
	moved := filepath.Join(t.TempDir(), "data")
	if out, err := command(t, "restore", saved, "--data-dir", moved); err != nil || !strings.Contains(out, "Before the next start, put the key") {
		t.Errorf("restore elsewhere = %q, %v, want that the key is missing", out, err)
	}
	keyFile := filepath.Join(data, "encryption.key")
	if out, err := command(t, "restore", saved, "--data-dir", moved, "--key-file", keyFile); err != nil || !strings.Contains(out, "The encryption key is in place") {
		t.Errorf("restore with the key = %q, %v, want it in place", out, err)
	}
	if out, err := command(t, "restore", saved, "--data-dir", moved, "--key-file", file(t, "other.key", strings.Repeat("k", 40))); err == nil || !strings.Contains(err.Error(), "another key") {
		t.Errorf("restore with another key = %q, %v, want a refusal", out, err)
	}
	if _, err := command(t, "backup", saved, "--database-url", "postgres://127.0.0.1:1/d"); err == nil || !strings.Contains(err.Error(), "pg_dump") {
		t.Errorf("backup of a Postgres = %v, want what does it", err)
	}
}
