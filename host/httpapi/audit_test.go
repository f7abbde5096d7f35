package httpapi

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/store"
	"github.com/pointsman/pointsman/host/store/storetest/migrated"
	"github.com/pointsman/pointsman/host/tenancy"
)

// startAudit is a server over a log in which acme has 250 entries, rival one and nobody two.
func startAudit(t *testing.T) (*running, engine.Store) {
	t.Helper()
	kept, err := store.Open(t.Context(), "sqlite:"+migrated.SQLite(t, filepath.Join(t.TempDir(), "p.db")), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = kept.Close() })
	add := func(account, user, action string, n int) {
		ctx := engine.WithActor(t.Context(), engine.Actor{RequestID: "r", Principal: engine.Principal{AccountID: "acme", UserID: user, KeyID: "k", Role: engine.RoleAccountAdmin}})
		at := testNow.Add(time.Duration(n) * time.Minute)
		if err := kept.AppendAudit(engine.Audited(ctx, at, account, action, "rule/"+fmt.Sprint(n), map[string]any{"name": "<b>\u2028\"" + account, "n": n})); err != nil {
			t.Fatal(err)
		}
	}
	for n := range 250 {
		add("acme", []string{"boss", "lead"}[n%2], []string{"rule.create", "rule.update", "model.update"}[n%3], n+1)
	}
	add("rival", "boss", "rule.create", 1)
	add("", "admin", "rule.create", 1)
	add("", "admin", "rule.update", 2)
	return start(t, &fake{}, func(c *Config) { c.Audit = tenancy.NewAuditLog(kept) }), kept
}

// seqs are those of a list's entries.
func seqs(r reply) (found []int64) {
	var body struct {
		Data []struct {
			AccountID string `json:"account_id"`
			Seq       int64
		}
	}
	_ = json.Unmarshal([]byte(r.body), &body)
	for _, e := range body.Data {
		found = append(found, e.Seq)
	}
	return found
}

func TestAuditList(t *testing.T) {
	t.Parallel()
	s, _ := startAudit(t)
	for _, c := range []struct {
		name, key, query string
		want             []int64
	}{
		{"own account", adminKey, "?limit=3", []int64{250, 249, 248}},
		{"by name", adminKey, "?limit=2&account_id=acme", []int64{250, 249}},
		{"older", adminKey, "?limit=3&before=4", []int64{3, 2, 1}},
		{"action", adminKey, "?limit=2&action=model.update", []int64{249, 246}},
		{"kind of action", adminKey, "?limit=2&action=rule.", []int64{250, 248}},
		{"object", adminKey, "?object=rule/7", []int64{7}},
		{"user", adminKey, "?limit=2&user=boss", []int64{249, 247}},
		{"time", adminKey, "?from=2026-11-22T12:05:00Z&to=2026-11-22T12:07:00Z", []int64{6, 5}},
		{"nothing", adminKey, "?object=rule/none", nil},
		{"another admin", rivalKey, "", []int64{1}},
		{"super admin's own account", superKey, "", nil},
		{"super admin, another's", superKey, "?account_id=rival", []int64{1}},
		{"super admin, global", superKey, "?global=true", []int64{2, 1}},
	} {
		r := s.do("GET", "/api/v1/audit"+c.query, c.key, "")
		if got := seqs(r); r.status != 200 || !slices.Equal(got, c.want) {
			t.Errorf("%s: GET audit%s = %d %v, want %v", c.name, c.query, r.status, got, c.want)
		}
	}
	var one struct{ Data []map[string]any }
	r := s.do("GET", "/api/v1/audit?account_id=rival", superKey, "")
	if err := json.Unmarshal([]byte(r.body), &one); err != nil || len(one.Data) != 1 {
		t.Fatalf("GET audit of rival = %s, want one entry", r.body)
	}
	for member, want := range map[string]any{
		"account_id": "rival", "seq": 1.0, "at": "2026-11-22T12:01:00Z", "actor_account": "acme", "actor_user": "boss", "actor_key": "k",
		"actor_role": "account_admin", "request_id": "r", "action": "rule.create", "object": "rule/1", "reason": "", "previous": strings.Repeat("0", 64),
	} {
		if got := one.Data[0][member]; got != want {
			t.Errorf("entry's %s = %v, want %v", member, got, want)
		}
	}
	if detail, _ := one.Data[0]["detail"].(map[string]any); detail["n"] != 1.0 {
		t.Errorf("entry's detail = %v, want the row", one.Data[0]["detail"])
	}
	seen, before := 0, ""
	for range 10 { // page by page
		r := s.do("GET", "/api/v1/audit?limit=100"+before, adminKey, "")
		seen += len(seqs(r))
		next, more := r.member("next").(float64)
		if !more {
			break
		}
		before = fmt.Sprintf("&before=%.0f", next)
	}
	if seen != 250 {
		t.Errorf("the pages have %d entries, want 250", seen)
	}
}

func TestAuditIsForAdmins(t *testing.T) {
	t.Parallel()
	s, _ := startAudit(t)
	for _, path := range []string{"/api/v1/audit", "/api/v1/audit/export", "/api/v1/audit/verify"} {
		for _, c := range []struct {
			name, key, query string
			status           int
			code             string
		}{
			{"no key", "", "", 401, "invalid_api_key"},
			{"a user", userKey, "", 403, "permission_denied"},
			{"a lead", leadKey, "", 403, "permission_denied"},
			{"another account", adminKey, "?account_id=rival", 404, "not_found"},
			{"no account", adminKey, "?account_id=ghost", 404, "not_found"},
			{"the global log", adminKey, "?global=true", 404, "not_found"},
			{"two at once", superKey, "?global=true&account_id=acme", 400, "invalid_request"},
		} {
			r := s.do("GET", path+c.query, c.key, "")
			isProblem(t, c.name+" at "+path, r, c.status, c.code)
			if strings.Contains(r.body, "rule.create") {
				t.Errorf("%s at %s shows an entry: %s", c.name, path, r.body)
			}
		}
	}
}

func TestAuditExport(t *testing.T) {
	t.Parallel()
	s, _ := startAudit(t)
	whole := s.do("GET", auditExportPath, adminKey, "")
	if whole.status != 200 || whole.header.Get("Content-Type") != "application/x-ndjson" || whole.header.Get("Cache-Control") != "no-store" {
		t.Fatalf("GET export = %d %v, want lines of JSON that nobody keeps", whole.status, whole.header)
	}
	lines := strings.SplitAfter(whole.body, "\n")
	if len(lines) != 251 || lines[250] != "" {
		t.Fatalf("GET export has %d lines, want 250", len(lines)-1)
	}
	// As the description of the route says, from the bytes alone.
	previous := make([]byte, sha256.Size)
	for i, line := range lines[:250] {
		var e struct {
			Seq            int64
			Previous, Hash string
			Detail         struct{ Name string }
		}
		if err := json.Unmarshal([]byte(line), &e); err != nil || e.Seq != int64(i+1) || e.Detail.Name != "<b>\u2028\"acme" {
			t.Fatalf("line %d = %q (%v), want entry %d", i, line, err, i+1)
		}
		form, _, _ := strings.Cut(line, `,"previous"`)
		sum := sha256.Sum256(append(previous, form+"}"...))
		if e.Previous != hex.EncodeToString(previous) || e.Hash != hex.EncodeToString(sum[:]) {
			t.Fatalf("line %d does not follow the one before it: %s", i, line)
		}
		previous = sum[:]
	}
	for _, c := range []struct {
		query string
		want  string
	}{
		{"?after=100", strings.Join(lines[100:], "")},
		{"?after=99&limit=101", strings.Join(lines[99:200], "")},
		{"?limit=100", strings.Join(lines[:100], "")},
		{"?limit=1", lines[0]},
		{"?after=250", ""},
		{"?after=9999", ""},
	} {
		if r := s.do("GET", auditExportPath+c.query, adminKey, ""); r.status != 200 || r.body != c.want {
			t.Errorf("GET export%s = %d and %d bytes, want %d", c.query, r.status, len(r.body), len(c.want))
		}
	}
	if r := s.do("GET", auditExportPath+"?global=true", superKey, ""); strings.Count(r.body, "\n") != 2 {
		t.Errorf("GET export of global rows = %s, want two lines", r.body)
	}
	for _, query := range []string{"?limit=0", "?limit=100001", "?after=-1", "?after=x"} {
		if r := s.do("GET", auditExportPath+query, adminKey, ""); r.status != 422 {
			t.Errorf("GET export%s = %d, want 422", query, r.status)
		}
	}
}

// flaky is a log whose reads fail from the nth on.
type flaky struct {
	AuditService
	reads int
}

func (f *flaky) ReadAudit(ctx context.Context, p engine.Principal, account string, after int64, limit int) ([]engine.AuditEntry, error) {
	if f.reads--; f.reads < 0 {
		return nil, errors.New("the database at 10.0.0.7 is gone")
	}
	return f.AuditService.ReadAudit(ctx, p, account, after, limit)
}

func TestAuditExportThatFails(t *testing.T) {
	t.Parallel()
	_, kept := startAudit(t)
	for reads, want := range map[int]int{0: 0, 1: 100, 2: 200} {
		s := start(t, &fake{}, func(c *Config) { c.Audit = &flaky{tenancy.NewAuditLog(kept), reads} })
		r := s.do("GET", auditExportPath, adminKey, "")
		if reads == 0 {
			if r.status < 500 {
				t.Errorf("export of a log that cannot be read = %d, want an error", r.status)
			}
			continue
		}
		lines := strings.Split(strings.TrimSuffix(r.body, "\n"), "\n")
		last := lines[len(lines)-1]
		if r.status != 200 || len(lines) != want+1 || strings.Contains(last, `"seq"`) || !strings.Contains(last, `"status":500`) || strings.Contains(last, "10.0.0.7") {
			t.Errorf("export cut after %d pages = %d with %d lines, last %q; want %d and the problem", reads, r.status, len(lines), last, want)
		}
	}
}

// broken is a log that was tampered with.
type broken struct{ AuditService }

func (broken) VerifyAudit(context.Context, engine.Principal, string) (int64, *engine.AuditBreak, error) {
	return 6, &engine.AuditBreak{AccountID: "acme", Seq: 7, Reason: "was changed"}, nil
}

func TestAuditVerify(t *testing.T) {
	t.Parallel()
	s, kept := startAudit(t)
	if r := s.do("GET", "/api/v1/audit/verify", adminKey, ""); r.member("intact") != true || r.member("holds") != 250.0 || r.member("account_id") != "acme" {
		t.Errorf("GET verify = %d %s, want that 250 entries hold", r.status, r.body)
	}
	s = start(t, &fake{}, func(c *Config) { c.Audit = broken{tenancy.NewAuditLog(kept)} })
	if r := s.do("GET", "/api/v1/audit/verify", adminKey, ""); r.member("intact") != false || r.member("holds") != 6.0 || r.member("broken_seq") != 7.0 || r.member("reason") != "was changed" {
		t.Errorf("GET verify of a broken log = %d %s, want where", r.status, r.body)
	}
}
