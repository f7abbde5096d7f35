package postgres

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/store/postgres/query"
	"github.com/pointsman/pointsman/host/store/row"
	"github.com/pointsman/pointsman/host/store/storetest/migrated"
)

// tenantRules returns the accounts whose rules a query without a where finds for an account.
func tenantRules(t *testing.T, s *Store, accountID string) (found []string) {
	t.Helper()
	err := s.readOf(t.Context(), accountID, "test", func(ctx context.Context, q *query.Queries) error {
		rules, err := q.ListRules(ctx)
		for _, r := range rules {
			found = append(found, r.AccountID)
		}
		return err
	})
	if err != nil {
		t.Errorf("list the rules of %q: %v", accountID, err)
	}
	return slices.Compact(found)
}

// on behalf of a user with that role.
func behalf(t *testing.T, accountID string, role engine.Role) context.Context {
	return engine.WithActor(t.Context(), engine.Actor{Principal: engine.Principal{AccountID: accountID, UserID: "u", Role: role}})
}

// A service that passes another account's id on still reaches nothing of it.
func TestActorStaysInItsAccount(t *testing.T) {
	t.Parallel()
	s := mustOpen(t, migrated.PostgresURL(t), Config{})
	for _, accountID := range []string{"", "a", "b"} {
		if err := s.CreateRule(t.Context(), testRule(accountID, "r")); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		name          string
		ctx           context.Context
		account       string
		reads, writes bool
	}{
		{"the gateway", t.Context(), "b", true, true},
		{"a super admin", behalf(t, "a", engine.RoleSuperAdmin), "b", true, true},
		{"a super admin, global", behalf(t, "a", engine.RoleSuperAdmin), "", true, true},
		{"an admin", behalf(t, "a", engine.RoleAccountAdmin), "a", true, true},
		{"an admin, another's", behalf(t, "a", engine.RoleAccountAdmin), "b", false, false},
		{"an admin, global", behalf(t, "a", engine.RoleAccountAdmin), "", true, false},
		{"a user, another's", behalf(t, "a", engine.RoleUser), "b", false, false},
		{"a role that nobody knows", behalf(t, "a", "root"), "b", false, false},
		{"nobody's admin", behalf(t, "", engine.RoleAccountAdmin), "b", false, false},
		{"nobody's admin, global", behalf(t, "", engine.RoleAccountAdmin), "", false, false},
	} {
		if _, err := s.GetRule(c.ctx, c.account, "r"); (err == nil) != c.reads || err != nil && !errors.Is(err, engine.ErrNotFound) {
			t.Errorf("%s: GetRule(%q) = %v, want it to find: %t", c.name, c.account, err, c.reads)
		}
		changed := testRule(c.account, "r")
		if err := s.UpdateRule(c.ctx, changed, changed.UpdatedAt); (err == nil) != c.writes {
			t.Errorf("%s: UpdateRule(%q) = %v, want it to write: %t", c.name, c.account, err, c.writes)
		}
		fresh := testRule(c.account, fmt.Sprint("new ", c.name))
		if err := s.CreateRule(c.ctx, fresh); (err == nil) != c.writes {
			t.Errorf("%s: CreateRule(%q) = %v, want it to write: %t", c.name, c.account, err, c.writes)
		}
	}
}

// errCut ends a transaction in its midst.
var errCut = errors.New("cut")

// A connection serves one account after the other. Nothing of one may be left for the next,
// however its call ended.
func TestTenantsShareConnectionsHammer(t *testing.T) {
	t.Parallel()
	s := mustOpen(t, with(t, migrated.PostgresURL(t), "pool_max_conns", "2"), Config{})
	const workers = 8
	calls := 300
	if os.Getenv("POINTSMAN_SOAK") != "" {
		calls = 10_000
	}
	account := func(n int) string { return fmt.Sprintf("tenant-%03d", n) }
	for n := range 50 {
		if err := s.CreateRule(t.Context(), testRule(account(n), "r")); err != nil {
			t.Fatal(err)
		}
	}
	var group sync.WaitGroup
	for worker := range workers {
		group.Go(func() {
			random := rand.New(rand.NewPCG(7, uint64(worker)))
			for n := worker; n < calls; n += workers {
				mine := account(random.IntN(50))
				ctx, cancel := context.WithCancel(t.Context())
				see := func(ctx context.Context, q *query.Queries) error {
					rules, err := q.ListRules(ctx)
					if err == nil && (len(rules) != 1 || rules[0].AccountID != mine) {
						t.Errorf("%s sees %d rules, want its own one", mine, len(rules))
					}
					return err
				}
				var err error
				switch n % 5 {
				case 0:
					err = s.readOf(ctx, mine, "test", see)
				case 1: // a write that is given up
					if err = s.writeOf(ctx, row.Changed(engine.AreaOther, mine, ""), "test", func(ctx context.Context, q *query.Queries) error {
						return errors.Join(see(ctx, q), errCut)
					}); errors.Is(err, errCut) {
						err = nil
					}
				case 2: // the caller goes away within the transaction
					err = s.transactOf(ctx, mine, "test", func(ctx context.Context, q *query.Queries) error {
						defer cancel()
						return see(ctx, q)
					})
					if errors.Is(err, context.Canceled) {
						err = nil
					}
				case 3: // or at any time
					go cancel()
					if err = s.readOf(ctx, mine, "test", see); err != nil {
						err = nil // whatever it is, nothing was seen
					}
				case 4: // the gateway's own work on the same connections
					var rules []engine.Rule
					if rules, err = s.ListRules(ctx); err == nil && len(rules) != 50 {
						t.Errorf("ListRules() = %d rules, want all 50: a tenant's role was left behind", len(rules))
					}
				}
				cancel()
				if err != nil {
					t.Errorf("call %d of %s = %v, want nil", n, mine, err)
				}
			}
		})
	}
	group.Wait()
	for _, conn := range s.pool.AcquireAllIdle(t.Context()) {
		var clean bool
		err := conn.QueryRow(t.Context(), "select current_user = session_user and coalesce(current_setting('pointsman.account', true), '') = ''").Scan(&clean)
		if err != nil || !clean {
			t.Errorf("a connection of the pool still has a tenant's role or account (%v)", err)
		}
		conn.Release()
	}
}

// The wall must not cost a round trip: what makes a statement the tenant's goes with it.
func TestTenantStatementsAreOneBatch(t *testing.T) {
	t.Parallel()
	s := mustOpen(t, migrated.PostgresURL(t), Config{})
	if err := s.CreateRule(t.Context(), testRule("a", "r")); err != nil {
		t.Fatal(err)
	}
	counted := &counting{DBTX: s.pool}
	q := s.seatOf(t.Context(), "a").queries(counted)
	if _, err := q.GetRule(t.Context(), query.GetRuleParams{AccountID: "a", ID: "r"}); err != nil {
		t.Errorf("GetRule() = %v, want nil", err)
	}
	if _, err := q.GetRule(t.Context(), query.GetRuleParams{AccountID: "b", ID: "r"}); !errors.Is(err, pgx.ErrNoRows) {
		t.Errorf("GetRule() of another's = %v, want %v", err, pgx.ErrNoRows)
	}
	if rules, err := q.ListRules(t.Context()); err != nil || len(rules) != 1 {
		t.Errorf("ListRules() = %d, %v, want 1", len(rules), err)
	}
	if n, err := q.DeleteRule(t.Context(), query.DeleteRuleParams{AccountID: "a", ID: "r"}); err != nil || n != 1 {
		t.Errorf("DeleteRule() = %d, %v, want 1", n, err)
	}
	if counted.batches != 4 {
		t.Errorf("four statements took %d batches, want 4", counted.batches)
	}
	if got := s.pool.Stat().AcquiredConns(); got != 0 {
		t.Errorf("%d connections were not given back", got)
	}
}

type counting struct {
	query.DBTX
	batches int
}

func (c *counting) SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults {
	c.batches++
	return c.DBTX.SendBatch(ctx, b)
}

// Without the role a call fails, and does not fall back to seeing everything.
func TestLostRoleClosesTheWall(t *testing.T) {
	t.Parallel()
	s := mustOpen(t, migrated.PostgresURL(t), Config{})
	s.tenantRole = "pointsman_tenant_that_is_not_there"
	_, err := s.GetRule(t.Context(), "a", "r")
	if err == nil || engine.CodeOf(err) == engine.CodeInvalid || errors.Is(err, engine.ErrNotFound) {
		t.Errorf("GetRule() without the tenant role = %v, want an error of ours", err)
	}
	if err := s.CreateRule(t.Context(), testRule("a", "r")); err == nil {
		t.Error("CreateRule() without the tenant role = nil, want an error")
	}
}
