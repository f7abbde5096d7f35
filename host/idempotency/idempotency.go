// Package idempotency keeps the answers of requests that carry an Idempotency-Key, so that a
// repeat is answered and not paid again. It knows nothing of HTTP (host/httpapi/idempotency.go)
// nor of tables (host/store). Read Service.Claim first.
package idempotency

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"time"

	"github.com/google/uuid"
	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/rs/zerolog"
	"golang.org/x/sync/singleflight"

	"github.com/pointsman/pointsman/engine"
)

// Ledger is the part of engine.UsageStore that says whether a request was sent.
type Ledger interface {
	ListUsage(ctx context.Context, accountID, requestID string, limit int) ([]engine.Usage, error)
}

// Seal encrypts answers for the store, each bound to its row.
type Seal interface {
	// SealAnswer returns k with Sealed and SealKey set.
	SealAnswer(k engine.IdempotencyKey, answer []byte) (engine.IdempotencyKey, error)
	// OpenAnswer returns what was sealed for this very row.
	OpenAnswer(k engine.IdempotencyKey) ([]byte, error)
}

// Config is what a Service needs. Store, Ledger, Seal and Longest are required.
type Config struct {
	Store   engine.IdempotencyStore
	Ledger  Ledger
	Seal    Seal
	Longest time.Duration // what a request may take at most

	MaxKeys  int64            // of one account at a time; default 100,000
	MaxBytes int64            // of its sealed answers; default 1 GiB
	Now      func() time.Time // default time.Now
	Log      zerolog.Logger
}

// Service gives keys to requests. Safe for concurrent use.
type Service struct {
	cfg Config

	mu       sync.Mutex
	tallies  *lru.Cache[string, tally] // by account; guarded by mu, so that sums are read and written at once
	counting singleflight.Group        // by account
	claiming claiming
}

const (
	retryClaim = 3           // how often a key may go away while it is claimed
	askAgain   = time.Second // when what is under way may be over
)

// New returns a service.
func New(cfg Config) (*Service, error) {
	if cfg.Store == nil || cfg.Ledger == nil || cfg.Seal == nil || cfg.Longest <= 0 {
		return nil, errors.New("idempotency: store, ledger, seal and the longest request are required")
	}
	if cfg.MaxKeys <= 0 {
		cfg.MaxKeys = 100_000
	}
	if cfg.MaxBytes <= 0 {
		cfg.MaxBytes = 1 << 30
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	tallies, err := lru.New[string, tally](tallied)
	if err != nil {
		return nil, err
	}
	return &Service{cfg: cfg, tallies: tallies}, nil
}

// Claim takes the key for a request, of which nothing was sent yet, and returns the claim,
// which must be ended by Keep, Lose or Release. When the answer of an earlier one is there, it
// returns that instead, and no claim.
//
// Errors: CodeIdempotencyInProgress, CodeIdempotencyReused, CodeIdempotencyLost,
// CodeIdempotencyFull, and CodeIdempotencyUnavailable when the store does not answer, or too many
// claims wait for it already: then it is not asked.
func (s *Service) Claim(ctx context.Context, r engine.IdempotentRequest) (engine.IdempotencyKey, *engine.IdempotentAnswer, error) {
	if !s.claiming.enter(r.AccountID) {
		return engine.IdempotencyKey{}, nil, unavailable(errBusy)
	}
	defer s.claiming.leave(r.AccountID)
	now := s.cfg.Now()
	k := engine.IdempotencyKey{
		AccountID: r.AccountID, Digest: r.Digest, Fingerprint: r.Fingerprint, ClaimID: newID(), RequestID: r.RequestID,
		State: engine.IdempotencyClaimed, CreatedAt: r.Received, LeaseUntil: now.Add(s.cfg.Longest + engine.IdempotencyMargin),
	}
	for range retryClaim {
		stored, err := s.cfg.Store.ClaimIdempotencyKey(ctx, k, now.Add(-engine.IdempotencyKept))
		switch {
		case errors.Is(err, engine.ErrNotFound):
			continue // it was released just then
		case err != nil:
			s.forget(ctx, k)
			return engine.IdempotencyKey{}, nil, unavailable(err)
		case stored.ClaimID == k.ClaimID:
			if err := s.admit(ctx, k); err != nil {
				s.forget(ctx, k)
				return engine.IdempotencyKey{}, nil, err
			}
			return k, nil, nil
		case !bytes.Equal(stored.Fingerprint, k.Fingerprint):
			return engine.IdempotencyKey{}, nil, engine.Errorf(engine.CodeIdempotencyReused,
				"This Idempotency-Key came with another request before. Send every request with a key of its own.")
		}
		return s.again(ctx, k, stored, now)
	}
	return engine.IdempotencyKey{}, nil, inProgress()
}

// again answers a repeat of the request that stored is of.
func (s *Service) again(ctx context.Context, k, stored engine.IdempotencyKey, now time.Time) (engine.IdempotencyKey, *engine.IdempotentAnswer, error) {
	switch {
	case stored.State == engine.IdempotencyAnswered:
		answer, err := s.open(stored)
		if err != nil {
			s.cfg.Log.Error().Err(err).Str("tenant_id", stored.AccountID).Str("request_id", stored.RequestID).Msg("kept answer cannot be opened")
			return engine.IdempotencyKey{}, nil, lost(stored)
		}
		return engine.IdempotencyKey{}, &answer, nil
	case stored.State != engine.IdempotencyClaimed:
		return engine.IdempotencyKey{}, nil, lost(stored)
	case now.Before(stored.LeaseUntil):
		return engine.IdempotencyKey{}, nil, inProgress()
	}
	// Whoever had it is dead. What it sent is in the ledger; see RATIONALE.md.
	rows, err := s.cfg.Ledger.ListUsage(ctx, stored.AccountID, stored.RequestID, 1)
	if err != nil {
		return engine.IdempotencyKey{}, nil, unavailable(err)
	}
	if len(rows) > 0 && !rows[0].StartedAt.Before(stored.CreatedAt) {
		return engine.IdempotencyKey{}, nil, lost(stored)
	}
	err = s.cfg.Store.RetakeIdempotencyKey(ctx, k, stored.ClaimID)
	switch {
	case errors.Is(err, engine.ErrNotFound): // another repeat was faster
		return engine.IdempotencyKey{}, nil, inProgress()
	case err != nil:
		return engine.IdempotencyKey{}, nil, unavailable(err)
	}
	return k, nil, nil
}

// Keep ends a claim with the request's answer, which repeats get from now on. One that is too
// large, by its body alone or with its headers, is lost.
func (s *Service) Keep(ctx context.Context, k engine.IdempotencyKey, answer engine.IdempotentAnswer) error {
	text := encode(answer)
	if len(text) > engine.MaxIdempotentAnswer {
		return s.Lose(ctx, k)
	}
	k, err := s.cfg.Seal.SealAnswer(k, text)
	if err != nil {
		return errors.Join(err, s.Lose(ctx, k))
	}
	k.State = engine.IdempotencyAnswered
	if err := s.cfg.Store.EndIdempotencyKey(ctx, k); err != nil {
		return err
	}
	s.add(k.AccountID, 0, int64(len(k.Sealed)))
	return nil
}

// Lose ends a claim whose request was paid, and cannot be answered again.
func (s *Service) Lose(ctx context.Context, k engine.IdempotencyKey) error {
	k.State, k.SealKey, k.Sealed = engine.IdempotencyLost, "", nil
	return s.cfg.Store.EndIdempotencyKey(ctx, k)
}

// Release ends a claim as if it had never been: a repeat is served.
func (s *Service) Release(ctx context.Context, k engine.IdempotencyKey) error {
	err := s.cfg.Store.ReleaseIdempotencyKey(ctx, k)
	if err == nil {
		s.add(k.AccountID, -1, 0)
	}
	return err
}

// forget takes a claim back that came to nothing; the store may have it without having said so.
func (s *Service) forget(ctx context.Context, k engine.IdempotencyKey) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	_ = s.cfg.Store.ReleaseIdempotencyKey(ctx, k)
}

func (s *Service) open(k engine.IdempotencyKey) (engine.IdempotentAnswer, error) {
	text, err := s.cfg.Seal.OpenAnswer(k)
	if err != nil {
		return engine.IdempotentAnswer{}, err
	}
	answer, err := decode(text)
	answer.RequestID = k.RequestID
	return answer, err
}

func inProgress() error {
	return &engine.Error{
		Code: engine.CodeIdempotencyInProgress, After: askAgain,
		Message: "The first request with this Idempotency-Key is still under way. Ask again shortly.",
	}
}

func lost(k engine.IdempotencyKey) error {
	return engine.Errorf(engine.CodeIdempotencyLost,
		"The first request with this Idempotency-Key (%s) was sent, and its answer cannot be given again. A new key sends, and pays, it again.", k.RequestID)
}

func unavailable(err error) error {
	return &engine.Error{
		Code: engine.CodeIdempotencyUnavailable, After: askAgain, Err: err,
		Message: "Idempotency-Key cannot be honoured at the moment, so nothing was sent. Try again shortly, or without it.",
	}
}

func newID() string { return uuid.Must(uuid.NewV7()).String() }
