package main

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pointsman/pointsman/host"
)

// doctor runs `pointsman doctor` in this process on a data folder.
func doctor(t *testing.T, verb, data string, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	root := newRoot()
	root.SetOut(&out)
	root.SetArgs(append([]string{verb, "--data-dir", data}, args...))
	err := root.ExecuteContext(t.Context())
	return out.String(), err
}

func TestDoctorLooksIntoTheDatabase(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	if out, err := doctor(t, "doctor", data); err != nil || !strings.Contains(out, "the first start makes the database") {
		t.Errorf("doctor before the first start = %q, %v, want that there is no database yet", out, err)
	}
	if out, err := doctor(t, "migrate", data); err != nil {
		t.Fatalf("migrate = %q, %v, want nil", out, err)
	}
	if out, err := doctor(t, "doctor", data); err != nil || !strings.Contains(out, "every chain holds") {
		t.Errorf("doctor = %q, %v, want that every chain holds", out, err)
	}
	db, err := sql.Open("sqlite", filepath.Join(data, "pointsman.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec("insert into audit_heads (account_id, seq, hash) values ('acme', 3, zeroblob(32))"); err != nil {
		t.Fatal(err)
	}
	out, err := doctor(t, "doctor", data)
	if err == nil || !strings.Contains(out, `"acme" is broken: entry 1`) || !strings.Contains(out, "1 of 1 chains are broken") || !strings.Contains(out, "next: keep the database as evidence") {
		t.Errorf("doctor with entries gone = %q, %v, want acme's chain to be broken at 1", out, err)
	}
	out, err = doctor(t, "doctor", data, "--json")
	var doc struct {
		OK       bool
		Findings []host.Finding
	}
	if err == nil || json.Unmarshal([]byte(out), &doc) != nil || doc.OK || len(doc.Findings) < 8 {
		t.Errorf("doctor --json = %q, %v, want findings", out, err)
	}
	checks := map[string]bool{}
	for _, f := range doc.Findings {
		checks[f.Check] = true
		if f.Level != host.LevelOK && f.Next == "" {
			t.Errorf("finding %+v has no next step", f)
		}
	}
	for _, want := range []string{"config", "listen", "store", "audit", "disk", "cache", "provider"} {
		if !checks[want] {
			t.Errorf("doctor --json = %q, want a finding of %s", out, want)
		}
	}
}

// Settings that cannot be read, or cannot work, are findings too.
func TestDoctorOfBrokenSettings(t *testing.T) {
	for text, want := range map[string]string{"listn: x\n": "listn", "max_in_flight: -1\n": "config.yaml:1"} {
		out, err := doctor(t, "doctor", filepath.Join(t.TempDir(), "data"), "--config", file(t, "config.yaml", text))
		if err == nil || !strings.Contains(out, want) || !strings.Contains(out, "^") || !strings.Contains(out, "next: ") {
			t.Errorf("doctor of %q = %q, %v, want %q with its place", text, out, err, want)
		}
	}
}
