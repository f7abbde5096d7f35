package main

import (
	"bytes"
	"database/sql"
	"path/filepath"
	"strings"
	"testing"
)

// doctor runs `pointsman doctor` in this process on a data folder.
func doctor(t *testing.T, verb, data string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	root := newRoot()
	root.SetOut(&out)
	root.SetArgs([]string{verb, "--data-dir", data})
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
	if err == nil || !strings.Contains(err.Error(), `"acme" is broken: entry 1`) || !strings.Contains(out, "1 of 1 chains are broken") || !strings.Contains(out, "listen") {
		t.Errorf("doctor with entries gone = %q, %v, want acme's chain to be broken at 1", out, err)
	}
}
