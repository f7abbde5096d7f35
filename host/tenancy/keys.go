package tenancy

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pointsman/pointsman/engine"
)

// minPepper is the least length of the pepper in bytes.
const minPepper = 32

var errPepper = errors.New("key pepper is shorter than 32 bytes")

// errUnauthorized is what every refused key gets, whatever was wrong with it.
var errUnauthorized = &engine.Error{Code: engine.CodeUnauthorized, Message: "Incorrect API key provided."}

// refusals are what the holder of a right key is told of a tenant that is suspended.
var refusals = map[standing]error{
	accountSuspended: &engine.Error{Code: engine.CodeForbidden, Message: "This key's account is suspended. Ask the operator of this gateway."},
	userSuspended:    &engine.Error{Code: engine.CodeForbidden, Message: "This key's user is suspended. Ask an administrator of the account."},
}

// Keys authenticates and manages API keys. Safe for concurrent use. Until the first
// Load (Bootstrap does one) it refuses every key.
type Keys struct {
	store  Store
	pepper []byte
	hashes sync.Pool // of *hasher, keyed with the pepper
	former []*Keys   // hash under previous peppers, and do nothing else
	now    func() time.Time

	changing chan struct{}             // 1 slot: one change at a time, without a lock held over queries
	snapshot atomic.Pointer[directory] // what Authenticate sees
	loads    atomic.Uint64             // loads begun; numbers them
	age      atomic.Uint32             // an Age, of the snapshot
}

// Age says how far what was loaded can be believed.
type Age uint32

// What is loaded is what is stored (Fresh); it was, and the store does not answer now (Old): keys
// that are not in it may have been made meanwhile; or that is too long ago to go on (Stale):
// those in it may have been revoked.
const (
	Fresh Age = iota
	Old
	Stale
)

// errUnconfirmed is what a key gets of which it cannot be said now whether it holds.
var errUnconfirmed = &engine.Error{
	Code: engine.CodeDatabaseUnavailable, After: 5 * time.Second,
	Message: "API keys cannot be looked up now: the database does not answer. Try again shortly.",
}

// SetAge says how far what was loaded can be believed from now on. It begins as Fresh.
func (k *Keys) SetAge(a Age) { k.age.Store(uint32(a)) }

type held struct {
	digest           [sha256.Size]byte
	principal        engine.Principal
	expires, revoked time.Time // zero: never
	refusal          error     // what its holder is told while it is suspended; nil: it is not
}

// NewKeys returns keys over the store, hashed under the pepper, a secret of at least
// 32 bytes that is the same for every process on that store and is kept outside it.
// With a shorter one every method but NewKeys itself fails.
func NewKeys(store Store, pepper []byte) *Keys {
	k := &Keys{store: store, pepper: append([]byte(nil), pepper...), now: time.Now, changing: make(chan struct{}, 1)}
	k.hashes.New = func() any { return &hasher{mac: hmac.New(sha256.New, k.pepper)} }
	return k
}

// WithClock makes changes use that clock. To be called before use.
func (k *Keys) WithClock(now func() time.Time) *Keys {
	k.now = now
	return k
}

// WithPrevious makes keys be accepted that were hashed under one of these peppers, of
// encryption keys used before. New keys are hashed under the pepper of NewKeys. To be
// called before use.
func (k *Keys) WithPrevious(peppers ...[]byte) *Keys {
	for _, p := range peppers {
		k.former = append(k.former, NewKeys(nil, p))
	}
	return k
}

// hasher keeps the buffers beside the hash: passed through an interface they would
// be allocated for every request.
type hasher struct {
	mac hash.Hash
	in  [maxChosenKey]byte
	out [sha256.Size]byte
}

// digest is the key's HMAC-SHA-256 under the pepper. key is well formed.
func (k *Keys) digest(key string) [sha256.Size]byte {
	h := k.hashes.Get().(*hasher)
	defer k.hashes.Put(h)
	h.mac.Reset()
	h.mac.Write(h.in[:copy(h.in[:], key)])
	h.mac.Sum(h.out[:0])
	clear(h.in[:])
	return h.out
}

// Authenticate returns whose key was presented. Errors: CodeUnauthorized, always the
// same one, for a key that is malformed, unknown, expired or revoked at now, or of a
// deleted tenant; CodeForbidden for a right key of a suspended one; CodeDatabaseUnavailable for one
// that is unknown while the snapshot is Old, and for every one while it is Stale.
// It works on the snapshot; a malformed key does not even get that far.
func (k *Keys) Authenticate(presented string, now time.Time) (engine.Principal, error) {
	s, age := k.snapshot.Load(), Age(k.age.Load())
	if s == nil || !wellFormed(presented) {
		return engine.Principal{}, errUnauthorized
	}
	if age == Stale {
		return engine.Principal{}, errUnconfirmed
	}
	d := k.digest(presented)
	// The map compares digests, which say nothing of the key without the pepper; the
	// comparison in constant time below keeps that true however the map is built.
	h, ok := s.held.Get(d)
	for i := 0; !ok && i < len(k.former); i++ {
		d = k.former[i].digest(presented)
		h, ok = s.held.Get(d)
	}
	if !ok || !hmac.Equal(h.digest[:], d[:]) {
		if age != Fresh {
			return engine.Principal{}, errUnconfirmed
		}
		return engine.Principal{}, errUnauthorized
	}
	return h.at(now)
}

// at returns whose key it is while it is in force.
func (h *held) at(now time.Time) (engine.Principal, error) {
	switch {
	case !h.expires.IsZero() && !now.Before(h.expires):
	case !h.revoked.IsZero() && !now.Before(h.revoked):
	case h.refusal != nil:
		return engine.Principal{}, h.refusal
	default:
		return h.principal, nil
	}
	return engine.Principal{}, errUnauthorized
}

// holder returns whose key that is, by its id. Errors: those of Authenticate; known says that
// the key itself is the reason, and not that this process has not heard of it.
func (k *Keys) holder(accountID, id string, now time.Time) (p engine.Principal, known bool, err error) {
	s := k.snapshot.Load()
	if s == nil {
		return engine.Principal{}, false, errUnauthorized
	}
	age := Age(k.age.Load())
	if age == Stale {
		return engine.Principal{}, false, errUnconfirmed
	}
	key, ok := s.keyRow(accountID, id)
	var h *held
	if ok && len(key.Digest) == sha256.Size {
		h, ok = s.held.Get([sha256.Size]byte(key.Digest))
	}
	if !ok || h == nil {
		if age != Fresh {
			return engine.Principal{}, false, errUnconfirmed
		}
		return engine.Principal{}, false, errUnauthorized
	}
	p, err = h.at(now)
	return p, true, err
}

// Load reads what was written of keys and users and puts it in force. A load that was
// overtaken by a later one changes nothing, so that what a caller wrote before its
// own load is in force when that returns.
func (k *Keys) Load(ctx context.Context) error {
	if len(k.pepper) < minPepper {
		return errPepper
	}
	next, err := k.read(ctx)
	if err != nil {
		return fmt.Errorf("load keys: %w", err)
	}
	for {
		old := k.snapshot.Load()
		if old != nil && old.load > next.load {
			return nil
		}
		if k.snapshot.CompareAndSwap(old, next) {
			return nil
		}
	}
}
