package tenancy

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
)

// countingStore counts what is read.
type countingStore struct {
	Store
	whole, rows atomic.Int64 // lists of everybody's rows, and rows that were read one by one
}

func (s *countingStore) ListAccounts(ctx context.Context) ([]engine.Account, error) {
	s.whole.Add(1)
	return s.Store.ListAccounts(ctx)
}

func (s *countingStore) ListTeams(ctx context.Context) ([]engine.Team, error) {
	s.whole.Add(1)
	return s.Store.ListTeams(ctx)
}

func (s *countingStore) ListUsers(ctx context.Context) ([]engine.User, error) {
	s.whole.Add(1)
	return s.Store.ListUsers(ctx)
}

func (s *countingStore) ListKeys(ctx context.Context) ([]engine.Key, error) {
	s.whole.Add(1)
	return s.Store.ListKeys(ctx)
}

func (s *countingStore) GetAccount(ctx context.Context, id string) (engine.Account, error) {
	s.rows.Add(1)
	return s.Store.GetAccount(ctx, id)
}

func (s *countingStore) GetTeam(ctx context.Context, account, id string) (engine.Team, error) {
	s.rows.Add(1)
	return s.Store.GetTeam(ctx, account, id)
}

func (s *countingStore) GetUser(ctx context.Context, account, id string) (engine.User, error) {
	s.rows.Add(1)
	return s.Store.GetUser(ctx, account, id)
}

func (s *countingStore) GetKey(ctx context.Context, account, id string) (engine.Key, error) {
	s.rows.Add(1)
	return s.Store.GetKey(ctx, account, id)
}

// What a change of a tenant reads does not depend on how many there are.
func TestAChangeReadsWhatChanged(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	k, _, _ := open(t)
	counting := &countingStore{Store: k.store}
	k.store = counting
	super := engine.Principal{AccountID: engine.DefaultAccount, UserID: BootstrapUser, Role: engine.RoleSuperAdmin, Scopes: engine.AllScopes}
	accounts, users := NewAccounts(k), NewUsers(k)
	for i := range 40 {
		counting.whole.Store(0)
		counting.rows.Store(0)
		id := fmt.Sprint("tenant-", i)
		_, err := accounts.CreateAccount(ctx, super, engine.Account{ID: id, Name: id})
		must(t, err)
		_, err = users.CreateUser(ctx, super, engine.User{AccountID: id, ID: "boss", Name: "Boss", Role: engine.RoleAccountAdmin})
		must(t, err)
		key, secret, err := k.CreateKey(ctx, super, engine.Key{AccountID: id, UserID: "boss", Name: "first"})
		must(t, err)
		if p, err := k.Authenticate(secret, testNow); err != nil || p.AccountID != id {
			t.Fatalf("Authenticate() of the new key = %+v, %v, want it in force", p, err)
		}
		must(t, k.RevokeKey(ctx, super, id, key.ID))
		if _, err := k.Authenticate(secret, testNow.Add(time.Hour)); err == nil {
			t.Fatal("a revoked key is accepted")
		}
		if whole, rows := counting.whole.Load(), counting.rows.Load(); i > 0 && (whole != 0 || rows > 8) {
			t.Fatalf("with %d tenants four changes read %d whole lists and %d rows, want none and at most 8", i, whole, rows)
		}
	}
}

// Whatever is written, and by whom, who reads what was written since knows the same as who reads everything.
func TestCatchingUpIsReadingAll(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	k, s, _ := open(t)
	writer, reader := NewKeys(s, testPepper), k // two processes
	now := testNow.Add(time.Hour)
	writer.WithClock(func() time.Time { now = now.Add(time.Second); return now })
	super := engine.Principal{AccountID: engine.DefaultAccount, UserID: BootstrapUser, Role: engine.RoleSuperAdmin, Scopes: engine.AllScopes}
	accounts, teams, users := NewAccounts(writer), NewTeams(writer), NewUsers(writer)
	random := rand.New(rand.NewPCG(5, 6))
	pick := func(noun string) string { return fmt.Sprint(noun, random.IntN(3)) }
	somewhen := func() (at time.Time) {
		if random.IntN(2) == 0 {
			at = now
		}
		return at
	}
	keys := map[rowKey]bool{}
	for step := range 300 {
		account, team, user := pick("account"), pick("team"), pick("user")
		var key rowKey
		for key = range keys {
			break
		}
		// What is refused changes nothing, and that is right too.
		switch random.IntN(11) {
		case 0:
			_, _ = accounts.CreateAccount(ctx, super, engine.Account{ID: account, Name: account})
		case 1:
			_, _ = teams.CreateTeam(ctx, super, engine.Team{AccountID: account, ID: team, Name: team})
		case 2:
			_, _ = users.CreateUser(ctx, super, engine.User{AccountID: account, ID: user, Name: user, TeamID: team})
		case 3, 4:
			if made, _, err := writer.CreateKey(ctx, super, engine.Key{AccountID: account, UserID: user, Name: "key"}); err == nil {
				keys[rowKey{account, made.ID}] = true
			}
		case 5:
			_, _ = accounts.ChangeAccount(ctx, super, account, time.Time{}, func(a *engine.Account) { a.SuspendedAt = somewhen() })
		case 6:
			_, _ = users.ChangeUser(ctx, super, account, user, time.Time{}, func(u *engine.User) {
				u.SuspendedAt, u.Role = somewhen(), engine.RoleAccountAdmin
			})
		case 7:
			if made, _, err := writer.RotateKey(ctx, super, key.account, key.id, time.Time{}, engine.KeyRotation{}); err == nil {
				keys[rowKey{key.account, made.ID}] = true
			}
		case 8:
			_ = writer.RevokeKey(ctx, super, key.account, key.id)
		case 9:
			if random.IntN(6) == 0 {
				_ = teams.DeleteTeam(ctx, super, account, team, time.Time{})
			}
		case 10:
			if random.IntN(6) == 0 {
				_ = users.DeleteUser(ctx, super, account, user, time.Time{})
			}
		}
		if random.IntN(3) == 0 {
			continue // several changes at once
		}
		must(t, reader.Load(ctx))
		whole, err := reader.readAll(ctx)
		must(t, err)
		compare(t, step, reader.snapshot.Load(), whole)
	}
	if len(keys) < 10 {
		t.Errorf("%d keys were made, want many", len(keys))
	}
}

func compare(t *testing.T, step int, got, want *directory) {
	t.Helper()
	if g, w := maps.Collect(got.held.All()), maps.Collect(want.held.All()); !reflect.DeepEqual(g, w) {
		t.Fatalf("step %d: %d keys are in force, want %d, or others", step, len(g), len(w))
	}
	if got.accounts.Len() != want.accounts.Len() {
		t.Fatalf("step %d: %d accounts, want %d", step, got.accounts.Len(), want.accounts.Len())
	}
	for id, w := range want.accounts.All() {
		g := got.rows(id)
		if g.account != w.account || !reflect.DeepEqual(maps.Collect(g.teams.All()), maps.Collect(w.teams.All())) ||
			!reflect.DeepEqual(maps.Collect(g.users.All()), maps.Collect(w.users.All())) || !reflect.DeepEqual(maps.Collect(g.keys.All()), maps.Collect(w.keys.All())) {
			t.Fatalf("step %d: the rows of %s are others than those stored", step, id)
		}
	}
}
