package tenancy

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
)

// loginDesk is logins on a real store that counts, with a clock that a test turns.
type loginDesk struct {
	*Logins
	keys  *Keys
	store *loginCounter
	now   time.Time
}

type loginCounter struct {
	LoginStore
	mu                      sync.Mutex
	finds, deletes, creates int
}

func (c *loginCounter) count(n *int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	*n++
}

func (c *loginCounter) FindLogin(ctx context.Context, digest []byte) (engine.Login, error) {
	c.count(&c.finds)
	return c.LoginStore.FindLogin(ctx, digest)
}

func (c *loginCounter) DeleteLogin(ctx context.Context, accountID, id string) error {
	c.count(&c.deletes)
	return c.LoginStore.DeleteLogin(ctx, accountID, id)
}

func (c *loginCounter) CreateLogin(ctx context.Context, l engine.Login) error {
	c.count(&c.creates)
	return c.LoginStore.CreateLogin(ctx, l)
}

// openDesk returns logins of bootstrapped keys, and the super admin's key.
func openDesk(t *testing.T) (*loginDesk, string) {
	t.Helper()
	k, s, secret := open(t)
	d := &loginDesk{keys: k, store: &loginCounter{LoginStore: s.(LoginStore)}, now: testNow}
	d.Logins = d.replica(t, k)
	return d, secret
}

// replica returns logins of another process on the same store.
func (d *loginDesk) replica(t *testing.T, k *Keys) *Logins {
	t.Helper()
	l, err := NewLogins(LoginConfig{Keys: k, Store: d.store, Secret: []byte(strings.Repeat("s", 32)), Now: func() time.Time { return d.now }})
	must(t, err)
	return l
}

// A session ends with its key. A process that has not heard of the key yet only refuses it: what
// it does not know may be in force.
func TestLoginOldSnapshot(t *testing.T) {
	t.Parallel()
	d, secret := openDesk(t)
	ctx := t.Context()
	p, err := d.keys.Authenticate(secret, testNow)
	must(t, err)
	empty := NewKeys(d.keys.store, testPepper)
	old := NewKeys(d.keys.store, testPepper)
	must(t, old.Load(ctx))
	key, text, err := d.keys.CreateKey(ctx, p, engine.Key{AccountID: p.AccountID, UserID: p.UserID, Name: "new", Scopes: engine.ScopeRead})
	must(t, err)
	live, err := d.Login(ctx, text, "192.0.2.1", false)
	must(t, err)
	for name, keys := range map[string]*Keys{"no snapshot": empty, "an old snapshot": old} {
		if _, err := d.replica(t, keys).Resume(ctx, live.Secret); err != error(errUnauthorized) {
			t.Errorf("Resume() with %s = %v, want the constant error", name, err)
		}
	}
	if _, err := d.replica(t, d.keys).Resume(ctx, live.Secret); err != nil || d.store.deletes != 0 {
		t.Errorf("Resume() with the key = %v after %d deletes, want the session as it was", err, d.store.deletes)
	}
	must(t, d.keys.RevokeKey(ctx, p, p.AccountID, key.ID))
	if _, err := d.Resume(ctx, live.Secret); err != error(errUnauthorized) || d.store.deletes != 1 {
		t.Errorf("Resume() with a revoked key = %v, %d deletes, want it refused and deleted", err, d.store.deletes)
	}
}

// A cookie of a session that has ended is looked up once in five seconds, not with every request.
func TestLoginGone(t *testing.T) {
	t.Parallel()
	d, secret := openDesk(t)
	live, err := d.Login(t.Context(), secret, "192.0.2.1", false)
	must(t, err)
	other := d.replica(t, d.keys)
	must(t, d.Logout(t.Context(), live.Secret))
	for _, c := range []struct {
		name   string
		logins *Logins
		pass   time.Duration
		want   int // more lookups, of ten requests
	}{
		{"where it was ended", d.Logins, 0, 0},
		{"in another process", other, 0, 1},
		{"later", other, loginFresh, 1},
	} {
		d.now = d.now.Add(c.pass)
		before := d.store.finds
		for range 10 {
			if _, err := c.logins.Resume(t.Context(), live.Secret); err != error(errUnauthorized) {
				t.Fatalf("%s: Resume() = %v, want the constant error", c.name, err)
			}
		}
		if got := d.store.finds - before; got != c.want {
			t.Errorf("%s: ten requests look it up %d times, want %d", c.name, got, c.want)
		}
	}
}
