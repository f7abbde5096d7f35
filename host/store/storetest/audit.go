package storetest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
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
