package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// kept answers as a server that has rows of three accounts and of everybody, and keys of which one
// was rotated twice and others share a name. A row is "account/id", a key "id account/user name
// →successor".
type kept struct {
	role                  string // of the caller
	rules, limits, budget []string
	keys                  []string
	deleted               []string
}

func newKept(role string) *kept {
	return &kept{
		role:   role,
		rules:  []string{"/everybody", "acme/first", "acme/second", "other/theirs", "home/own"},
		limits: []string{"/all", "acme/per-user", "other/per-user"},
		budget: []string{"acme/month", "other/month"},
		keys: []string{
			"k1 home/root in-use →k2", "k2 home/root in-use →k3", "k3 home/root in-use", "k4 home/root ci", "k5 home/root ci", "k6 home/root old", "k7 home/root old",
			"k8 home/ann laptop", "k9 acme/bob laptop", "k10 acme/eve laptop", "k11 other/joe laptop",
		},
	}
}

func (k *kept) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	kind, id, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/api/v1/"), "/")
	account := r.URL.Query().Get("account_id")
	if r.Method == http.MethodDelete {
		list := map[string]*[]string{"rules": &k.rules, "limits": &k.limits, "budgets": &k.budget, "keys": &k.keys}[kind]
		*list = slices.DeleteFunc(*list, func(row string) bool {
			return row == account+"/"+id || strings.HasPrefix(row, id+" "+account+"/")
		})
		k.deleted = append(k.deleted, kind+" "+account+"/"+id)
		w.WriteHeader(http.StatusNoContent)
		return
	}
	var rows []string
	row := func(list []string, all bool, rest string) {
		for _, text := range list {
			of, id, _ := strings.Cut(text, "/")
			if all && (k.role == "super_admin" || of == "home" || of == "") || of == account || of == "" {
				rows = append(rows, fmt.Sprintf(`{"id":%q,"account_id":%q,"updated_at":"2026-11-22T12:00:00Z",%s}`, id, of, rest))
			}
		}
	}
	switch kind {
	case "accounts":
		rows = []string{`{"id":"acme"}`, `{"id":"home"}`, `{"id":"other"}`}
	case "rules":
		row(k.rules, true, `"name":"A","target":"gpt-4o","priority":50,"enabled":true`)
	case "limits":
		row(k.limits, false, `"kind":"requests","amount":5,"window":"minute","enabled":true`)
	case "budgets":
		row(k.budget, false, `"period":"day","amount":"5.00","enabled":true`)
	case "keys":
		for _, text := range k.keys {
			f := strings.Fields(text + " →")
			of, user, _ := strings.Cut(f[1], "/")
			if k.role == "super_admin" || of == "home" {
				prefix := "pm_" + f[0]
				rows = append(rows, fmt.Sprintf(`{"id":%q,"account_id":%q,"user_id":%q,"name":%q,"rotated_to":%q,"prefix":"%s_","role":%q,"scopes":["manage"]}`,
					f[0], of, user, f[2], strings.TrimPrefix(f[3], "→"), prefix, k.role))
			}
		}
	}
	_, _ = io.WriteString(w, `{"data":[`+strings.Join(rows, ",")+`]}`)
}

// What no file has is deleted of the accounts, and of the users' keys, that the files name: of all
// that the caller may change only when it says so. The key in use stays, and what takes its place.
func TestApplyPrunes(t *testing.T) {
	const keepOwn = "keys: [{name: in-use, scopes: [manage]}, {name: ci, scopes: [manage]}, {name: old, scopes: [manage]}]"
	for _, tt := range []struct {
		name, role, file, args string
		want                   []string // deletions
		wantErr                string
	}{
		{"one account", "super_admin", "rules: [{id: first, account_id: acme, name: A, priority: 50, target: gpt-4o}]\nlimits: []", "", []string{"limits acme/per-user", "rules acme/second"}, ""},
		{"everybody's", "super_admin", "rules: [{id: new, name: A, target: gpt-4o}]", "", []string{"rules /everybody"}, ""},
		{"the account of the flag", "super_admin", "rules: []\nbudgets: []\nkeys: []", "--account acme", []string{"keys acme/k9", "keys acme/k10", "budgets acme/month", "rules acme/second", "rules acme/first"}, ""},
		{"nothing named", "super_admin", "rules: []\nkeys: []", "", nil, "--account"},
		{"nothing named, only shown", "super_admin", "rules: []", "--dry-run", nil, "--all-accounts"},
		{"all accounts", "super_admin", "limits: []\nbudgets: []", "--all-accounts", []string{"budgets other/month", "budgets acme/month", "limits other/per-user", "limits acme/per-user", "limits /all"}, ""},
		{"both flags", "super_admin", "limits: []", "--all-accounts --account acme", nil, "all-accounts"},
		{"keys of the caller", "super_admin", "keys: [{name: ci, scopes: [manage]}]", "", []string{"keys home/k6", "keys home/k7"}, ""},
		{"keys of a user", "super_admin", "keys: [{name: desktop, account_id: acme, user_id: bob}]", "", []string{"keys acme/k9"}, ""},
		{"keys of one name", "super_admin", keepOwn, "", nil, ""},
		{"an account's admin", "account_admin", "rules: []", "", []string{"rules home/own"}, ""},
		{"an admin's own keys", "account_admin", "keys: []", "", []string{"keys home/k4", "keys home/k5", "keys home/k6", "keys home/k7"}, ""},
		{"all keys of an admin's account", "account_admin", keepOwn, "--account home", []string{"keys home/k8"}, ""},
	} {
		for _, inUse := range []string{"k1", "k3"} {
			t.Run(tt.name+" with "+inUse, func(t *testing.T) {
				state := newKept(tt.role)
				server := httptest.NewServer(state)
				defer server.Close()
				t.Setenv("POINTSMAN_URL", server.URL)
				t.Setenv("POINTSMAN_KEY", "pm_"+inUse+"_secret")
				path := filepath.Join(t.TempDir(), "all.yaml")
				write(t, path, tt.file)
				args := append([]string{"apply", "-f", path, "--prune"}, strings.Fields(tt.args)...)
				out, err := command(t, args...)
				if (err != nil) != (tt.wantErr != "") || err != nil && !strings.Contains(err.Error(), tt.wantErr) {
					t.Fatalf("%q = %v, want %q in it\n%s", args, err, tt.wantErr, out)
				}
				slices.Sort(state.deleted) // which goes first does not matter
				want := slices.Sorted(slices.Values(tt.want))
				if !slices.Equal(state.deleted, want) {
					t.Errorf("%q deleted %q, want %q", args, state.deleted, want)
				}
				state.deleted = nil
				if out, err := command(t, args...); tt.wantErr == "" && err != nil || len(state.deleted) > 0 {
					t.Errorf("%q again deleted %q, %v, want nothing\n%s", args, state.deleted, err, out)
				}
			})
		}
	}
}

// Of several keys of one name one is exported: apply takes no more.
func TestExportOfKeysOfOneName(t *testing.T) {
	server := httptest.NewServer(newKept("account_admin"))
	defer server.Close()
	t.Setenv("POINTSMAN_URL", server.URL)
	t.Setenv("POINTSMAN_KEY", "pm_k1_secret")
	dir := t.TempDir()
	if out, err := command(t, "export", dir); err != nil || !strings.Contains(out, "keys.yaml: 4\n") {
		t.Errorf("export = %v\n%s\nwant 4 keys", err, out)
	}
	if out, err := command(t, "apply", "-f", dir, "--prune", "--account", "home"); err != nil || !strings.Contains(out, "0 created, 0 updated") || !strings.Contains(out, "0 deleted") {
		t.Errorf("apply of what was exported = %v\n%s\nwant nothing done", err, out)
	}
}
