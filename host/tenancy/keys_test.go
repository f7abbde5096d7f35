package tenancy

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
)

var (
	testNow    = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	testPepper = []byte("0123456789abcdef0123456789abcdef")
)

// open returns bootstrapped keys on a fresh database, with the super admin's secret.
func open(t *testing.T) (*Keys, Store, string) {
	t.Helper()
	s := newStore(t)
	k := NewKeys(s, testPepper).WithClock(func() time.Time { return testNow })
	secret, err := k.Bootstrap(t.Context(), "", testNow)
	if err != nil {
		t.Fatal(err)
	}
	return k, s, secret
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestNewKeyIsWellFormed(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for range 1000 {
		key := newKey()
		if len(key) != 52 || !strings.HasPrefix(key, "pm_") || !wellFormed(key) {
			t.Fatalf("newKey() = %q, want 52 well-formed characters after pm_", key)
		}
		if seen[key] {
			t.Fatalf("newKey() = %q twice", key)
		}
		seen[key] = true
	}
}

// TestNewKeyDigits: every base62 digit occurs about equally often.
func TestNewKeyDigits(t *testing.T) {
	t.Parallel()
	count := map[rune]int{}
	const keys = 2000
	for range keys {
		for _, c := range newKey()[len(keyPrefix) : len(keyPrefix)+keyRandom] {
			count[c]++
		}
	}
	want := keys * keyRandom / 62
	for _, c := range base62 {
		if n := count[c]; n < want*3/4 || n > want*5/4 {
			t.Errorf("digit %q occurs %d times, want about %d", c, n, want)
		}
	}
}

func TestWellFormed(t *testing.T) {
	t.Parallel()
	key := newKey()
	swapped := []byte(key)
	swapped[10], swapped[11] = swapped[11], swapped[10]
	if swapped[10] == swapped[11] {
		swapped[10] ^= 1
	}
	last := key[len(key)-1]
	other := byte('0')
	if last == other {
		other = '1'
	}
	for _, c := range []struct {
		name, in string
		want     bool
	}{
		{"made here", key, true},
		{"empty", "", false},
		{"one character", "p", false},
		{"prefix", "pm_", false},
		{"wrong checksum", key[:len(key)-1] + string(other), false},
		{"swapped characters", string(swapped), false},
		{"cut", key[:len(key)-1], false},
		{"longer", key + "0", false},
		{"upper-case prefix is a chosen key", "PM_" + key[3:], true},
		{"blank", " " + key, false},
		{"newline", key + "\n", false},
		{"confusable letter", strings.Replace(key, key[5:6], "\u0430", 1), false},
		{"64 KB", strings.Repeat("a", 64<<10), false},
		{"quote of 24", "'; drop table keys; --ab", false},
		{"chosen", "an-admin-key-of-24-chars", true},
		{"chosen, too short", "an-admin-key-of-23-char", false},
		{"chosen, longest", strings.Repeat("k", 256), true},
		{"chosen, too long", strings.Repeat("k", 257), false},
		{"NUL", "an-admin-key-of-24-char\x00", false},
		{"pm_ of another length", "pm_my-own-admin-key-value", false},
	} {
		if got := wellFormed(c.in); got != c.want {
			t.Errorf("%s: wellFormed(%.60q) = %v, want %v", c.name, c.in, got, c.want)
		}
	}
}

// TestMalformedNeverHashed: with a checksum that is wrong, not even the digest is computed.
func TestMalformedNeverHashed(t *testing.T) {
	t.Parallel()
	k, _, secret := open(t)
	var hashed atomic.Int64
	inner := k.hashes.New
	k.hashes = sync.Pool{New: func() any { hashed.Add(1); return inner() }}
	bad := secret[:len(secret)-1] + "!"
	if _, err := k.Authenticate(bad, testNow); engine.CodeOf(err) != engine.CodeUnauthorized {
		t.Errorf("Authenticate(bad checksum) = %v, want CodeUnauthorized", err)
	}
	if n := hashed.Load(); n != 0 {
		t.Errorf("a malformed key was hashed %d times, want 0", n)
	}
	if _, err := k.Authenticate(newKey(), testNow); engine.CodeOf(err) != engine.CodeUnauthorized {
		t.Errorf("Authenticate(unknown) = %v, want CodeUnauthorized", err)
	}
	if n := hashed.Load(); n != 1 {
		t.Errorf("a well-formed key was hashed %d times, want 1", n)
	}
}

func TestAuthenticate(t *testing.T) {
	t.Parallel()
	k, s, admin := open(t)
	ctx := t.Context()
	must(t, s.CreateAccount(ctx, engine.Account{ID: "acme", Name: "Acme", CreatedAt: testNow}))
	must(t, s.CreateUser(ctx, engine.User{AccountID: "acme", ID: "lead", TeamID: "red", Name: "L", Role: engine.RoleTeamLead, CreatedAt: testNow}))
	super, err := k.Authenticate(admin, testNow)
	must(t, err)
	if super.Role != engine.RoleSuperAdmin || super.AccountID != engine.DefaultAccount || super.UserID != BootstrapUser || super.KeyID == "" {
		t.Errorf("Authenticate(admin key) = %+v, want the super admin of %s", super, engine.DefaultAccount)
	}
	expires := testNow.Add(time.Hour)
	key, secret, err := k.CreateKey(ctx, super, engine.Key{AccountID: "acme", UserID: "lead", Name: "ci", ExpiresAt: expires})
	must(t, err)
	want := engine.Principal{AccountID: "acme", TeamID: "red", UserID: "lead", KeyID: key.ID, KeyName: "ci", Role: engine.RoleTeamLead, Scopes: engine.AllScopes}
	for _, c := range []struct {
		name string
		at   time.Time
		ok   bool
	}{
		{"at once", testNow, true},
		{"before expiry", expires.Add(-time.Nanosecond), true},
		{"at expiry", expires, false},
		{"after expiry", expires.Add(time.Hour), false},
	} {
		got, err := k.Authenticate(secret, c.at)
		if c.ok && (err != nil || got != want) {
			t.Errorf("%s: Authenticate = %+v, %v, want %+v", c.name, got, err, want)
		}
		if !c.ok && err != error(errUnauthorized) {
			t.Errorf("%s: Authenticate = %+v, %v, want errUnauthorized", c.name, got, err)
		}
	}
	must(t, k.RevokeKey(ctx, super, "acme", key.ID))
	if _, err := k.Authenticate(secret, testNow.Add(-time.Second)); err != nil {
		t.Errorf("Authenticate before the revocation = %v, want no error", err)
	}
	if _, err := k.Authenticate(secret, testNow); err != error(errUnauthorized) {
		t.Errorf("Authenticate(revoked) = %v, want errUnauthorized", err)
	}
}

// TestPreviousPepper: after the encryption key was changed, keys made before go on working
// as long as the old one is listed, and revoking them works too.
func TestPreviousPepper(t *testing.T) {
	t.Parallel()
	old, s, admin := open(t)
	super, err := old.Authenticate(admin, testNow)
	must(t, err)
	pepper := bytes.Repeat([]byte{7}, 32)
	renewed := NewKeys(s, pepper).WithPrevious(bytes.Repeat([]byte{8}, 32), old.pepper).WithClock(func() time.Time { return testNow })
	must(t, renewed.Load(t.Context()))
	if p, err := renewed.Authenticate(admin, testNow); err != nil || p != super {
		t.Errorf("Authenticate(key from before) = %+v, %v, want %+v", p, err, super)
	}
	_, made, err := renewed.CreateKey(t.Context(), super, engine.Key{Name: "new"})
	must(t, err)
	must(t, renewed.Load(t.Context()))
	without := NewKeys(s, pepper)
	must(t, without.Load(t.Context()))
	if _, err := without.Authenticate(made, testNow); err != nil {
		t.Errorf("Authenticate(new key) without the old pepper = %v, want it accepted", err)
	}
	if _, err := without.Authenticate(admin, testNow); err == nil {
		t.Error("Authenticate(key from before) without the old pepper = nil, want it refused")
	}
	must(t, renewed.RevokeKey(t.Context(), super, super.AccountID, super.KeyID))
	must(t, renewed.Load(t.Context()))
	if _, err := renewed.Authenticate(admin, testNow.Add(time.Second)); err == nil {
		t.Error("Authenticate(revoked key from before) = nil, want it refused")
	}
}

// TestSecretIsNotStored: neither the row nor a listing holds the key or enough of it.
func TestSecretIsNotStored(t *testing.T) {
	t.Parallel()
	k, s, admin := open(t)
	rows, err := s.ListKeys(t.Context())
	must(t, err)
	if len(rows) != 1 {
		t.Fatalf("ListKeys() = %d rows, want 1", len(rows))
	}
	row := rows[0]
	if len(row.Prefix) != 9 || !strings.HasPrefix(admin, row.Prefix) {
		t.Errorf("Prefix = %q, want the first 9 characters of the key", row.Prefix)
	}
	if bytes.Contains(row.Digest, []byte(admin[3:20])) || len(row.Digest) != 32 {
		t.Errorf("Digest = %x, want 32 bytes of HMAC", row.Digest)
	}
	// Known answer: HMAC-SHA-256 of that text under that pepper, computed with `openssl dgst -sha256 -hmac`.
	if got, want := hex.EncodeToString(func() []byte { d := k.digest("an-admin-key-of-24-chars"); return d[:] }()), knownDigest; got != want {
		t.Errorf("digest = %s, want %s", got, want)
	}
	super, err := k.Authenticate(admin, testNow)
	must(t, err)
	listed, _, err := k.ListKeys(t.Context(), super, engine.TenantFilter{}, engine.Page{})
	must(t, err)
	for _, key := range listed {
		if key.Digest != nil {
			t.Errorf("ListKeys() shows the digest of %s", key.ID)
		}
	}
}

func TestPepperMatters(t *testing.T) {
	t.Parallel()
	_, s, admin := open(t)
	other := NewKeys(s, []byte("another pepper of thirty-two byte"))
	must(t, other.Load(t.Context()))
	if _, err := other.Authenticate(admin, testNow); engine.CodeOf(err) != engine.CodeUnauthorized {
		t.Errorf("Authenticate under another pepper = %v, want CodeUnauthorized", err)
	}
}

func TestShortPepperRefused(t *testing.T) {
	t.Parallel()
	for _, pepper := range [][]byte{nil, {}, testPepper[:31]} {
		k := NewKeys(newStore(t), pepper)
		if _, err := k.Bootstrap(t.Context(), "", testNow); !errors.Is(err, errPepper) {
			t.Errorf("Bootstrap with a pepper of %d bytes = %v, want errPepper", len(pepper), err)
		}
		if err := k.Load(t.Context()); !errors.Is(err, errPepper) {
			t.Errorf("Load with a pepper of %d bytes = %v, want errPepper", len(pepper), err)
		}
		if _, err := k.Authenticate(newKey(), testNow); engine.CodeOf(err) != engine.CodeUnauthorized {
			t.Errorf("Authenticate with a pepper of %d bytes = %v, want CodeUnauthorized", len(pepper), err)
		}
	}
}

// TestOrphanKey: a key whose user is gone opens nothing.
func TestOrphanKey(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	k := NewKeys(orphans{s}, testPepper)
	secret, err := k.Bootstrap(t.Context(), "", testNow)
	must(t, err)
	if _, err := k.Authenticate(secret, testNow); engine.CodeOf(err) != engine.CodeUnauthorized {
		t.Errorf("Authenticate(orphan) = %v, want CodeUnauthorized", err)
	}
}

// orphans hides the users of a store.
type orphans struct{ Store }

func (orphans) ListUsers(context.Context) ([]engine.User, error) { return nil, nil }

// TestOvertakenLoad: a load that began earlier but ended later must not undo a revocation.
func TestOvertakenLoad(t *testing.T) {
	t.Parallel()
	k, s, admin := open(t)
	super, err := k.Authenticate(admin, testNow)
	must(t, err)
	key, secret, err := k.CreateKey(t.Context(), super, engine.Key{Name: "short-lived"})
	must(t, err)

	slow := &slowStore{Store: s, read: make(chan struct{}), goOn: make(chan struct{})}
	k.store = slow
	done := make(chan error, 1)
	go func() { done <- k.Load(context.Background()) }()
	<-slow.read // it has the rows from before the revocation
	must(t, k.RevokeKey(t.Context(), super, "", key.ID))
	close(slow.goOn)
	must(t, <-done)
	if _, err := k.Authenticate(secret, testNow); err != error(errUnauthorized) {
		t.Errorf("Authenticate(revoked) after an overtaken load = %v, want errUnauthorized", err)
	}
}

// slowStore holds back the answer of the first Changes.
type slowStore struct {
	Store
	once       atomic.Bool
	read, goOn chan struct{}
}

func (s *slowStore) Changes(ctx context.Context, since engine.Mark) (engine.Changes, error) {
	changes, err := s.Store.Changes(ctx, since)
	if s.once.CompareAndSwap(false, true) {
		close(s.read)
		<-s.goOn
	}
	return changes, err
}

// TestHammer authenticates from many goroutines while keys come and go.
func TestHammer(t *testing.T) {
	t.Parallel()
	k, _, admin := open(t)
	ctx := t.Context()
	super, err := k.Authenticate(admin, testNow)
	must(t, err)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if p, err := k.Authenticate(admin, testNow); err != nil || p != super {
					t.Errorf("Authenticate(admin) = %+v, %v, want %+v", p, err, super)
					return
				}
			}
		})
	}
	for range 20 {
		key, secret, err := k.CreateKey(ctx, super, engine.Key{Name: "k"})
		if err != nil {
			t.Error(err)
			break
		}
		if p, err := k.Authenticate(secret, testNow); err != nil || p.KeyID != key.ID {
			t.Errorf("Authenticate(new key) = %+v, %v, want key %s", p, err, key.ID)
		}
		if err := k.RevokeKey(ctx, super, "", key.ID); err != nil {
			t.Error(err)
		}
		if _, err := k.Authenticate(secret, testNow); err == nil {
			t.Error("Authenticate(revoked) = nil, want an error")
		}
	}
	close(stop)
	wg.Wait()
}

// TestAuthenticateAllocates: once, inside crypto/hmac (Go 1.26).
func TestAuthenticateAllocates(t *testing.T) {
	if raceEnabled {
		t.Skip("pools are emptied at random under the race detector")
	}
	k, _, admin := open(t)
	if n := testing.AllocsPerRun(200, func() {
		if _, err := k.Authenticate(admin, testNow); err != nil {
			t.Fatal(err)
		}
	}); n > 1 {
		t.Errorf("Authenticate allocates %v times, want at most 1", n)
	}
}

func BenchmarkAuthenticate(b *testing.B) {
	k := NewKeys(newStore(b), testPepper)
	secret, err := k.Bootstrap(b.Context(), "", testNow)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := k.Authenticate(secret, testNow); err != nil {
			b.Fatal(err)
		}
	}
}

// FuzzWellFormed: no panic, and nothing but a key made here passes with the prefix.
func FuzzWellFormed(f *testing.F) {
	for _, s := range []string{"", "pm_", newKey(), "an-admin-key-of-24-chars", "pm_\x00", strings.Repeat("z", 52)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if !wellFormed(s) {
			return
		}
		if strings.HasPrefix(s, keyPrefix) && string(appendChecksum([]byte(s[:len(s)-keyChecksum]))) != s {
			t.Fatalf("wellFormed(%q) = true, want false: the checksum is wrong", s)
		}
		if len(s) > maxChosenKey || strings.ContainsAny(s, " \n\r\x00") {
			t.Fatalf("wellFormed(%q) = true, want false", s)
		}
	})
}
