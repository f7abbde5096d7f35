package tenancy

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
)

// TestRotate: both keys work until the overlap ends, and then the new one alone.
func TestRotate(t *testing.T) {
	t.Parallel()
	end := testNow.Add(time.Hour)
	for _, c := range []struct {
		name     string
		expires  time.Time // of the old key
		rotation engine.KeyRotation
		wantOld  time.Time // when the old key ends
		wantNew  time.Time
		wantCode engine.Code
	}{
		{"a day", time.Time{}, engine.KeyRotation{Overlap: engine.DefaultOverlap}, testNow.Add(24 * time.Hour), time.Time{}, ""},
		{"at once", time.Time{}, engine.KeyRotation{}, testNow, time.Time{}, ""},
		{"the longest", time.Time{}, engine.KeyRotation{Overlap: engine.MaxOverlap}, testNow.Add(7 * 24 * time.Hour), time.Time{}, ""},
		{"the old one ends before", end, engine.KeyRotation{Overlap: engine.DefaultOverlap}, end, end, ""},
		{"with an end of its own", end, engine.KeyRotation{Overlap: time.Minute, ExpiresAt: end.Add(time.Hour)}, testNow.Add(time.Minute), end.Add(time.Hour), ""},
		{"too long", time.Time{}, engine.KeyRotation{Overlap: engine.MaxOverlap + 1}, time.Time{}, time.Time{}, engine.CodeInvalid},
		{"negative", time.Time{}, engine.KeyRotation{Overlap: -1}, time.Time{}, time.Time{}, engine.CodeInvalid},
		{"an end in the past", time.Time{}, engine.KeyRotation{ExpiresAt: testNow}, time.Time{}, time.Time{}, engine.CodeInvalid},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			k, _, _, _ := populated(t)
			ctx := t.Context()
			old, oldSecret, err := k.CreateKey(ctx, admin, engine.Key{AccountID: "acme", UserID: "user", Name: "ci", Scopes: engine.ScopeInference, ExpiresAt: c.expires})
			must(t, err)
			next, secret, err := k.RotateKey(ctx, admin, "", old.ID, time.Time{}, c.rotation)
			if engine.CodeOf(err) != c.wantCode {
				t.Fatalf("RotateKey(%+v) = %v, want code %q", c.rotation, err, c.wantCode)
			}
			if err != nil {
				if _, err := k.Authenticate(oldSecret, testNow); err != nil {
					t.Errorf("Authenticate(old) after a refused rotation = %v, want no error", err)
				}
				return
			}
			if next.Name != "ci" || next.UserID != "user" || next.Scopes != engine.ScopeInference || !next.ExpiresAt.Equal(c.wantNew) || next.Digest != nil {
				t.Errorf("RotateKey = %+v, want the old one's name, user and scopes, until %v", next, c.wantNew)
			}
			if _, err := k.Authenticate(secret, testNow); err != nil {
				t.Errorf("Authenticate(new) = %v, want no error", err)
			}
			if _, err := k.Authenticate(oldSecret, c.wantOld.Add(-time.Millisecond)); err != nil {
				t.Errorf("Authenticate(old) before its end = %v, want no error", err)
			}
			if _, err := k.Authenticate(oldSecret, c.wantOld); err != error(errUnauthorized) {
				t.Errorf("Authenticate(old) at its end = %v, want the constant error", err)
			}
			stored, err := k.GetKey(ctx, admin, "acme", old.ID)
			must(t, err)
			if stored.RotatedTo != next.ID {
				t.Errorf("RotatedTo = %q, want %q", stored.RotatedTo, next.ID)
			}
			if _, _, err := k.RotateKey(ctx, admin, "", old.ID, time.Time{}, engine.KeyRotation{}); engine.CodeOf(err) != engine.CodeConflict {
				t.Errorf("RotateKey again = %v, want CodeConflict", err)
			}
		})
	}
}

// TestLimitedKey: a key gives neither scopes nor time that it does not have itself.
func TestLimitedKey(t *testing.T) {
	t.Parallel()
	k, _, _, _ := populated(t)
	ctx := t.Context()
	end := testNow.Add(time.Hour)
	_, secret, err := k.CreateKey(ctx, admin, engine.Key{AccountID: "acme", UserID: "boss", Name: "deploy", Scopes: writing, ExpiresAt: end})
	must(t, err)
	p, err := k.Authenticate(secret, testNow)
	must(t, err)
	full, _, err := k.CreateKey(ctx, admin, engine.Key{AccountID: "acme", UserID: "user", Name: "full"})
	must(t, err)
	for _, c := range []struct {
		name      string
		want      engine.Key
		wantCode  engine.Code
		wantScope engine.Scopes
		wantEnd   time.Time
	}{
		{"as it is itself", engine.Key{}, "", writing, end},
		{"less", engine.Key{Scopes: engine.ScopeRead, ExpiresAt: testNow.Add(time.Minute)}, "", engine.ScopeRead, testNow.Add(time.Minute)},
		{"another scope", engine.Key{Scopes: engine.ScopeInference}, engine.CodeForbidden, 0, time.Time{}},
		{"all scopes", engine.Key{Scopes: engine.AllScopes}, engine.CodeForbidden, 0, time.Time{}},
		{"manage without read", engine.Key{Scopes: engine.ScopeManage}, engine.CodeInvalid, 0, time.Time{}},
		{"a scope that is none", engine.Key{Scopes: 128}, engine.CodeInvalid, 0, time.Time{}},
		{"later", engine.Key{ExpiresAt: end.Add(time.Millisecond)}, engine.CodeForbidden, 0, time.Time{}},
	} {
		c.want.AccountID, c.want.UserID, c.want.Name = "acme", "user", "n"
		got, _, err := k.CreateKey(ctx, p, c.want)
		if engine.CodeOf(err) != c.wantCode || err == nil && (got.Scopes != c.wantScope || !got.ExpiresAt.Equal(c.wantEnd)) {
			t.Errorf("%s: CreateKey = %v until %v, %v, want %v until %v, code %q", c.name, got.Scopes.Names(), got.ExpiresAt, err, c.wantScope.Names(), c.wantEnd, c.wantCode)
		}
	}
	for _, c := range []struct {
		name string
		edit func(*engine.Key)
		want engine.Code
	}{
		{"a scope is taken away", func(k *engine.Key) { k.Scopes = engine.ScopeInference | engine.ScopeRead }, ""},
		{"one of its own is added", func(k *engine.Key) { k.Scopes |= engine.ScopeManage }, ""},
		{"all are taken away", func(k *engine.Key) { k.Scopes = 0 }, engine.CodeInvalid},
		{"the one it has not is taken away", func(k *engine.Key) { k.Scopes = writing }, ""},
		{"and cannot be given back", func(k *engine.Key) { k.Scopes = engine.AllScopes }, engine.CodeForbidden},
		{"an end is set", func(k *engine.Key) { k.ExpiresAt = end.Add(-time.Minute) }, ""},
		{"a later one, within its own", func(k *engine.Key) { k.ExpiresAt = end }, ""},
		{"one beyond its own", func(k *engine.Key) { k.ExpiresAt = end.Add(time.Minute) }, engine.CodeForbidden},
		{"none", func(k *engine.Key) { k.ExpiresAt = time.Time{} }, engine.CodeForbidden},
		{"one in the past", func(k *engine.Key) { k.ExpiresAt = testNow }, engine.CodeInvalid},
		{"no name", func(k *engine.Key) { k.Name = "" }, engine.CodeInvalid},
		{"what may not be set", func(k *engine.Key) { k.UserID, k.Digest, k.AccountID, k.RotatedTo = "boss", nil, "rival", "x" }, ""},
	} {
		got, err := k.ChangeKey(ctx, p, "acme", full.ID, time.Time{}, c.edit)
		if engine.CodeOf(err) != c.want {
			t.Errorf("%s: ChangeKey = %v, want code %q", c.name, err, c.want)
		}
		if err == nil && (got.UserID != "user" || got.AccountID != "acme" || got.RotatedTo != "" || got.Digest != nil) {
			t.Errorf("%s: ChangeKey = %+v, want the rest as it was", c.name, got)
		}
	}
	other, _, err := k.CreateKey(ctx, admin, engine.Key{AccountID: "acme", UserID: "user", Name: "other"})
	must(t, err)
	if _, _, err := k.RotateKey(ctx, p, "", other.ID, time.Time{}, engine.KeyRotation{}); engine.CodeOf(err) != engine.CodeForbidden {
		t.Errorf("RotateKey of a key with more scopes = %v, want CodeForbidden: its text would be shown", err)
	}
}

// TestStaleChange: whoever has seen an older row is told so.
func TestStaleChange(t *testing.T) {
	t.Parallel()
	k, a, m, u := populated(t)
	ctx := t.Context()
	key, _, err := k.CreateKey(ctx, admin, engine.Key{AccountID: "acme", UserID: "user", Name: "k"})
	must(t, err)
	stale := testNow.Add(-time.Hour)
	tries := map[string]func(was time.Time) (time.Time, error){
		"account": func(was time.Time) (time.Time, error) {
			row, err := a.ChangeAccount(ctx, admin, "acme", was, func(a *engine.Account) { a.Name += "x" })
			return row.UpdatedAt, err
		},
		"team": func(was time.Time) (time.Time, error) {
			row, err := m.ChangeTeam(ctx, admin, "acme", "red", was, func(m *engine.Team) { m.Name += "x" })
			return row.UpdatedAt, err
		},
		"user": func(was time.Time) (time.Time, error) {
			row, err := u.ChangeUser(ctx, admin, "acme", "user", was, func(u *engine.User) { u.Name += "x" })
			return row.UpdatedAt, err
		},
		"key": func(was time.Time) (time.Time, error) {
			row, err := k.ChangeKey(ctx, admin, "acme", key.ID, was, func(k *engine.Key) { k.Name += "x" })
			return row.UpdatedAt, err
		},
	}
	for name, try := range tries {
		if _, err := try(stale); engine.CodeOf(err) != engine.CodeConflict {
			t.Errorf("%s: a change of a stale row = %v, want CodeConflict", name, err)
		}
		first, err := try(time.Time{})
		must(t, err)
		second, err := try(first)
		must(t, err)
		if !second.After(first) {
			t.Errorf("%s: two changes in one millisecond have the times %v and %v, want them to differ", name, first, second)
		}
		if _, err := try(first); engine.CodeOf(err) != engine.CodeConflict {
			t.Errorf("%s: a change of what was overtaken = %v, want CodeConflict", name, err)
		}
	}
}

// TestPages: a list in parts is the list, whoever reads it and however few of the rows it sees.
func TestPages(t *testing.T) {
	t.Parallel()
	k, _, _, u := populated(t)
	ctx := t.Context()
	for i := range 30 {
		// Those above its role are read for an account admin and not shown.
		role := engine.RoleUser
		if i%3 == 0 {
			role = engine.RoleSuperAdmin
		}
		must(t, k.store.CreateUser(ctx, engine.User{AccountID: "acme", ID: fmt.Sprintf("u%02d", i), TeamID: "red", Name: "n", Role: role, CreatedAt: testNow, UpdatedAt: testNow}))
	}
	for _, who := range []engine.Principal{admin, principal(person("acme", "boss")), principal(person("acme", "lead")), principal(person("acme", "user"))} {
		whole, next, err := u.ListUsers(ctx, who, engine.TenantFilter{}, engine.Page{Limit: 200})
		must(t, err)
		if next != "" || len(whole) == 0 {
			t.Fatalf("ListUsers(%s) = %d rows and next %q, want all", who.Role, len(whole), next)
		}
		for _, row := range whole {
			if !manages(who, row) {
				t.Errorf("ListUsers(%s) shows %s/%s", who.Role, row.AccountID, row.ID)
			}
		}
		for _, limit := range []int{1, 2, 7, len(whole), len(whole) + 1} {
			var parts []engine.User
			place, reads := "", 0
			for {
				part, next, err := u.ListUsers(ctx, who, engine.TenantFilter{}, engine.Page{After: place, Limit: limit})
				must(t, err)
				if len(part) > limit {
					t.Fatalf("ListUsers(%s, limit %d) = %d rows", who.Role, limit, len(part))
				}
				parts = append(parts, part...)
				if place, reads = next, reads+1; place == "" {
					break
				}
				if reads > 2*len(whole)+2 {
					t.Fatalf("ListUsers(%s, limit %d) does not end", who.Role, limit)
				}
			}
			if !slices.Equal(parts, whole) {
				t.Errorf("ListUsers(%s, limit %d) in parts = %d rows, want the same %d", who.Role, limit, len(parts), len(whole))
			}
		}
	}
}

// TestFilters: filters narrow what is seen, and never widen it.
func TestFilters(t *testing.T) {
	t.Parallel()
	_, a, m, u := populated(t)
	ctx := t.Context()
	must(t, u.DeleteUser(ctx, admin, "acme", "free", time.Time{}))
	must(t, m.DeleteTeam(ctx, admin, "acme", "blue", time.Time{}))
	must(t, a.DeleteAccount(ctx, admin, "rival", time.Time{}))
	boss, lead, user := principal(person("acme", "boss")), principal(person("acme", "lead")), principal(person("acme", "user"))
	users := func(p engine.Principal, f engine.TenantFilter) (ids []string) {
		rows, _, err := u.ListUsers(ctx, p, f, engine.Page{})
		must(t, err)
		for _, r := range rows {
			ids = append(ids, r.ID)
		}
		return ids
	}
	for _, c := range []struct {
		name string
		got  []string
		want []string
	}{
		{"by role", users(boss, engine.TenantFilter{Role: engine.RoleTeamLead}), []string{"freelead", "lead", "lead2"}},
		{"by team", users(boss, engine.TenantFilter{TeamID: "red"}), []string{"lead", "lead2", "user"}},
		{"by text", users(boss, engine.TenantFilter{Search: "BOSS"}), []string{"boss", "boss2"}},
		{"by a pattern, which is text", users(boss, engine.TenantFilter{Search: "%"}), nil},
		{"deleted too", users(boss, engine.TenantFilter{Search: "free", Inactive: true}), []string{"free", "freelead"}},
		{"another account", users(boss, engine.TenantFilter{AccountID: "rival", Inactive: true}), nil},
		{"a lead, another team", users(lead, engine.TenantFilter{TeamID: "blue"}), nil},
		{"a lead", users(lead, engine.TenantFilter{}), []string{"lead", "lead2", "user"}},
		{"a user, another one", users(user, engine.TenantFilter{UserID: "lead"}), nil},
		{"a deleted account", users(admin, engine.TenantFilter{AccountID: "rival"}), nil},
		{"a deleted account, inactive too", users(admin, engine.TenantFilter{AccountID: "rival", Inactive: true}), []string{"boss", "user"}},
		{"nobody", users(engine.Principal{}, engine.TenantFilter{}), nil},
	} {
		if !slices.Equal(c.got, c.want) {
			t.Errorf("%s: ListUsers = %v, want %v", c.name, c.got, c.want)
		}
	}
	teams, _, err := m.ListTeams(ctx, boss, engine.TenantFilter{}, engine.Page{})
	must(t, err)
	if len(teams) != 1 || teams[0].ID != "red" {
		t.Errorf("ListTeams = %v, want red alone", teams)
	}
	accounts, _, err := a.ListAccounts(ctx, boss, engine.TenantFilter{Inactive: true}, engine.Page{})
	must(t, err)
	if len(accounts) != 1 || accounts[0].ID != "acme" {
		t.Errorf("ListAccounts(account admin) = %v, want its own", accounts)
	}
}
