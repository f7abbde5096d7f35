package storetest

import (
	"bytes"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
)

var idempotencyTests = []test{
	{"the first claim stands", idempotencyClaimed},
	{"of many at once, one claims", idempotencyRace},
	{"is claimed anew when its day is over", idempotencyExpired},
	{"is taken from the dead once", idempotencyRetaken},
	{"ends once, by its own claim", idempotencyEnds},
	{"is counted by account", idempotencyCounted},
	{"is dropped by age", idempotencyDropped},
	{"must be whole", idempotencyInvalid},
}

// longAgo is before everything that the tests make.
var longAgo = at(0).Add(-engine.IdempotencyKept)

func accounts(t *testing.T, s engine.Store, ids ...string) {
	t.Helper()
	for _, id := range ids {
		must(t, "CreateAccount()", s.CreateAccount(t.Context(), engine.Account{ID: id, Name: id, CreatedAt: at(0), UpdatedAt: at(0)}))
	}
}

// idempotent is key n of an account as that claim stores it.
func idempotent(account string, n int, claim string) engine.IdempotencyKey {
	return engine.IdempotencyKey{
		AccountID: account, Digest: bytes.Repeat([]byte{byte(n)}, 32), Fingerprint: bytes.Repeat([]byte{byte(100 + n)}, 32),
		ClaimID: claim, RequestID: "request of " + claim, State: engine.IdempotencyClaimed,
		CreatedAt: at(int64(n)), LeaseUntil: at(int64(n) + 1000),
	}
}

// wantKey asks for the stored row by claiming its key in vain.
func wantKey(t *testing.T, s engine.Store, want engine.IdempotencyKey) {
	t.Helper()
	other := want
	other.ClaimID, other.Fingerprint, other.Sealed = "a late one", bytes.Repeat([]byte{7}, 32), nil
	got, err := s.ClaimIdempotencyKey(t.Context(), other, longAgo)
	must(t, "ClaimIdempotencyKey()", err)
	wantEqual(t, "the stored key", got, want)
}

func idempotencyClaimed(t *testing.T, d Database) {
	s := open(t, d)
	accounts(t, s, "acme", "rival")
	was := revision(t, s)
	one, other, rival := idempotent("acme", 1, "a"), idempotent("acme", 2, "a"), idempotent("rival", 1, "b")
	one.CreatedAt, one.LeaseUntil = finest(1), finest(2)
	kept := one
	kept.CreatedAt, kept.LeaseUntil = at(1), at(2)
	for _, c := range []struct{ claim, want engine.IdempotencyKey }{{one, kept}, {other, other}, {rival, rival}} {
		got, err := s.ClaimIdempotencyKey(t.Context(), c.claim, longAgo)
		must(t, "ClaimIdempotencyKey()", err)
		wantEqual(t, "ClaimIdempotencyKey()", got, c.want)
	}
	for _, want := range []engine.IdempotencyKey{kept, other, rival} {
		wantKey(t, s, want)
	}
	_, err := s.ClaimIdempotencyKey(t.Context(), idempotent("nobody", 1, "c"), longAgo)
	wantErr(t, "ClaimIdempotencyKey() of no account", err, engine.ErrNotFound)
	wantRevision(t, s, was, 0)
}

func idempotencyRace(t *testing.T, d Database) {
	s := open(t, d)
	accounts(t, s, "acme")
	const many = 8
	var claimed [many]string
	var errs [many]error
	var all sync.WaitGroup
	for i := range many {
		all.Go(func() {
			got, err := s.ClaimIdempotencyKey(t.Context(), idempotent("acme", 1, fmt.Sprint("claim ", i)), longAgo)
			claimed[i], errs[i] = got.ClaimID, err
		})
	}
	all.Wait()
	must(t, "ClaimIdempotencyKey()", errors.Join(errs[:]...))
	for i := range claimed {
		if claimed[i] != claimed[0] || claimed[i] == "" {
			t.Errorf("claims are stored as %q, want the same for all", claimed)
			break
		}
	}
}

func idempotencyExpired(t *testing.T, d Database) {
	s := open(t, d)
	accounts(t, s, "acme")
	first := idempotent("acme", 1, "a")
	_, err := s.ClaimIdempotencyKey(t.Context(), first, longAgo)
	must(t, "ClaimIdempotencyKey()", err)
	ended := first
	ended.State, ended.SealKey, ended.Sealed = engine.IdempotencyAnswered, "k", []byte("sealed")
	must(t, "EndIdempotencyKey()", s.EndIdempotencyKey(t.Context(), ended))
	second := idempotent("acme", 1, "b")
	second.CreatedAt, second.LeaseUntil, second.Fingerprint = at(50), at(60), bytes.Repeat([]byte{5}, 32)
	for _, c := range []struct {
		expired time.Time
		want    engine.IdempotencyKey
	}{{at(0), ended}, {at(1), second}, {at(1), second}} {
		got, err := s.ClaimIdempotencyKey(t.Context(), second, c.expired)
		must(t, "ClaimIdempotencyKey()", err)
		wantEqual(t, "ClaimIdempotencyKey() after "+c.expired.String(), got, c.want)
	}
}

func idempotencyRetaken(t *testing.T, d Database) {
	s := open(t, d)
	accounts(t, s, "acme", "rival")
	dead, next := idempotent("acme", 1, "dead"), idempotent("acme", 1, "next")
	next.CreatedAt, next.LeaseUntil = at(70), at(80)
	_, err := s.ClaimIdempotencyKey(t.Context(), dead, longAgo)
	must(t, "ClaimIdempotencyKey()", err)
	stray := next
	stray.AccountID = "rival"
	wantErr(t, "RetakeIdempotencyKey() of another account", s.RetakeIdempotencyKey(t.Context(), stray, "dead"), engine.ErrNotFound)
	must(t, "RetakeIdempotencyKey()", s.RetakeIdempotencyKey(t.Context(), next, "dead"))
	third := idempotent("acme", 1, "third")
	wantErr(t, "RetakeIdempotencyKey() from who no longer has it", s.RetakeIdempotencyKey(t.Context(), third, "dead"), engine.ErrNotFound)
	wantKey(t, s, next)
}

func idempotencyEnds(t *testing.T, d Database) {
	s := open(t, d)
	accounts(t, s, "acme", "rival")
	mine := idempotent("acme", 1, "a")
	_, err := s.ClaimIdempotencyKey(t.Context(), mine, longAgo)
	must(t, "ClaimIdempotencyKey()", err)
	theirs, rival := mine, mine
	theirs.ClaimID, rival.AccountID = "b", "rival"
	for _, k := range []engine.IdempotencyKey{theirs, rival} {
		k.State = engine.IdempotencyLost
		wantErr(t, "EndIdempotencyKey() of another's", s.EndIdempotencyKey(t.Context(), k), engine.ErrNotFound)
		wantErr(t, "ReleaseIdempotencyKey() of another's", s.ReleaseIdempotencyKey(t.Context(), k), engine.ErrNotFound)
	}
	mine.State, mine.SealKey, mine.Sealed = engine.IdempotencyAnswered, "k1", []byte{0, 1, 2, 255}
	must(t, "EndIdempotencyKey()", s.EndIdempotencyKey(t.Context(), mine))
	wantKey(t, s, mine)
	wantErr(t, "EndIdempotencyKey() again", s.EndIdempotencyKey(t.Context(), mine), engine.ErrNotFound)
	wantErr(t, "ReleaseIdempotencyKey() of an ended one", s.ReleaseIdempotencyKey(t.Context(), mine), engine.ErrNotFound)

	lost, free := idempotent("acme", 2, "c"), idempotent("acme", 3, "d")
	for _, k := range []engine.IdempotencyKey{lost, free} {
		_, err := s.ClaimIdempotencyKey(t.Context(), k, longAgo)
		must(t, "ClaimIdempotencyKey()", err)
	}
	lost.State = engine.IdempotencyLost
	must(t, "EndIdempotencyKey()", s.EndIdempotencyKey(t.Context(), lost))
	wantKey(t, s, lost)
	must(t, "ReleaseIdempotencyKey()", s.ReleaseIdempotencyKey(t.Context(), free))
	again := idempotent("acme", 3, "e")
	got, err := s.ClaimIdempotencyKey(t.Context(), again, longAgo)
	must(t, "ClaimIdempotencyKey() of a released one", err)
	wantEqual(t, "ClaimIdempotencyKey() of a released one", got, again)
}

func idempotencyCounted(t *testing.T, d Database) {
	s := open(t, d)
	accounts(t, s, "acme", "rival")
	for n, size := range []int{0, 5, 7} {
		k := idempotent("acme", n, "a")
		_, err := s.ClaimIdempotencyKey(t.Context(), k, longAgo)
		must(t, "ClaimIdempotencyKey()", err)
		if size > 0 {
			k.State, k.Sealed = engine.IdempotencyAnswered, make([]byte, size)
			must(t, "EndIdempotencyKey()", s.EndIdempotencyKey(t.Context(), k))
		}
	}
	for account, want := range map[string][2]int64{"acme": {3, 12}, "rival": {0, 0}} {
		keys, bytes, err := s.CountIdempotencyKeys(t.Context(), account)
		must(t, "CountIdempotencyKeys()", err)
		wantEqual(t, "CountIdempotencyKeys() of "+account, [2]int64{keys, bytes}, want)
	}
}

func idempotencyDropped(t *testing.T, d Database) {
	s := open(t, d)
	accounts(t, s, "acme", "rival")
	for _, k := range []engine.IdempotencyKey{idempotent("acme", 1, "a"), idempotent("rival", 2, "b"), idempotent("acme", 3, "c")} {
		_, err := s.ClaimIdempotencyKey(t.Context(), k, longAgo)
		must(t, "ClaimIdempotencyKey()", err)
	}
	for i, want := range []int64{1, 1, 0} {
		got, err := s.DropIdempotencyKeys(t.Context(), at(2), 1)
		must(t, "DropIdempotencyKeys()", err)
		wantEqual(t, fmt.Sprintf("DropIdempotencyKeys() for the %d. time", i+1), got, want)
	}
	wantKey(t, s, idempotent("acme", 3, "c"))
}

func idempotencyInvalid(t *testing.T, d Database) {
	s := open(t, d)
	accounts(t, s, "acme")
	for _, c := range []struct {
		param string
		alter func(*engine.IdempotencyKey)
	}{
		{"account_id", func(k *engine.IdempotencyKey) { k.AccountID = "" }},
		{"claim_id", func(k *engine.IdempotencyKey) { k.ClaimID = "" }},
		{"request_id", func(k *engine.IdempotencyKey) { k.RequestID = "a\x00" }},
		{"digest", func(k *engine.IdempotencyKey) { k.Digest = k.Digest[:31] }},
		{"fingerprint", func(k *engine.IdempotencyKey) { k.Fingerprint = nil }},
		{"lease_until", func(k *engine.IdempotencyKey) { k.LeaseUntil = at(0).AddDate(9000, 0, 0) }},
	} {
		k := idempotent("acme", 1, "a")
		c.alter(&k)
		_, err := s.ClaimIdempotencyKey(t.Context(), k, longAgo)
		wantInvalid(t, "ClaimIdempotencyKey() without "+c.param, err, c.param)
	}
}
