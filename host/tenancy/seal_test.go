package tenancy

import (
	"bytes"
	"strings"
	"testing"

	"github.com/pointsman/pointsman/engine"
)

const sealSecret = "sk-proj-a-credential-of-a-provider-0123456789"

func sealKeyOf(b byte) []byte { return bytes.Repeat([]byte{b}, 32) }

func newTestSeal(t testing.TB, key byte, previous ...byte) *Seal {
	t.Helper()
	var old [][]byte
	for _, p := range previous {
		old = append(old, sealKeyOf(p))
	}
	s, err := NewSeal(sealKeyOf(key), old...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func sealRow() engine.StoredCredential {
	return engine.StoredCredential{AccountID: "acme", ProviderID: "own", ID: "a", Weight: 1, Version: 3}
}

func mustSeal(t testing.TB, s *Seal, c engine.StoredCredential, secret string) engine.StoredCredential {
	t.Helper()
	c, err := s.SealCredential(c, secret)
	if err != nil {
		t.Fatalf("SealCredential() = %v, want nil", err)
	}
	return c
}

func TestSealOpens(t *testing.T) {
	t.Parallel()
	s := newTestSeal(t, 1)
	for _, secret := range []string{"", "x", sealSecret, strings.Repeat("long", 1024), "\x00\xff"} {
		c := mustSeal(t, s, sealRow(), secret)
		if got, err := s.OpenCredential(c); err != nil || got != secret {
			t.Errorf("OpenCredential(sealed %q) = %q, %v, want it back", secret, got, err)
		}
		if len(secret) > 3 && bytes.Contains(c.Sealed, []byte(secret[:4])) {
			t.Errorf("the sealed row holds a part of %q", secret)
		}
	}
	one, two := mustSeal(t, s, sealRow(), sealSecret), mustSeal(t, s, sealRow(), sealSecret)
	if bytes.Equal(one.Sealed, two.Sealed) || bytes.Equal(one.Sealed[1:1+wrappedSize], two.Sealed[1:1+wrappedSize]) {
		t.Error("two seals of one text are alike, want another data key for each")
	}
}

// What is taken from one row opens in no other.
func TestSealIsBoundToItsRow(t *testing.T) {
	t.Parallel()
	s := newTestSeal(t, 1)
	good := mustSeal(t, s, sealRow(), sealSecret)
	other := mustSeal(t, s, sealRow(), "another-secret-of-the-very-same-row-here")
	for _, tt := range []struct {
		name   string
		change func(*engine.StoredCredential)
	}{
		{"another account", func(c *engine.StoredCredential) { c.AccountID = "" }},
		{"another provider", func(c *engine.StoredCredential) { c.ProviderID = "owns" }},
		{"another credential", func(c *engine.StoredCredential) { c.ID = "b" }},
		{"a letter moved between two members", func(c *engine.StoredCredential) { c.ProviderID, c.ID = "ow", "na" }},
		{"an older version", func(c *engine.StoredCredential) { c.Version-- }},
		{"a key that is not known", func(c *engine.StoredCredential) { c.SealKey = "0000000000000000" }},
		{"no key", func(c *engine.StoredCredential) { c.SealKey = "" }},
		{"nothing sealed", func(c *engine.StoredCredential) { c.Sealed = nil }},
		{"another form", func(c *engine.StoredCredential) { c.Sealed[0]++ }},
		{"the data key of another seal", func(c *engine.StoredCredential) { copy(c.Sealed[1:], other.Sealed[1:1+wrappedSize]) }},
		{"the text of another seal", func(c *engine.StoredCredential) {
			c.Sealed = append(c.Sealed[:1+wrappedSize], other.Sealed[1+wrappedSize:]...)
		}},
		{"a byte more", func(c *engine.StoredCredential) { c.Sealed = append(c.Sealed, 0) }},
	} {
		c := good
		c.Sealed = bytes.Clone(good.Sealed)
		tt.change(&c)
		if got, err := s.OpenCredential(c); err == nil || got != "" || strings.Contains(err.Error(), sealSecret) {
			t.Errorf("%s: OpenCredential() = %q, %v, want an error alone", tt.name, got, err)
		}
	}
	for i := range good.Sealed {
		c := good
		c.Sealed = bytes.Clone(good.Sealed)
		c.Sealed[i] ^= 0x20
		if got, err := s.OpenCredential(c); err == nil {
			t.Errorf("byte %d changed: OpenCredential() = %q, want an error", i, got)
		}
		c.Sealed = good.Sealed[:i]
		if got, err := s.OpenCredential(c); err == nil {
			t.Errorf("cut at byte %d: OpenCredential() = %q, want an error", i, got)
		}
	}
	if got, err := s.OpenCredential(good); err != nil || got != sealSecret {
		t.Errorf("OpenCredential(untouched) = %q, %v, want it back", got, err)
	}
}

func TestSealRotates(t *testing.T) {
	t.Parallel()
	before, after, foreign := newTestSeal(t, 1), newTestSeal(t, 2, 1), newTestSeal(t, 3)
	old := mustSeal(t, before, sealRow(), sealSecret)
	if got, err := after.OpenCredential(old); err != nil || got != sealSecret {
		t.Errorf("OpenCredential() with the previous key listed = %q, %v, want it opened", got, err)
	}
	if _, err := foreign.OpenCredential(old); err == nil {
		t.Error("OpenCredential() without the key = nil, want an error")
	}
	renewed := mustSeal(t, after, old, sealSecret)
	if _, err := before.OpenCredential(renewed); err == nil || renewed.SealKey == old.SealKey {
		t.Errorf("sealed anew under %s, %v, want the new key", renewed.SealKey, err)
	}
	if got, err := newTestSeal(t, 2).OpenCredential(renewed); err != nil || got != sealSecret {
		t.Errorf("OpenCredential() of what was sealed anew = %q, %v, want it without the old key", got, err)
	}
}

func TestNewSealRefuses(t *testing.T) {
	t.Parallel()
	for _, key := range [][]byte{nil, make([]byte, 31), make([]byte, 33)} {
		if _, err := NewSeal(key); err == nil {
			t.Errorf("NewSeal(%d bytes) = nil, want an error", len(key))
		}
		if _, err := NewSeal(sealKeyOf(1), key); err == nil {
			t.Errorf("NewSeal(good, %d bytes) = nil, want an error", len(key))
		}
	}
}

// FuzzSealOpen: whatever stands in the row, nothing but what was sealed is opened.
func FuzzSealOpen(f *testing.F) {
	s := newTestSeal(f, 1)
	good := mustSeal(f, s, sealRow(), sealSecret)
	f.Add("acme", "own", "a", int64(3), good.SealKey, good.Sealed)
	f.Add("", "own", "a", int64(3), good.SealKey, good.Sealed)
	f.Add("acme", "own", "a", int64(3), good.SealKey, good.Sealed[:minSealed])
	f.Add("", "", "", int64(0), "", []byte{sealForm})
	f.Fuzz(func(t *testing.T, account, provider, id string, version int64, key string, sealed []byte) {
		c := engine.StoredCredential{AccountID: account, ProviderID: provider, ID: id, Version: version, SealKey: key, Sealed: sealed}
		text, err := s.OpenCredential(c)
		if err != nil {
			return
		}
		// Each worker of the fuzzer seals anew, so the bytes may be another's.
		if text != sealSecret || !bytes.Equal(sealAAD("", c), sealAAD("", good)) {
			t.Fatalf("OpenCredential(%+v) = %q, want an error", c, text)
		}
	})
}
