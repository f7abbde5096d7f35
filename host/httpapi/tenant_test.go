package httpapi

import (
	"context"
	"fmt"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/store"
	"github.com/pointsman/pointsman/host/store/storetest/migrated"
	"github.com/pointsman/pointsman/host/tenancy"
)

// tenants is a server whose accounts, teams, users and keys are real ones in a database.
type tenants struct {
	*running
	keys  *tenancy.Keys
	store *countedStore
	super string // the first super admin's key
	now   atomic.Pointer[time.Time]
}

// countedStore counts what is asked of a store.
type countedStore struct {
	engine.Store
	calls atomic.Int64
}

func (s *countedStore) ListKeys(ctx context.Context) ([]engine.Key, error) {
	s.calls.Add(1)
	return s.Store.ListKeys(ctx)
}

func (s *countedStore) ListUsers(ctx context.Context) ([]engine.User, error) {
	s.calls.Add(1)
	return s.Store.ListUsers(ctx)
}

func (s *countedStore) ListTeams(ctx context.Context) ([]engine.Team, error) {
	s.calls.Add(1)
	return s.Store.ListTeams(ctx)
}

func (s *countedStore) ListAccounts(ctx context.Context) ([]engine.Account, error) {
	s.calls.Add(1)
	return s.Store.ListAccounts(ctx)
}

func (s *countedStore) GetAccount(ctx context.Context, id string) (engine.Account, error) {
	s.calls.Add(1)
	return s.Store.GetAccount(ctx, id)
}

func (s *countedStore) PageKeys(ctx context.Context, f engine.TenantFilter, p engine.Page) ([]engine.Key, error) {
	s.calls.Add(1)
	return s.Store.PageKeys(ctx, f, p)
}

// startTenants serves an empty database with one super admin. Its clock stands at testNow.
func startTenants(t *testing.T, change ...func(*tenants, *Config)) *tenants {
	t.Helper()
	opened, err := store.Open(t.Context(), "sqlite:"+migrated.SQLite(t, filepath.Join(t.TempDir(), "tenants.db")), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := opened.Close(); err != nil {
			t.Errorf("close the store: %v", err)
		}
	})
	s := &tenants{store: &countedStore{Store: opened}}
	s.at(testNow)
	clock := func() time.Time { return *s.now.Load() }
	s.keys = tenancy.NewKeys(s.store, []byte("0123456789abcdef0123456789abcdef")).WithClock(clock)
	if s.super, err = s.keys.Bootstrap(t.Context(), "", testNow); err != nil {
		t.Fatal(err)
	}
	s.running = start(t, &fake{}, func(c *Config) {
		c.Keys, c.Accounts, c.Teams, c.Users = s.keys, tenancy.NewAccounts(s.keys), tenancy.NewTeams(s.keys), tenancy.NewUsers(s.keys)
		c.Now = clock
		for _, f := range change {
			f(s, c)
		}
	})
	return s
}

// at sets the clock.
func (s *tenants) at(now time.Time) { s.now.Store(&now) }

// want is do for a status that must be.
func (s *tenants) want(status int, method, path, key, body string, headers ...string) reply {
	s.t.Helper()
	r := s.do(method, path, key, body, headers...)
	if r.status != status {
		s.t.Fatalf("%s %s %s = %d %s, want %d", method, path, body, r.status, r.body, status)
	}
	return r
}

// user makes a user with a key of these scopes and returns the key's text.
func (s *tenants) user(account, team, id, role, scopes string) string {
	s.t.Helper()
	s.want(201, "POST", "/api/v1/users", s.super, fmt.Sprintf(`{"account_id":%q,"team_id":%q,"id":%q,"name":%q,"role":%q}`, account, team, id, id, role))
	return s.key(account, id, scopes)
}

func (s *tenants) key(account, user, scopes string) string {
	s.t.Helper()
	r := s.want(201, "POST", "/api/v1/keys", s.super, fmt.Sprintf(`{"account_id":%q,"user_id":%q,"name":"k","scopes":[%s]}`, account, user, scopes))
	return r.member("secret").(string)
}

const everyScope = `"inference","read","manage"`

// acme makes the accounts acme and rival with two teams each.
func (s *tenants) acme() {
	s.t.Helper()
	for _, account := range []string{"acme", "rival"} {
		s.want(201, "POST", "/api/v1/accounts", s.super, fmt.Sprintf(`{"id":%q,"name":%q}`, account, account))
		for _, team := range []string{"red", "blue"} {
			s.want(201, "POST", "/api/v1/teams", s.super, fmt.Sprintf(`{"account_id":%q,"id":%q,"name":%q}`, account, team, team))
		}
	}
}
