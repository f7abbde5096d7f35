package host

import (
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/store"
	"github.com/pointsman/pointsman/host/store/storetest"
)

// audited writes rules of two accounts, and a global one, under audit entries.
func audited(t *testing.T, cfg Config) {
	t.Helper()
	s, err := store.Open(t.Context(), cfg.databaseURL(), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, account := range []string{"", "acme", "rival"} {
		for _, id := range []string{"one", "two", "three"} {
			ctx := engine.Audited(t.Context(), testNow, account, "rule.create", "rule/"+id, nil)
			r := engine.Rule{AccountID: account, ID: id, Name: id, When: "true", Target: "m", OnFailure: engine.FailureSkip, CreatedAt: testNow, UpdatedAt: testNow}
			if err := s.CreateRule(ctx, r); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func wantFindings(t *testing.T, cfg Config, wantErr string, want ...string) {
	t.Helper()
	findings, err := DiagnoseStore(t.Context(), cfg)
	text := strings.Join(findings, "\n")
	for _, part := range want {
		if !strings.Contains(text, part) {
			t.Errorf("DiagnoseStore() = %q, want it to say %q", text, part)
		}
	}
	if (err == nil) != (wantErr == "") || err != nil && !strings.Contains(err.Error(), wantErr) {
		t.Errorf("DiagnoseStore() = %v, want %q", err, wantErr)
	}
}

func TestDiagnoseStore(t *testing.T) {
	t.Parallel()
	cfg := DefaultConfig()
	cfg.DataDir = t.TempDir()
	wantFindings(t, cfg, "", "nothing yet")
	if made, err := os.ReadDir(cfg.DataDir); err != nil || len(made) > 0 {
		t.Errorf("DiagnoseStore() made %v (%v), want nothing", made, err)
	}
	audited(t, cfg)
	wantFindings(t, cfg, "", "9 entries of 3 accounts, every chain holds")

	running, err := store.Open(t.Context(), cfg.databaseURL(), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	wantFindings(t, cfg, "", "not checked", "is in use", "/api/v1/audit/verify")
	if err := running.Close(); err != nil {
		t.Fatal(err)
	}

	db, err := sql.Open("sqlite", filepath.Join(cfg.DataDir, "pointsman.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, tamper := range []string{
		"update audit set object = 'rule/nothing' where account_id = 'acme' and seq = 2",
		"delete from audit where account_id = '' and seq = 3",
	} {
		if _, err := db.Exec(tamper); err != nil {
			t.Fatal(err)
		}
	}
	wantFindings(t, cfg, `account "acme" is broken: entry 2`, "2 of 3 chains are broken")
	wantFindings(t, cfg, "audit/export?account_id=acme&after=1")
	wantFindings(t, cfg, `account "" is broken: entry 3`)
	wantFindings(t, cfg, "audit/export?global=true&after=2")
}

func TestDiagnoseStoreOnPostgres(t *testing.T) {
	t.Parallel()
	cfg := DefaultConfig()
	cfg.DatabaseURL = storetest.PostgresURL(t)
	wantFindings(t, cfg, "", "not checked", "run `pointsman migrate`")
	audited(t, cfg)
	wantFindings(t, cfg, "", "rows       each account's are protected by the database", "every chain holds")
}
