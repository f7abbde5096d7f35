package storetest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
)

var auditTests = []test{
	{"keeps every member of an entry", auditKeep},
	{"an entry and its row are one transaction", auditOneTransaction},
	{"a tenant's changes are in the log that it reads", auditTenant},
	{"an act without a row has an entry too", auditAppend},
	{"each account has a chain of its own", auditChains},
	{"lists entries, newest first, by filter", auditList},
	{"reads a chain part by part", auditRead},
	{"cleans what came from outside and refuses a mistake", auditOdd},
	{"writers at once leave no gap", auditHammer},
	{"the chain is there after a restart, and goes on", auditReopen},
}

// audited is the test's context with an entry for the next write.
func audited(t *testing.T, account, action, object string) context.Context {
	return engine.Audited(t.Context(), at(7), account, action, object, nil)
}

// wantChain asks for a chain that holds, of so many entries.
func wantChain(t *testing.T, s engine.Store, account string, entries int64) {
	t.Helper()
	got, err := engine.CheckAudit(t.Context(), s, account)
	if err != nil || got != entries {
		t.Errorf("CheckAudit(%q) = %d, %v, want %d, nil", account, got, err, entries)
	}
}

// chain is the whole chain of an account.
func chain(t *testing.T, s engine.Store, account string) []engine.AuditEntry {
	t.Helper()
	entries, err := s.ReadAudit(t.Context(), account, 0, 1000)
	must(t, "ReadAudit()", err)
	return entries
}

func objects(entries []engine.AuditEntry) (all []string) {
	for _, e := range entries {
		all = append(all, e.Object)
	}
	return all
}

func auditKeep(t *testing.T, d Database) {
	s := open(t, d)
	ctx := engine.WithActor(t.Context(), engine.Actor{RequestID: "req", Principal: engine.Principal{
		AccountID: "default", UserID: "root", KeyID: "key", Role: engine.RoleSuperAdmin,
	}})
	ctx = engine.Audited(ctx, finest(3), "acme", "rule.create", "rule/r", map[string]string{"id": "r", "when": `a < "b"`})
	engine.AuditOf(ctx).Reason = "because"
	must(t, "CreateRule()", s.CreateRule(ctx, plainRule("acme", "r")))
	want := engine.AuditEntry{
		AccountID: "acme", Seq: 1, At: at(3), ActorAccount: "default", ActorUser: "root", ActorKey: "key", ActorRole: engine.RoleSuperAdmin,
		RequestID: "req", Action: "rule.create", Object: "rule/r", Reason: "because",
		Detail: json.RawMessage(`{"id":"r","when":"a \u003c \"b\""}`), Previous: make([]byte, 32),
	}
	want.Hash = engine.HashAudit(want.Previous, want)
	wantEqual(t, "ReadAudit()", chain(t, s, "acme"), []engine.AuditEntry{want})

	must(t, "DeleteRule()", s.DeleteRule(audited(t, "acme", "rule.delete", "rule/r"), "acme", "r"))
	next := engine.AuditEntry{AccountID: "acme", Seq: 2, At: at(7), Action: "rule.delete", Object: "rule/r", Previous: want.Hash}
	next.Hash = engine.HashAudit(want.Hash, next)
	wantEqual(t, "ReadAudit()", chain(t, s, "acme"), []engine.AuditEntry{want, next})
	head, err := s.GetAuditHead(t.Context(), "acme")
	must(t, "GetAuditHead()", err)
	wantEqual(t, "GetAuditHead()", head, engine.AuditHead{AccountID: "acme", Seq: 2, Hash: next.Hash})
	none, err := s.GetAuditHead(t.Context(), "none")
	must(t, "GetAuditHead() of none", err)
	wantEqual(t, "GetAuditHead() of none", none, engine.AuditHead{AccountID: "none"})
	wantChain(t, s, "acme", 2)
	wantChain(t, s, "none", 0)
}

func auditOneTransaction(t *testing.T, d Database) {
	s := open(t, d)
	must(t, "CreateRule()", s.CreateRule(audited(t, "a", "rule.create", "rule/r"), plainRule("a", "r")))
	was := revision(t, s)
	ended, cancel := context.WithCancel(audited(t, "a", "rule.create", "rule/never"))
	cancel()
	rotated := plainKey("a", "none", 1)
	rotated.RotatedTo = "l"
	for _, c := range []struct {
		name  string
		write func() error
		want  error
	}{
		{"a conflict", func() error {
			return s.CreateRule(audited(t, "a", "rule.create", "rule/r"), plainRule("a", "r"))
		}, engine.ErrConflict},
		{"a stale version", func() error {
			return s.UpdateRule(audited(t, "a", "rule.update", "rule/r"), plainRule("a", "r"), at(99))
		}, engine.ErrConflict},
		{"a missing row", func() error { return s.DeleteRule(audited(t, "a", "rule.delete", "rule/x"), "a", "x") }, engine.ErrNotFound},
		{"a missing parent", func() error {
			return s.CreateUser(audited(t, "a", "user.create", "user/u"), plainUser("none", "u"))
		}, engine.ErrNotFound},
		{"a second statement that is refused", func() error {
			return s.RotateKey(audited(t, "a", "key.rotate", "key/none"), rotated, plainKey("a", "l", 2), time.Time{})
		}, engine.ErrNotFound},
		{"an ended context", func() error { return s.CreateRule(ended, plainRule("a", "never")) }, context.Canceled},
	} {
		wantErr(t, c.name, c.write(), c.want)
		wantEqual(t, "objects of ReadAudit() after "+c.name, objects(chain(t, s, "a")), []string{"rule/r"})
		wantChain(t, s, "a", 1)
	}
	invalid := plainRule("a", "invalid")
	invalid.When = ""
	wantInvalid(t, "CreateRule()", s.CreateRule(audited(t, "a", "rule.create", "rule/invalid"), invalid), "when")
	wantRevision(t, s, was, 0)
	wantEqual(t, "objects of ReadAudit() after an invalid row", objects(chain(t, s, "a")), []string{"rule/r"})

	// The log of usage and settings is none of configuration: such writes have no entry.
	ctx := audited(t, "a", "none", "none")
	must(t, "AddUsage()", s.AddUsage(ctx, []engine.Usage{plainUsage("a", "1", 0)}))
	must(t, "PutSetting()", s.PutSetting(ctx, "n", "v"))
	must(t, "CreateRule() without an entry", s.CreateRule(t.Context(), plainRule("a", "quiet")))
	wantChain(t, s, "a", 1)
}

// auditTenant: a tenant may not write the log, and its writes are there all the same.
func auditTenant(t *testing.T, d Database) {
	s := open(t, d)
	withUsers(t, s)
	ann := engine.WithActor(t.Context(), engine.Actor{Principal: engine.Principal{AccountID: "a", UserID: "u", Role: engine.RoleAccountAdmin}})
	must(t, "CreateRule()", s.CreateRule(engine.Audited(ann, at(1), "a", "rule.create", "rule/r", nil), plainRule("a", "r")))
	must(t, "CreateTeam()", s.CreateTeam(engine.Audited(ann, at(2), "a", "team.create", "team/t", nil), plainTeam("a", "t")))
	must(t, "AppendAudit()", s.AppendAudit(engine.Audited(ann, at(3), "a", "audit.export", "audit", nil)))
	wantErr(t, "CreateRule() again", s.CreateRule(engine.Audited(ann, at(4), "a", "rule.create", "rule/r", nil), plainRule("a", "r")), engine.ErrConflict)
	got, err := s.ListAudit(ann, engine.AuditFilter{AccountID: "a"})
	must(t, "ListAudit()", err)
	wantEqual(t, "objects of ListAudit()", objects(got), []string{"audit", "team/t", "rule/r"})
	holds, err := engine.CheckAudit(ann, s, "a")
	must(t, "CheckAudit()", err)
	wantEqual(t, "CheckAudit()", holds, 3)
}

func auditAppend(t *testing.T, d Database) {
	s := open(t, d)
	was := revision(t, s)
	must(t, "AppendAudit()", s.AppendAudit(audited(t, "a", "audit.export", "audit")))
	must(t, "AppendAudit()", s.AppendAudit(audited(t, "a", "audit.export", "audit")))
	if err := s.AppendAudit(t.Context()); err == nil {
		t.Error("AppendAudit() without an entry = nil, want an error")
	}
	wantRevision(t, s, was, 0)
	wantChain(t, s, "a", 2)
}

func auditChains(t *testing.T, d Database) {
	s := open(t, d)
	none, err := s.AuditedAccounts(t.Context())
	must(t, "AuditedAccounts()", err)
	wantEqual(t, "AuditedAccounts()", none, nil)
	for i, account := range []string{"b", "", "a", "b", "B", ""} {
		id := fmt.Sprint(i)
		must(t, "CreateRule()", s.CreateRule(audited(t, account, "rule.create", id), plainRule(account, id)))
	}
	// A write to one account's row under another's entry goes into the chain that the entry names.
	must(t, "CreateRule()", s.CreateRule(audited(t, "c", "rule.create", "6"), plainRule("a", "6")))
	got, err := s.AuditedAccounts(t.Context())
	must(t, "AuditedAccounts()", err)
	wantEqual(t, "AuditedAccounts()", got, []string{"", "B", "a", "b", "c"})
	for account, want := range map[string][]string{"": {"1", "5"}, "B": {"4"}, "a": {"2"}, "b": {"0", "3"}, "c": {"6"}} {
		wantEqual(t, "objects of ReadAudit()", objects(chain(t, s, account)), want)
		wantChain(t, s, account, int64(len(want)))
	}
}

func auditList(t *testing.T, d Database) {
	s := open(t, d)
	for i, e := range []engine.AuditEntry{
		{Action: "rule.create", Object: "rule/r", ActorUser: "ann"},
		{Action: "rule.update", Object: "rule/r", ActorUser: "bob"},
		{Action: "rules.update", Object: "rule/s", ActorUser: "ann"},
		{Action: "key.create", Object: "key/k", ActorUser: "ann"},
		{Action: "rule.delete", Object: "rule/r", ActorUser: "ann"},
	} {
		e.AccountID, e.At = "a", at(int64(10*i))
		must(t, "AppendAudit()", s.AppendAudit(engine.WithAudit(t.Context(), e)))
		e.AccountID = "b"
		must(t, "AppendAudit()", s.AppendAudit(engine.WithAudit(t.Context(), e)))
	}
	for _, c := range []struct {
		name   string
		filter engine.AuditFilter
		want   []int64
	}{
		{"all", engine.AuditFilter{}, []int64{5, 4, 3, 2, 1}},
		{"an action", engine.AuditFilter{Action: "rule.update"}, []int64{2}},
		{"a group of actions", engine.AuditFilter{Action: "rule."}, []int64{5, 2, 1}},
		{"half an action", engine.AuditFilter{Action: "rule"}, nil},
		{"a pattern", engine.AuditFilter{Action: "%."}, nil},
		{"a dot", engine.AuditFilter{Action: "."}, nil},
		{"an object", engine.AuditFilter{Object: "rule/r"}, []int64{5, 2, 1}},
		{"a user", engine.AuditFilter{ActorUser: "bob"}, []int64{2}},
		{"from a time", engine.AuditFilter{From: at(20)}, []int64{5, 4, 3}},
		{"from just after a time", engine.AuditFilter{From: at(20).Add(1)}, []int64{5, 4}},
		{"to a time", engine.AuditFilter{To: at(20)}, []int64{2, 1}},
		{"to just after a time", engine.AuditFilter{To: at(20).Add(1)}, []int64{3, 2, 1}},
		{"between times", engine.AuditFilter{From: at(10), To: at(30)}, []int64{3, 2}},
		{"times that no row has", engine.AuditFilter{From: time.Date(-5000, 1, 1, 0, 0, 0, 0, time.UTC), To: time.Date(99999, 1, 1, 0, 0, 0, 0, time.UTC)}, []int64{5, 4, 3, 2, 1}},
		{"before an entry", engine.AuditFilter{Before: 3}, []int64{2, 1}},
		{"before and at most", engine.AuditFilter{Before: 4, Limit: 2}, []int64{3, 2}},
		{"a negative limit", engine.AuditFilter{Limit: -3}, []int64{5}},
		{"a negative place", engine.AuditFilter{Before: -3}, []int64{5, 4, 3, 2, 1}},
		{"all together", engine.AuditFilter{Action: "rule.", Object: "rule/r", ActorUser: "ann", From: at(0), To: at(40)}, []int64{1}},
		{"a NUL", engine.AuditFilter{Action: "\x00"}, nil},
		{"no text", engine.AuditFilter{Object: "\xff"}, nil},
	} {
		c.filter.AccountID = "a"
		got, err := s.ListAudit(t.Context(), c.filter)
		must(t, c.name+": ListAudit()", err)
		var seqs []int64
		for _, e := range got {
			seqs = append(seqs, e.Seq)
			if e.AccountID != "a" {
				t.Errorf("%s: ListAudit() has an entry of %q", c.name, e.AccountID)
			}
		}
		wantEqual(t, c.name+": ListAudit()", seqs, c.want)
	}
	for _, account := range []string{"none", "", "\x00", strings.Repeat("x", 300)} {
		got, err := s.ListAudit(t.Context(), engine.AuditFilter{AccountID: account})
		must(t, "ListAudit()", err)
		wantEqual(t, "ListAudit() of an account without entries", got, nil)
	}
}

func auditRead(t *testing.T, d Database) {
	s := open(t, d)
	const entries = 105
	for range entries {
		must(t, "AppendAudit()", s.AppendAudit(audited(t, "a", "act", "o")))
	}
	for _, c := range []struct {
		after int64
		limit int
		want  int
	}{{0, 0, 100}, {0, 1000, entries}, {0, 1 << 40, entries}, {100, 1000, 5}, {104, 1, 1}, {105, 9, 0}, {-9, 3, 3}, {0, -1, 1}} {
		got, err := s.ReadAudit(t.Context(), "a", c.after, c.limit)
		must(t, "ReadAudit()", err)
		if len(got) != c.want || len(got) > 0 && got[0].Seq != max(c.after, 0)+1 {
			t.Errorf("ReadAudit(after %d, limit %d) has %d entries, want %d", c.after, c.limit, len(got), c.want)
		}
	}
	var parts []engine.AuditEntry
	var last *engine.AuditEntry
	for {
		part, err := s.ReadAudit(t.Context(), "a", int64(len(parts)), 10)
		must(t, "ReadAudit()", err)
		if len(part) == 0 {
			break
		}
		must(t, "VerifyAudit() of a part", engine.VerifyAudit("a", last, part))
		parts = append(parts, part...)
		last = &part[len(part)-1]
	}
	wantEqual(t, "the parts", parts, chain(t, s, "a"))
}

func auditOdd(t *testing.T, d Database) {
	s := open(t, d)
	long := strings.Repeat("é", 1000)
	e := engine.AuditEntry{
		AccountID: "a", At: at(1), ActorUser: long, RequestID: "\x00\xff", Action: "act", Object: long, Reason: "a\x00b",
		Detail: json.RawMessage("{ \"a\" : [ 1.50e3 , \"\\u0000<\xff\" ] }"),
	}
	must(t, "AppendAudit()", s.AppendAudit(engine.WithAudit(t.Context(), e)))
	e.Detail = json.RawMessage(`"` + strings.Repeat("x", engine.MaxAuditDetail-2) + `"`)
	must(t, "AppendAudit()", s.AppendAudit(engine.WithAudit(t.Context(), e)))
	e.Detail = json.RawMessage(`"x` + strings.Repeat("x", engine.MaxAuditDetail-2) + `"`)
	must(t, "AppendAudit()", s.AppendAudit(engine.WithAudit(t.Context(), e)))
	e.Detail = json.RawMessage(" null ")
	must(t, "AppendAudit()", s.AppendAudit(engine.WithAudit(t.Context(), e)))
	got := chain(t, s, "a")
	if len(got) != 4 {
		t.Fatalf("ReadAudit() has %d entries, want 4", len(got))
	}
	wantEqual(t, "ActorUser", got[0].ActorUser, strings.Repeat("é", 127))
	wantEqual(t, "RequestID", got[0].RequestID, "\ufffd\ufffd")
	wantEqual(t, "Object", got[0].Object, strings.Repeat("é", 512))
	wantEqual(t, "Reason", got[0].Reason, "a\ufffdb")
	wantEqual(t, "Detail", string(got[0].Detail), `{"a":[1.50e3,"\u0000<`+"\ufffd"+`"]}`)
	wantEqual(t, "len(Detail) of the longest", len(got[1].Detail), engine.MaxAuditDetail)
	if d := string(got[2].Detail); !strings.HasPrefix(d, fmt.Sprintf(`{"bytes":%d,"sha256":"`, engine.MaxAuditDetail+1)) || !json.Valid(got[2].Detail) {
		t.Errorf("Detail of a longer one = %s, want its size and hash", clip(d))
	}
	wantEqual(t, "Detail that says nothing", got[3].Detail, nil)
	wantChain(t, s, "a", 4)

	was := revision(t, s)
	for _, c := range []struct {
		param string
		entry engine.AuditEntry
	}{
		{"action", engine.AuditEntry{AccountID: "a"}},
		{"detail", engine.AuditEntry{AccountID: "a", Action: "act", Detail: json.RawMessage("{")}},
		{"account_id", engine.AuditEntry{AccountID: "\x00", Action: "act"}},
		{"account_id", engine.AuditEntry{AccountID: strings.Repeat("x", 256), Action: "act"}},
		{"at", engine.AuditEntry{AccountID: "a", Action: "act", At: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)}},
	} {
		ctx := engine.WithAudit(t.Context(), c.entry)
		wantInvalid(t, "AppendAudit()", s.AppendAudit(ctx), c.param)
		wantInvalid(t, "CreateRule()", s.CreateRule(ctx, plainRule("a", "r")), c.param)
	}
	wantRevision(t, s, was, 0)
	wantChain(t, s, "a", 4)
}

// auditHammer mixes writes with and without an entry, some refused, and acts without a row.
func auditHammer(t *testing.T, d Database) {
	const goroutines, each = 20, 6
	stores := []engine.Store{open(t, d)}
	if d.shared {
		stores = append(stores, open(t, d))
	}
	errs := make([]error, goroutines)
	var group sync.WaitGroup
	for n := range goroutines {
		group.Go(func() {
			s, account := stores[n%len(stores)], []string{"a", "b"}[n/2%2]
			for i := range each {
				id := fmt.Sprintf("%d-%d", n, i)
				if err := s.CreateRule(audited(t, account, "rule.create", id), plainRule(account, id)); err != nil {
					errs[n] = err
					return
				}
				if err := s.CreateRule(audited(t, account, "rule.create", id), plainRule(account, id)); !errors.Is(err, engine.ErrConflict) {
					errs[n] = fmt.Errorf("CreateRule() again = %w, want %w", err, engine.ErrConflict)
					return
				}
				if err := s.AppendAudit(audited(t, account, "act", id)); err != nil {
					errs[n] = err
					return
				}
			}
		})
	}
	group.Wait()
	must(t, "writers", errors.Join(errs...))
	for _, account := range []string{"a", "b"} {
		wantChain(t, stores[0], account, goroutines/2*each*2)
		entries := chain(t, stores[0], account)
		var created []string
		for _, e := range entries {
			if e.Action == "rule.create" {
				created = append(created, e.Object)
			}
		}
		slices.Sort(created)
		if all := slices.Compact(slices.Clone(created)); len(all) != goroutines/2*each || len(created) != len(all) {
			t.Errorf("account %s has %d entries of %d rules, want one of each of %d", account, len(created), len(all), goroutines/2*each)
		}
	}
}

func auditReopen(t *testing.T, d Database) {
	first := d.Open(t, never)
	must(t, "AppendAudit()", first.AppendAudit(audited(t, "a", "act", "1")))
	must(t, "Close()", first.Close())
	s := open(t, d)
	must(t, "CreateRule()", s.CreateRule(audited(t, "a", "rule.create", "2"), plainRule("a", "r")))
	wantChain(t, s, "a", 2)
	entries := chain(t, s, "a")
	wantEqual(t, "objects of ReadAudit()", objects(entries), []string{"1", "2"})
	if !bytes.Equal(entries[1].Previous, entries[0].Hash) {
		t.Error("the chain begins anew after a restart")
	}
}
