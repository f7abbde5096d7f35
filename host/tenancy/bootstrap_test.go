package tenancy

import (
	"strings"
	"sync"
	"testing"

	"github.com/pointsman/pointsman/engine"
)

const chosen = "the-operators-own-admin-key"

func TestBootstrap(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	k := NewKeys(s, testPepper)
	steps := []struct {
		name, adminKey string
		wantSecret     bool
		wantKeys       int
	}{
		{"first start makes a key", "", true, 1},
		{"second start makes none", "", false, 1},
		{"a chosen key is added", chosen, true, 2},
		{"the same again changes nothing", chosen, false, 2},
		{"another one is added", chosen + "-2", true, 3},
		{"none given, some exist", "", false, 3},
	}
	var generated string
	for _, c := range steps {
		secret, err := k.Bootstrap(t.Context(), c.adminKey, testNow)
		must(t, err)
		if (secret != "") != c.wantSecret || c.adminKey != "" && c.wantSecret && secret != c.adminKey {
			t.Errorf("%s: Bootstrap(%q) = %q, want a secret: %v", c.name, c.adminKey, secret, c.wantSecret)
		}
		if generated == "" {
			generated = secret
		}
		keys, err := s.ListKeys(t.Context())
		must(t, err)
		if len(keys) != c.wantKeys {
			t.Errorf("%s: %d keys, want %d", c.name, len(keys), c.wantKeys)
		}
		for _, key := range keys {
			if strings.Contains(key.Prefix, "operators") {
				t.Errorf("%s: Prefix %q shows too much of a chosen key", c.name, key.Prefix)
			}
		}
	}
	for _, secret := range []string{generated, chosen, chosen + "-2"} {
		p, err := k.Authenticate(secret, testNow)
		if err != nil || p.Role != engine.RoleSuperAdmin || p.AccountID != engine.DefaultAccount {
			t.Errorf("Authenticate(%.8s…) = %+v, %v, want a super admin of %s", secret, p, err, engine.DefaultAccount)
		}
	}
}

func TestBootstrapRevokedStaysRevoked(t *testing.T) {
	t.Parallel()
	k, _, first := open(t)
	ctx := t.Context()
	_, err := k.Bootstrap(ctx, chosen, testNow)
	must(t, err)
	p, err := k.Authenticate(chosen, testNow)
	must(t, err)
	admin, err := k.Authenticate(first, testNow)
	must(t, err)
	must(t, k.RevokeKey(ctx, admin, "", p.KeyID))
	secret, err := k.Bootstrap(ctx, chosen, testNow)
	must(t, err)
	if secret != "" {
		t.Errorf("Bootstrap(revoked key) = %q, want no new key", secret)
	}
	if _, err := k.Authenticate(chosen, testNow); err == nil {
		t.Error("Authenticate(revoked admin key) = nil, want an error")
	}
}

func TestBootstrapRefuses(t *testing.T) {
	t.Parallel()
	made := newKey()
	for _, key := range []string{"short", "has a blank in it, and is long enough", "pm_" + strings.Repeat("a", 49), made[:len(made)-2], strings.Repeat("x", 257), "täst-täst-täst-täst-täst-täst"} {
		s := newStore(t)
		if _, err := NewKeys(s, testPepper).Bootstrap(t.Context(), key, testNow); engine.CodeOf(err) != engine.CodeInvalid {
			t.Errorf("Bootstrap(%.40q) = %v, want CodeInvalid", key, err)
		}
		if keys, _ := s.ListKeys(t.Context()); len(keys) != 0 {
			t.Errorf("Bootstrap(%.40q) left %d keys, want 0", key, len(keys))
		}
	}
}

// TestBootstrapTogether: several processes start on one empty database.
func TestBootstrapTogether(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	var wg sync.WaitGroup
	secrets := make([]string, 4)
	for i := range secrets {
		wg.Go(func() {
			var err error
			if secrets[i], err = NewKeys(s, testPepper).Bootstrap(t.Context(), chosen, testNow); err != nil {
				t.Errorf("Bootstrap together = %v, want no error", err)
			}
		})
	}
	wg.Wait()
	added := 0
	for _, secret := range secrets {
		if secret != "" {
			added++
		}
	}
	if added != 1 {
		t.Errorf("%d processes added the same key, want 1", added)
	}
}
