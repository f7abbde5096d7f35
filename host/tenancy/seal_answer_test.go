package tenancy

import (
	"bytes"
	"errors"
	"testing"

	"github.com/pointsman/pointsman/engine"
)

// An answer can be read from its own row alone, with the key that sealed it.
func TestSealAnswer(t *testing.T) {
	t.Parallel()
	old, key := bytes.Repeat([]byte{1}, 32), bytes.Repeat([]byte{2}, 32)
	before, err := NewSeal(old)
	if err != nil {
		t.Fatal(err)
	}
	after, err := NewSeal(key, old)
	if err != nil {
		t.Fatal(err)
	}
	row := engine.IdempotencyKey{AccountID: "acme", Digest: []byte("digest"), Fingerprint: []byte("print"), ClaimID: "claim"}
	sealed, err := before.SealAnswer(row, []byte("an answer"))
	if err != nil || bytes.Contains(sealed.Sealed, []byte("answer")) {
		t.Fatalf("SealAnswer() = %q, %v, want it encrypted", sealed.Sealed, err)
	}
	for _, s := range []*Seal{before, after} {
		if got, err := s.OpenAnswer(sealed); err != nil || string(got) != "an answer" {
			t.Errorf("OpenAnswer() = %q, %v, want the answer", got, err)
		}
	}
	for name, alter := range map[string]func(*engine.IdempotencyKey){
		"another account":     func(k *engine.IdempotencyKey) { k.AccountID = "rival" },
		"another key":         func(k *engine.IdempotencyKey) { k.Digest = []byte("other!") },
		"another request":     func(k *engine.IdempotencyKey) { k.Fingerprint = []byte("other") },
		"another claim":       func(k *engine.IdempotencyKey) { k.ClaimID = "other" },
		"a changed text":      func(k *engine.IdempotencyKey) { k.Sealed[len(k.Sealed)-1] ^= 1 },
		"a text that is cut":  func(k *engine.IdempotencyKey) { k.Sealed = k.Sealed[:20] },
		"a key nobody has":    func(k *engine.IdempotencyKey) { k.SealKey = "none" },
		"no text, as of lost": func(k *engine.IdempotencyKey) { k.Sealed = nil },
	} {
		k := sealed
		k.Sealed = bytes.Clone(sealed.Sealed)
		alter(&k)
		if _, err := after.OpenAnswer(k); !errors.Is(err, errSealed) {
			t.Errorf("OpenAnswer() of %s = %v, want %v", name, err, errSealed)
		}
	}
	// What was sealed as an answer is no credential.
	c := engine.StoredCredential{AccountID: "acme", ProviderID: "digest", ID: "print", SealKey: sealed.SealKey, Sealed: sealed.Sealed}
	if _, err := before.OpenCredential(c); !errors.Is(err, errSealed) {
		t.Errorf("OpenCredential() of an answer = %v, want %v", err, errSealed)
	}
}
