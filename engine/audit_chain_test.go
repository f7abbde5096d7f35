package engine

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"reflect"
	"testing"
	"time"
	"unicode/utf8"
)

// auditExample has something in every member that is hashed.
func auditExample() AuditEntry {
	return AuditEntry{
		AccountID: "acme", Seq: 7, At: time.Date(2026, 3, 4, 5, 6, 7, 80e6, time.FixedZone("east", 3600)),
		ActorAccount: "default", ActorUser: "root", ActorKey: "0198", ActorRole: RoleSuperAdmin, RequestID: "req-\u2028é",
		Action: "rule.update", Object: "rule/night \"shift\"\\", Reason: "tab\there\x01\x7f<&>", Detail: json.RawMessage(`{"b":1,"a":[1.50]}`),
	}
}

// The form is a promise to those who verify an export with tools of their own; the hash was
// made with one: (head -c 32 /dev/zero; printf %s "$form") | sha256sum.
func TestAuditCanonical(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name       string
		entry      AuditEntry
		want, hash string
	}{
		{
			"every member", auditExample(),
			`{"account_id":"acme","seq":7,"at":"2026-03-04T04:06:07.080Z","actor_account":"default","actor_user":"root",` +
				`"actor_key":"0198","actor_role":"super_admin","request_id":"req-` + "\u2028é" + `","action":"rule.update",` +
				`"object":"rule/night \"shift\"\\","reason":"tab\there\u0001` + "\x7f" + `<&>","detail":{"b":1,"a":[1.50]}}`,
			"3171d9829670f51f88b72f724ede52b537c45b44ff78306be1f6cb3acb4b065d",
		},
		{
			"nothing", AuditEntry{},
			`{"account_id":"","seq":0,"at":"0001-01-01T00:00:00.000Z","actor_account":"","actor_user":"","actor_key":"",` +
				`"actor_role":"","request_id":"","action":"","object":"","reason":"","detail":null}`,
			"bf2c94dc277c6f97cf41ba4b453a5492085887f058c37cccd4397e2fba2bda72",
		},
	} {
		got := c.entry.Canonical()
		if string(got) != c.want {
			t.Errorf("%s: Canonical() = %s, want %s", c.name, got, c.want)
		}
		if !json.Valid(got) {
			t.Errorf("%s: Canonical() is not JSON", c.name)
		}
		if hash := hex.EncodeToString(HashAudit(make([]byte, 32), c.entry)); hash != c.hash {
			t.Errorf("%s: HashAudit() = %s, want %s", c.name, hash, c.hash)
		}
	}
}

// Every member counts, and a new one must be put into the form too.
func TestAuditCanonicalHasEveryMember(t *testing.T) {
	t.Parallel()
	unhashed := map[string]bool{"Previous": true, "Hash": true}
	want := auditExample().Canonical()
	for i := range reflect.TypeFor[AuditEntry]().NumField() {
		e := auditExample()
		name := reflect.TypeFor[AuditEntry]().Field(i).Name
		switch f := reflect.ValueOf(&e).Elem().Field(i); v := f.Addr().Interface().(type) {
		case *string:
			*v += "x"
		case *Role:
			*v = RoleUser
		case *int64:
			*v++
		case *time.Time:
			*v = v.Add(1)
		case *json.RawMessage:
			*v = append(*v, ' ')
		case *[]byte:
			*v = []byte("x")
		default:
			t.Fatalf("AuditEntry.%s is of a type that this test does not know", name)
		}
		if same := bytes.Equal(e.Canonical(), want); same != unhashed[name] {
			t.Errorf("Canonical() with another %s is the same: %v, want %v", name, same, unhashed[name])
		}
	}
}

// auditChain is a chain of n entries of account a.
func auditChain(n int) []AuditEntry {
	entries := make([]AuditEntry, n)
	previous := make([]byte, 32)
	for i := range entries {
		e := &entries[i]
		*e = auditExample()
		e.AccountID, e.Seq, e.Previous = "a", int64(i+1), previous
		e.Hash = HashAudit(previous, *e)
		previous = e.Hash
	}
	return entries
}

func TestVerifyAudit(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		change func(e []AuditEntry) []AuditEntry
		broken int64 // 0: it holds
	}{
		{"as it was", func(e []AuditEntry) []AuditEntry { return e }, 0},
		{"none", func(e []AuditEntry) []AuditEntry { return nil }, 0},
		{"another member", func(e []AuditEntry) []AuditEntry { e[2].Reason = "x"; return e }, 3},
		{"another member, hashed again", func(e []AuditEntry) []AuditEntry {
			e[2].Reason = "x"
			e[2].Hash = HashAudit(e[1].Hash, e[2])
			return e
		}, 4},
		{"another hash", func(e []AuditEntry) []AuditEntry { e[4].Hash = e[3].Hash; return e }, 5},
		{"no hash", func(e []AuditEntry) []AuditEntry { e[0].Hash = nil; return e }, 1},
		{"another beginning", func(e []AuditEntry) []AuditEntry {
			e[0].Previous = bytes.Repeat([]byte{1}, 32)
			e[0].Hash = HashAudit(e[0].Previous, e[0])
			return e
		}, 1},
		{"the first is gone", func(e []AuditEntry) []AuditEntry { return e[1:] }, 1},
		{"one is gone", func(e []AuditEntry) []AuditEntry { return append(e[:2], e[3:]...) }, 3},
		{"one twice", func(e []AuditEntry) []AuditEntry { return append(e[:3], e[2:]...) }, 4},
		{"another order", func(e []AuditEntry) []AuditEntry { e[1], e[2] = e[2], e[1]; return e }, 2},
		{"another account", func(e []AuditEntry) []AuditEntry { e[3].AccountID = "b"; return e }, 4},
	} {
		entries := c.change(auditChain(5))
		for split := range len(entries) + 1 { // in two parts, at every place
			err := VerifyAudit("a", nil, entries[:split])
			if err == nil && split > 0 {
				err = VerifyAudit("a", &entries[split-1], entries[split:])
			} else if err == nil {
				err = VerifyAudit("a", nil, entries)
			}
			var broken *AuditBreak
			switch {
			case c.broken == 0 && err != nil:
				t.Errorf("%s: VerifyAudit() = %v, want nil", c.name, err)
			case c.broken > 0 && (!errors.As(err, &broken) || broken.Seq != c.broken || broken.AccountID != "a"):
				t.Errorf("%s, in parts of %d and %d: VerifyAudit() = %v, want it broken at entry %d", c.name, split, len(entries)-split, err, c.broken)
			}
		}
	}
}

// FuzzAuditCanonical: whatever stands in an entry, two that differ have different forms, and
// text that is text comes back from the form.
func FuzzAuditCanonical(f *testing.F) {
	f.Add("a", `b","reason":"c`, "b", "c")
	f.Add("\x00\x1f\"\\", "\u2028", "\xff", "")
	f.Fuzz(func(t *testing.T, object, reason, otherObject, otherReason string) {
		one := AuditEntry{Object: object, Reason: reason}
		other := AuditEntry{Object: otherObject, Reason: otherReason}
		same := object == otherObject && reason == otherReason
		if bytes.Equal(one.Canonical(), other.Canonical()) != same {
			t.Errorf("Canonical() of %q, %q and of %q, %q: same form is %v", object, reason, otherObject, otherReason, !same)
		}
		var back struct{ Object, Reason string }
		if err := json.Unmarshal(one.Canonical(), &back); err != nil {
			t.Fatalf("Canonical() of %q, %q is not JSON: %v", object, reason, err)
		}
		if utf8.ValidString(object) && back.Object != object || utf8.ValidString(reason) && back.Reason != reason {
			t.Errorf("Canonical() of %q, %q reads %q, %q", object, reason, back.Object, back.Reason)
		}
	})
}
