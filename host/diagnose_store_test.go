package host

import (
	"bytes"
	"database/sql"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

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

func wantFindings(t *testing.T, cfg Config, wantFailed bool, want ...string) {
	t.Helper()
	found := diagnoseStore(t.Context(), cfg, time.Now())
	text := textOf(found)
	for _, part := range want {
		if !strings.Contains(text, part) {
			t.Errorf("diagnoseStore() = %q, want it to say %q", text, part)
		}
	}
	if Failed(found) != wantFailed {
		t.Errorf("diagnoseStore() = %q, failed %v, want %v", text, !wantFailed, wantFailed)
	}
}

func TestDiagnoseStore(t *testing.T) {
	t.Parallel()
	cfg := DefaultConfig()
	cfg.DataDir = t.TempDir()
	wantFindings(t, cfg, false, "the first start makes the database")
	if made, err := os.ReadDir(cfg.DataDir); err != nil || len(made) > 0 {
		t.Errorf("diagnoseStore() made %v (%v), want nothing", made, err)
	}
	audited(t, cfg)
	wantFindings(t, cfg, false, "9 entries of 3 accounts, every chain holds", "ok key the first start makes")

	running, err := store.Open(t.Context(), cfg.databaseURL(), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	wantFindings(t, cfg, false, "not checked", "is in use", "/api/v1/audit/verify")
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
	wantFindings(t, cfg, true, `account "acme" is broken: entry 2`, "2 of 3 chains are broken")
	wantFindings(t, cfg, true, "audit/export?account_id=acme&after=1")
	wantFindings(t, cfg, true, `account "" is broken: entry 3`)
	wantFindings(t, cfg, true, "audit/export?global=true&after=2")
}

func TestDiagnoseStoreOnPostgres(t *testing.T) {
	t.Parallel()
	cfg := DefaultConfig()
	cfg.DatabaseURL = storetest.PostgresURL(t)
	wantFindings(t, cfg, false, "warning store Postgres", "run `pointsman migrate`", "save it first")
	audited(t, cfg)
	wantFindings(t, cfg, false, "rows each account's are protected by the database", "every chain holds", "ok clock")
	text := textOf(diagnoseStore(t.Context(), cfg, time.Now().Add(-time.Minute)))
	if !strings.Contains(text, "warning clock the database is 1m0") || !strings.Contains(text, "NTP") {
		t.Errorf("diagnoseStore() by a clock that is a minute late = %q, want that it is told", text)
	}
}

// A database whose encryption key was left behind is found before the start that would refuse it.
func TestDiagnoseKey(t *testing.T) {
	t.Parallel()
	cfg := DefaultConfig()
	cfg.DataDir = t.TempDir()
	s, err := store.Open(t.Context(), cfg.databaseURL(), store.Options{})
	must(t, err)
	must(t, store.Seed(t.Context(), s, testNow))
	h := &Host{cfg: cfg, store: s}
	h.opts.Now = func() time.Time { return testNow }
	_, err = h.openKeys(t.Context())
	must(t, err)
	must(t, s.Close())
	file := filepath.Join(cfg.DataDir, encryptionKeyFile)
	wantFindings(t, cfg, false, "ok key "+file+" is there")
	must(t, os.WriteFile(file, []byte("short"), 0o600))
	wantFindings(t, cfg, true, "error key "+file+" is damaged", "restore it from a backup")
	must(t, os.Remove(file))
	wantFindings(t, cfg, true, "error key "+file+" is missing", "restore it from a backup")
	if _, err := os.Stat(file); err == nil {
		t.Error("diagnoseStore() made a key")
	}
	cfg.EncryptionKey = strings.Repeat("k", minEncryptionKey)
	wantFindings(t, cfg, false, "ok key POINTSMAN_ENCRYPTION_KEY is set")
}

// What cannot be opened, or asked, is a finding with a next step too.
func TestDiagnoseUnreadable(t *testing.T) {
	t.Parallel()
	cfg := DefaultConfig()
	cfg.DataDir = t.TempDir()
	must(t, os.WriteFile(filepath.Join(cfg.DataDir, "pointsman.db"), bytes.Repeat([]byte("no database "), 1000), 0o600))
	closed, err := store.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "closed.db"), store.Options{})
	must(t, err)
	must(t, closed.Close())
	for name, found := range map[string][]Finding{
		"store": diagnoseStore(t.Context(), cfg, testNow),
		"key":   diagnoseKey(t.Context(), cfg, closed),
		"audit": diagnoseAudit(t.Context(), closed),
		"disk":  diagnoseDisk(cfg.DataDir, func(string) (uint64, error) { return 0, errors.New("no such device") }),
	} {
		if len(found) != 1 || found[0].Check != name || found[0].Level == LevelOK || found[0].Next == "" {
			t.Errorf("%s = %+v, want one finding with a next step", name, found)
		}
	}
}

func TestDiagnoseDisk(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "not", "made")
	for free, want := range map[uint64]Level{99 << 20: LevelError, 500 << 20: LevelWarning, 2 << 30: LevelOK} {
		got := diagnoseDisk(dir, func(string) (uint64, error) { return free, nil })
		if len(got) != 1 || got[0].Level != want || (got[0].Next == "") != (want == LevelOK) {
			t.Errorf("diagnoseDisk() with %d free = %+v, want %s", free, got, want)
		}
	}
	if left, err := freeBytes(t.TempDir()); err != nil || left == 0 {
		t.Errorf("freeBytes() = %d, %v, want some", left, err)
	}
	if got := diagnoseDisk(dir, freeBytes); strings.Contains(textOf(got), "no such file") {
		t.Errorf("diagnoseDisk() of a folder to be made = %+v, want its disk", got)
	}
}

func TestDiagnoseCache(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	compiled := filepath.Join(data, "compiled")
	if got := diagnoseCache(data); got.Level != LevelOK || !strings.Contains(got.Text, "no compiled plugins yet") {
		t.Errorf("diagnoseCache() of nothing = %+v", got)
	}
	if err := os.Mkdir(compiled, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(compiled, "a"), make([]byte, 3<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := diagnoseCache(data); got.Level != LevelOK || got.Text != "1 files of compiled plugins, 3 MiB" {
		t.Errorf("diagnoseCache() = %+v, want the file", got)
	}
	if err := os.Chmod(compiled, 0o777); err != nil {
		t.Fatal(err)
	}
	if got := diagnoseCache(data); got.Level != LevelWarning || !strings.Contains(got.Next, "chmod 700") {
		t.Errorf("diagnoseCache() of a folder for all = %+v, want a warning", got)
	}
}

func TestDiagnoseProviders(t *testing.T) {
	t.Parallel()
	plain := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(plain.Close)
	secured := httptest.NewUnstartedServer(http.NotFoundHandler())
	secured.Config.ErrorLog = log.New(io.Discard, "", 0)
	secured.StartTLS()
	t.Cleanup(secured.Close)
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	for _, tt := range []struct {
		name, base string
		online     bool
		level      Level
		text       string
	}{
		{"on this machine", "http://127.0.0.1:9/v1", false, LevelOK, "key set, base URL http://127.0.0.1:9/v1"},
		{"elsewhere without TLS", "http://192.0.2.1/v1", false, LevelWarning, "goes over the network as it is"},
		{"elsewhere with it", "https://192.0.2.1/v1", false, LevelOK, "https://192.0.2.1/v1"},
		{"no URL", "ftp://x", false, LevelError, "set RAPTOR_BASE_URL"},
		{"reachable", plain.URL, true, LevelOK, "reachable"},
		{"not reachable", gone.URL, true, LevelWarning, "cannot be reached"},
		{"a certificate of nobody", secured.URL, true, LevelWarning, "trusts its authority"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := DefaultConfig()
			c.Upstreams = Upstreams{RaptorKey: "secret-word", RaptorBase: tt.base}
			found := diagnoseProviders(t.Context(), c, DiagnoseOptions{Online: tt.online, Now: time.Now()})
			raptor := found[len(found)-1]
			if raptor.Level != tt.level || !strings.Contains(raptor.Text+raptor.Next, tt.text) || (raptor.Next == "") != (tt.level == LevelOK) {
				t.Errorf("diagnoseProviders(%s) = %+v, want %s: %s", tt.base, raptor, tt.level, tt.text)
			}
		})
	}
}
