package engine

import (
	"context"
	"time"
)

// IdempotencyState is what became of the request that claimed an idempotency key.
type IdempotencyState string

// States of an IdempotencyKey.
const (
	IdempotencyClaimed  IdempotencyState = "claimed"  // it is under way, or its process died
	IdempotencyAnswered IdempotencyState = "answered" // its answer is kept
	IdempotencyLost     IdempotencyState = "lost"     // it is over, and its answer cannot be given again
)

// Bounds of idempotency.
const (
	IdempotencyKept     = 24 * time.Hour // since the key was claimed
	IdempotencyMargin   = time.Minute    // what a claim is held beyond the time that its request may take
	MaxIdempotencyKey   = 255            // bytes of the header
	MaxIdempotentAnswer = 1 << 20        // bytes of an answer that is kept
)

// IdempotencyKey is one Idempotency-Key of an account and what became of the request that came
// with it first.
type IdempotencyKey struct {
	AccountID   string
	Digest      []byte // SHA-256 of the key, 32 bytes
	Fingerprint []byte // SHA-256 of what was asked for, 32 bytes
	ClaimID     string // of the one request that may end it, unlike RequestID, which callers may choose
	RequestID   string
	State       IdempotencyState
	SealKey     string // of Sealed
	Sealed      []byte // the answer; empty unless answered
	CreatedAt   time.Time
	LeaseUntil  time.Time // whoever claimed it is done by then, or died
}

// IdempotencyStore keeps idempotency keys. None of its writes is configuration.
type IdempotencyStore interface {
	// ClaimIdempotencyKey stores k, claimed, unless the account has one of that digest which was created
	// after expired. It returns what is stored then: k itself, by its ClaimID, or the other one.
	// ErrNotFound when there is no such account, or the other one went away meanwhile.
	ClaimIdempotencyKey(ctx context.Context, k IdempotencyKey, expired time.Time) (IdempotencyKey, error)
	// RetakeIdempotencyKey gives a key that is claimed by was to k: its claim, request and times.
	// ErrNotFound when was no longer has it; so do the two below for k.ClaimID.
	RetakeIdempotencyKey(ctx context.Context, k IdempotencyKey, was string) error
	// EndIdempotencyKey sets the state of a claimed key, and its sealed answer.
	EndIdempotencyKey(ctx context.Context, k IdempotencyKey) error
	// ReleaseIdempotencyKey deletes a claimed key.
	ReleaseIdempotencyKey(ctx context.Context, k IdempotencyKey) error
	// CountIdempotencyKeys returns how many an account has, and the bytes of their sealed answers.
	CountIdempotencyKeys(ctx context.Context, accountID string) (keys, bytes int64, err error)
	// DropIdempotencyKeys deletes up to limit rows (1–1,000) that were created at before or
	// earlier, and returns how many.
	DropIdempotencyKeys(ctx context.Context, before time.Time, limit int) (int64, error)
}

// IdempotentRequest is a request that carries a key, before anything is done for it.
type IdempotentRequest struct {
	AccountID   string
	RequestID   string
	Received    time.Time
	Digest      []byte // as in IdempotencyKey
	Fingerprint []byte
}

// IdempotentAnswer is an answer that is given again.
type IdempotentAnswer struct {
	RequestID string // of the request that it was made for
	Status    int
	Headers   []Pair
	Body      []byte // of a stream, all its events
}
