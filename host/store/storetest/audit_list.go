package storetest

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
)

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
