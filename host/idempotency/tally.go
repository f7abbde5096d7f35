package idempotency

import (
	"context"
	"time"

	"github.com/pointsman/pointsman/engine"
)

// tally is about how much an account has.
type tally struct {
	keys, bytes int64
	at          time.Time // when it was counted
}

const (
	tallied   = 4096            // accounts
	recount   = time.Minute     // how long a tally is believed
	countTime = 5 * time.Second // what counting may take
)

// admit counts a claim that is stored already. Errors: CodeIdempotencyFull.
func (s *Service) admit(ctx context.Context, k engine.IdempotencyKey) error {
	if err := s.count(ctx, k.AccountID); err != nil {
		return unavailable(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	t, _ := s.tallies.Get(k.AccountID)
	if t.keys >= s.cfg.MaxKeys || t.bytes >= s.cfg.MaxBytes {
		return &engine.Error{
			Code: engine.CodeIdempotencyFull, After: recount,
			Message: "This account has as many idempotency keys of the last 24 hours as are kept. Send the request without one, or later.",
		}
	}
	t.keys++
	s.tallies.Add(k.AccountID, t)
	return nil
}

// count sees to it that an account has a tally that is believed. Claims that come meanwhile
// wait for the same one, so it does not end with the request that began it.
func (s *Service) count(ctx context.Context, accountID string) error {
	if s.counted(accountID) {
		return nil
	}
	_, err, _ := s.counting.Do(accountID, func() (any, error) {
		if s.counted(accountID) { // while this claim came to it
			return nil, nil
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), countTime)
		defer cancel()
		now := s.cfg.Now()
		keys, bytes, err := s.cfg.Store.CountIdempotencyKeys(ctx, accountID)
		if err != nil {
			return nil, err
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.tallies.Add(accountID, tally{keys - 1, bytes, now}) // admit adds the claim that it is for
		return nil, nil
	})
	return err
}

// counted reports whether an account has a tally that is believed.
func (s *Service) counted(accountID string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, ok := s.tallies.Get(accountID)
	return ok && s.cfg.Now().Sub(t.at) < recount
}

// add changes a tally until it is counted anew.
func (s *Service) add(accountID string, keys, bytes int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t, ok := s.tallies.Get(accountID); ok {
		t.keys, t.bytes = t.keys+keys, t.bytes+bytes
		s.tallies.Add(accountID, t)
	}
}
